"""Divide money that a column states in cents or pence."""

import re

from clientele.sources.common import quoted
from clientele.sources.mapping import columns_of
from clientele.sources.naming import plain
from clientele.sources.values import meaningful

CENTS = r"(?<!\bper )\b(cents?|pence|centimes?|centesimi|centimos?|centavos?|cts?)\b"
MONEY = ("unit_price", "line_amount", "discount_amount", "refunded_amount", "unit_cost")


def settle_cents(connection, relation: str, chosen: dict, found) -> None:
    """Divide columns by 100 whose names say cents, if they hold whole numbers; else doubt them.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        chosen: Role -> column.
        found: The guess; columns and order amounts of its table become expressions.
    """
    columns, amounts = found.table["columns"], found.table.get("order_amounts", {})
    mapped = [(columns, role) for role in MONEY if role in columns]
    mapped += [(amounts, role) for role in amounts]
    for mapping, role in mapped:
        theirs = mapping[role]
        parts = columns_of(connection, theirs)
        name = next((part for part in parts if re.search(CENTS, plain(part))), "")
        if not name:
            continue
        if not is_in_cents(connection, relation, name):
            found.first.append(
                f"'{name}' says cents, and does not hold whole numbers only: it is taken as it is, "
                "not divided by 100."
            )
            continue
        sql = quoted(theirs) if isinstance(theirs, str) else theirs["expression"]
        value = f"cast(try_cast({sql} as decimal(18, 2)) / 100 as decimal(18, 2))"
        mapping[role] = {"expression": value}
        found.doubts.append(f"'{name}' is divided by 100, because its name says cents.")


def is_in_cents(connection, relation: str, name: str) -> bool:
    """Return whether a column's name says cents, and all its values are whole numbers."""
    if not re.search(CENTS, plain(name)):
        return False
    text = meaningful(quoted(name))
    return not connection.execute(
        f"select count(*) from {relation} where not regexp_full_match({text}, '-?[0-9]+(\\.0+)?')"
    ).fetchone()[0]
