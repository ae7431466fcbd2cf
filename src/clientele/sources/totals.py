"""Compare the totals that a source states for its orders with what its lines give.

A total may hold tax, shipping and the like or not: the reading that most orders agree with is the
source's. If another mapping of the columns fits clearly better, the mapping is wrong.
"""

from itertools import combinations

import duckdb

from clientele.sources.common import UnreadableSource, counted
from clientele.sources.shaping import AMOUNT

# Share of the stated totals that may differ although another mapping explains them, if the source
# has no `max_differing_totals`.
MAX_DIFFERING_TOTALS = 0.02
# Orders that decide which reading is the source's; all orders are then compared.
SAMPLE = 2000
# A mapping is not called wrong for fewer orders.
FEWEST = 3
EXAMPLES = 3
# What a total may hold in addition to the lines, and its sign.
PARTS = {"shipping": "+", "tax": "+", "tip": "+", "gift_card": "-", "refund": "-"}
LINES = "amount - line_discount - order_discount"
BEFORE = "amount"
# Other mappings: the money of the lines under them, and what to write.
OTHERS = {
    "after_discount": (
        "amount",
        "prices are after the discount already: take the discount out of `columns` and "
        "`order_amounts`",
    ),
    "discount_of_lines": (
        "amount - line_discount",
        "the discount of the order is that of its lines again: take it out of `order_amounts`",
    ),
    "price_is_amount": (
        "prices - line_discount - order_discount",
        "`unit_price` is the amount of the whole line: map it to `line_amount` instead",
    ),
    "amount_is_price": (
        "multiplied - line_discount - order_discount",
        "`line_amount` is the price of one piece: map it to `unit_price` instead",
    ),
}


class DifferingTotals(UnreadableSource):
    """Stated totals contradict the mapping, and another one, ``other``, explains them.

    Unless it ``is_certain``, the totals may as well be before discounts.
    """

    def __init__(self, message: str, other: str, is_certain: bool):
        """Keep the name of the other mapping, a key of ``OTHERS``, and whether it is certain."""
        super().__init__(message)
        self.other, self.is_certain = other, is_certain


def remap(table: dict, other: str) -> None:
    """Change the YAML of a table to another mapping, a key of ``OTHERS``."""
    columns, amounts = table["columns"], table.get("order_amounts") or {}
    if other in ("after_discount", "discount_of_lines"):
        amounts.pop("discount", None)
    if other == "after_discount":
        columns.pop("discount_amount", None)
    if other == "price_is_amount":
        columns["line_amount"] = columns.pop("unit_price")
    if other == "amount_is_price":
        columns["unit_price"] = columns.pop("line_amount")


def compare_totals(
    connection: duckdb.DuckDBPyConnection, columns: set[str], amounts: list[str], most: float
) -> list[str]:
    """Return what to say about the stated totals of `order_totals` and the lines of `lines`.

    Args:
        connection: Where both tables are, before order-level money is allotted to lines.
        columns: Mapped columns.
        amounts: Mapped `order_amounts`.
        most: Share of the totals that may differ although another mapping explains them.

    Raises:
        DifferingTotals: more of them differ, and another mapping explains at least half of those.
    """
    if "total" not in amounts:
        return []
    parts = _parts(columns, amounts)
    if not _make_table(connection):
        return []
    ours = _best_reading(connection, [LINES], parts)
    orders, agree, money = _compared(connection, ours)
    after = _prices_are_after(connection) if agree < orders else None
    if after is False:
        ours = _best_reading(connection, [LINES, BEFORE], parts)
        orders, agree, money = _compared(connection, ours)
    differing = orders - agree
    said = f"lines{_words(ours)}"
    if not differing:
        return [f"The totals that {counted(orders, 'order', 'states/state')} equal {said}."]
    examples = connection.execute(
        f"select order_id, total, {ours} from stated where not {_agrees(ours)} "
        f"order by abs(total - ({ours})) desc, order_id limit {EXAMPLES}"
    ).fetchall()
    shown = "; ".join(
        f"'{order}' states {total:,.2f} and gives {given:,.2f}" for order, total, given in examples
    )
    sentence = (
        f"{differing:,} of {orders:,} totals that orders state ({differing / orders:.1%}) differ "
        f"from {said}, by {money:,.2f} together: {shown}"
    )
    other, explained = _better(connection, columns, amounts, parts, agree, after)
    if other and explained >= max(FEWEST, differing / 2) and differing > most * orders:
        raise DifferingTotals(
            f"{sentence}. {explained:,} more totals agree if {OTHERS[other][1]}; or allow the "
            f"difference with `max_differing_totals: {round(differing / orders + 0.005, 2)}` under "
            "`source`",
            other,
            other != "after_discount" or after is True,
        )
    if differing > orders / 2:
        sentence += (
            ". Perhaps money of the orders is not mapped (`order_amounts`: "
            f"{', '.join(name for name in PARTS if name not in parts) or 'discount'}), or `total` "
            "is another amount"
        )
    return [f"{sentence}."]


