"""Read text files into one DuckDB table of text, a row per raw line."""

import codecs
import csv
import glob
import gzip
import io
import json
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from clientele.sources.columns import FORMATS

DELIMITERS = [",", ";", "\t", "|"]
# A header stands within the first lines of a file.
HEADER_LINES = 60
LARGEST_JSON = 512 * 1024 * 1024


class UnreadableSource(ValueError):
    """Raw data that cannot be read as the source's YAML says; the message names the remedy."""


@dataclass
class Raw:
    """The raw lines of a table.

    Attributes:
        relation: A DuckDB table: the columns, all text, and `_file`, `_row` (position in the file)
            and `_problem` (null, or why the line cannot be read).
        columns: Names of the columns that every file has.
        files: The files, in order.
        notes: What was left out or noticed, in sentences.
    """

    relation: str
    columns: list[str]
    files: list[Path]
    notes: list[str] = field(default_factory=list)


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def find_files(path: str) -> list[Path]:
    """Return the files of a path: itself, those of a folder, or those of a glob, by name.

    Raises:
        UnreadableSource: there is none, or a folder holds files of several formats.
    """
    place = Path(path)
    if place.is_dir():
        found = sorted(
            file for file in place.iterdir()
            if file.is_file() and not file.name.startswith(".") and format_of(file)
        )  # fmt: skip
        formats = {format_of(file) for file in found}
        if len(formats) > 1:
            raise UnreadableSource(
                f"the folder {path} holds files of several formats ({', '.join(sorted(formats))}); "
                "name those of the table with a glob, such as "
                f'path: "{path}/*{found[0].suffix}"'
            )
    else:
        found = sorted(Path(name) for name in glob.glob(str(path)) if Path(name).is_file())
    if not found:
        raise UnreadableSource(
            f"no file at {path}; set DATA (CLIENTELE_DATA with plain dbt) or `path`; "
            "a relative path starts at the project's folder"
        )
    return found


def format_of(path: str | Path) -> str:
    """Return csv, json, xlsx or parquet by the ending of a path; empty if it does not tell."""
    name = str(path).lower()
    for packed in (".gz", ".zst", ".zip"):
        name = name.removesuffix(packed)
    return FORMATS.get(name.rpartition(".")[2], "")


def read_table(
    connection: duckdb.DuckDBPyConnection,
    path: str,
    table: dict,
    wanted: list[str],
    *,
    name: str = "raw_lines",
) -> Raw:
    """Read the files of a raw table into a DuckDB table.

    Args:
        connection: Where the table is made.
        path: A file, folder or glob.
        table: The table's YAML, for its reading settings.
        wanted: Names of the columns that the source uses. Only these are kept.
        name: Name of the table to make.

    Raises:
        UnreadableSource: there is no such file, or one that cannot be read so.
    """
    files = find_files(path)
    kind = table.get("format") or format_of(files[0])
    readers = {
        "csv": _read_csv,
        "xlsx": _read_workbook,
        "json": _read_json,
        "parquet": _read_parquet,
    }
    if kind not in readers:
        raise UnreadableSource(
            f"the ending of {files[0]} does not tell its format; "
            "add `format: csv`, `json`, `xlsx` or `parquet`"
        )
    notes, parts = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            part = f"{name}_{number}"
            try:
                columns = readers[kind](
                    connection, file, table, wanted, part, notes, Path(folder) / f"{number}.csv"
                )
            except (duckdb.Error, csv.Error, OSError, EOFError, zipfile.BadZipFile) as error:
                raise UnreadableSource(
                    f"{file} cannot be read as {kind}: {_short(error)}"
                ) from None
            missing = [column for column in wanted if column not in columns]
            if missing:
                raise UnreadableSource(_missing(file, missing, columns, len(files)))
            parts.append((part, columns))
    selected = ", ".join([*map(quoted, wanted), "_row", "_problem"])
    connection.execute(
        f"create or replace table {name} as "
        + " union all ".join(
            f"select cast({number} as int) as _file, {selected} from {part}"
            for number, (part, _) in enumerate(parts)
        )
    )
    for part, _ in parts:
        connection.execute(f"drop table {part}")
    shared = [c for c in parts[0][1] if all(c in columns for _, columns in parts)]
    if unpack := table.get("unpack"):
        _unpack(connection, name, unpack)
        names = re.compile(unpack["pattern"]).groupindex
        shared += [f"{unpack['column']}.{group}" for group in names]
    return Raw(name, shared, files, notes)


