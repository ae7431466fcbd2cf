"""Check a source's YAML before anything is read: every mistake is named, with how to fix it."""

import re
import zoneinfo

from clientele.sources.attributes import attribute_problems
from clientele.sources.columns import (
    CHOICES,
    COLUMNS,
    FORMATS,
    LOCATIONS,
    OF_CAMPAIGNS,
    OF_EVENTS,
    ORDER_AMOUNTS,
    READING,
    SHAPE,
    STAGES,
)
from clientele.sources.common import format_of, hint
from clientele.sources.identities import identifier_problems, matching_problems
from clientele.sources.readable import number_problems, reading_problems, similar_zones

SETTINGS = [
    "name", "data", "timezone", "currency", "currencies", "extract_date", "max_unreadable_share",
    "max_differing_totals", "tables", "rules", "expected", "identities",
]  # fmt: skip
RULES = ["cancellation_order_pattern", "adjustment_order_pattern"]
EXPECTED = [
    "orders", "lines", "customers", "gross", "discounts", "refunds", "shipping", "tax", "tips",
    "net", "total",
]  # fmt: skip
SEE = "see sources/template.yml"


def source_problems(source: object) -> list[str]:
    """Return the mistakes of the content of `source:`, as sentences; empty if there are none."""
    if (
        not isinstance(source, dict)
        or not isinstance(source.get("tables"), dict)
        or not source["tables"].get("order_lines")
    ):
        return [
            "the var `source` must hold `tables: order_lines:`; start from sources/template.yml."
        ]
    problems = [
        f"`{key}` is not a setting of a source{hint(key, SETTINGS)}; {SEE}."
        for key in source
        if key not in SETTINGS
    ]
    problems += [
        f"`{key}` is missing; {SEE}."
        for key in ("name", "timezone", "currency")
        if not source.get(key)
    ]
    zone = source.get("timezone")
    if zone and str(zone) not in zoneinfo.available_timezones():
        problems.append(
            f"timezone '{zone}' is unknown; write an IANA name such as {similar_zones(str(zone))}."
        )
    problems += number_problems(source)
    problems += [
        f"rule `{rule}` is unknown; {SEE}."
        for rule in source.get("rules") or {}
        if rule not in RULES
    ]
    problems += [
        f"`expected: {key}` is unknown; {', '.join(EXPECTED)} can be compared."
        for key in source.get("expected") or {}
        if key not in EXPECTED
    ]
    for name, table in source["tables"].items():
        if name not in COLUMNS:
            problems.append(f"table `{name}` is unknown; clientele reads {', '.join(COLUMNS)}.")
        elif not isinstance(table, dict):
            problems.append(f"`{name}` must hold its location and `columns`; {SEE}.")
        else:
            joined = source["tables"].get("orders") if name == "order_lines" else None
            elsewhere = (joined or {}).get("columns") or {}
            found = _table_problems(name, table) + _mapping_problems(name, table, elsewhere)
            problems += [f"`{name}`{problem}" for problem in found]
    return problems + matching_problems(source)


def _table_problems(name, table):
    problems = []
    locations = [key for key in LOCATIONS if key in table]
    if len(locations) != 1:
        problems.append(
            f" needs exactly one of `seed`, `path`, `table`; it has "
            f"{' and '.join(locations) or 'none'}."
        )
    if "format" in table and table["format"] not in set(FORMATS.values()):
        problems.append(f": `format: {table['format']}` is none of csv, json, xlsx and parquet.")
    elif locations == ["path"] and "." in str(table["path"]) and "format" not in table:
        ending = str(table["path"]).rpartition("/")[2]
        if "{" not in ending and "." in ending and not format_of(ending):
            problems.append(
                f": the ending of {table['path']} does not tell its format; "
                "add `format: parquet`, `csv`, `json` or `xlsx`."
            )
    allowed = [*LOCATIONS, "format", "columns", "identities", *READING]
    problems += identifier_problems(name, table)
    if name == "order_lines":
        allowed += SHAPE
    if name == "campaigns":
        allowed += OF_CAMPAIGNS
    if name == "customers":
        allowed.append("attributes")
        problems += attribute_problems(table)
    if name == "events":
        allowed += OF_EVENTS
    problems += [
        f": `{key}` is not a setting of a table{hint(key, allowed)}; {SEE}."
        for key in table
        if key not in allowed
    ]
    if locations != ["path"]:
        problems += [
            f": `{key}` is about files; of a table of the database, make a view."
            for key in table
            if key in [*READING, "fill_down", "order_amounts"]
        ]
    problems += [
        f": `{key}` must be one of {', '.join(repr(choice) for choice in choices)}."
        for key, choices in CHOICES.items()
        if key in table and table[key] not in choices
    ]
    return problems + reading_problems(table) + _shape_problems(table) + _type_problems(table)


