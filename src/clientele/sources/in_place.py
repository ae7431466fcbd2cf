"""Tell which raw tables SQL can read where they are, and whether these have the mapped columns."""

from contextlib import suppress
from pathlib import Path

import duckdb

from clientele.sources.columns import IN_SQL, READING, SHAPE, columns_for, with_attributes
from clientele.sources.common import UnreadableSource, file_literal, format_of, literal
from clientele.sources.expressions import column_names
from clientele.sources.mapping import columns_of
from clientele.sources.reading import describe_missing, find_files


def needs_import(table: dict, path: str | None, name: str = "order_lines") -> bool:
    """Return whether a raw table is imported: text files, or settings that SQL does not know."""
    if path is None:
        return False
    kind = table.get("format") or format_of(path)
    if not kind and Path(path).is_dir():
        kind = format_of(find_files(path)[0])
    if kind != "parquet":
        return True
    own = [name for name in READING + SHAPE if name not in IN_SQL]
    return any(name in table for name in own) or _is_awkward(path, table, name)


def _is_awkward(path: str, table: dict, table_name: str) -> bool:
    """Return whether Parquet keeps keys as fractions or numbers and times as text.

    Files that cannot be inspected here, such as those of an object store, are not.
    """
    if "://" in path:
        return False
    kinds = {c.name: c for c in columns_for(table_name, table)}
    mapping = with_attributes(table)["columns"].items()
    awkward = {
        "key": ("DOUBLE", "FLOAT"),
        "number": ("VARCHAR",),
        "timestamp": ("VARCHAR", "TIMESTAMP WITH TIME ZONE"),
    }
    try:
        with duckdb.connect() as connection:
            place = file_literal(path) if Path(path).is_file() else literal(path)
            rows = f"(from read_parquet({place}, union_by_name = true))"
            types = dict(row[:2] for row in connection.execute(f"describe {rows}").fetchall())
            return any(
                types.get(theirs) in awkward.get(kinds[ours].kind, ())
                if isinstance(theirs, str)
                else isinstance(theirs, dict)
                and _computes_with_text(connection, rows, types, kinds[ours], theirs["expression"])
                for ours, theirs in mapping
                if ours in kinds
            )
    except duckdb.Error:
        return False


def _computes_with_text(connection, rows, types, column, expression):
    """Return whether an expression needs numbers or times that its columns keep as text."""
    if "VARCHAR" not in {types.get(name) for name in column_names(connection, expression)}:
        return False
    try:
        connection.execute(f"select try_cast(({expression}) as {column.type}) from {rows} limit 0")
    except duckdb.Error:
        return True
    # The engines have different functions for times in words.
    return column.kind == "timestamp"


def check_columns(tables: dict, paths: dict[str, str | None]) -> None:
    """Refuse Parquet that SQL reads in place and that lacks a mapped column.

    Files that cannot be inspected here are checked by SQL.

    Args:
        tables: The YAML of the tables, by canonical name.
        paths: Path of each table to check; None if it is in the database.

    Raises:
        UnreadableSource: a file lacks a column.
    """
    for name, path in paths.items():
        if path is None or "://" in path:
            continue
        with duckdb.connect() as connection, suppress(duckdb.Error):
            wanted = wanted_columns(connection, tables[name])
            files = find_files(path)
            for file in files:
                rows = f"describe from read_parquet({file_literal(file)})"
                columns = [row[0] for row in connection.execute(rows).fetchall()]
                # A name with a dot may be a field of a column.
                if missing := [c for c in wanted if c not in columns and "." not in c]:
                    ours = {
                        theirs: own
                        for own, mapped in with_attributes(tables[name])["columns"].items()
                        for theirs in columns_of(connection, mapped)
                    }
                    raise UnreadableSource(
                        f"`{name}`: {describe_missing(file, missing, columns, len(files), ours)}"
                    )


def wanted_columns(connection, table: dict) -> list[str]:
    """Return the source's columns that a table's YAML names."""
    wanted = []
    for mapped in [
        *with_attributes(table)["columns"].values(),
        *(table.get("order_amounts") or {}).values(),
    ]:
        wanted += columns_of(connection, mapped)
    wanted += table.get("fill_down") or []
    for rule in table.get("exclude") or []:
        wanted += column_names(connection, rule["when"])
    return list(dict.fromkeys(wanted))
