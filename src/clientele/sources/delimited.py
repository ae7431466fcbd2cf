"""Read text with delimiters (CSV and its kin) in any encoding, packed or not."""

import codecs
import csv
import gzip
import io
import zipfile
from pathlib import Path

from clientele.sources.broken import describe_cut_off, refuse_open_quote, refuse_other_width
from clientele.sources.common import (
    UnreadableSource,
    counted,
    file_literal,
    format_of,
    literal,
    quoted,
)
from clientele.sources.naming import refuse_ambiguous, unique_names

DELIMITERS = [",", ";", "\t", "|"]
# A header stands within the first lines of a file.
HEADER_LINES = 60
# Bytes at the end of a file in which footers are, and letters of a broken line that are kept.
END, LONGEST_SHOWN = 65_536, 500


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
        try:
            binary = archive.open(members[0])
        except (RuntimeError, NotImplementedError) as error:
            raise UnreadableSource(
                f"{file} cannot be unpacked here ({error}); unpack it, and name the file"
            ) from None
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


def as_utf8(file: Path, table: dict, copy: Path) -> Path:
    """Return a file in UTF-8 without compression: the file itself, or a copy.

    All lines of a copy end in the same way. DuckDB does not read files whose lines end in
    several ways.
    """
    encoding = table.get("encoding")
    packed = file.name.lower().endswith((".gz", ".zst", ".zip"))
    plain = not packed and (not encoding or _codec(encoding) == "utf-8")
    with open_text(file, encoding) as text:
        same = plain and text.encoding.startswith("utf-8")
        try:
            if same:
                decoder = codecs.getincrementaldecoder("utf-8")()
                returns = feeds = both = 0
                with open(file, "rb") as binary:
                    last = b""
                    while block := binary.read(1 << 22):
                        _refuse_nul(file, block, b"\0")
                        decoder.decode(block)
                        returns += block.count(b"\r")
                        feeds += block.count(b"\n")
                        both += block.count(b"\r\n") + (last == b"\r" and block[:1] == b"\n")
                        last = block[-1:]
                    decoder.decode(b"", final=True)
                if both == feeds == returns or not both and 0 in (feeds, returns):
                    return file
            ends = io.IncrementalNewlineDecoder(None, translate=True)
            with open(copy, "w", encoding="utf-8", newline="") as target:
                while block := text.read(1 << 20):
                    _refuse_nul(file, block, "\0")
                    target.write(ends.decode(block))
                target.write(ends.decode("", final=True))
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


def _refuse_nul(file, block, nul):
    if nul in block:
        raise UnreadableSource(
            f"{file} is no text: it holds NUL bytes. It may be damaged, not wholly copied, or "
            "UTF-16 without its mark (`encoding: utf-16`); export it again as CSV or xlsx"
        )


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


