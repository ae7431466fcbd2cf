"""Look at a file of which nothing is known: its format, encoding, delimiter, header and columns."""

import json
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from clientele.sources.common import (
    DAMAGED,
    UnreadableSource,
    file_literal,
    first_sentence,
    format_of,
)  # fmt: skip
from clientele.sources.delimited import (
    as_utf8,
    first_records,
    likely_delimiter,
    read_csv,
)  # fmt: skip
from clientele.sources.naming import english, plain, unique_names
from clientele.sources.reading import find_files, read_table
from clientele.sources.structured import wrapper_of
from clientele.sources.workbooks import sheet_names, workbook_rows

# Larger files are looked at in three places.
LARGE = 48 * 1024 * 1024
PART = 5 * 1024 * 1024


@dataclass
class Look:
    """What a file looks like.

    Attributes:
        files: The files of the path.
        kind: csv, json, xlsx or parquet.
        settings: Reading settings that the YAML must state.
        columns: Names of the columns.
        relation: A DuckDB table of the lines that were looked at, all text.
        sample: A part of a large file to try the YAML on; None if the whole file is small.
        notes: What was noticed, in sentences.
        lacking: Columns that only some files have, and the first file that lacks each.
    """

    files: list[Path]
    kind: str
    settings: dict
    columns: list[str]
    relation: str
    sample: Path | None = None
    notes: list[str] = field(default_factory=list)
    lacking: dict[str, Path] = field(default_factory=dict)


def look(connection: duckdb.DuckDBPyConnection, path: str, folder: Path, headers: list) -> Look:
    """Read the files of a path, or parts of the first, with the columns that all have, as text.

    Args:
        connection: Where the table `looked` is made.
        path: A file, folder or glob.
        folder: A temporary folder for copies.
        headers: Lists of column names that a known header has all of.

    Raises:
        UnreadableSource: there is no file, or none that can be read as a table.
    """
    files = find_files(path)
    first = files[0]
    kind = format_of(first)
    if first.stat().st_size == 0:
        raise UnreadableSource(f"{first} is empty")
    if not kind:
        raise UnreadableSource(
            f"the ending of {first} tells no format; rename it to .csv, .json, .xlsx or .parquet"
        )
    settings, sample, noticed = {}, None, []
    with _readable(first, kind):
        if kind == "csv":
            settings = _text_settings(connection, first, folder, headers)
            large = sum(file.stat().st_size for file in files) > LARGE
            sample = _parts(first, folder) if large else None
        elif kind == "json":
            settings = _json_settings(connection, first, folder)
        elif kind == "xlsx":
            settings = _sheet_settings(first, headers, noticed)
        columns = _columns(connection, sample or first, kind, settings, folder)
    lacking = {}
    for file in [] if sample else files[1:]:
        with _readable(file, kind):
            others = _columns(connection, file, kind, settings, folder)
            if kind == "csv" and not set(others) & set(columns):
                _refuse_other_delimiter(file, first, settings, columns, folder)
        lacking = {name: first for name in others if name not in columns} | lacking
        lacking |= {name: file for name in columns if name not in others}
        columns = [column for column in columns if column in others]
    raw = read_table(connection, str(sample or path), settings, columns, name="looked")
    return Look(files, kind, settings, columns, raw.relation, sample, noticed + raw.notes, lacking)


@contextmanager
def _readable(file, kind):
    """Turn what a reader raises for a damaged file into one message."""
    try:
        yield
    except DAMAGED as error:
        raise UnreadableSource(
            f"{file} cannot be read as {kind}: {first_sentence(error).rstrip('.')}. It may be "
            "damaged, or not wholly copied; export or copy it again"
        ) from None


def _refuse_other_delimiter(file, first, settings, columns, folder):
    """Refuse a file that has the columns of the first one, with another delimiter."""
    text = as_utf8(file, settings, folder / "columns.csv")
    theirs, ours = likely_delimiter(text, columns, '"'), settings.get("delimiter", ",")
    records = first_records(text, theirs, '"')
    if theirs != ours and any(set(map(str.strip, r)) & set(columns) for r, _ in records):
        raise UnreadableSource(
            f"the files differ in their delimiter: {first} has {ours!r}, and {file} has "
            f"{theirs!r}; export them in one way, or name files of one kind with a glob"
        )


