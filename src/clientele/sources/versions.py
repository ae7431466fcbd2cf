"""Take the latest version of orders that stand in several files of a folder."""

from pathlib import Path

import duckdb

from clientele.sources.common import counted, literal

REPLACED = "replaced by another file"
# How numbers that start again in each file are described, if they are more than a share of the
# orders: a return may be of another day.
SHARED, MOST_SHARED = "lines of different days in several files", 0.05


def set_versions_aside(
    connection: duckdb.DuckDBPyConnection, content: list[str], files: list[Path]
) -> list[str]:
    """Move lines of orders that a later file has again, in another form, out of `lines`.

    A later file is one whose lines are later by their median time; an order that is excluded in one
    file, as cancelled, stays so, whichever is later. A file has an order again if it has
    the same number, day and customer, and all of the products. For guests the time must be the
    same, too, or one of both must have none. Orders whose lines are all equal are no versions:
    such lines are repeats.

    Args:
        connection: Where the lines are.
        content: The columns of a line.
        files: The files of the lines, by `_file`.

    Returns:
        A sentence with the number of such orders, if there are any.
    """
    if len(files) < 2:
        return []
    connection.execute(
        f"""
        create or replace temp table versions as
        with ranks as (
            select _file, row_number() over (order by median(ordered_at), _file) as place
            from lines where ordered_at is not null group by _file
        ),
        repeated as (
            select order_id from lines where order_id is not null and _problem is null
            group by order_id having min(_file) <> max(_file)
        )
        select order_id, _file, row(count(exclude_reason) = count(*), any_value(place)) as place,
            min(cast(ordered_at as date)) as day, min(ordered_at) as moment,
            min(customer_id) as customer_id,
            list(concat(coalesce(product_id, product_name, ''), ' ',
                coalesce(quantity, 1) * coalesce(line_amount, unit_price) < 0)) as products,
            list(hash({", ".join(content)}, exclude_reason)) as lines
        from lines
        semi join repeated using (order_id)
        join ranks using (_file)
        where _problem is null
        group by order_id, _file
        """
    )
    connection.execute(
        """
        create or replace temp table replaced_orders as
        select distinct old.order_id, old._file, new._file as later
        from versions as old
        join versions as new
            on old.order_id = new.order_id and old.place < new.place and old.day = new.day
        where list_has_all(new.products, old.products)
            and not list_has_all(new.lines, old.lines)
            and case when old.customer_id is null and new.customer_id is null
                then old.moment = new.moment or old.day in (old.moment, new.moment)
                else coalesce(old.customer_id = new.customer_id, true) end
        """
    )
    orders, example, old, new = connection.execute(
        "select count(distinct order_id), min(order_id), arg_min(_file, (order_id, later)), "
        "arg_min(later, (order_id, later)) from replaced_orders"
    ).fetchone()
    connection.execute(
        f"""
        create or replace temp table versions as
        select lines.* replace (
            'excluded' as reject_reason, {literal(REPLACED)} as exclude_reason)
        from lines semi join replaced_orders using (order_id, _file);
        delete from lines where (order_id, _file) in
            (select (order_id, _file) from replaced_orders)
        """
    )
    if not orders:
        return []
    return [
        f"{counted(orders, 'order', 'stands/stand')} in several files in different forms, such as "
        f"'{example}' in {files[old].name} and {files[new].name}: each counts as the latest file "
        f"has it, or as cancelled; its other lines are `excluded` ({REPLACED})."
    ]


def put_versions_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the lines of `set_versions_aside` back: the accounts have every raw line."""
    connection.execute("insert into lines by name select * from versions; drop table versions")


def describe_shared_numbers(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence about guests' orders whose number stands for other days in other files."""
    shared, example, orders = connection.execute(
        """
        select count(*) filter (where files > 1 and days > 1),
            min(order_id) filter (where files > 1 and days > 1), count(*)
        from (
            select order_id, count(distinct _file) as files,
                date_diff('day', min(ordered_at), max(ordered_at)) as days
            from lines
            where order_id is not null and reject_reason is null and quantity > 0
            group by order_id having count(customer_id) = 0
        )
        """
    ).fetchone()
    if shared <= MOST_SHARED * orders:
        return []
    return [
        f"{counted(shared, 'order number', 'has/have')} {SHARED}, such as '{example}', and "
        f"{'counts' if shared == 1 else 'count'} as one order each. If the numbers start again in "
        "each file, add a column with the shop or year to the files, and join it to the number: "
        """order_id: {expression: "concat(shop_no, '-', order_no)"}."""
    ]