def _type_problems(table):
    types = table.get("event_types")
    if types is None:
        return []
    if not isinstance(types, dict):
        return [": `event_types` must be pairs of <your type>: view, cart, checkout or order."]
    return [
        f": `event_types: {theirs}` is {ours}; it must be one of {', '.join(STAGES)}."
        for theirs, ours in types.items()
        if ours not in STAGES
    ]


def _shape_problems(table):
    problems = []
    for rule in table.get("exclude") or []:
        if not isinstance(rule, dict) or not rule.get("when") or set(rule) - {"when", "reason"}:
            problems.append(
                ': each `exclude` is {when: "<SQL condition over your columns>", reason: <word>}.'
            )
    for key in table.get("order_amounts") or {}:
        if key not in ORDER_AMOUNTS:
            problems.append(
                f": `order_amounts: {key}` is unknown; those are {', '.join(ORDER_AMOUNTS)}."
            )
    unpack = table.get("unpack")
    if unpack is not None:
        try:
            named = re.compile(unpack["pattern"]).groupindex
        except (re.error, KeyError, TypeError) as error:
            named, unpack = {}, {"error": error}
        if not named or not unpack.get("column"):
            problems.append(
                ': `unpack` is {column: <yours>, pattern: "<regular expression with groups such as '
                '(?P<sku>...)>"}.'
            )
    return problems


def _mapping_problems(name, table, elsewhere):
    mapping = table.get("columns") or {}
    if not isinstance(mapping, dict):
        return [": `columns` must be pairs of <ours>: <yours>."]
    known = [column.name for column in COLUMNS[name]]
    problems = [
        f": `{ours}` is not a canonical column{hint(ours, known)}; those are {', '.join(known)}."
        for ours in mapping
        if ours not in known
    ]
    required = [column.name for column in COLUMNS[name] if column.required]
    if name == "order_lines" and "line_amount" not in mapping:
        required += ["unit_price", "quantity"]
    problems += [
        f": `{ours}` is not mapped; add `{ours}: <your column>` under `columns`."
        for ours in required
        if mapping.get(ours) is None and ours not in elsewhere
    ]
    if name == "events" and not ("customer_id" in mapping or "device_id" in mapping):
        problems.append(
            ": neither `customer_id` nor `device_id` is mapped; map one of them, so that it is "
            "known whose events are whose."
        )
    taken = {}
    for ours in known:
        theirs = mapping.get(ours)
        if theirs is None:
            continue
        if isinstance(theirs, dict):
            if list(theirs) != ["expression"] or not theirs["expression"]:
                problems.append(
                    f": `{ours}` must be a column name or "
                    '{expression: "<SQL over your columns>"}, in quotes if it holds a comma.'
                )
        elif isinstance(theirs, list) and ours == "customer_id":
            if not all(isinstance(part, str) for part in theirs):
                problems.append(f": `{ours}` must list column names.")
        elif not isinstance(theirs, str):
            problems.append(
                f": `{ours}` is mapped to {theirs}, an ambiguous mapping; give exactly one column "
                "name, as text."
            )
        elif theirs.lower() in taken:
            problems.append(
                f": column '{theirs}' is mapped twice, to `{taken[theirs.lower()]}` and to "
                f"`{ours}`; remove one, or write the second as {{expression: ...}} if you mean it."
            )
        else:
            taken[theirs.lower()] = ours
    return problems