def _text_settings(connection, file, folder, headers):
    settings, encodings = {}, (None, "windows-1252", "iso-8859-1")
    for encoding in encodings:
        try:
            text = as_utf8(file, {"encoding": encoding} if encoding else {}, folder / "utf8.csv")
        except UnreadableSource:
            # The last one reads any bytes, so that the file itself is at fault.
            if encoding == encodings[-1]:
                raise
            continue
        if encoding:
            settings["encoding"] = encoding
        break
    wanted = max(headers, key=lambda names: _fits(text, names), default=[])
    wanted = wanted if _fits(text, wanted) else []
    delimiter = likely_delimiter(text, wanted, '"')
    if delimiter != ",":
        settings["delimiter"] = delimiter
    if _broken_quotes(connection, text, delimiter, folder):
        settings["quote"] = ""
    records = first_records(text, delimiter, settings.get("quote", '"'))
    at = header_position([record for record, _ in records], headers)
    filled = [i for i, (record, _) in enumerate(records) if any(map(str.strip, record))]
    if filled and at != filled[0]:
        settings["header_row"] = records[at][1] + 1
    return settings


def _fits(text: Path, names: list[str]) -> int:
    """Return the number of names if a file has a line with all of them, else 0."""
    with open(text, encoding="utf-8-sig", newline="") as file:
        head = [file.readline() for _ in range(60)]
    return len(names) if any(all(name in line for name in names) for line in head) else 0


def _broken_quotes(connection, text, delimiter, folder):
    """Return whether fewer lines are broken if quotation marks are plain characters."""

    notes = []

    def broken(quote):
        table = {"delimiter": delimiter, "quote": quote}
        try:
            read_csv(connection, text, table, [], "tried", notes, folder / "unused.csv")
        except (duckdb.Error, UnreadableSource):
            return 1 << 30
        return connection.execute(
            "select count(*) from tried where _problem is not null"
        ).fetchone()[0]

    with open(text, encoding="utf-8-sig") as file:
        if '"' not in file.read(1 << 26):
            return False
    quoted_lines = broken('"')
    # A mark that is missing because the file is cut off says nothing about the others.
    is_cut = quoted_lines == 1 and any("breaks off" in note for note in notes)
    return quoted_lines > 0 and not is_cut and broken("") < quoted_lines


