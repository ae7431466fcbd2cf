"""Write a publication: every public mart in a DuckDB file and as Parquet, counted and flushed."""

import os
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import duckdb

from clientele.publishing.builds import Build, Mart
from clientele.publishing.changes import SEGMENT_CHANGES, segment_changes

DATABASE = "clientele.duckdb"
# DuckDB since 1.0 and the drivers of BI tools open it.
STORAGE_VERSION = "v1.0.0"
# The tables that a publication holds besides the marts, with `SEGMENT_CHANGES`: columns, types and
# meanings.
PUBLICATIONS = {
    "build_id": ("varchar", "When dbt's build began, in UTC, and how its invocation id begins"),
    "previous_build_id": (
        "varchar",
        "The publication that was current when this one was written; null for the first",
    ),
    "published_at": ("timestamp", "When it was written, in UTC"),
    "built_at": ("timestamp", "When dbt's build began, in UTC"),
    "as_of_date": ("date", "The day that the marts treat as today"),
    "source_name": ("varchar", "The source it was built from, a file of `sources/`"),
    "currency": ("varchar", "Currency of the amounts; null if the source names none"),
    "min_cell": ("integer", "Fewest customers that a figure shown to others may be of"),
    "git_commit": (
        "varchar",
        "Commit of the project when published, with -dirty if files differed; null without git",
    ),
    "dbt_version": ("varchar", "The dbt-core that built it"),
    "clientele_version": ("varchar", "The clientele that published it"),
    "mart_count": ("integer", "Marts published"),
    "row_count": ("bigint", "Rows of all marts together"),
}
PUBLICATION_MARTS = {
    "build_id": ("varchar", "As in `publications`"),
    "mart": ("varchar", "Table of the schema `marts`, and name of a Parquet file"),
    "row_count": ("bigint", "Its rows, counted in the warehouse and in both copies"),
}


def write(
    build: Build, database: Path, temporary: Path, previous: str | None, git_commit: str | None
) -> None:
    """Write a whole publication into the new folder ``temporary`` and onto the disk.

    Raises:
        ValueError: the database has changed since the build, or a copy differs from the original.
        OSError: the database cannot be read.
    """
    os.mkdir(temporary)
    copy = temporary / DATABASE
    config = {
        "memory_limit": os.environ.get("CLIENTELE_MEMORY_LIMIT", "1400MB"),
        "temp_directory": os.environ.get("CLIENTELE_TEMP", "target/duckdb_temp"),
        "preserve_insertion_order": False,
    }
    with duckdb.connect(config=config) as connection:
        run = connection.execute
        run("set timezone = 'UTC'")
        try:
            run(f"attach {_quoted(str(database))} as warehouse (read_only)")
        except duckdb.IOException as error:
            raise OSError(f"{database} cannot be read, is it being built? {error}") from None
        # Checked again, because from here on no other process can write to it.
        refuse_if_changed(build, database)
        run(f"attach {_quoted(str(copy))} as published (storage_version '{STORAGE_VERSION}')")
        run("create schema published.marts")
        counts = {}
        for mart in build.marts:
            original = f"warehouse.marts.{_named(mart.name)}"
            counts[mart.name] = run(f"select count(*) from {original}").fetchall()[0][0]
            run(f"create table published.marts.{_named(mart.name)} as select * from {original}")
        as_of_date = run(
            "select as_of_date from warehouse.intermediate.int_as_of_dates where is_current"
        ).fetchall()[0][0]
        record = {
            "build_id": build.build_id,
            "previous_build_id": previous,
            "published_at": datetime.now(UTC).replace(tzinfo=None),
            "built_at": build.started_at.astimezone(UTC).replace(tzinfo=None),
            "as_of_date": as_of_date,
            "source_name": build.source_name,
            "currency": build.currency,
            "min_cell": build.min_cell,
            "git_commit": git_commit,
            "dbt_version": build.dbt_version,
            "clientele_version": version("clientele"),
            "mart_count": len(counts),
            "row_count": sum(counts.values()),
        }
        replaced = temporary.parent / previous / DATABASE if previous else None
        changes = segment_changes(run, replaced, build.source_name)
        told = [
            _add_table(
                run,
                "publications",
                "This publication, one row: its build, source, day and versions",
                PUBLICATIONS,
                [tuple(record[name] for name in PUBLICATIONS)],
            ),
            _add_table(
                run,
                "publication_marts",
                "The marts of this publication, and their rows",
                PUBLICATION_MARTS,
                [(build.build_id, name, count) for name, count in counts.items()],
            ),
            _add_table(
                run,
                "publication_segment_changes",
                "The segments of this publication and of the one before, compared by key",
                SEGMENT_CHANGES,
                changes,
            ),
        ]
        counts |= {"publications": 1, "publication_marts": len(counts)}
        counts["publication_segment_changes"] = len(changes)
        for mart in [*build.marts, *told]:
            _describe(run, mart)
        run("checkpoint published")
        run("detach published")
        # Read from the copy, as its readers will see it.
        run(f"attach {_quoted(str(copy))} as published (read_only)")
        for name, count in counts.items():
            table, file = f"published.marts.{_named(name)}", temporary / f"{name}.parquet"
            run(f"copy {table} to {_quoted(str(file))} (format parquet, compression zstd)")
            copied = {
                run(f"select count(*) from {table}").fetchall()[0][0],
                run(f"select count(*) from read_parquet({_quoted(str(file))})").fetchall()[0][0],
            }
            if copied != {count}:
                raise ValueError(f"{name} has {count} rows, but its copies {copied}; try again")
    if unexpected := {file.name for file in temporary.iterdir()} - {
        DATABASE,
        *(f"{name}.parquet" for name in counts),
    }:
        raise ValueError(f"DuckDB left {', '.join(sorted(unexpected))} behind; try again")
    for file in temporary.iterdir():
        os.chmod(file, file.stat().st_mode & ~0o222)
        sync(file)
    sync(temporary)


