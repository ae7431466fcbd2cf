"""Read the sheets of workbooks as text."""

import csv
from pathlib import Path

from clientele.sources.common import UnreadableSource, counted
from clientele.sources.delimited import HEADER_LINES, read_csv


def read_workbook(connection, file, table, wanted, part, notes, copy) -> list[str]:
    """Read a sheet of a workbook, or several with the same columns, as `read_csv` reads a file."""
    stated = table.get("sheet")
    sheets = stated if isinstance(stated, list) else [stated]
    rows = workbook_rows(file, sheets[0])
    names = [set(map(str.strip, row)) for row in rows[:HEADER_LINES]]
    header = next((i for i, found in enumerate(names) if set(wanted) <= found), 0)
    for sheet in sheets[1:]:
        more = workbook_rows(file, sheet)
        if rows[header] not in more[:HEADER_LINES]:
            raise UnreadableSource(
                f"the sheet '{sheet}' of {file} has not the columns of '{sheets[0]}'; take it out "
                "of `sheet`, or give it the same columns"
            )
        rows += more[more.index(rows[header]) + 1 :]
    with open(copy, "w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(rows)
    if others := [] if stated else _others(file):
        notes.append(
            f"{file}: only the first sheet is read; {counted(len(others), 'other sheet')} "
            f"({', '.join(others[:3])}) {'has' if len(others) == 1 else 'have'} rows, too. Name "
            "what is to be read with `sheet`, which takes a list."
        )
    written = {**table, "encoding": None, "delimiter": ",", "quote": '"'}
    return read_csv(connection, copy, written, wanted, part, notes, copy)


def _others(file):
    return [name for name in sheet_names(file)[1:] if len(workbook_rows(file, name, 2)) > 1]


def _open(file):
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        return CalamineWorkbook.from_path(str(file))
    except CalamineError:
        raise UnreadableSource(
            f"{file} cannot be read as a workbook: it is damaged, protected by a password, or no "
            "workbook at all. Save it again as .xlsx without a password, or as CSV"
        ) from None


def sheet_names(file: Path) -> list[str]:
    """Return the names of a workbook's sheets, in order.

    Raises:
        UnreadableSource: no workbook.
    """
    return _open(file).sheet_names


def workbook_rows(file: Path, sheet: str | None, count: int | None = None) -> list[list[str]]:
    """Return the first ``count`` rows of a sheet as texts; of the first sheet without a name.

    Raises:
        UnreadableSource: no workbook, or no such sheet.
    """
    book = _open(file)
    sheet = sheet or book.sheet_names[0]
    if sheet not in book.sheet_names:
        raise UnreadableSource(
            f"{file} has no sheet '{sheet}'; it has {', '.join(book.sheet_names)}"
        )
    rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False, nrows=count)
    return [[cell_text(cell) for cell in row] for row in rows]


def cell_text(cell) -> str:
    """Return the text of a workbook's cell: whole numbers without a fraction, times as ISO."""
    if isinstance(cell, bool) or cell is None:
        return "" if cell is None else str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return cell.isoformat(sep=" ") if hasattr(cell, "hour") and hasattr(cell, "year") else str(cell)
