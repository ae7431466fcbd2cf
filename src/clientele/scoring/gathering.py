"""Collect and screen the lines that decide about the scored customers, and decide the day."""

from datetime import date

import duckdb

from clientele.scoring.kept import ALIAS
from clientele.scoring.lines import name_known_persons, staging_of
from clientele.sources.common import literal

# Later than any line.
NO_DAY = date(9999, 12, 31)


def gather(scorer):
    """Collect the lines that decide about the customers of `new_lines`; return notes.

    An order belongs to the first of its customers, and a return to the customer of its own
    line. So customers who share an order decide about each other.
    """
    name_known_persons(scorer.connection, scorer.kept, scorer.stored("feat_customers__numbers"))
    pairs, execute = scorer.stored("int_order_fingerprints"), scorer.connection.execute
    if "int_persons" in scorer.kept.models:
        # Customers whom the build knows as records of a person are scored as that person.
        execute(
            "update new_lines set customer_id = persons.person_key "
            f"from {scorer.stored('int_persons')} as persons "
            "where new_lines.customer_id = persons.record_id"
        )
    changed = _listed(scorer, "select distinct order_id from new_lines where order_id <> ''")
    execute(
        f"""
        create or replace temp table known_orders as
        select order_id, customer_id from {pairs} where order_id in {changed}
        """
    )
    # As a build does with an order number of several customers; the known one keeps its order.
    execute(
        """
        update new_lines set order_id = concat(order_id, ' / ', customer_id)
        where customer_id is not null and (
            order_id in (select order_id from known_orders where customer_id <> '')
            and (order_id, customer_id) not in (select (order_id, customer_id) from known_orders)
            or order_id in (
                select order_id from new_lines group by order_id
                having count(distinct customer_id) > 1
            ) and order_id not in (select order_id from known_orders where customer_id <> '')
        );
        delete from known_orders where order_id not in (
            select order_id from new_lines where order_id is not null
        )
        """
    )
    (guests,) = execute(
        """
        delete from new_lines where customer_id is null and coalesce(order_id, '') not in (
            select order_id from new_lines where customer_id is not null and order_id <> ''
            union all select order_id from known_orders where customer_id <> ''
        )
        """
    ).fetchone()
    execute(
        """
        create or replace temp table asked as
        select distinct customer_id from new_lines where customer_id is not null;
        create or replace temp table touched as
        select customer_id from asked
        union select customer_id from known_orders where customer_id <> ''
        """
    )
    # Twice, because those who share an order with an asked customer may change too.
    for is_first in (True, False):
        touched = _listed(scorer, "select customer_id from touched")
        execute(
            f"""
            create or replace temp table near_orders as
            select distinct order_id from {pairs} where order_id <> '' and customer_id in {touched}
            """
        )
        near_orders = _listed(scorer, "select order_id from near_orders")
        execute(
            f"""
            create or replace temp table near_pairs as
            select order_id, customer_id from {pairs} where order_id in {near_orders}
            """
        )
        sharing = "from near_pairs where customer_id <> '' and customer_id not in (from touched)"
        if not execute(f"select count(*) {sharing}").fetchone()[0]:
            break
        if is_first:
            execute(f"insert into touched select distinct customer_id {sharing}")
    _take_lines(scorer)
    if guests:
        noun = "line names" if guests == 1 else "lines name"
        return [f"{guests:,} {noun} no customer and cannot be scored."]
    return []


def _listed(scorer, query):
    """Return what ``query`` selects for use after `in`: few values as a list, which is faster."""
    values = scorer.connection.execute(query).fetchmany(101)
    if len(values) > 100:
        return f"({query})"
    return f"({', '.join(literal(value) for (value,) in values) or 'null'})"


def _take_lines(scorer):
    """Fill staging with the lines of changed orders, and take the other lines as screened."""
    execute, staging = scorer.connection.execute, scorer.relation("stg_order_lines")
    execute(f"insert into {staging} by name from new_lines")
    if execute("select count(*) from known_orders").fetchone()[0]:
        _take_staged(scorer, staging)
    screened, stored = (
        scorer.relation("int_order_lines__screened"),
        scorer.stored("int_order_lines__screened"),
    )
    execute(
        f"""
        insert into {screened} by name
        select * from {stored} where reject_reason is null
            and customer_id in {_listed(scorer, "select customer_id from touched")}
            and order_id not in (select order_id from new_lines where order_id is not null)
        """
    )
    # Lines of guests and of others, which are on the same orders, count there.
    mixed = "select order_id from near_pairs where customer_id not in (from touched)"
    if execute(f"select count(*) from ({mixed})").fetchone()[0]:
        execute(
            f"""
            insert into {screened} by name
            select * from {stored} where reject_reason is null and order_id in ({mixed})
                and coalesce(customer_id, '') not in (from touched)
                and order_id not in (select order_id from new_lines where order_id is not null)
            """
        )


def _take_staged(scorer, staging):
    """Add what the source has of orders that the new lines add to, for a line may stand twice."""
    location = scorer.kept.location.replace(f'"{scorer.kept.database}".', f"{ALIAS}.")
    if "(" not in location and not location.startswith(ALIAS):
        location = f"{ALIAS}.{location}"
    try:
        scorer.connection.execute(
            f"insert into {staging} by name select * from "
            f"({staging_of(scorer.kept, location)}) as staged "
            "where order_id in (select order_id from known_orders)"
        )
    except duckdb.Error as error:
        raise ValueError(
            "the lines are on orders that the warehouse has, and the source's own lines of "
            f"these cannot be read: {str(error).splitlines()[0]}"
        ) from None


def screen(scorer, as_of):
    """Screen the lines in staging, decide the as-of date, and return it."""
    execute = scorer.connection.execute
    touched_orders = scorer.relation("int_touched_orders")
    execute(
        f"insert into {touched_orders} by name "
        "select distinct order_id, true as is_changed from new_lines where order_id is not null"
    )
    _set_days(scorer, as_of or NO_DAY)
    screened = scorer.relation("int_order_lines__screened")
    code = scorer.kept.models["int_order_lines__screened"].code
    if not scorer.kept.source.get("extract_date"):
        # The build's own day, after which it took lines for mistakes.
        code = code.replace(f"'{scorer.kept.extract_date}'", f"'{scorer.today}'")
    scorer.run("int_order_lines__screened", code)
    if as_of is None:
        (last,) = execute(
            f"select max(order_date) from {screened} where reject_reason is null and quantity > 0"
        ).fetchone()
        as_of = max(scorer.as_of_date, last or scorer.as_of_date)
    _set_days(scorer, as_of)
    execute(
        f"""
        insert into {touched_orders} by name
        select distinct order_id, false as is_changed from {screened}
        where order_id not in (select order_id from {touched_orders});
        insert into {scorer.relation("int_touched_customers")} by name
        select distinct customer_id from {screened} where customer_id is not null
        """
    )
    return as_of


def _set_days(scorer, as_of):
    days = scorer.relation("int_as_of_dates")
    scorer.connection.execute(f"delete from {days}")
    moved = as_of - scorer.as_of_date
    for day, number, is_current, is_cutoff in scorer.as_of_dates:
        if as_of != NO_DAY or is_current:
            day = NO_DAY if as_of == NO_DAY else day + moved
            scorer.connection.execute(
                f"insert into {days} by name select ?::date as as_of_date, "
                "? as period_number, ? as is_current, ? as is_forward_cutoff",
                [day, number, is_current, is_cutoff],
            )
