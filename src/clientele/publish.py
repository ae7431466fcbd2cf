"""Publish the marts of a build that passed: copies to read while the next build is made.

A publication is a folder named after its build, with every public mart in ``clientele.duckdb`` and
as Parquet, and never changes once it has that name. ``current`` is a link to one of them, switched
by one rename: at any instant, whatever happens to the publisher, it leads to a whole publication.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import duckdb
import yaml

DATABASE = "clientele.duckdb"
CURRENT = "current"
# What DuckDB since 1.0 opens, and so do the drivers of BI tools.
STORAGE_VERSION = "v1.0.0"
# What `dbt build` says of a node that leaves nothing to mend; exposures are a "no-op".
PASSED = {"success", "pass", "warn", "no-op"}

# The two tables that a publication holds beside the marts: columns, types and meanings.
PUBLICATIONS = {
    "build_id": ("varchar", "When dbt's build began, in UTC, and how its invocation id begins"),
    "previous_build_id": (
        "varchar",
        "The publication that was current when this one was written; null for the first",
    ),
    "published_at": ("timestamp", "When it was written, in UTC"),
    "built_at": ("timestamp", "When dbt's build began, in UTC"),
    "as_of_date": ("date", "The day that the marts speak of as today"),
    "source_name": ("varchar", "The source it was built from, a file of `sources/`"),
    "currency": ("varchar", "What amounts are in; null where the source does not say"),
    "min_cell": ("integer", "Fewest customers of whom its readers may show a figure to others"),
    "git_commit": (
        "varchar",
        "Commit of the project when published, with -dirty where files differed; null without git",
    ),
    "dbt_version": ("varchar", "The dbt-core that built it"),
    "clientele_version": ("varchar", "The clientele that published it"),
    "mart_count": ("integer", "Marts published"),
    "row_count": ("bigint", "Rows of all marts together"),
}
PUBLICATION_MARTS = {
    "build_id": ("varchar", "As in `publications`"),
    "mart": ("varchar", "Table of the schema `marts`, and name of a Parquet file"),
    "row_count": ("bigint", "Its rows, counted in the warehouse and found again in both copies"),
}


@dataclass(frozen=True)
class Mart:
    """A public mart: its name, and what its model's YAML says of it and of its columns."""

    name: str
    description: str = ""
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """A build that may be published; `passed_build` reads it from dbt's artifacts."""

    invocation_id: str
    started_at: datetime
    # Modification time of run_results.json, which dbt writes when it has let go of the warehouse.
    ended_ns: int
    dbt_version: str
    source_name: str
    currency: str | None
    min_cell: int
    marts: list[Mart]
    warning_count: int = 0

    @property
    def build_id(self) -> str:
        """The name of its publication; the later build has the later name."""
        return f"{self.started_at:%Y%m%dT%H%M%SZ}-{self.invocation_id[:8]}"


@dataclass(frozen=True)
class Outcome:
    """What `publish` did: the publication, and whether it was there and current before."""

    build_id: str
    is_new: bool
    was_current: bool


def project_vars(project: Path, overridden: dict | None = None) -> dict:
    """Return the vars of dbt_project.yml, and in their place those that dbt was given."""
    settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8")) or {}
    return (settings.get("vars") or {}) | (overridden or {})


