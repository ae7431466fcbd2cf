"""What to do about a change: the one place that maps changes to audiences and contact groups."""

from dataclasses import dataclass

# A publication may lack it: it is read if it is there.
AUDIENCES = "dim_audiences"
# Change -> (audience, contact group of `clientele contacts`, advice). Without an audience the
# advice stands alone. Changes are named by kind, or for groups by dimension, and by direction.
STEPS = {
    ("sales", False): ("win_back", "at risk", "Write to good customers who may be leaving."),
    ("sales", True): ("second_order", "second order", "Win a second order from those who came."),
    ("orders", False): ("win_back", "at risk", "Write to good customers who may be leaving."),
    ("orders", True): ("second_order", "second order", "Win a second order from those who came."),
    ("new", False): ("welcome", "new", "Look at what brings new customers, and welcome those few."),
    ("new", True): ("welcome", "new", "Welcome them while they remember you."),
    ("value", False): ("replenishment_due", "due", "Offer what goes with the next order."),
    ("value", True): ("membership", None, "Thank those who spend most."),
    ("price", True): (None, None, "Watch the quantities of the next weeks: they answer late."),
    ("price", False): (None, None, "Check that the lower prices are meant, and what they earn."),
    ("price_of", True): (None, None, "Check that the price is meant, and watch its sales."),
    ("price_of", False): (None, None, "Check that the price is meant, and what it earns."),
    ("returns", True): (None, None, "Look at what comes back, and why, before you send more."),
    ("returns", False): (None, None, "Nothing to do, if all returns have been entered."),
    ("discount", True): (None, None, "Check which promotion costs this, and what it brings."),
    ("discount", False): (None, None, "Nothing to do."),
    ("customers", False): ("win_back", "at risk", "Write to those who may be leaving."),
    ("customers", True): ("membership", None, "Thank them, and ask them to recommend you."),
    ("goods", False): ("replenishment_due", "due", "Remind those whose next order is due."),
    ("goods", True): (None, None, "Check that there is stock for more of it."),
    ("place", False): ("win_back", "at risk", "Write to those there who may be leaving."),
    ("place", True): ("second_order", "second order", "Win a second order from those who came."),
    ("channel", False): (None, None, "Check that the channel works, from search to payment."),
    ("channel", True): ("welcome", "new", "Welcome those who came that way."),
}
SUBJECTS = {
    "behaviour": "customers",
    "rfm": "customers",
    "state": "customers",
    "country": "place",
    "channel": "channel",
    "category": "goods",
    "product_id": "goods",
}
# Customers who are new in the period, and guests, cannot be about to leave.
OF_STATES = {"new": "new", "guest": "orders"}
FILTERS = {"behaviour": ("segment", "segment_name"), "country": ("country", "acquisition_country")}


@dataclass(frozen=True)
class Step:
    """Advice, and the command that makes the list for it, if there is one."""

    advice: str
    command: str = ""
    customers: int | None = None


CHECK_DATA = Step("Check the export first. If the shop was closed, there is nothing to do.")


def next_step(reader, change, min_cell: int) -> Step:
    """Return what to do about a change.

    The audience is named if the publication has it with enough customers, else the contact group,
    narrowed to the segment or country of the change.
    """
    subject = SUBJECTS.get(change.dimension) if change.kind == "group" else change.kind
    if change.dimension == "state":
        subject = OF_STATES.get(change.name, subject)
    audience, group, advice = STEPS[subject, change.is_up]
    if audience and reader.has(AUDIENCES, "audience", "customer_count"):
        rows = reader.rows(
            f"select customer_count from now.marts.{AUDIENCES} where audience = $name",
            {"name": audience},
        )
        if rows and (rows[0][0] or 0) >= min_cell:
            command = f"clientele audience export {audience} --to {audience}.csv"
            return Step(advice, command, rows[0][0])
    if not group or not reader.has("fct_customer_actions", "contact_group"):
        return Step(advice)
    option, column = FILTERS.get(change.dimension, ("", "")) if change.kind == "group" else ("", "")
    for narrow in (bool(option), False):
        count = reader.rows(
            "select count(*) from now.marts.fct_customer_actions as actions "
            "join now.marts.dim_customers using (customer_id) where contact_group = $group"
            + (f" and {column} = $label" if narrow else ""),
            {"group": group} | ({"label": change.label} if narrow else {}),
        )[0][0]
        if count >= min_cell:
            file = group.replace(" ", "_")
            command = f'clientele contacts {file}.csv --group "{group}"'
            if narrow:
                label = change.label.replace('"', '\\"')
                command += f' --{option} "{label}"'
            return Step(advice, command, count)
    return Step(advice)
