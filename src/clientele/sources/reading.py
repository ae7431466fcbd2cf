"""Read the files of a raw table into one DuckDB table of text, a row per raw line."""

import glob
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from clientele.sources.common import (
    DAMAGED,
    UnreadableSource,
    first_sentence,
    format_of,
    quoted,
)  # fmt: skip
from clientele.sources.delimited import read_csv
from clientele.sources.structured import read_json, read_parquet, unpack_cells
from clientele.sources.workbooks import read_workbook


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


def find_files(path: str) -> list[Path]:
    """Return the files of a path: itself, those of a folder, or those of a glob, by name.

    Raises:
        UnreadableSource: there is none, or a folder holds files of several formats.
    """
    place = Path(path)
    if place.is_file():
        # Also a name with the characters of a glob, such as `orders [1].csv`.
        return [place]
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


def read_table(
    connection: duckdb.DuckDBPyConnection,
    path: str,
    table: dict,
    wanted: list[str],
    *,
    name: str = "raw_lines",
    tell: Callable[[str], None] = lambda step: None,
) -> Raw:
    """Read the files of a raw table into a DuckDB table.

    Args:
        connection: Where the table is made.
        path: A file, folder or glob.
        table: The table's YAML, for its reading settings.
        wanted: Names of the columns that the source uses. Only these are kept.
        name: Name of the table to make.
        tell: Called with each file that is read.

    Raises:
        UnreadableSource: there is no such file, or one that cannot be read so.
    """
    files = find_files(path)
    kind = table.get("format") or format_of(files[0])
    readers = {
        "csv": read_csv,
        "xlsx": read_workbook,
        "json": read_json,
        "parquet": read_parquet,
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
            several = f" ({number + 1} of {len(files)})" if len(files) > 1 else ""
            tell(f"reading {file.name}{several}")
            try:
                columns = readers[kind](
                    connection, file, table, wanted, part, notes, Path(folder) / f"{number}.csv"
                )
            except DAMAGED as error:
                raise UnreadableSource(
                    f"{file} cannot be read as {kind}: {first_sentence(error)}"
                ) from None
            missing = [column for column in wanted if column not in columns]
            if missing:
                raise UnreadableSource(describe_missing(file, missing, columns, len(files)))
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
        unpack_cells(connection, name, unpack)
        names = re.compile(unpack["pattern"]).groupindex
        shared += [f"{unpack['column']}.{group}" for group in names]
    return Raw(name, shared, files, notes)


def describe_missing(
    file: Path, missing: list[str], columns: list[str], count: int, ours: dict | None = None
) -> str:
    """Return which columns a file, one of ``count``, lacks, and which of its own may be meant.

    ``ours`` are the canonical names of missing columns, where they are known.
    """
    ours = ours or {}
    by_lower = {column.strip().lower(): column for column in columns}
    hints = [
        f"did you mean '{by_lower[column.strip().lower()]}'?"
        for column in missing
        if column.strip().lower() in by_lower
    ]
    where = f"{file}" + (", unlike other files of the table" if count > 1 else "")
    names = ", ".join(
        f"'{column}' for `{ours[column]}`" if column in ours else f"'{column}'"
        for column in missing
    )
    return f"no column {names} in {where}; " + (
        " ".join(hints) if hints else f"it has {', '.join(columns)}."
    )
