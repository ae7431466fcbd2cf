"""Leave out what is no sale: orders that a column marks as tests, or as cancelled or failed."""

import re

from clientele.sources.common import counted, literal, quoted
from clientele.sources.contents import CANCELLED, MOST_STATUSES, NO, YES
from clientele.sources.naming import english, plain

# A name that says that, or when, an order was cancelled; not why, by whom or how much of it.
CANCELLED_NAME = (
    r"^(is |order )?(cancell?ed|storniert|storno|annule|annulee|anulado|annullato|geannuleerd|"
    r"voided)( (at|on|date|time|am|le|il|el|op))?$|"
    r"^(cancellation|cancel|storno) ?(date|datum|time)$"
)


def is_on_first_lines(connection, relation, order: str, name: str) -> bool:
    """Return whether a column that is not filled everywhere stands on first lines of orders only.

    Then the first line speaks for its whole order.
    """
    several, first = connection.execute(
        f"""
        select count(*), count(*) filter (where filled = 1 and is_first)
        from (
            select count(*) as n, count(value) as filled,
                arg_min(value is not null, _row) as is_first
            from (
                select _row, nullif(trim({quoted(name)}), '') as value, last_value(
                    nullif({quoted(order)}, '') ignore nulls) over (order by _file, _row) as key
                from {relation}
            )
            group by key having count(*) > 1 and count(value) > 0
        )
        """
    ).fetchone()
    return several > 0 and first == several


def filled_down(relation: str, order: str, name: str) -> str:
    """Return the SQL of a relation whose empty cells of a column have the value of their order."""
    key = f"last_value(nullif({quoted(order)}, '') ignore nulls) over (order by _file, _row)"
    value = f"nullif(trim({quoted(name)}), '')"
    return (
        f"(select * exclude (_key) replace (coalesce({value}, last_value({value} ignore nulls) "
        f"over (partition by _key order by _file, _row)) as {quoted(name)}) "
        f"from (select *, {key} as _key from {relation}))"
    )


def marked_yes(connection, relation, name: str) -> list[str]:
    """Return the texts of a column that mean yes; none if others mean neither yes nor no."""
    text = f"trim({quoted(name)})"
    found = connection.execute(
        f"select distinct {text} from {relation} where {text} <> '' order by 1 limit 10"
    ).fetchall()
    values = {value for (value,) in found}
    if {plain(value) for value in values} - YES - NO:
        return []
    return sorted(value for value in values if plain(value) in YES)


# Columns in which a word may say that an order is a test, and what may stand next to it.
NOTES = set("note notes comment comments remark remarks tag tags memo label type kind".split())
TEST = set("test tests order sale purchase product article item only ignore delete please".split())
FEW_TESTS = 0.1
TESTS = "test|prueba|essai|prova|probe"


def exclude_tests(connection, relation, columns, chosen, found):
    """Leave out orders that a column of yes and no, or a word in a note, marks as tests."""
    for name in columns:
        words = set(english(plain(name)).split())
        if words & NOTES or name in (chosen.get("product_id"), chosen.get("product_name")):
            _exclude_noted_tests(connection, relation, name, chosen, found)
        if words - {"is", "order", "mode"} != {"test"}:
            continue
        if tests := marked_yes(connection, relation, name):
            when = f"trim({quoted(name)}) in ({', '.join(map(literal, tests))})"
            shown = f"the {name} {', '.join(tests)}"
            if _leave_out(connection, relation, found, name, when, "test", shown):
                found.table.setdefault("fill_down", []).append(name)


def _exclude_noted_tests(connection, relation, name, chosen, found):
    """Leave out lines whose text says test and nothing else, if they are few."""
    values = [
        value for (value,) in connection.execute(
            f"select distinct trim({quoted(name)}) as text from {relation} "
            f"where length({quoted(name)}) < 40 "
            f"and regexp_matches(lower({quoted(name)}), '{TESTS}') order by 1"
        ).fetchall()
    ]  # fmt: skip
    values = [v for v in values if "test" in (words := set(english(plain(v.lower())).split()))
              and not words - TEST]  # fmt: skip
    if not values:
        return
    when, lines = f"trim({quoted(name)}) in ({', '.join(map(literal, values))})", relation
    if is_first := is_on_first_lines(connection, relation, chosen["order_id"], name):
        lines = filled_down(relation, chosen["order_id"], name)
    marked, rows = connection.execute(
        f"select count(*) filter (where {when}), count(*) from {lines}"
    ).fetchone()
    if marked > FEW_TESTS * rows:
        return
    _leave_out(connection, lines, found, name, when, "test", f"{', '.join(values)} in '{name}'")
    if is_first:
        found.table.setdefault("fill_down", []).append(name)


def exclude_cancelled(connection, relation, facts, chosen, found):
    """Leave out orders of which a column says that, or when, they were cancelled."""
    for name, fact in facts.items():
        if not re.search(CANCELLED_NAME, plain(name)) or fact["filled"] == 0:
            continue
        if name == chosen.get("status"):
            continue
        if fact["dated"] > 0.9:
            when, shown = f"trim({quoted(name)}) <> ''", "a time"
        elif cancelled := marked_yes(connection, relation, name):
            when = f"trim({quoted(name)}) in ({', '.join(map(literal, cancelled))})"
            shown = ", ".join(cancelled)
        else:
            continue
        lines, order = relation, chosen["order_id"]
        if is_on_first_lines(connection, relation, order, name):
            lines = filled_down(relation, order, name)
            found.table.setdefault("fill_down", []).append(name)
        _leave_out(connection, lines, found, name, when, "cancelled", f"{shown} in '{name}'")


def _leave_out(connection, relation, found, name, when, reason, shown):
    """Exclude lines, and say how many; return whether they are not all lines, which all count."""
    marked, rows = connection.execute(
        f"select count(*) filter (where {when}), count(*) from {relation}"
    ).fetchone()
    if marked == rows:
        found.doubts.insert(0, f"All lines are {reason} orders, if '{name}' is right; all count.")
        return False
    found.table.setdefault("exclude", []).append({"when": when, "reason": reason})
    kind = reason.capitalize()
    found.doubts.append(f"{kind} orders, with {shown}, are left out: {counted(marked, 'line')}.")
    return True


def exclude_statuses(connection, relation, chosen, found):
    """Leave out orders whose status says that they were cancelled or failed."""
    if "status" not in chosen:
        return
    name = chosen["status"]
    values = [
        row[0]
        for row in connection.execute(
            f"select {quoted(name)}, count(*) from {relation} where {quoted(name)} <> '' "
            "group by 1 order by 2 desc limit 50"
        ).fetchall()
    ]
    left_out = [value for value in values if re.search(CANCELLED, plain(value))]
    if left_out and len(left_out) < len(values):
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in left_out)
        when = f"{quoted(name)} in ({listed})"
        found.table.setdefault("exclude", []).append({"when": when, "reason": "cancelled"})
        found.table.setdefault("fill_down", []).append(name)
        kept = ", ".join(value for value in values if value not in left_out)
        found.doubts.append(
            f"Orders with the {name} {', '.join(left_out)} are left out; {kept} count."
        )
    elif 1 < len(values) <= MOST_STATUSES:
        found.first.append(
            f"All orders count, whatever their {name}: {', '.join(values)}. If one of these is "
            "no sale, add an `exclude`."
        )  # fmt: skip
