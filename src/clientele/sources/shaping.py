"""Turn raw lines into canonical ones: order-level cells, order-level money, persons, defects.

Each step makes a DuckDB table `lines` out of the one before it. `_file` and `_row` keep the order
of the raw lines.
"""

import json

import duckdb

from clientele.sources.columns import ORDER_AMOUNTS, ORDER_LEVEL
from clientele.sources.common import counted, literal
from clientele.sources.values import same_person

# Where numbers are used again, lines further apart are of different orders.
REUSED_DAYS = 1
# The product of two 18-digit decimals would overflow.
AMOUNT = (
    "coalesce(line_amount, try_cast(cast(quantity as decimal(20, 3)) * unit_price "
    "as decimal(18, 4)))"
)


def fill_orders(connection: duckdb.DuckDBPyConnection, names: set[str]) -> list[str]:
    """Give empty order-level cells the value of their order, where the order has one value only.

    Returns:
        Sentences about what was filled.
    """
    filled = [name for name in ORDER_LEVEL if name in names]
    if not filled:
        return []
    lacking = " or ".join(f"{name} is null" for name in filled)
    orders, *counts = connection.execute(
        f"select count(distinct order_id) filter (where {lacking}), "
        + ", ".join(f"count(*) filter (where {name} is null)" for name in filled)
        + " from lines where order_id is not null"
    ).fetchone()
    if not orders:
        return []
    connection.execute(
        f"""
        create or replace temp table stated as
        select order_id,
            {", ".join(f"case when min({n}) = max({n}) then min({n}) end as {n}" for n in filled)}
        from lines where order_id in (select order_id from lines where {lacking})
        group by order_id
        """
    )
    _replace_lines(
        connection,
        "lines.* replace ("
        + ", ".join(f"coalesce(lines.{n}, stated.{n}) as {n}" for n in filled)
        + ")",
        "left join stated on lines.order_id = stated.order_id",
    )
    after = connection.execute(
        "select "
        + ", ".join(f"count(*) filter (where {name} is null)" for name in filled)
        + " from lines where order_id is not null"
    ).fetchone()
    done = [
        f"`{name}` of {counted(before - left, 'line')}"
        for name, before, left in zip(filled, counts, after, strict=True)
        if before > left
    ]
    return [f"Empty cells took the value of their order: {', '.join(done)}."] if done else []


def split_shared_orders(
    connection: duckdb.DuckDBPyConnection, order: str = "order_no", time: str = "placed_at"
) -> list[str]:
    """Split order numbers that several customers share, so that each has an order of its own.

    Where numbers are used again, an order of one customer with days far apart is several, too.

    Args:
        connection: Where the lines are.
        order: The source's own order number, as SQL over its columns, for the sentence.
        time: The order's time, as SQL in the same way.

    Returns:
        A sentence with the number of such orders, if there are any.
    """
    connection.execute(
        f"""
        create or replace temp table numbers as
        select order_id, min(customer_id) <> max(customer_id) as is_shared,
            date_diff('day', min(ordered_at), max(ordered_at)) > {REUSED_DAYS} as is_long
        from lines where order_id is not null group by order_id
        """
    )
    count, example, total = connection.execute(
        "select count(*) filter (where is_shared), min(order_id) filter (where is_shared), "
        "count(*) from numbers"
    ).fetchone()
    if not count:
        return []
    chosen = "is_shared or is_long" if count > 0.01 * total else "is_shared"
    # A line without a customer belongs to the customer of the line before it.
    connection.execute(
        f"""
        create or replace temp table owned as
        select lines.* replace (coalesce(customer_id, last_value(customer_id ignore nulls)
            over (partition by lines.order_id order by _file, _row)) as customer_id)
        from lines join numbers on lines.order_id = numbers.order_id where {chosen};
        create or replace temp table parts as
        select *, concat(order_id, ' / ', customer_id, case when date_diff('day',
                min(ordered_at) over (partition by order_id, customer_id),
                max(ordered_at) over (partition by order_id, customer_id)) > {REUSED_DAYS}
            then concat(' / ', cast(ordered_at as date)) else '' end) as part from owned
        """
    )
    _replace_lines(
        connection,
        "lines.* replace (coalesce(parts.part, lines.order_id) as order_id, "
        "coalesce(parts.customer_id, lines.customer_id) as customer_id)",
        "left join parts on lines._file = parts._file and lines._row = parts._row",
    )
    return [
        f"{counted(count, 'order number', 'is/are')} shared by several customers, for example "
        f"'{example}': each customer's lines count as an order of their own. If numbers "
        "begin again each year, write order_id: "
        f"{{expression: {json.dumps(with_year(order, time))}}}."
    ]


def with_year(order: str, time: str) -> str:
    """Return SQL of an order number with its year, on both engines."""
    return f"concat({order}, '/', regexp_extract(cast({time} as string), '([0-9]{{4}})', 1))"


