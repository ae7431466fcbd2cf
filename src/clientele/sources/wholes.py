"""Take shipping and tax out of the total of an order that is all the money a file has."""

import re

from clientele.sources.common import quoted
from clientele.sources.naming import english, plain
from clientele.sources.numbers import numbers_of

# A total holds them, a subtotal does not.
WITH = r"\b(total|paid|payable|charged|gross|ttc|brutto|incl|including|inclusive)\b"
WITHOUT = r"\b(subtotal|net|netto|excl|excluding|ht|goods|items?|products?|revenue)\b"
PARTS = ("shipping", "tax")
# Orders with several lines, or totals below their parts, that may be there.
FEW = 0.02
# Fewer orders prove nothing.
FEWEST = 3


def settle_whole_orders(connection, relation: str, chosen: dict, found) -> None:
    """Let an order's total be the money of its one line, without the shipping and tax in it.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        chosen: Role -> column; `line_amount` may be added.
        found: The guess, which gets the expression, and the doubts.
    """
    if {"unit_price", "product_id", "product_name"} & set(chosen) or "order_id" not in chosen:
        return
    money = chosen.get("line_amount") or chosen.get("total")
    lines, orders = connection.execute(
        f"select count(*), count(distinct {quoted(chosen['order_id'])}) from {relation}"
    ).fetchone()
    if not money or orders < (1 - FEW) * lines:
        return
    if "line_amount" not in chosen:
        chosen["line_amount"] = chosen.pop("total")
        found.why["line_amount"] = "the order's total; each order has one line"
    name = english(plain(money))
    parts = [chosen[role] for role in PARTS if role in chosen]
    numbers = numbers_of(connection, relation, {n: n for n in [money, *parts]}) if parts else {}
    parts = [n for n in parts if n in numbers and _some(connection, relation, numbers[n])]
    if not parts or (re.search(WITHOUT, name) and not re.search(r"\bgrand\b", name)):
        return
    less = " + ".join(f"coalesce({numbers[n]}, 0)" for n in parts)
    below, held = connection.execute(
        f"select count(*) filter (where abs({numbers[money]}) + 0.005 < {less}), sum({less}) "
        f"from {relation}"
    ).fetchone()
    if below > FEW * lines:
        return
    shown = " and ".join(map(repr, parts))
    is_with = bool(re.search(WITH, name)) or None
    if not is_with and chosen.get("tax") in parts:
        base = " - ".join(f"coalesce({numbers[n]}, 0)" for n in [money, *parts])
        is_with = _is_rate(connection, relation, numbers[chosen["tax"]], base, numbers[money])
    if is_with is False:
        return
    if is_with is None:
        found.first.insert(
            0, f"'{money}' is taken as it is. If it holds {shown} ({held:,.2f} together), "
            "subtract them with an expression."
        )  # fmt: skip
        return
    if found.choose(
        f"Does '{money}' hold {shown}?",
        ["yes: they are subtracted", "no: it is taken as it is"],
        f"'{money}' is taken as the total with {shown}, which are subtracted: {held:,.2f} "
        "together.",
    ):
        return
    subtracted = "".join(f" - coalesce({quoted(n)}, 0)" for n in parts)
    found.computed["line_amount"] = f"round({quoted(money)}{subtracted}, 2)"
    found.why["line_amount"] = f"the order's total, without {shown}"


def _is_rate(connection, relation, tax, one, other):
    """Return whether the tax is a round share of one base and not of the other; None if unclear."""
    counts = [
        f"count(*) filter (where abs({tax} - ({base}) * round({tax} / nullif({base}, 0) * 200) "
        "/ 200) <= 0.006)"
        for base in (one, other)
    ]
    lines, first, second = connection.execute(
        f"select count(*), {', '.join(counts)} from {relation} where {tax} > 0 and {other} > 20"
    ).fetchone()
    if max(first, second) < max(FEWEST, 0.9 * lines) or min(first, second) > 0.5 * lines:
        return None
    return first > second


def _some(connection, relation, number):
    return connection.execute(f"select count(*) from {relation} where {number} > 0").fetchone()[0]
