"""Divide money that a column states in cents or pence."""

import re

from clientele.sources.common import quoted
from clientele.sources.naming import plain
from clientele.sources.values import meaningful

CENTS = r"\b(?<!per )(cents?|pence|centimes?|centesimi|centimos?|centavos?|ct|cts)\b"
MONEY = (
    "unit_price", "line_amount", "discount_amount", "refunded_amount", "unit_cost",
)  # fmt: skip


def settle_cents(connection, relation: str, found) -> None:
    """Divide columns by 100 whose names say cents, if they hold whole numbers; else doubt them.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        found: The guess; columns and order amounts of its table become expressions.
    """
    for mapped in (found.table["columns"], found.table.get("order_amounts", {})):
        for role, theirs in mapped.items():
            if mapped is found.table["columns"] and role not in MONEY:
                continue
            is_written = isinstance(theirs, dict)
            sql = theirs["expression"] if is_written else quoted(theirs)
            name = sql if is_written else theirs
            if not re.search(CENTS, plain(name)):
                continue
            text = meaningful(sql)
            broken = connection.execute(
                f"select min({text}) from {relation} "
                f"where not regexp_full_match({text}, '-?[0-9]+(\\.0+)?')"
            ).fetchone()[0]
            if broken is None:
                whole = f"try_cast({sql} as decimal(18, 2))"
                mapped[role] = {"expression": f"cast({whole} / 100 as decimal(18, 2))"}
                found.doubts.append(f"'{name}' is divided by 100, because its name says cents.")
            else:
                found.first.append(
                    f"'{name}' says cents, and holds what is no whole number, such as "
                    f"'{broken}': it is taken as it is, not divided by 100."
                )
