"""Write what `clientele init` understood: the YAML of the source, and a page for the terminal."""

from pathlib import Path

import yaml

# The order in which the YAML states a table's settings.
ORDER = [
    "format", "encoding", "delimiter", "quote", "header_row", "skip_footer", "sheet", "unnest",
    "parent_key", "unpack", "decimal", "thousands", "date_format", "timestamps_in", "null_values",
    "columns", "fill_down", "order_amounts", "exclude", "repeated_lines", "zero_prices",
]  # fmt: skip
COMMENTS = {
    "columns": "ours: yours",
    "fill_down": "columns that stand on the first line of an order only",
    "order_amounts": "money of the whole order, on its first line or repeated on each",
    "exclude": "lines that are no sale; they stay in the accounts with the reason",
    "unpack": "a cell that holds several lines; each match is one",
    "repeated_lines": "equal lines are real",
}


class _Dumper(yaml.SafeDumper):
    """YAML with indented lists."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def yaml_text(source: dict, platform: str | None, doubts: list[str]) -> str:
    """Return the commented YAML of a source."""
    table = source["tables"]["order_lines"]
    lines = [
        f"# Written by `clientele init`{f': {platform}' if platform else ''}.",
        "# Change what is wrong; docs/sources.md describes all settings.",
        f"#   clientele build --source {source['name']} --data path",
        *(f"# To check: {doubt}" for doubt in doubts),
        "source:",
    ]
    for key in ("name", "data"):
        lines.append(f"  {key}: {_scalar(source[key])}")
    lines += [
        f"  timezone: {source['timezone']}  # of the shop: its days begin and end there",
        f"  currency: {source['currency']}  # of the amounts in the marts",
    ]
    if "max_differing_totals" in source:
        lines.append(f"  max_differing_totals: {source['max_differing_totals']}")
    if "currencies" in source:
        lines += ["  currencies:  # what one unit of each is worth; correct the rates"]
        lines += [f"    {code}: {rate}" for code, rate in source["currencies"].items()]
    lines += ["  tables:", "    order_lines:", '      path: "{data}"']
    for key in ORDER:
        if key not in table or table[key] in ({}, []):
            continue
        if key in COMMENTS:
            lines.append(f"      # {COMMENTS[key]}")
        text = yaml.dump(
            {key: table[key]}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000
        )
        lines += [f"      {line}" for line in text.rstrip().splitlines()]
    if source.get("rules"):
        lines.append("  rules:")
        lines += [f"    {key}: {_scalar(value)}" for key, value in source["rules"].items()]
    return "\n".join(lines) + "\n"


def _scalar(value: str) -> str:
    return yaml.safe_dump(value, allow_unicode=True, width=1000).removesuffix("\n...\n").strip()


def page(
    file: Path, platform: str | None, rows: list[tuple], figures: list[str], doubts: list[str]
) -> str:
    """Return what is printed: the mapping with examples, the figures, and the doubts in order.

    Args:
        file: What was looked at.
        platform: Its platform, if it was recognised.
        rows: (ours, theirs, why, three values as read, share that reads) of each column.
        figures: Sentences about what the import counts.
        doubts: Sentences, the greatest doubt first.
    """
    known = f"It is an export of {platform}." if platform else "The platform is not known."
    lines = [f"{file}: {known}", ""]
    header = ("ours", "yours", "why", "read as", "reads")
    cells = [header, *rows]
    widths = [
        min(max(len(row[i]) for row in cells), limit) for i, limit in enumerate((18, 34, 30, 44, 6))
    ]
    lines += [
        "  "
        + "  ".join(_cut(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    lines += ["", *figures]
    if doubts:
        lines += ["", "To check, the most doubtful first:"]
        lines += [f"  {i}. {doubt}" for i, doubt in enumerate(doubts, start=1)]
    return "\n".join(lines)


def _cut(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 3] + "..."