def passed_build(target_path: Path, project: Path) -> tuple[Build, dict]:
    """Return the build that dbt's artifacts in ``target_path`` tell of, and the vars it had.

    Raises:
        ValueError: there is none, dbt has run since, it was a part of the project or on another
            engine, or something in it failed.
    """
    results = _artifact(target_path / "run_results.json")
    manifest = _artifact(target_path / "manifest.json")
    arguments, metadata = results["args"], results["metadata"]
    if manifest["metadata"]["invocation_id"] != metadata["invocation_id"]:
        raise ValueError(
            "dbt has run since the last build that left results, and stopped before it built or "
            "only read the project; build again"
        )
    command = arguments.get("which")
    if command != "build":
        raise ValueError(
            f"the last dbt command was `{command}`, and only a whole `build` that passed is "
            "published; build again"
        )
    if arguments.get("target") not in (None, "duckdb"):
        raise ValueError(
            f"the last build was of target `{arguments['target']}`; only `duckdb` is published"
        )
    statuses = {result["unique_id"]: result["status"] for result in results["results"]}
    failed = [key for key, status in statuses.items() if status not in PASSED]
    # Skipped nodes are consequences; report the causes.
    causes = [key for key in failed if statuses[key] != "skipped"] or failed
    if failed:
        raise ValueError(
            f"the last build did not pass: {_some(causes)} "
            f"({', '.join(sorted({statuses[key] for key in causes}))}); mend it and build again"
        )
    # Unit tests check the code, not the data: a build need not run them.
    expected = [
        key for key, node in manifest["nodes"].items() if node["resource_type"] != "analysis"
    ]
    if missing := [key for key in expected if key not in statuses]:
        raise ValueError(
            f"the last build was a part of the project, without {_some(missing)}; "
            "build again, all of it"
        )
    for flag in ("empty", "sample"):
        if arguments.get(flag):
            raise ValueError(f"the last build was made with --{flag}; build again, on all data")
    marts = [
        Mart(
            # Its table's name, which has the version of a model that has some.
            node["alias"],
            node["description"],
            {name: column["description"] for name, column in node["columns"].items()},
        )
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["access"] == "public"
    ]
    variables = project_vars(project, arguments.get("vars"))
    source = variables["source"]
    build = Build(
        invocation_id=metadata["invocation_id"],
        started_at=datetime.fromisoformat(metadata["invocation_started_at"]),
        ended_ns=(target_path / "run_results.json").stat().st_mtime_ns,
        dbt_version=metadata["dbt_version"],
        source_name=source["name"],
        currency=source.get("currency"),
        min_cell=_whole("min_cell", variables["min_cell"]),
        marts=sorted(marts, key=lambda mart: mart.name),
        warning_count=sum(status == "warn" for status in statuses.values()),
    )
    return build, variables


def publish(
    build: Build,
    database: Path,
    folder: Path,
    *,
    kept: int,
    git_commit: str | None = None,
) -> Outcome:
    """Publish the marts of ``build``, which stand in ``database``, in ``folder``.

    Of older publications the ``kept`` latest stay, this one counted; always this one and the one
    it replaces. A build that has been published already only becomes current again.

    Raises:
        ValueError: the database is not as the build left it, or a copy is not as the original.
        OSError: another publisher is at work, or a file cannot be written; `current` leads where
            it did, or already to this build if that name alone could not be flushed to the disk.
    """
    _whole("publications_kept", kept)
    _refuse_if_changed(build, database)
    with _lock(folder):
        _clear_up(folder)
        previous, final = current_build(folder), folder / build.build_id
        is_new = not final.exists()
        if is_new:
            temporary = folder / f".{build.build_id}.tmp"
            try:
                _write(build, database, temporary, previous, git_commit)
                os.rename(temporary, final)
                _sync(folder)
            except BaseException as error:
                # What cannot be removed now is removed by the next publisher.
                with suppress(OSError):
                    _remove(temporary)
                if isinstance(error, duckdb.Error):
                    raise OSError(f"could not publish {database}: {error}") from error
                raise
        if previous != build.build_id:
            _switch(folder, build.build_id)
        stay = {build.build_id, previous, _record(final)["previous_build_id"]}
        for old in sorted(_build_ids(folder), reverse=True)[kept:]:
            if old not in stay:
                # First it is gone as a whole, then file by file.
                with suppress(OSError):
                    os.rename(folder / old, folder / f".{old}.tmp")
        _clear_up(folder)
        return Outcome(build.build_id, is_new, previous == build.build_id)


def roll_back(folder: Path, build_id: str | None = None) -> str:
    """Make ``build_id`` current, or else what the current publication replaced; return its id.

    Raises:
        ValueError: there is no such publication.
        OSError: another publisher is at work.
    """
    if not _build_ids(folder):
        raise ValueError(f"nothing has been published in {folder}")
    with _lock(folder):
        kept = sorted(_build_ids(folder))
        known = f"kept are {', '.join(kept) or 'none'}"
        if build_id is None:
            current = current_build(folder)
            if current is None:
                raise ValueError(f"nothing is current in {folder}; {known}")
            build_id = _record(folder / current)["previous_build_id"]
            if build_id is None:
                raise ValueError(f"{current} replaced no other publication; {known}")
        if build_id not in kept:
            raise ValueError(f"no publication {build_id} in {folder}; {known}")
        _switch(folder, build_id)
        return build_id


def publications(folder: Path) -> list[dict]:
    """Return the row of ``publications`` of each one in ``folder``, the latest build first.

    Raises:
        ValueError: there is none.
    """
    if not _build_ids(folder):
        raise ValueError(f"nothing has been published in {folder}")
    return [_record(folder / build_id) for build_id in sorted(_build_ids(folder), reverse=True)]