def count_repeats(
    connection: duckdb.DuckDBPyConnection, content: list[str], columns: set[str], amounts: list[str]
) -> tuple[int, int]:
    """Return how many stated totals hold equal lines of their orders each, and how many once.

    Only orders that have equal lines are looked at, after `compare_totals`.

    Args:
        connection: Where the tables `lines` and `stated` are.
        content: The columns of a line.
        columns: Mapped columns.
        amounts: Mapped `order_amounts`.
    """
    if "total" not in amounts:
        return 0, 0
    parts = _parts(columns, amounts)
    connection.execute(
        f"""
        create or replace temp table each_line as
        select stated.*, extra.* exclude (order_id)
        from stated inner join (
            select order_id, sum(k - 1) as extra_n, sum((k - 1) * amount) as extra_amount,
                sum((k - 1) * discount) as extra_discount, sum((k - 1) * refund) as extra_refund
            from (
                select order_id, count(*) as k, any_value({AMOUNT}) as amount,
                    coalesce(any_value(discount_amount), 0) as discount,
                    coalesce(any_value(refunded_amount), 0) as refund
                from lines where order_id is not null
                group by {", ".join(content)} having count(*) > 1
            )
            group by order_id
        ) as extra on stated.order_id = extra.order_id;
        create or replace temp table once as
        select * replace (
            n - extra_n as n, amount - extra_amount as amount, refund - extra_refund as refund,
            line_discount - extra_discount as line_discount
        )
        from each_line
        """
    )
    agreeing = []
    for table in ("each_line", "once"):
        reading = _best_reading(connection, [LINES, BEFORE], parts, table)
        agreeing += connection.execute(
            f"select count(*) filter (where {_agrees(reading)}) from {table}"
        ).fetchone()
    return tuple(agreeing)


def _parts(columns, amounts):
    """Return what the totals may hold in addition to the lines, and its sign."""
    parts = {name: sign for name, sign in PARTS.items() if name in amounts}
    return parts | ({"refund": "-"} if "refunded_amount" in columns else {})


def _compared(connection, reading):
    """Return the number of orders, of those that agree, and the money of the differences."""
    return connection.execute(
        f"select count(*), count(*) filter (where {_agrees(reading)}), "
        f"sum(abs(total - ({reading}))) filter (where not {_agrees(reading)}) from stated"
    ).fetchone()