def _missing(file, missing, columns, count):
    alike = {column.strip().lower(): column for column in columns}
    hints = [
        f"did you mean '{alike[column.strip().lower()]}'?"
        for column in missing
        if column.strip().lower() in alike
    ]
    where = f"{file}" + (", unlike other files of the table" if count > 1 else "")
    names = ", ".join(f"'{column}'" for column in missing)
    return f"no column {names} in {where}; " + (
        " ".join(hints) if hints else f"it has {', '.join(columns)}."
    )


def _short(error: BaseException) -> str:
    """Return the first sentence of an engine's message, without its name."""
    return re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", str(error).strip().split("\n")[0])


# --------------------------------------------------------------------------- text with delimiters


def open_text(file: Path, encoding: str | None = None) -> io.TextIOBase:
    """Open a file as text, unpacked; gz, zst and zip (of one file) by the name's ending.

    Raises:
        UnreadableSource: bytes that are not of the encoding; the message proposes another.
    """
    name = file.name.lower()
    if name.endswith(".gz"):
        binary = gzip.open(file)
    elif name.endswith(".zst"):
        import pyarrow as pa

        binary = pa.input_stream(str(file), compression="zstd")
    elif name.endswith(".zip"):
        archive = zipfile.ZipFile(file)
        members = [m for m in archive.namelist() if format_of(m) and not m.startswith("__MACOSX")]
        if len(members) != 1:
            raise UnreadableSource(
                f"{file} holds {len(members)} data files; unpack it, and name the folder"
            )
        binary = archive.open(members[0])
    else:
        binary = open(file, "rb")
    binary = io.BufferedReader(binary) if not hasattr(binary, "peek") else binary
    head = binary.peek(4)[:4]
    if encoding is None and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    codec = _codec(encoding or "utf-8")
    codec = "utf-8-sig" if codec == "utf-8" else codec
    return io.TextIOWrapper(binary, encoding=codec, newline="")


