"""What a build left out of the source, and how its figures lead to those of the marts."""

from collections.abc import Callable
from decimal import Decimal
from itertools import combinations

from clientele.sources.common import counted

# Left out by the source's own choice or by design, which is no loss.
NO_LOSS = {"accepted", "excluded", "after_as_of_date", "adjustment", "non_product"}
# Share of the lines or of the money above which a loss is told first.
TOLD_SHARE = 0.01
COUNTS = ["orders", "lines", "customers"]
MEASURES = [
    *COUNTS, "gross", "discounts", "refunds", "net", "shipping", "tax", "tips", "total",
]  # fmt: skip
# Money that the marts do not hold; what is expected of it is compared with the source's figure.
SOURCE_ONLY = {"shipping", "tax", "tips", "total"}
CENT = Decimal("0.005")
SHOWN_REASONS = 3


def orders_of(query: Callable[[str], list[tuple]]) -> tuple[int, int, Decimal]:
    """Return the purchases of customers, those of guests, and the net amount of all orders."""
    orders, guest_orders, net = query(
        "select sum(case when is_purchase and customer_id is not null then 1 else 0 end), "
        "sum(case when is_purchase and customer_id is null then 1 else 0 end), sum(net_amount) "
        "from marts.fct_orders"
    )[0]
    return orders or 0, guest_orders or 0, net or Decimal(0)


def nothing_left(orders: int, guest_orders: int, net: Decimal, unit: str) -> list[str]:
    """Return what is said first of a shop without orders, money or customers; else nothing.

    Args:
        orders: Purchases of customers.
        guest_orders: Purchases of guests.
        net: Net amount of all orders.
        unit: The currency after a blank.
    """
    said = counted(orders + guest_orders, "order")
    if is_empty(orders, guest_orders, net):
        return [
            f"Nothing to publish: {said} with {net:,.2f}{unit} net. Look at what cancels the sales "
            "out, such as payments or totals among the lines; leave it out with `exclude`, and "
            "build again.",
            "",
        ]
    if not orders:
        return [
            f"No customer: {said} without one, so that all about customers is empty. If the source "
            "names customers, map `customer_id` and build again.",
            "",
        ]
    return []


def is_empty(orders: int, guest_orders: int, net: Decimal) -> bool:
    """Return whether a build has no orders, or no money, and cannot be published."""
    return not orders + guest_orders or net < CENT


def loss(reasons: list[tuple]) -> list[str]:
    """Return one sentence if more than 1 % of the lines or of the money was lost; else nothing.

    Args:
        reasons: Rows of `rpt_data_quality`: reason, lines, their amount, and the number of lines
            whose amount is unknown.
    """
    lost = [row for row in reasons if row[0] not in NO_LOSS]
    lines, all_lines = sum(row[1] for row in lost), sum(row[1] for row in reasons)
    money = sum(abs(row[2] or 0) for row in lost)
    all_money = sum(abs(row[2] or 0) for row in reasons)
    unknown = sum(row[3] for row in lost)
    share = float(money / all_money) if all_money else 0.0
    if lines <= TOLD_SHARE * all_lines and share <= TOLD_SHARE:
        return []
    worth = f"{share * 100:.0f} % of the money"
    if unknown:
        worth += f" that is known; it is unknown for {unknown:,}"
    named = ", ".join(
        f"{reason} {n:,}" + (f" ({amount:,.2f})" if amount else "")
        for reason, n, amount, _ in sorted(lost, key=lambda row: (-row[1], row[0]))
    )
    return [f"Left out: {lines:,} of {all_lines:,} lines ({worth}): {named}.", ""]


def reconciled(rows: list[tuple]) -> tuple[list[tuple], list[str]]:
    """Return the rows of the table that compares source and marts, and what was expected.

    Args:
        rows: Rows of `rpt_reconciliation` of the period `all`: currency, measure, step, reason,
            amount, and the number of lines whose amount is unknown, in the order of the steps.

    Returns:
        The table's rows (measure, in the file, left out, in the marts, reasons), and one sentence
        for each expected figure.
    """
    currencies = sorted({row[0] for row in rows})
    found = {}
    for currency, measure, *step in rows:
        found.setdefault((MEASURES.index(measure), currency), []).append(step)
    table = []
    for (place, currency), steps in sorted(found.items()):
        figures = {step: amount for step, _, amount, _ in steps if step in ("platform", "marts")}
        if len(figures) < 2:
            continue
        measure = MEASURES[place]
        label = f"{measure} {currency}" if len(currencies) > 1 else measure
        reasons = [step[1:] for step in steps if step[0] == "reason"]
        table.append(
            (
                label,
                written(measure, figures["platform"]),
                written(measure, figures["marts"] - figures["platform"]),
                written(measure, figures["marts"]),
                _largest(measure, reasons),
            )
        )
    return table, _comparisons(rows)


def written(measure: str, amount: Decimal) -> str:
    """Return a figure as text, counts without decimals."""
    return f"{amount:,.0f}" if measure in COUNTS else f"{amount:,.2f}"


def _largest(measure, reasons):
    shown = [
        f"{reason} {written(measure, amount)}" + (f" ({unknown:,} unknown)" if unknown else "")
        for reason, amount, unknown in reasons[:SHOWN_REASONS]
    ]
    more = len(reasons) - len(shown)
    return ", ".join(shown) + (f", {more} more" if more else "")


def _comparisons(rows):
    """Return a sentence for each expected figure: equal, or the difference and what makes it."""
    said = []
    for currency, measure, step, _, expected, _ in rows:
        if step != "expected":
            continue
        own = [r for r in rows if r[1] == measure and (measure in COUNTS or r[0] == currency)]
        ours = {"platform": 0, "marts": 0}
        reasons = {}
        for _, _, kind, reason, amount, _ in own:
            if kind in ours:
                ours[kind] += amount
            elif kind == "reason":
                reasons[reason] = reasons.get(reason, 0) + amount
        if not any(r[2] == "platform" for r in own):
            told = "the file states none."
        elif measure in SOURCE_ONLY:
            told = _difference(measure, expected - ours["platform"], "the file") + "."
        else:
            told = _explained(measure, expected, ours, reasons)
        said.append(f"Expected {measure} {written(measure, expected)}: {told}")
    return said


def _difference(measure, difference, place):
    if abs(difference) < CENT:
        return f"equal to {place}"
    direction = "more" if difference > 0 else "less"
    return f"{written(measure, abs(difference))} {direction} than {place}"


def _explained(measure, expected, ours, reasons):
    """Return what an expected figure differs by from the marts, and what could make that."""
    difference = expected - ours["marts"]
    text = _difference(measure, difference, "the marts")
    if abs(difference) < CENT:
        return f"{text}."
    if abs(expected - ours["platform"]) < CENT:
        return f"{text}, and equal to the file before anything is left out."
    for count in (1, 2):
        # What a reason took away is there again where the report counts it.
        makers = [
            " with ".join(chosen)
            for chosen in combinations(sorted(reasons), count)
            if abs(difference + sum(reasons[name] for name in chosen)) < CENT
        ]
        if makers:
            return f"{text}, which {' or '.join(makers)} would make."
    if not reasons:
        return f"{text}; nothing was left out."
    largest = max(sorted(reasons), key=lambda name: abs(reasons[name]))
    amount = written(measure, reasons[largest])
    return f"{text}; no one or two reasons make it. The largest is {largest}, {amount}."
