"""Recognise the export of a shop platform by its header, and take its preset.

A preset is a YAML file in `presets/`: `platform` (its name), `recognise` (columns that the header
must have), `any` (ours: one of several column names), `table` (settings of the table), `rules`, and
`notes` (what a user should know).
"""

import copy
from functools import cache
from pathlib import Path

import duckdb

from clientele.sources.common import load_yaml
from clientele.sources.expressions import column_names
from clientele.sources.mapping import columns_of

PRESETS = Path(__file__).parent / "presets"


@cache
def presets() -> list[dict]:
    """Return all presets, by file name."""
    return [load_yaml(file) for file in sorted(PRESETS.glob("*.yml"))]


def headers() -> list[list[str]]:
    """Return the columns by which each preset is recognised, for headers of text files."""
    return [preset["recognise"] for preset in presets()]


def recognise(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> dict | None:
    """Return the preset of a header, without what this header lacks; None if no preset fits."""
    present = set(columns)

    def fits(preset):
        choices = preset.get("any", {}).values()
        return set(preset["recognise"]) <= present and all(set(c) & present for c in choices)

    fitting = [preset for preset in presets() if fits(preset)]
    if not fitting:
        return None
    preset = copy.deepcopy(max(fitting, key=lambda found: len(found["recognise"])))
    table = preset["table"]
    for ours, names in preset.pop("any", {}).items():
        table["columns"][ours] = next(name for name in names if name in present)
    unpacked = table.get("unpack", {}).get("column")

    def known(name):
        return name in present or (unpacked and name.startswith(f"{unpacked}."))

    for part in ("columns", "order_amounts"):
        for ours, theirs in list(table.get(part, {}).items()):
            if isinstance(theirs, list):
                theirs = [name for name in theirs if known(name)]
                table[part][ours] = theirs[0] if len(theirs) == 1 else theirs
            if not theirs or not all(map(known, columns_of(connection, theirs))):
                del table[part][ours]
    if "fill_down" in table:
        table["fill_down"] = [name for name in table["fill_down"] if known(name)]
    table["exclude"] = [
        rule
        for rule in table.get("exclude", [])
        if all(map(known, column_names(connection, rule["when"])))
    ]
    return preset
