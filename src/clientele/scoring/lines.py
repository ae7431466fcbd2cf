"""Read order lines to be scored, in the columns of the source, and map them as a build does."""

import json
import sys
import tempfile
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from clientele.scoring.kept import Kept
from clientele.sources.columns import columns_for, with_attributes
from clientele.sources.common import counted, format_of, literal, quoted
from clientele.sources.expressions import column_names
from clientele.sources.importing import import_source
from clientele.sources.joining import gives_to_lines
from clientele.sources.mapping import columns_of
from clientele.sources.reading import read_table
from clientele.sources.values import same_person

# Settings that say how the source's own files are laid out, which other formats do not share.
LAYOUT = ["encoding", "delimiter", "quote", "header_row", "skip_footer", "sheet", "unnest",
          "parent_key", "unpack"]  # fmt: skip
ENDINGS = {"parquet": "parquet", "json": "jsonl", "csv": "csv"}


def staged(kept: Kept) -> str:
    """Return the columns of staged order lines with their types, as SQL that makes a table."""
    columns = columns_for("order_lines", kept.source["tables"]["order_lines"])
    reasons = ["reject_reason varchar", "exclude_reason varchar"]
    return ", ".join([f"{column.name} {column.type}" for column in columns] + reasons)


def map_lines(connection: duckdb.DuckDBPyConnection, kept: Kept, lines) -> list[str]:
    """Make the temporary table `new_lines`: order lines in canonical columns, as staging has them.

    Args:
        connection: Where the table is made.
        kept: The build whose source says what the columns mean.
        lines: The path of a CSV, JSON-lines or Parquet file, ``-`` for standard input, or a list
            of dictionaries, one per line.

    Returns:
        Sentences about lines that cannot be read.

    Raises:
        ValueError: a file that is missing or unreadable, or lacks a column of the source.
    """
    connection.execute(f"create or replace temp table new_lines ({staged(kept)})")
    with _file_of(lines) as (path, kind):
        if kept.types:
            return _map_in_sql(connection, kept, path, kind)
        return _map_by_import(connection, kept, path, kind)


@contextmanager
def _file_of(lines):
    """Give the path of the file that holds ``lines``, and its format."""
    if isinstance(lines, (str, Path)) and str(lines) != "-":
        path = Path(lines)
        if not path.is_file():
            raise ValueError(f"no file at {path}")
        yield path, format_of(path) or _format_in(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines"
        if isinstance(lines, (str, Path)):
            path.write_bytes(sys.stdin.buffer.read())
        else:
            rows = list(lines)
            if not all(isinstance(row, dict) for row in rows):
                raise ValueError("lines are a path, `-`, or a list of dictionaries, one per line")
            path.write_text("\n".join(json.dumps(row, default=_text) for row in rows))
        kind = "json" if not isinstance(lines, (str, Path)) else _format_in(path)
        yield path, kind


def _text(value):
    if isinstance(value, (date, datetime, Decimal)):
        return str(value)
    raise ValueError(f"{value!r} is no text, number, date or null")


def _format_in(path):
    """Return the format that a file's first bytes show."""
    with path.open("rb") as file:
        head = file.read(200)
    if head.startswith(b"PAR1"):
        return "parquet"
    return "json" if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else "csv"


def _map_in_sql(connection, kept, path, kind):
    """Map by the SQL of staging, on columns of the types that the source's own have."""
    table = kept.source["tables"]["order_lines"]
    wanted = []
    for mapped in with_attributes(table)["columns"].values():
        wanted += columns_of(connection, mapped) if mapped is not None else []
    for rule in table.get("exclude") or []:
        wanted += column_names(connection, rule["when"])
    wanted = list(dict.fromkeys(wanted))
    read_table(connection, str(path), {"format": kind}, wanted, name="raw_new_lines")
    typed = ", ".join(
        f"try_cast({quoted(name)} as {kept.types.get(name, 'varchar')}) as {quoted(name)}"
        for name in wanted
    )
    connection.execute(
        "create or replace temp view typed_new_lines as "
        f"select {typed} from raw_new_lines where _problem is null"
    )
    code = staging_of(kept, "typed_new_lines")
    connection.execute(f"insert into new_lines by name {code}")
    (unread,) = connection.execute(
        "select count(*) from raw_new_lines where _problem is not null"
    ).fetchone()
    connection.execute("drop view typed_new_lines; drop table raw_new_lines")
    return [f"{counted(unread, 'line', 'is/are')} unreadable and left out."] if unread else []


def staging_of(kept: Kept, relation: str) -> str:
    """Return the SQL of staging that reads ``relation`` in place of the source's order lines."""
    code = kept.models["stg_order_lines"].code
    if code.count(kept.location) != 1:
        raise ValueError(f"the SQL of staging does not read `{kept.location}` once; build again")
    return code.replace(kept.location, relation)


def _map_by_import(connection, kept, path, kind):
    """Map by the import of text files, with the settings of the source."""
    tables = kept.source["tables"]
    if joined := [n for n in ("orders", "customers") if gives_to_lines(n, tables.get(n))]:
        raise ValueError(
            f"source '{kept.source['name']}' joins `{joined[0]}:` from another file, so its order "
            "lines alone cannot be scored"
        )
    table = dict(tables["order_lines"])
    own = table.get("format") or format_of(table["path"])
    if own != kind:
        for name in LAYOUT:
            table.pop(name, None)
    table |= {"path": str(path), "format": kind}
    source = dict(kept.source, tables={"order_lines": table})
    with tempfile.TemporaryDirectory() as folder:
        imported = import_source(source, None, Path(folder))
        place = literal(imported.folder / "order_lines.parquet")
        connection.execute(f"insert into new_lines by name from read_parquet({place})")
    return []


def name_known_persons(connection: duckdb.DuckDBPyConnection, kept: Kept, customers: str) -> None:
    """Give customers of `new_lines` the spelling that the relation ``customers`` has for them.

    A build takes ids that differ in case or blanks for one person; the warehouse has its name.
    """
    if kept.source["tables"]["order_lines"].get("customer_ids") == "as_written":
        return
    connection.execute(
        f"""
        create or replace temp table unknown as
        select distinct customer_id from new_lines
        where customer_id is not null and customer_id not in (
            select customer_id from {customers}
            where customer_id in (select customer_id from new_lines)
        )
        """
    )
    # Comparing spellings of all customers takes ten times as long.
    if not connection.execute("select count(*) from unknown").fetchone()[0]:
        return
    connection.execute(
        f"""
        create or replace temp table spelled as
        select {same_person("customer_id")} as person, min(customer_id) as spelling
        from {customers}
        where {same_person("customer_id")} in (
            select {same_person("customer_id")} from unknown
        ) group by 1;
        update new_lines set customer_id = spelled.spelling
        from spelled where {same_person("new_lines.customer_id")} = spelled.person;
        drop table spelled
        """
    )