def name_persons(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Give ids that differ only in case or inner blanks the spelling that is used most.

    Returns:
        A sentence with the number of such ids, if there are any.
    """
    connection.execute(
        f"""
        create or replace temp table spelled as
        select person, arg_min(customer_id, (-n, customer_id)) as spelling, count(*) as spellings
        from (
            select customer_id, {same_person("customer_id")} as person, count(*) as n
            from lines where customer_id is not null group by 1, 2
        ) group by person having count(*) > 1
        """
    )
    count, example = connection.execute("select count(*), min(spelling) from spelled").fetchone()
    if not count:
        return []
    _replace_lines(
        connection,
        "lines.* replace (coalesce(spelled.spelling, lines.customer_id) as customer_id)",
        f"left join spelled on {same_person('lines.customer_id')} = spelled.person",
    )
    return [
        f"{counted(count, 'customer', 'is/are')} written in several ways, for example '{example}'; "
        "each is one customer. `customer_ids: as_written` keeps them apart."
    ]


def allot_discounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Add each order's `_discount` to the discounts of its lines, by their amounts."""
    _allot(connection, "_discount", "amount - coalesce(discount_amount, 0)", "discount_amount")


def allot_refunds(connection: duckdb.DuckDBPyConnection) -> None:
    """Take each order's `_refund` from its lines, by what is left of their amounts.

    What exceeds the lines was shipping or tax, and stays out of them.
    """
    _allot(
        connection,
        "_refund",
        "amount - coalesce(discount_amount, 0) - coalesce(refunded_amount, 0)",
        "refunded_amount",
        limited=True,
    )


def _allot(connection, money, base, target, limited=False):
    """Split an amount of each order over its lines, exactly to 1/10000, by the largest remainder.

    An order's amount stands on one of its lines, or is repeated on all; the first one counts. It
    goes to the lines that count, or to all of an order without any, so that none of it is lost.
    """
    weight = f"greatest(coalesce({base}, 0), 0)"
    connection.execute(
        f"""
        create or replace temp table allotted as
        with weighed as (
            select _file, _row, order_id,
                cast({weight} * 10000 as hugeint) as weight,
                cast(abs(first_value({money} ignore nulls) over (
                    partition by order_id order by _file, _row
                    rows between unbounded preceding and unbounded following
                )) * 10000 as hugeint) as stated
            from (select *, {AMOUNT} as amount from lines)
            where order_id is not null
                and (reject_reason is null or order_id not in (
                    select order_id from lines where reject_reason is null and order_id is not null
                ))
                and order_id in (select order_id from lines where {money} <> 0)
        ),
        totals as (
            select *, sum(weight) over (partition by order_id) as total,
                row_number() over (partition by order_id order by _file, _row) as place
            from weighed where stated <> 0
        ),
        shares as (
            select *, {"least(stated, total)" if limited else "stated"} as due from totals
        ),
        floors as (
            select *,
                case when total > 0 then due * weight // total when place = 1
                    then due else 0 end as part,
                case when total > 0 then due * weight % total else 0 end as remainder
            from shares
        )
        select _file, _row, (part + case when row_number() over (
                partition by order_id order by remainder desc, place
            ) <= due - sum(part) over (partition by order_id) then 1 else 0 end) as units
        from floors
        """
    )
    _replace_lines(
        connection,
        f"lines.* replace (case when allotted.units is null then lines.{target} else "
        f"cast(coalesce(lines.{target}, 0) + allotted.units / 10000.0::decimal(18, 4) "
        f"as decimal(18, 4)) end as {target})",
        "left join allotted on lines._file = allotted._file and lines._row = allotted._row",
    )


def order_totals(connection: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    """Make the table `order_totals`: each order's money as the source states it, null if not."""
    first = ", ".join(
        f"cast({_first_of(name) if name in names else 'null'} as decimal(18, 4)) as {name}_amount"
        for name in ORDER_AMOUNTS
    )
    connection.execute(
        f"""
        create or replace temp table order_totals as
        select order_id, min(ordered_at) as ordered_at, min(currency) as currency,
            max(exclude_reason) as exclude_reason, {first}
        from lines where order_id is not null group by order_id
        """
    )


def _first_of(name):
    return f"first(_{name} order by _file, _row) filter (where _{name} is not null)"


def turn_discounts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Make discounts positive where a source writes all of them as negative amounts."""
    up, down = connection.execute(
        """
        select count(*) filter (where discount_amount > 0),
            count(*) filter (where discount_amount < 0)
        from lines where quantity > 0
        """
    ).fetchone()
    if down == 0 or up > 0:
        return []
    _replace_lines(
        connection,
        "lines.* replace (case when lines.quantity > 0 then -lines.discount_amount "
        "else lines.discount_amount end as discount_amount)",
    )
    return [f"All {down:,} discounts are written as negative amounts; they lower the price."]


def describe_last_day(connection: duckdb.DuckDBPyConnection, order: str) -> list[str]:
    """Return a sentence about few lines that are much later than all others, if there are any.

    Args:
        connection: Where the lines are.
        order: The source's own order number, as SQL over its columns.
    """
    rows = connection.execute(
        """
        select day, n, order_id, lag(day) over (order by day) as before
        from (
            select cast(ordered_at as date) as day, count(*) as n, min(_text_order_id) as order_id
            from lines where reject_reason is null and ordered_at is not null group by 1
        ) order by day desc limit 3
        """
    ).fetchall()
    late = 0
    for day, n, order_id, before in rows:
        late += n
        if before is not None and (day - before).days > 120 and late <= 5:
            when = json.dumps(f"{order} = {literal(order_id)}")
            return [
                f"The last order, '{order_id}' of {day}, is {(day - before).days} days after the "
                "one before it, and decides which day is today. If it is a test, leave it out: "
                f"exclude: [{{when: {when}, reason: test}}], or set `extract_date`."
            ]
    return []


def _replace_lines(connection, selected, join="", source="lines"):
    connection.execute(
        f"create or replace temp table next_lines as "
        f"select {selected} from {source} as lines {join}"
    )
    connection.execute("drop table lines; alter table next_lines rename to lines")