def _make_table(connection):
    """Make `stated`: what each order states and what its lines give; return whether it has rows.

    Orders with a line that is left out or has no amount say nothing.
    """
    order = ", ".join(f"coalesce(abs(t.{name}_amount), 0) as {name}" for name in PARTS)
    connection.execute(
        f"""
        create or replace temp table stated as
        select l.*, t.total_amount as total, coalesce(abs(t.discount_amount), 0) as order_discount,
            {order.replace(" as refund", " + line_refund as refund")}
        from (
            select order_id, count(*) as n, sum({AMOUNT}) as amount, sum(unit_price) as prices,
                sum(try_cast(line_amount * quantity as decimal(18, 4))) as multiplied,
                coalesce(sum(discount_amount), 0) as line_discount,
                coalesce(sum(refunded_amount), 0) as line_refund
            from lines where order_id is not null group by order_id
            having count({AMOUNT}) = count(*) and count(reject_reason) = 0
        ) as l
        join order_totals as t on l.order_id = t.order_id
        where t.total_amount is not null
        """
    )
    return connection.execute("select count(*) from stated").fetchone()[0] > 0


def _agrees(reading):
    # A cent for each line and one for the order may be lost by rounding.
    return f"coalesce(abs(total - ({reading})) <= 0.01 * (n + 1), false)"


def _prices_are_after(connection):
    """Return whether prices are after the discount; None if that cannot be known.

    Then a discounted line's price and discount together are the usual price of its product, else
    its price alone is.
    """
    before, after = connection.execute(
        f"""
        with priced as (
            select coalesce(product_id, product_name) as product,
                cast({AMOUNT} as double) / l.quantity as price,
                (coalesce(l.discount_amount, 0)
                    + order_discount * cast({AMOUNT} as double) / nullif(amount, 0))
                    / l.quantity as lowered
            from lines as l join stated on l.order_id = stated.order_id where l.quantity > 0
        ),
        usual as (
            select product, mode(round(price, 2)) as usual from priced
            where lowered = 0 group by product
        )
        select count(*) filter (where abs(price - usual) <= 0.011),
            count(*) filter (where abs(price + lowered - usual) <= 0.011)
        from priced join usual on priced.product = usual.product where lowered > 0.02
        """
    ).fetchone()
    if max(before, after) < FEWEST or min(before, after) > max(before, after) / 2:
        return None
    return after > before


def _best_reading(connection, bases, parts, table="stated"):
    """Return the SQL of the total that most orders of a sample agree with; the fullest wins."""
    readings = [
        lines + "".join(f" {parts[name]} {name}" for name in chosen)
        for lines in bases
        for size in range(len(parts), -1, -1)
        for chosen in combinations(parts, size)
    ]
    counts = connection.execute(
        f"select {', '.join(f'count(*) filter (where {_agrees(r)})' for r in readings)} "
        f"from (from {table} order by hash(order_id) limit {SAMPLE})"
    ).fetchone()
    return readings[counts.index(max(counts))]


def _better(connection, columns, amounts, parts, agree, after):
    """Return the other mapping that most totals agree with, and how many more do; None if none."""
    possible = {
        "after_discount": after is not False
        and bool({"discount_amount", "discount"} & {*columns, *amounts}),
        "discount_of_lines": "discount" in amounts and "discount_amount" in columns,
        "price_is_amount": "unit_price" in columns and "line_amount" not in columns,
        "amount_is_price": "line_amount" in columns
        and "unit_price" not in columns
        and "quantity" in columns,
    }
    found = (None, 0)
    for other, is_possible in possible.items():
        if is_possible:
            reading = _best_reading(connection, [OTHERS[other][0]], parts)
            more = connection.execute(
                f"select count(*) filter (where {_agrees(reading)}) - {agree} from stated"
            ).fetchone()[0]
            if more > found[1]:
                found = (other, more)
    return found


def _words(reading):
    """Return a reading's parts in words: ` - discounts + shipping`."""
    lines = LINES if reading.startswith(LINES) else BEFORE
    words = reading.removeprefix(lines).split()
    signs, names = words[::2], words[1::2]
    named = [f"{s} {n.replace('_', ' ')}" for s, n in zip(signs, names, strict=True)]
    return " ".join(["", *(["- discounts"] if lines == LINES else ["before discounts"]), *named])
