"""Find the lines at the end of a file that hold totals."""

import csv
import re

from clientele.sources.common import literal, quoted
from clientele.sources.mapping import columns_of

FOOTERS, KEYS = 5, ("order_id", "product_id")
SUM = r"[^\w\s]?\s?-?\d[\d.,'\s]*\D{0,4}"
# What the first cell of a line of totals says.
TOTALS = r"^((grand|sub)[ -]?)?(total\w*|sum|summe|gesamt\w*|suma|soma|somme|somma|totaal)\b"
TOTAL = rf"{TOTALS}\W*(g[eé]n[eé]ral\w*|geral|complessiv\w*)?\W*"


def leave_out_footers(connection, found, table: dict) -> None:
    """Set `skip_footer` of a table to the number of lines at the end of each file that hold totals.

    Args:
        connection: Where the relation is.
        found: The `Look` at the files.
        table: The table's YAML. A `skip_footer` in it, of a platform, says what may be there.
    """
    if footer := _totals(connection, found, table, int(table.pop("skip_footer", 0))):
        table["skip_footer"] = footer


def _totals(connection, found, table, stated):
    """Return the number of lines at the end that hold totals; 0 if it is none or many.

    Such a line has neither a time nor both a product and money, and at most half of the filled
    cells of the typical line, or the word total in its first cell. Where that word is all of the
    cell, and the order's number is empty, it may stand under the product. One with another number
    of cells than the header begins with that word, or holds no key but numbers only, or is one of
    as many short lines as a platform is known to write.
    """
    if found.kind in ("json", "parquet"):
        return 0

    def text(*names):
        mapped = [table["columns"][name] for name in names if name in table["columns"]]
        columns = [c for theirs in mapped for c in columns_of(connection, theirs)]
        present = [quoted(c) for c in columns if c in found.columns]
        return f"concat({', '.join(present)})" if present else "''"

    timeless = f"not regexp_matches({text('ordered_at')}, '([0-9].*){{4}}')"
    is_empty = (
        f"({text('product_id', 'product_name')} = '' or {text('unit_price', 'line_amount')} = '')"
    )
    first = f"""trim(coalesce({", ".join(f"nullif({quoted(c)}, '')" for c in found.columns)}))"""
    filled = " + ".join(f"(coalesce(trim({quoted(c)}), '') <> '')::int" for c in found.columns)
    typical = connection.execute(
        f"select median({filled}) filter (where _problem is null) from {found.relation}"
    ).fetchone()[0]
    keys = [found.columns.index(c) for c in map(table["columns"].get, KEYS) if c in found.columns]
    delimiter = found.settings.get("delimiter", ",")
    rows = connection.execute(
        f"""
        select _file, _problem,
            ({timeless} and {is_empty}
                and ({filled} <= {typical} / 2 or regexp_matches({first}, {literal(TOTALS)}, 'i')))
            or ({timeless} and {text("order_id")} = ''
                and regexp_full_match({first}, {literal(TOTAL)}, 'i'))
        from {found.relation}
        qualify row_number() over (partition by _file order by abs(_row) desc) <= {FOOTERS + 1}
        order by _file, abs(_row) desc
        """
    ).fetchall()
    ends = [
        [
            _is_broken_total(_cells(problem, delimiter), keys) if problem else is_total
            for file, problem, is_total in rows
            if file == number
        ]
        for number in {row[0] for row in rows}
    ]
    for end, number in zip(ends, {row[0] for row in rows}, strict=True):
        last = [problem for file, problem, _ in rows if file == number][:stated]
        if all(p and 2 * len(_cells(p, delimiter)) < len(found.columns) for p in last):
            end[: len(last)] = [True] * len(last)
    counts = [next((i for i, total in enumerate(end) if not total), len(end)) for end in ends]
    # The setting is of the table, so all of its files must have the same number.
    return counts[0] if len(set(counts)) == 1 and counts[0] <= FOOTERS else 0


def _cells(problem, delimiter):
    """Return the cells of a line that cannot be read."""
    content = problem.split(": ", 2)[-1].splitlines()
    return [cell.strip() for cell in next(csv.reader(content, delimiter=delimiter), [])]


def _is_broken_total(cells, keys):
    """Return whether a line with another number of cells holds totals."""
    filled = [cell for cell in cells if cell]
    if not filled or re.match(TOTALS, filled[0], re.IGNORECASE):
        return bool(filled)
    # Numbers alone may be what is left of a line of which the head is lost.
    is_keyless = bool(keys) and not any(cells[key] for key in keys if key < len(cells))
    return is_keyless and not cells[0] and all(re.fullmatch(SUM, cell) for cell in filled)
