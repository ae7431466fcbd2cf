"""Check the declared attributes of customers."""

import re
from functools import cache

import duckdb

from clientele.sources.columns import COLUMNS, KINDS, OF_ATTRIBUTES, OF_LINES
from clientele.sources.common import hint

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def attribute_problems(table: dict) -> list[str]:
    """Return the mistakes of the table `customers` that other tables cannot have.

    Each is the rest of a sentence that begins with the name of the table.
    """
    declared = table.get("attributes")
    if declared is None:
        declared = {}
    if not isinstance(declared, dict):
        return [
            ": `attributes` must be pairs of a name and {column: <yours>, kind: <kind>}; the kinds "
            f"are {', '.join(KINDS)}."
        ]
    problems = []
    for name, said in declared.items():
        problems += [f": attribute `{name}`{problem}" for problem in _problems(name, said)]
    mapping = table.get("columns") or {}
    if isinstance(mapping, dict) and not declared and not set(mapping) & {*OF_LINES, "consent"}:
        problems.append(
            ": the table says nothing but keys; declare `attributes`, or map `consent`, "
            "`person_id` or `country`."
        )
    return problems


@cache
def _reserved():
    """Return the words that SQL does not take for the name of a column."""
    rows = duckdb.execute(
        "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    )
    return {row[0] for row in rows.fetchall()}


def _problems(name, said):
    if not NAME.fullmatch(str(name)):
        return [": a name has a-z, 0-9 and _, and begins with a letter, such as birth_year."]
    if name in {column.name for column in COLUMNS["customers"]}:
        return [f": it is a column of the table; map it under `columns` as `{name}`."]
    if name in _reserved():
        return [": it is a word of SQL; take another name."]
    if not isinstance(said, dict):
        return [": write {column: <yours>, kind: <kind>}; the kinds are " + f"{', '.join(KINDS)}."]
    problems = [
        f": `{key}` is not a setting of an attribute{hint(str(key), OF_ATTRIBUTES)}; those are "
        f"{', '.join(OF_ATTRIBUTES)}."
        for key in said
        if key not in OF_ATTRIBUTES
    ]
    column = said.get("column")
    if isinstance(column, dict) and set(column) == {"expression"}:
        column = column["expression"]
    if not isinstance(column, str) or not column.strip():
        problems.append(": add `column: <your column>`, or `column: {expression: <SQL>}`.")
    if said.get("kind") not in KINDS:
        problems.append(
            f": `kind: {said.get('kind')}` is none of {', '.join(KINDS)}."
            if "kind" in said
            else f": add `kind`, one of {', '.join(KINDS)}."
        )
    if said.get("sensitive", False) not in (True, False):
        problems.append(f": `sensitive: {said['sensitive']}` must be true or false.")
    return problems