def header_position(records: list[list[str]], headers: list) -> int:
    """Return the position of the header among the first records of a file.

    It is the first record that holds all names of a known header, or else the first that is as wide
    as most records, with a text in most cells and none twice.
    """
    cells = [{cell.strip() for cell in record} for record in records]
    for position, names in enumerate(cells):
        if any(set(header) <= names for header in headers):
            return position
    widths = [sum(bool(cell.strip()) for cell in record) for record in records]
    typical = sorted(widths)[len(widths) // 2] if widths else 0
    for position, record in enumerate(records):
        texts = [cell.strip() for cell in record if cell.strip()]
        numbers = sum(bool(re.fullmatch(r"[-\d.,:/ €$£%]+", text)) for text in texts)
        if len(texts) >= 0.6 * typical and not numbers and len(set(texts)) == len(texts) > 1:
            return position
    return next((i for i, width in enumerate(widths) if width), 0)


def _sheet_settings(file, headers, noticed):
    """Return the sheets that hold a table, the first and those like it, and the header's row."""
    tables, names = {}, sheet_names(file)
    for name in names:
        rows = workbook_rows(file, name, 60)
        at = header_position(rows, headers)
        if any(any(map(str.strip, row)) for row in rows[at + 1 :]) and len(rows[at]) > 2:
            filled = next(i for i, row in enumerate(rows) if any(map(str.strip, row)))
            tables[name] = rows[at], at, filled
    if not tables:
        return {}
    header, at, filled = next(iter(tables.values()))
    same = [name for name, (other, *_) in tables.items() if other == header]
    if others := [name for name in tables if name not in same]:
        noticed.append(
            f"{file}: the sheets {', '.join(same)} are read; {', '.join(others)} have other "
            "columns, and are not."
        )
    settings = {"header_row": at + 1} if at != filled else {}
    if same != names[:1] or len(names) > 1:
        settings["sheet"] = same if len(same) > 1 else same[0]
    return settings


def _json_settings(connection, file, folder):
    text = as_utf8(file, {}, folder / "utf8.json")
    records = _records(connection, text)
    if not records:
        raise UnreadableSource(f"{file} holds no JSON records")
    keys = {key for record in records for key in record}
    parents = [key for key in keys if key.lower().endswith("parentid")]
    if parents and any(parents[0] not in record for record in records):
        return {"parent_key": parents[0]}
    lists = {
        key: sum(len(record.get(key) or []) for record in records)
        for key in keys
        if any(
            isinstance(record.get(key), list) and record[key] and isinstance(record[key][0], dict)
            for record in records
        )
    }
    named = [key for key in lists if re.search(r"line|item|product|position|artikel", key.lower())]
    return {"unnest": max(named or lists, key=lists.get)} if lists else {}


def _records(connection, text):
    rows = connection.execute(
        f"select json from read_json_objects({file_literal(text)}, format = 'auto', "
        "maximum_object_size = 536870912) limit 2000"
    ).fetchall()
    records = [json.loads(row[0]) for row in rows]
    if len(records) == 1 and isinstance(records[0], dict) and (key := wrapper_of(records[0])):
        records = records[0][key]
    return [record for record in records if isinstance(record, dict)]


def _compound(value, prefix=""):
    """Return the dotted names of the lists and objects inside a record: they are no values."""
    if isinstance(value, dict):
        inner = [_compound(v, f"{prefix}.{k}" if prefix else k) for k, v in value.items()]
    elif isinstance(value, list):
        inner = [_compound(element, prefix) for element in value if isinstance(element, dict)]
    else:
        return set()
    return set().union({prefix}, *inner)


def _listed(value, unnest, prefix="", is_inside=False):
    """Return the dotted names of the fields in lists of a record, but for those of ``unnest``."""
    if isinstance(value, list):
        inner = [_listed(v, unnest, prefix, prefix != unnest) for v in value if isinstance(v, dict)]
        return set().union(*inner)
    if not isinstance(value, dict):
        return {prefix} if is_inside else set()
    names = [(f"{prefix}.{key}" if prefix else key, inner) for key, inner in value.items()]
    return set().union(*(_listed(inner, unnest, name, is_inside) for name, inner in names))


def refund_of_lists(names: set[str]) -> str | None:
    """Return the field that is the money of a list of refunds: of goods first, the least deep."""
    for word in ("subtotal", "amount", "total", "value", "sum"):
        fitting = [
            name for name in names
            if "refund" in english(plain(name.partition(".")[0])).split()
            and word in plain(name.rpartition(".")[2]).split()
            and "tax" not in plain(name)
        ]  # fmt: skip
        if fitting:
            return min(fitting, key=lambda name: (name.count("."), name))
    return None


def _columns(connection, file, kind, settings, folder):
    if kind == "csv":
        text = as_utf8(file, settings, folder / "columns.csv")
        delimiter = settings.get("delimiter", ",")
        records = first_records(text, delimiter, settings.get("quote", '"'))
        row = settings.get("header_row")
        filled = [i for i, (record, _) in enumerate(records) if any(map(str.strip, record))]
        at = next((i for i in filled if records[i][1] + 1 >= (row or 0)), None)
        if at is None:
            raise UnreadableSource(f"{file} has no rows")
        return unique_names(records[at][0])
    if kind == "xlsx":
        sheet = settings.get("sheet")
        rows = workbook_rows(file, sheet[0] if isinstance(sheet, list) else sheet, 60)
        at = settings.get("header_row", 1) - 1
        filled = [i for i, row in enumerate(rows) if any(map(str.strip, row)) and i >= at]
        if not filled:
            raise UnreadableSource(f"{file} has no rows")
        return unique_names(rows[filled[0]])
    columns = read_table(connection, str(file), settings, [], name="looked").columns
    if kind == "json":
        text = as_utf8(file, {}, folder / "utf8.json")
        records = _records(connection, text)
        compound = set().union(*(_compound(record) for record in records))
        listed = set().union(*(_listed(record, settings.get("unnest")) for record in records))
        refund = refund_of_lists(listed)
        if settings.get("parent_key"):
            compound |= {f"line.{name}" for name in compound}
            listed |= {f"line.{name}" for name in listed}
        columns = [c for c in columns if c not in compound | listed or c == refund]
    return columns


def _parts(file: Path, folder: Path) -> Path:
    """Write whole lines of the head, the middle and the tail of a large file to a file."""
    made = folder / f"parts{file.suffix}"
    size = file.stat().st_size
    with open(file, "rb") as source, open(made, "wb") as target:
        for start in (0, size // 2, size - PART):
            source.seek(start)
            if start:
                source.readline()
            target.write(source.read(PART))
            target.write(source.readline())
    return made


def temporary_folder():
    """Return a temporary folder for copies, as a context."""
    return tempfile.TemporaryDirectory()
