"""Say which columns come near what an export must have, and why they do not do."""

from clientele.sources.common import quoted
from clientele.sources.naming import english, matched_role, plain

# What is missing: the roles that a column may have by its name, and words that come near.
NEAR = {
    "an order's number": (("order_id",), set()),
    "an order's time": (("ordered_at",), {"date", "time"}),
    "a price or an amount": (
        ("unit_price", "line_amount", "total"),
        {"price", "amount", "total", "subtotal", "revenue"},
    ),
}
MOST = 3


def describe_near(
    connection, relation: str, facts: dict, chosen: dict, totals: set, missing: list[str]
) -> str:
    """Return sentences that name the columns near to what is missing; empty if there are none.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        facts: What each column holds; see `guessing`.
        chosen: Role -> column.
        totals: Columns that are stated once per order.
        missing: Keys of `NEAR`.
    """
    told = []
    for label in missing:
        roles, words = NEAR[label]
        near = [
            name for name in facts
            if any(matched_role(role, plain(name)) is not None for role in roles)
            or words & set(english(plain(name)).split())
        ]  # fmt: skip
        # What is something else already does not come near, but for an order's total.
        of_order = totals | {chosen.get("total")}
        near = [n for n in near if n not in chosen.values() or n in of_order]
        for name in near[:MOST]:
            example = connection.execute(
                f"select min({quoted(name)}) from {relation} where trim({quoted(name)}) <> ''"
            ).fetchone()[0]
            if why := _why_not(label, facts[name], name in of_order, example):
                told.append(f"'{name}' comes near, but {why}. ")
    return "".join(told)


def _why_not(label, fact, is_of_order, example):
    if example is None:
        return "it is empty"
    if fact["barcodes"] > 0.5:
        return ""
    if label == "an order's time":
        if fact["dated"] < 0.6:
            return (
                f"times such as '{example}' are in no notation that is known; write them as "
                "2024-01-03 10:00 in the file (names of months are read in English)"
            )
        return "its name says that it is another time"
    if label == "an order's number":
        if fact["decimals"] > 0.5:
            return f"it holds amounts, such as '{example}'"
        return "it is empty on most lines" if fact["filled"] < 0.3 else ""
    if fact["numeric"] < 0.6:
        return f"its values, such as '{example}', do not read as numbers"
    if is_of_order:
        return "it is of a whole order, and no column has the money of a line"
    return "its name does not tell whether it is of a piece, of a line or of an order"