def current_build(folder: Path) -> str | None:
    """Return the build that ``current`` leads to, or None before the first publication."""
    link = folder / CURRENT
    if not link.is_symlink():
        if link.exists():
            raise ValueError(f"{link} is no link of a publisher; move it away")
        return None
    build_id = os.readlink(link)
    if build_id not in _build_ids(folder):
        raise ValueError(f"{link} leads to {build_id}, which is not there; remove the link")
    return build_id


def project_commit(project: Path) -> str | None:
    """Return the project's commit, with ``-dirty`` where files differ from it; None without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def _clear_up(folder: Path) -> None:
    """Remove what publishers left unfinished, or were to remove; if not now, then the next time."""
    for leftover in [*folder.glob(".[0-9]*T[0-9]*Z-*.tmp"), folder / f".{CURRENT}.tmp"]:
        with suppress(OSError):
            _remove(leftover)


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number, 1 or more")
    return value


def _artifact(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"no build to publish: {path} does not exist; build first") from None
    except ValueError:
        raise ValueError(f"{path} is no valid JSON; build again") from None


def _some(keys: list[str], shown: int = 3) -> str:
    names = [".".join(key.split(".")[2:]) or key for key in sorted(keys)]
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the folder against other publishers; the lock ends with the process at the latest."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(f"another publisher is at work in {folder}; try again later") from None
        yield


def _build_ids(folder: Path) -> set[str]:
    """Return the publications in ``folder``; only whole ones have such a name."""
    return {
        entry.name
        for entry in folder.glob("[0-9]*T[0-9]*Z-*")
        if entry.is_dir() and not entry.is_symlink()
    }


def _record(publication: Path) -> dict:
    try:
        with duckdb.connect(str(publication / DATABASE), read_only=True) as connection:
            row = connection.execute(f"select {', '.join(PUBLICATIONS)} from marts.publications")
            return dict(zip(PUBLICATIONS, row.fetchall()[0], strict=True))
    except duckdb.Error as error:
        raise OSError(f"{publication} cannot be read; remove it, or try again: {error}") from None


def _switch(folder: Path, build_id: str) -> None:
    """Let ``current`` lead to another publication, in one step."""
    link = folder / f".{CURRENT}.tmp"
    _remove(link)
    # Relative, so that the folder can be moved or mounted elsewhere.
    os.symlink(build_id, link)
    os.replace(link, folder / CURRENT)
    _sync(folder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the disk hold a file, or the names in a folder, before anything else happens."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _write(
    build: Build, database: Path, temporary: Path, previous: str | None, git_commit: str | None
) -> None:
    """Write a whole publication into the new folder ``temporary`` and onto the disk."""
    os.mkdir(temporary)
    copy = temporary / DATABASE
    config = {
        "memory_limit": os.environ.get("CLIENTELE_MEMORY_LIMIT", "4GB"),
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
        # Again, since from here on nobody else can write to it.
        _refuse_if_changed(build, database)
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
        told = [
            _add_table(
                run,
                "publications",
                "This publication, one row: which build it is of, and of what",
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
        ]
        counts |= {"publications": 1, "publication_marts": len(counts)}
        for mart in [*build.marts, *told]:
            _describe(run, mart)
        run("checkpoint published")
        run("detach published")
        # From the copy, as its readers will see it.
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
        _sync(file)
    _sync(temporary)


def _refuse_if_changed(build: Build, database: Path) -> None:
    """Refuse a database that the build did not write, or that something wrote to since."""
    if not database.is_file():
        raise ValueError(f"no warehouse at {database}; build first")
    log = database.with_name(f"{database.name}.wal")
    written = max(file.stat().st_mtime_ns for file in (database, log) if file.exists())
    if written < build.started_at.timestamp() * 1e9:
        raise ValueError(
            f"{database} is older than the last build, which was of another one; "
            "set CLIENTELE_DB to what was built, or build again"
        )
    if written > build.ended_ns:
        raise ValueError(
            f"{database} was written to after the last build had ended, and is not what its tests "
            "saw; build again"
        )


def _add_table(run, name: str, description: str, columns: dict, rows: list[tuple]) -> Mart:
    types = ", ".join(f"{column} {kind}" for column, (kind, _) in columns.items())
    run(f"create table published.marts.{name} ({types})")
    for row in rows:
        run(f"insert into published.marts.{name} values ({', '.join('?' * len(row))})", row)
    return Mart(name, description, {column: text for column, (_, text) in columns.items()})


def _describe(run, mart: Mart) -> None:
    """Take descriptions along, for BI tools and for `describe`."""
    table = f"published.marts.{_named(mart.name)}"
    run(f"comment on table {table} is {_quoted(mart.description.strip())}")
    for column, description in mart.columns.items():
        run(f"comment on column {table}.{_named(column)} is {_quoted(description.strip())}")