def _codec(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise UnreadableSource(
            f"`encoding: {encoding}` is unknown; write a name such as utf-8, windows-1252, "
            "iso-8859-15 or utf-16"
        ) from None


def _utf8(file: Path, table: dict, copy: Path) -> Path:
    """Return a file in UTF-8 without compression: the file itself, or a copy."""
    encoding = table.get("encoding")
    packed = file.name.lower().endswith((".gz", ".zst", ".zip"))
    plain = not packed and (not encoding or _codec(encoding) == "utf-8")
    with open_text(file, encoding) as text:
        same = plain and text.encoding.startswith("utf-8")
        try:
            if same:
                decoder = codecs.getincrementaldecoder("utf-8")()
                with open(file, "rb") as binary:
                    while block := binary.read(1 << 22):
                        decoder.decode(block)
                    decoder.decode(b"", final=True)
                return file
            with open(copy, "w", encoding="utf-8", newline="") as target:
                shutil.copyfileobj(text, target, 1 << 20)
        except UnicodeError as error:
            if encoding:
                remedy = f"it is not `encoding: {encoding}`"
            else:
                remedy = (
                    "it is not UTF-8; say `encoding: windows-1252` if a Western European "
                    "Windows program wrote it, or the encoding that it has"
                )
            raise UnreadableSource(
                f"{file} cannot be read as text ({error.reason}): {remedy}"
            ) from None
    return copy


def first_records(file: Path, delimiter: str, quote: str, count: int = HEADER_LINES):
    """Return the first records of a UTF-8 file and, for each, the number of lines before it."""
    records = []
    with open(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(
            text, delimiter=delimiter, quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        )  # fmt: skip
        before = 0
        for record in reader:
            records.append((record, before))
            before = reader.line_num
            if len(records) == count:
                break
    return records


def likely_delimiter(file: Path, wanted: list[str], quote: str) -> str:
    """Return the delimiter with which a header holds most wanted columns, or else most columns."""

    def fitness(delimiter):
        records = [record for record, _ in first_records(file, delimiter, quote)]
        found = max((len(set(map(str.strip, r)) & set(wanted)) for r in records), default=0)
        widths = [len(record) for record in records if any(map(str.strip, record))]
        typical = max(set(widths), key=widths.count) if widths else 0
        return found, typical

    return max(DELIMITERS, key=fitness)


def _header(records, wanted, table, file):
    """Return the header's record and the number of lines before and up to it."""
    row = table.get("header_row")
    filled = [i for i, (record, _) in enumerate(records) if any(map(str.strip, record))]
    if not filled:
        raise UnreadableSource(
            f"{file} has no rows; an empty source is refused because it would empty the marts"
        )
    if row is not None:
        at = next((i for i, (_, before) in enumerate(records) if before + 1 >= row), None)
        if at is None:
            raise UnreadableSource(f"{file} has no line {row}; correct `header_row`")
    else:
        # Reports have a title above their header: the names tell which line it is.
        names = set(wanted)
        at = next((i for i in filled if names <= set(map(str.strip, records[i][0]))), filled[0])
    return at


def _read_csv(connection, file, table, wanted, part, notes, copy):
    text = _utf8(file, table, copy)
    quote = table.get("quote", '"')
    delimiter = table.get("delimiter") or likely_delimiter(text, wanted, quote)
    records = first_records(text, delimiter, quote)
    at = _header(records, wanted, table, file)
    names = unique_names(records[at][0])
    lines_before = records[at + 1][1] if at + 1 < len(records) else _line_count(text)
    _refuse_ambiguous(names, wanted, file)
    positions = [f"c{i}" for i in range(len(names))]
    types = ", ".join(f"'{position}': 'VARCHAR'" for position in positions)
    connection.execute(
        f"""
        create or replace table {part} as
        select {", ".join(f"{p} as {quoted(n)}" for p, n in zip(positions, names, strict=True))},
            cast(row_number() over () as bigint) as _row, cast(null as varchar) as _problem
        from read_csv({literal(text)}, auto_detect = false, header = false, delim = {literal(delimiter)},
            quote = {literal(quote)}, escape = {literal(quote)}, skip = {lines_before},
            columns = {{{types}}}, store_rejects = true, rejects_table = 'csv_rejects',
            rejects_scan = 'csv_scans', max_line_size = 16777216, null_padding = false)
        """
    )
    rejected = connection.execute(
        "select distinct line, csv_line from csv_rejects order by line"
    ).fetchall()
    connection.execute("drop table csv_rejects; drop table csv_scans")
    head = [name.strip() for name in records[at][0]]
    for line, content in rejected:
        cells = next(csv.reader([content or ""], delimiter=delimiter), [])
        if [cell.strip() for cell in cells[: len(head)]] == head:
            raise _second_header(file, line)
        if not any(cell.strip() for cell in cells):
            continue
        connection.execute(
            f"insert into {part} (_row, _problem) values (?, ?)",
            [-line, f"line {line}: {len(cells)} cells instead of {len(names)}"],
        )
    if rejected:
        first = ", ".join(str(line) for line, _ in rejected[:3])
        notes.append(
            f"{file}: {len(rejected):,} lines have another number of cells than the header, or "
            f"broken quotes (line {first}); they are rejected as `unreadable_line`."
        )
    _drop_what_is_no_line(connection, part, names, table, file, notes)
    return names


def _second_header(file, line):
    return UnreadableSource(
        f"{file} has a second header in line {line}: it looks like two exports joined; "
        "put each into a file of its own, and name their folder"
    )


def _drop_what_is_no_line(connection, part, names, table, file, notes):
    """Delete blank lines and footers, and refuse a second header."""
    cells = [f"nullif(trim({quoted(name)}), '')" for name in names]
    repeated = " and ".join(
        f"trim({quoted(name)}) = {literal(name.strip())}" for name in names if name.strip()
    )
    found = connection.execute(f"select min(_row) from {part} where {repeated}").fetchone()[0]
    if found is not None:
        raise _second_header(file, f"{found} of the data")
    blank = f"_problem is null and coalesce({', '.join(cells)}) is null"
    connection.execute(f"delete from {part} where {blank}")
    if footer := int(table.get("skip_footer") or 0):
        connection.execute(
            f"delete from {part} where _row in (select _row from {part} order by abs(_row) desc "
            f"limit {footer})"
        )
        notes.append(f"{file}: the last {footer} lines are left out (`skip_footer`).")
    if connection.execute(f"select count(*) from {part}").fetchone()[0] == 0:
        raise UnreadableSource(
            f"{file} has no rows; an empty source is refused because it would empty the marts"
        )


def unique_names(record: list[str]) -> list[str]:
    """Return the names of a header: trimmed, unnamed ones numbered, repeated ones with a suffix."""
    names, seen = [], {}
    for position, cell in enumerate(record, start=1):
        name = cell.strip() or f"column_{position}"
        seen[name.lower()] = seen.get(name.lower(), 0) + 1
        names.append(name if seen[name.lower()] == 1 else f"{name}_{seen[name.lower()]}")
    return names


def _refuse_ambiguous(names, wanted, file):
    for name in wanted:
        twins = [n for n in names if re.fullmatch(re.escape(name) + r"(_\d+)?", n, re.IGNORECASE)]
        if name in names and len(twins) > 1:
            raise UnreadableSource(
                f"'{name}' is ambiguous in {file}, which has {' and '.join(twins)}; "
                "rename one in the file"
            )


def _line_count(file: Path) -> int:
    with open(file, "rb") as binary:
        return sum(1 for _ in binary)


# ---------------------------------------------------------------------------------- other formats


def _read_workbook(connection, file, table, wanted, part, notes, copy):
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(file))
    except CalamineError as error:
        raise UnreadableSource(f"{file} cannot be read as a workbook: {_short(error)}") from None
    sheet = table.get("sheet") or book.sheet_names[0]
    if sheet not in book.sheet_names:
        raise UnreadableSource(
            f"{file} has no sheet '{sheet}'; it has {', '.join(book.sheet_names)}"
        )
    with open(copy, "w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        for row in book.get_sheet_by_name(sheet).to_python(skip_empty_area=False):
            writer.writerow([cell_text(cell) for cell in row])
    written = {**table, "encoding": None, "delimiter": ",", "quote": '"'}
    return _read_csv(connection, copy, written, wanted, part, notes, copy)


def cell_text(cell) -> str:
    """Return the text of a workbook's cell: whole numbers without a fraction, times as ISO."""
    if isinstance(cell, bool) or cell is None:
        return "" if cell is None else str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return cell.isoformat(sep=" ") if hasattr(cell, "hour") and hasattr(cell, "year") else str(cell)


def _read_parquet(connection, file, table, wanted, part, notes, copy):
    columns = [
        row[0]
        for row in connection.execute(
            f"describe select * from read_parquet({literal(file)})"
        ).fetchall()
    ]
    kept = [column for column in wanted if column in columns]
    connection.execute(
        f"""
        create or replace table {part} as
        select {
            ", ".join(
                [f"cast({quoted(c)} as varchar) as {quoted(c)}" for c in kept]
                + ["file_row_number as _row", "cast(null as varchar) as _problem"]
            )
        }
        from read_parquet({literal(file)}, file_row_number = true)
        """
    )
    return columns


def _read_json(connection, file, table, wanted, part, notes, copy):
    text = _utf8(file, table, copy)
    source = (
        f"read_json_objects({literal(text)}, format = 'auto', compression = 'none', "
        f"maximum_object_size = {LARGEST_JSON})"
    )
    connection.execute(
        f"create or replace temp table {part}_json as "
        f"select cast(row_number() over () as bigint) as _row, json as record from {source}"
    )
    parent, unnest = table.get("parent_key"), table.get("unnest")
    if parent:
        child_of = f"(record ->> {literal(_path(parent))})"
        connection.execute(
            f"""
            create or replace temp table {part}_json as
            select child._row as _row, parent.record as record, child.record as line
            from {part}_json as parent
            join {part}_json as child
                on child.record ->> {literal(_path(parent))} = parent.record ->> '$."id"'
            union all
            select _row, record, null as line from {part}_json as alone
            where {child_of} is null and not exists (
                select 1 from {part}_json as child
                where child.record ->> {literal(_path(parent))} = alone.record ->> '$."id"'
            )
            """
        )
        prefix = "line"
    elif unnest:
        connection.execute(
            f"""
            create or replace temp table {part}_json as
            select cast(row_number() over (order by _row, position) as bigint) as _row, record, line
            from (
                select _row, record, unnest(elements) as line,
                    generate_subscripts(elements, 1) as position
                from (
                    select *, case when json_array_length(record, {literal(_path(unnest))}) > 0
                        then json_extract(record, {literal(_path(unnest) + "[*]")})
                        else [null] end as elements
                    from {part}_json
                )
            )
            """
        )
        prefix = unnest
    else:
        prefix = None
    columns = _json_columns(connection, part, "record", "")
    if prefix:
        columns = [c for c in columns if c != prefix]
        columns += _json_columns(connection, part, "line", f"{prefix}.")

    def value(name):
        if prefix and name.startswith(f"{prefix}."):
            return f"line ->> {literal(_path(name.removeprefix(prefix + '.')))}"
        return f"coalesce(record ->> {literal(_key(name))}, record ->> {literal(_path(name))})"

    kept = [column for column in wanted if column in columns]
    _refuse_lists(connection, part, kept, file)
    connection.execute(
        f"""
        create or replace table {part} as
        select {
            ", ".join(
                [f"{value(c)} as {quoted(c)}" for c in kept]
                + ["_row", "cast(null as varchar) as _problem"]
            )
        }
        from {part}_json order by _row
        """
    )
    connection.execute(f"drop table {part}_json")
    if connection.execute(f"select count(*) from {part}").fetchone()[0] == 0:
        raise UnreadableSource(
            f"{file} has no rows; an empty source is refused because it would empty the marts"
        )
    return columns


def _refuse_lists(connection, part, names, file):
    for name in names:
        found = connection.execute(
            f"select count(*) from {part}_json "
            f"where json_type(record, {literal(_path(name))}) = 'ARRAY'"
        ).fetchone()[0]
        if found:
            raise UnreadableSource(
                f"'{name}' is a list in {file}: write `unnest: {name}` under the table, and map the "
                f"fields of its elements, such as `product_id: {name}.sku`"
            )


def _key(name: str) -> str:
    return '$."' + name.replace('"', '\\"') + '"'


def _path(name: str) -> str:
    return "$" + "".join('."' + part.replace('"', '\\"') + '"' for part in name.split("."))


def _json_columns(connection, part, column, prefix):
    """Return the names of the scalar fields of JSON records, nested ones with dots."""
    text = connection.execute(
        f"select json_group_structure({column}) from "
        f"(select {column} from {part}_json where {column} is not null using sample 20000 rows)"
    ).fetchone()[0]

    def fields(structure, prefix):
        for key, inner in structure.items():
            yield f"{prefix}{key}"
            if isinstance(inner, dict):
                yield from fields(inner, f"{prefix}{key}.")

    structure = json.loads(text) if text else {}
    return list(fields(structure, prefix)) if isinstance(structure, dict) else []


def _unpack(connection, name, unpack):
    """Give each match of a pattern in a cell a row of its own."""
    pattern, column = re.compile(unpack["pattern"]), unpack["column"]
    groups = list(pattern.groupindex)
    cells = connection.execute(
        f"select distinct {quoted(column)} from {name} where {quoted(column)} is not null"
    ).fetchall()
    rows = [
        (cell, position, *(match.group(group) for group in groups))
        for (cell,) in cells
        for position, match in enumerate(pattern.finditer(cell))
    ]
    connection.execute(
        f"create or replace temp table unpacked (_cell varchar, _position int, "
        + ", ".join(f"{quoted(f'{column}.{group}')} varchar" for group in groups)
        + ")"
    )
    if rows:
        import pandas as pd

        frame = pd.DataFrame(rows, dtype=object)  # noqa: F841 - DuckDB reads it by name
        connection.execute("insert into unpacked select * from frame")
    connection.execute(
        f"""
        create or replace table {name} as
        select lines._file, lines.* exclude (_file, _row), unpacked.* exclude (_cell, _position),
            lines._row * 10000 + coalesce(unpacked._position, 0) as _row
        from {name} as lines left join unpacked on lines.{quoted(column)} = unpacked._cell
        """
    )
