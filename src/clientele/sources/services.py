"""Leave out lines that sell nothing: totals, payments, shipping, tips, fees and taxes."""

from clientele.sources.common import counted, quoted
from clientele.sources.numbers import numbers_of
from clientele.sources.saying import KINDS, is_one_of, values_that_say

# What is left out, in words, and the reason in the accounts.
REASONS = {
    "total": ("totals", "total"),
    "payment": ("payments", "payment"),
    "means": ("payments", "payment"),
    "shipping": ("shipping", "shipping"),
    "tip": ("tips", "tip"),
    "fee": ("fees", "fee"),
    "tax": ("taxes", "tax"),
    "transfer": ("transfers", "transfer"),
}
PRODUCT = ("product_id", "product_name")
# Columns that say something about the customer or the whole order.
OTHERS = (
    "customer_id", "email", "phone", "person", "status", "channel", "country", "currency",
    "ordered_at", "promotion_id",
)  # fmt: skip
# Share of the orders that must agree, and orders that prove nothing.
MOST, FEWEST = 0.9, 3


def leave_out_services(connection, relation: str, facts: dict, chosen: dict, found) -> str:
    """Exclude lines that sell nothing, report them, and return the SQL of what is left.

    Args:
        connection: Where the relation is.
        relation: A table of texts; `spread` has some of its lines, and loses those, too.
        facts: What each column holds; see `guessing`.
        chosen: Role -> column; without `order_id`, nothing is left out.
        found: The guess, which gets the rules, and the doubts.
    """
    if "order_id" not in chosen:
        return relation
    product = [chosen[role] for role in PRODUCT if role in chosen]
    others = [chosen[role] for role in OTHERS if role in chosen]
    rules, taken = [], []
    for name, fact in facts.items():
        # What stands on first lines only is of the whole order.
        is_text = max(fact["numeric"], fact["dated"], fact["mail"]) < 0.5 and fact["filled"] > MOST
        if name in others or not (name in product or name == chosen["order_id"] or is_text):
            continue
        kinds = ["total"] if name == chosen["order_id"] else list(REASONS)
        for kind, values in values_that_say(connection, relation, name, *kinds).items():
            if not values:
                continue
            when = is_one_of(name, values)
            where = "product" if name in product else "kind"
            where = "order" if name == chosen["order_id"] else where
            if not any(when == rule for rule, *_ in rules) and _is_sure(
                connection, relation, chosen, kind, when, where
            ):
                rules.append((when, kind, f"'{name}' says {', '.join(values[:4])}", len(values)))
    if product and not any(kind == "total" for _, kind, *_ in rules):
        empty = " and ".join(f"coalesce(trim({quoted(name)}), '') = ''" for name in product)
        if _repeats(connection, relation, chosen, empty, is_signed=True):
            rules.append((empty, "total", "no product is named, and the order's money is", 1))
    for when, kind, said, n in rules:
        lines, money = _worth(connection, relation, chosen, when, " or ".join(taken) or "false")
        if not lines:
            continue
        taken.append(f"coalesce({when}, false)")
        what, reason = REASONS[kind]
        found.table.setdefault("exclude", []).append({"when": when, "reason": reason})
        more = " and more" if n > 4 else ""
        worth = f" with {money:,.2f}" if money is not None else ""
        found.first.append(
            f"Lines where {said}{more} are {what}, no goods: "
            f"{counted(lines, 'line')}{worth} "
            f"{'is' if lines == 1 else 'are'} left out."
        )
    if not taken:
        return relation
    connection.execute(
        f"create or replace temp table goods as from {relation} where not ({' or '.join(taken)})"
    )
    connection.execute(
        "create or replace temp table spread as from spread semi join goods using (_file, _row)"
    )
    return "goods"


def _money(connection, relation, chosen):
    """Return the SQL of a line's amount; None if it does not read."""
    names = {r: chosen[r] for r in ("quantity", "unit_price", "line_amount") if r in chosen}
    numbers = numbers_of(connection, relation, names) if names else {}
    if "line_amount" in numbers:
        return numbers["line_amount"]
    if "unit_price" in numbers:
        return f"{numbers['unit_price']} * {numbers.get('quantity', '1')}"
    return None


def _keyed(relation, chosen, when, money="0.0"):
    """Return the SQL of lines with the number of their order, filled down, and what they are."""
    order = f"nullif(trim({quoted(chosen['order_id'])}), '')"
    return (
        f"(select last_value({order} ignore nulls) over (order by _file, _row) as key, "
        f"coalesce({when}, false) as told, {money} as money from {relation})"
    )


def _is_sure(connection, relation, chosen, kind, when, where):
    """Return whether lines that a word calls no goods are none."""
    rows, told, orders, mixed = connection.execute(
        f"""
        select sum(n), sum(told), count(*) filter (where told > 0),
            count(*) filter (where told > 0 and told < n)
        from (
            select count(*) as n, count(*) filter (where told) as told
            from {_keyed(relation, chosen, when)} group by key
        )
        """
    ).fetchone()
    if not told or told == rows:
        return False
    if kind == "transfer":
        return _is_negative(connection, relation, chosen, when)
    if not KINDS[kind].get("certain", True):
        return _repeats(connection, relation, chosen, when)
    if kind == "total" and where != "kind":
        # Totals of days may have a number of their own.
        return told <= rows / 2
    # What says how a whole order came or was paid stands on all of its lines.
    return mixed >= (0.5 if where == "product" else MOST) * orders


def _repeats(connection, relation, chosen, when, *, is_signed=False):
    """Return whether such lines have the money of the other lines of their orders again."""
    found = connection.execute(f"select 1 from {relation} where {when} limit 1").fetchone()
    money = _money(connection, relation, chosen) if found else None
    if money is None:
        return False
    same = "abs(a - b)" if is_signed else "abs(abs(a) - abs(b))"
    orders, agree = connection.execute(
        f"""
        select count(*), count(*) filter (where {same} <= 0.011 and b <> 0)
        from (
            select sum(money) filter (where told) as a, sum(money) filter (where not told) as b
            from {_keyed(relation, chosen, when, money)} group by key
            having count(*) filter (where told) > 0
        )
        """
    ).fetchone()
    return orders >= FEWEST and agree >= MOST * orders


def _is_negative(connection, relation, chosen, when):
    money = _money(connection, relation, chosen)
    return (
        money is not None
        and not connection.execute(
            f"select count(*) from {relation} where {when} and {money} > 0"
        ).fetchone()[0]
    )


def _worth(connection, relation, chosen, when, taken):
    """Return the number of lines, and their money, None if it does not read."""
    money = _money(connection, relation, chosen)
    return connection.execute(
        f"select count(*), sum({money or 'null'}) from {relation} "
        f"where coalesce({when}, false) and not ({taken})"
    ).fetchone()
