"""Write the list of customers to contact this week, from published marts to a CSV file."""

import os
from pathlib import Path

import duckdb

# In the order in which a person would work through them.
GROUPS = ("overdue", "due", "at risk", "new", "second order")
CONTACTS = """
    select
        actions.customer_id,
        actions.contact_group,
        actions.action_name,
        actions.recommended_action,
        actions.action_reason,
        actions.expected_order_date,
        actions.overdue_days,
        customers.segment_name,
        customers.rfm_group,
        customers.acquisition_country as country,
        customers.customer_net_amount as spent_amount,
        offers.product_id as offer_product_id,
        offers.product_label as offer,
        offers.reason as offer_reason
    from published.marts.fct_customer_actions as actions
    inner join published.marts.dim_customers as customers
        on actions.customer_id = customers.customer_id
    left join published.marts.fct_product_recommendations as offers
        on actions.customer_id = offers.customer_id and offers.rank = 1
    where
        list_contains($groups, actions.contact_group)
        and ($segment is null or customers.segment_name = $segment)
        and ($country is null or customers.acquisition_country = $country)
    order by
        list_position($groups, actions.contact_group), customers.customer_net_amount desc,
        actions.customer_id
    limit $limit
"""


def write_contacts(
    publication: Path,
    file: Path,
    *,
    groups: tuple[str, ...] = GROUPS,
    segment: str | None = None,
    country: str | None = None,
    limit: int | None = None,
    force: bool = False,
) -> dict[str, int]:
    """Write a row per customer to contact into the CSV ``file``; return the customers by group.

    Groups are in the order of ``GROUPS``; within a group those who spent most come first. The file
    is complete or not there.

    Args:
        publication: The folder of a publication.
        file: A new file, UTF-8 with a header.
        groups: Values of `contact_group` in `fct_customer_actions`.
        segment: Only customers of the segment with this name.
        country: Only customers of this country.
        limit: Customers at most.
        force: Replace ``file`` if it exists.

    Raises:
        ValueError: ``file`` exists, or nothing has been published, or a filter names what no
            customer has.
    """
    database = publication / "clientele.duckdb"
    if not database.is_file():
        raise ValueError(f"nothing is published in {publication}; run `clientele publish` first")
    if file.exists() and not force:
        raise ValueError(f"{file} exists; choose another name, or add --force to replace it")
    chosen = tuple(group for group in GROUPS if group in groups)
    with duckdb.connect() as connection:
        connection.execute(f"attach {_quoted(str(database))} as published (read_only)")
        for column, value in (("segment_name", segment), ("acquisition_country", country)):
            _refuse_unknown(connection, column, value)
        connection.execute(
            f"create table contacts as {CONTACTS}",
            {
                "groups": list(chosen),
                "segment": segment,
                "country": country,
                "limit": 2**62 if limit is None else limit,
            },
        )
        temporary = file.with_name(f".{file.name}.tmp")
        try:
            connection.execute(f"copy contacts to {_quoted(str(temporary))} (format csv, header)")
            os.replace(temporary, file)
        except duckdb.Error as error:
            raise OSError(f"{file} cannot be written: {error}") from None
        finally:
            temporary.unlink(missing_ok=True)
        counts = dict(
            connection.execute(
                "select contact_group, count(*) from contacts group by contact_group"
            ).fetchall()
        )
    return {group: counts.get(group, 0) for group in chosen}


def _refuse_unknown(connection, column: str, value: str | None) -> None:
    known = [
        name
        for (name,) in connection.execute(
            f"select distinct {column} from published.marts.dim_customers "
            f"where {column} is not null order by all"
        ).fetchall()
    ]
    if value is not None and value not in known:
        shown = ", ".join(known[:20]) + (" ..." if len(known) > 20 else "")
        raise ValueError(f"no customer has {column} {value!r}; known are {shown or 'none'}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