def refuse_if_changed(build: Build, database: Path) -> None:
    """Raise ``ValueError`` unless the build wrote the database and nothing wrote to it since."""
    if not database.is_file():
        raise ValueError(f"no warehouse at {database}; build first")
    log = database.with_name(f"{database.name}.wal")
    written = max(file.stat().st_mtime_ns for file in (database, log) if file.exists())
    if written < build.started_at.timestamp() * 1e9:
        raise ValueError(
            f"{database} is older than the last build, which wrote another database; "
            "set CLIENTELE_DB to what was built, or build again"
        )
    if written > build.ended_ns:
        raise ValueError(
            f"{database} was written to after the last build had ended, so its checks do not "
            "hold for it; build again"
        )


def record_of(publication: Path) -> dict:
    """Return a publication's row of the table ``publications``."""
    try:
        with duckdb.connect(str(publication / DATABASE), read_only=True) as connection:
            row = connection.execute(f"select {', '.join(PUBLICATIONS)} from marts.publications")
            return dict(zip(PUBLICATIONS, row.fetchall()[0], strict=True))
    except duckdb.Error as error:
        raise OSError(f"{publication} cannot be read; remove it, or try again: {error}") from None


def row_counts(publication: Path) -> dict[str, int]:
    """Return the rows of each mart in a publication."""
    try:
        with duckdb.connect(str(publication / DATABASE), read_only=True) as connection:
            rows = connection.execute("select mart, row_count from marts.publication_marts")
            return dict(rows.fetchall())
    except duckdb.Error as error:
        raise OSError(f"{publication} cannot be read; remove it, or try again: {error}") from None


def net_amount(publication: Path) -> float | None:
    """Return the net amount of all orders in a publication; None if it has none."""
    orders = publication / "fct_orders.parquet"
    with duckdb.connect() as connection:
        return connection.execute(
            "select sum(net_amount) from read_parquet(?)", [str(orders)]
        ).fetchone()[0]


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _add_table(run, name: str, description: str, columns: dict, rows: list[tuple]) -> Mart:
    types = ", ".join(f"{column} {kind}" for column, (kind, _) in columns.items())
    run(f"create table published.marts.{name} ({types})")
    for row in rows:
        run(f"insert into published.marts.{name} values ({', '.join('?' * len(row))})", row)
    return Mart(name, description, {column: text for column, (_, text) in columns.items()})


def _describe(run, mart: Mart) -> None:
    """Copy descriptions, for BI tools and for `describe`."""
    table = f"published.marts.{_named(mart.name)}"
    run(f"comment on table {table} is {_quoted(mart.description.strip())}")
    for column, description in mart.columns.items():
        run(f"comment on column {table}.{_named(column)} is {_quoted(description.strip())}")
