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
    says = declared or table.get("identities")
    if isinstance(mapping, dict) and not says and not set(mapping) & {*OF_LINES, "consent"}:
        problems.append(
            ": the table says nothing but keys; declare `attributes` or `identities`, or map "
            "`consent`, `person_id` or `country`."
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
    if "levels" in said:
        problems += _level_problems(name, said)
    if said.get("sensitive", False) not in (True, False):
        problems.append(f": `sensitive: {said['sensitive']}` must be true or false.")
    return problems


def feature_of(name: str, level: str) -> str:
    """Return the name of the feature of a level: `plan_plus_2` for "Plus 2" of plan."""
    return f"{name}_{re.sub('[^a-z0-9]+', '_', level.lower()).strip('_')}"


def _level_problems(name, said):
    levels = said["levels"]
    if said.get("kind") != "category":
        return [": `levels` are those of a category."]
    if not isinstance(levels, list) or not levels or not all(isinstance(v, str) for v in levels):
        return [": `levels` must be a list of texts, such as [basic, plus]."]
    features = [feature_of(name, level) for level in levels]
    if len(set(features)) < len(features) or f"{name}_" in features:
        return [f": the levels give the features {', '.join(features)}, which must differ."]
    return []


def sensitive_problems(source: dict, feature_sets: dict[str, list[str]]) -> list[str]:
    """Return a sentence for each feature of segmentations that is a sensitive attribute.

    ``feature_sets`` is the var `segmentation_feature_sets`.
    """
    declared = ((source.get("tables") or {}).get("customers") or {}).get("attributes") or {}
    sensitive = {}
    for name, said in declared.items():
        if said.get("sensitive"):
            features = [feature_of(name, level) for level in said.get("levels") or []]
            sensitive |= dict.fromkeys([name, *features], name)
    return [
        f"`segmentation_feature_sets: {feature_set}` names {feature}: the attribute "
        f"`{sensitive[feature]}` is declared sensitive, and such attributes make no segment"
        for feature_set, features in (feature_sets or {}).items()
        for feature in features
        if feature in sensitive
    ]