def read_csv(connection, file, table, wanted, part, notes, copy) -> list[str]:
    """Read a file into the table ``part``, a row per line, and return its column names.

    Args:
        connection: Where the table is made.
        file: The file.
        table: The YAML of the raw table, for its reading settings.
        wanted: Columns that the source uses; the line that has all of them is the header.
        part: Name of the table to make.
        notes: Sentences about what is left out are added to it.
        copy: A path to write a copy in UTF-8 to, if one is needed.

    Raises:
        UnreadableSource: no text in that encoding, no rows, or a second header inside.
    """
    text = as_utf8(file, table, copy)
    quote = table.get("quote", '"')
    delimiter = table.get("delimiter") or likely_delimiter(text, wanted, quote)
    records = first_records(text, delimiter, quote)
    at = _header(records, wanted, table, file)
    names = unique_names(records[at][0])
    lines_before = records[at + 1][1] if at + 1 < len(records) else _line_count(text)
    refuse_ambiguous(names, records[at][0], wanted, file)
    if set(wanted) - set(names):
        # The caller tells what is missing; the lines are not worth reading.
        return names
    positions = [f"c{i}" for i in range(len(names))]
    types = ", ".join(f"'{position}': 'VARCHAR'" for position in positions)
    connection.execute(
        f"""
        create or replace table {part} as
        select {", ".join(f"{p} as {quoted(n)}" for p, n in zip(positions, names, strict=True))},
            cast(row_number() over () as bigint) as _row, cast(null as varchar) as _problem
        from read_csv({file_literal(text)}, auto_detect = false, header = false,
            delim = {literal(delimiter)}, quote = {literal(quote)}, escape = {literal(quote)},
            skip = {lines_before},
            columns = {{{types}}}, store_rejects = true, rejects_table = 'csv_rejects',
            rejects_scan = 'csv_scans', nullstr = '\x01',
            max_line_size = 16777216, null_padding = false)
        """
    )
    rejected = connection.execute(
        "select line, any_value(csv_line), min(line_byte_position) from csv_rejects "
        "group by line order by line"
    ).fetchall()
    connection.execute("drop table csv_rejects; drop table csv_scans")
    head, broken, lines = [name.strip() for name in records[at][0]], [], []
    for line, content, place in rejected:
        # Blank lines before a broken one are part of it.
        content = (content or "").strip("\r\n")
        cells = next(csv.reader(content.splitlines(), delimiter=delimiter), [])
        if quote and quote in content:
            refuse_open_quote(file, line, content)
        if [cell.strip() for cell in cells[: len(head)]] == head:
            raise _second_header(file, line)
        if not any(cell.strip() for cell in cells):
            continue
        lines.append((line, cells, content))
        problem = f"line {line}: {len(cells)} cells instead of {len(names)}"
        broken.append((line, place, f"{problem}: {content[:LONGEST_SHOWN]}"))
    if broken:
        if set(wanted) <= set(names):
            good = connection.execute(f"select count(*) from {part}").fetchone()[0]
            refuse_other_width(file, lines, good, len(names))
        last = broken[-1][:2]
        marks = delimiter, quote, len(names)
        _insert_broken(connection, part, broken, lines_before, text, marks)
    _drop_what_is_no_line(connection, part, names, table, file, notes)
    broken = connection.execute(
        f"select cast(regexp_extract(_problem, '[0-9]+') as bigint) from {part} "
        "where _problem is not null order by 1"
    ).fetchall()
    if broken:
        first = ", ".join(str(line) for (line,) in broken[:3])
        notes.append(
            f"{file}: {counted(len(broken), 'line')} with another number of cells than the header, "
            f"or broken quotes (line {first}): rejected as `unreadable_line`."
        )
        if broken[-1][0] == last[0]:
            notes += describe_cut_off(file, text, *last, quote)
    return names


def _insert_broken(connection, part, broken, lines_before, text, marks):
    """Insert lines that do not read among those that do, by a negative position in the file.

    Positions count all lines but blank ones; at the end of the file, where footers are, exactly.
    """
    good = connection.execute(f"select count(*) from {part}").fetchone()[0]
    after, rows, size = 0, [], text.stat().st_size
    for number, (line, place, problem) in reversed(list(enumerate(broken))):
        before = line - lines_before - 1 - number
        if place is not None and size - place <= END and after < HEADER_LINES:
            # Those after it that are broken are in the list already.
            after = _records_after(text, place, *marks) - len(rows)
            before = good - after
        before = max(0, min(before, good - after))
        rows.append((before, -(before + number + 1), problem))
    connection.execute(
        "create or replace temp table broken as "
        "select unnest(?) as before, unnest(?) as row, unnest(?) as why",
        list(map(list, zip(*rows, strict=True))),
    )
    connection.execute(
        f"""
        create or replace temp table shifts as
        select before, sum(count(*)) over (order by before) as n from broken group by before;
        create or replace table {part} as
        select lines.* replace (cast(_row + coalesce(n, 0) as bigint) as _row)
        from {part} as lines asof left join shifts on lines._row > shifts.before;
        insert into {part} (_row, _problem) select row, why from broken;
        drop table broken; drop table shifts
        """
    )


def _records_after(text, place, delimiter, quote, width):
    """Return the number of records after the one that begins at a byte, without blank ones."""
    with open(text, "rb") as binary:
        binary.seek(place)
        tail = binary.read().decode("utf-8", errors="replace").lstrip("\r\n")
    reader = csv.reader(
        io.StringIO(tail, newline=""), delimiter=delimiter, quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )  # fmt: skip
    return sum(len(r) == width or any(map(str.strip, r)) for r in reader) - 1


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
        left_out = "line is" if footer == 1 else f"{footer} lines are"
        notes.append(f"{file}: the last {left_out} left out (`skip_footer`).")
    if connection.execute(f"select count(*) from {part}").fetchone()[0] == 0:
        raise UnreadableSource(
            f"{file} has no rows; an empty source is refused because it would empty the marts"
        )


def _line_count(file: Path) -> int:
    with open(file, "rb") as binary:
        return sum(1 for _ in binary)
