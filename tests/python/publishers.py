"""Small warehouses, and publishers and readers in processes that tests may kill."""

import hashlib
import os
import resource
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import commands
import duckdb
import pytest

from clientele.publishing import builds, copies, folders

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MARTS = ["dim_customers", "fct_order_lines", "fct_orders"]
# Python's audit events of changes to a folder.
CHANGES = {"os.mkdir", "os.rename", "os.symlink", "os.chmod", "os.remove", "os.rmdir"}


def build_of(number: int, database: Path, rows: int = 50, net: int = 1) -> builds.Build:
    """Build a small warehouse whose rows all say ``number``, and return what dbt says about it.

    ``fct_order_lines`` is a view, as in the real one.
    """
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            f"""
            create schema marts;
            create schema intermediate;
            create table intermediate.int_as_of_dates as
            select date '2026-01-01' + {number} as as_of_date, true as is_current;
            create table marts.fct_orders as
            select {number} as build, range as order_id, cast(range as decimal(18, 4)) as amount,
                {net} as net_amount
            from range({rows});
            create table marts.dim_customers as
            select {number} as build, cast(range as varchar) as customer_id from range({number});
            create view marts.fct_order_lines as
            select build, order_id, amount * 2 as amount from marts.fct_orders
            """
        )
    return builds.Build(
        invocation_id=f"{number:08x}-0000",
        started_at=BEGIN + timedelta(minutes=number),
        ended_ns=database.stat().st_mtime_ns,
        dbt_version="1.11.0",
        source_name="small",
        currency="EUR",
        min_cell=5,
        marts=[builds.Mart(name, "It's one.", {"build": "Which."}) for name in MARTS],
    )


def digest(publication: Path) -> str:
    """Return a digest of every file of a publication, names and modes too."""
    files = sorted(publication.resolve().iterdir())
    told = "".join(
        f"{file.name} {file.stat().st_mode:o} {hashlib.sha256(file.read_bytes()).hexdigest()}\n"
        for file in files
    )
    return hashlib.sha256(told.encode()).hexdigest()


def numbers_in(publication: Path) -> set[int]:
    """Return the builds that the marts of a publication say they are of: one, or it is mixed."""
    with duckdb.connect(str(publication / copies.DATABASE), read_only=True) as connection:
        found = {
            int(build_id[-8:], 16)
            for (build_id,) in connection.execute(
                "select build_id from marts.publications "
                "union all select build_id from marts.publication_marts"
            ).fetchall()
        }
        for mart in MARTS:
            rows = connection.execute(f"select build, count(*) from marts.{mart} group by all")
            for number, count in rows.fetchall():
                expected = number if mart == "dim_customers" else None
                assert expected in (None, count), (mart, number, count)
                found.add(number)
    return found


def numbers_in_parquet(publication: Path) -> set[int]:
    """Return the builds that its Parquet files say they are of."""
    folder = publication.resolve()
    with duckdb.connect() as connection:
        query = " union ".join(f"select build from '{folder}/{mart}.parquet'" for mart in MARTS)
        return {number for (number,) in connection.execute(query).fetchall()}


def leftovers(folder: Path) -> list[str]:
    """Return the names of what an interrupted publisher may have left."""
    return [path.name for path in folder.glob(".*") if path.name != ".lock"]


def read_in_a_loop(publication, read, done, counted, seen) -> None:
    """Read the current publication again and again until ``done``; any error ends the process."""
    while not done.is_set():
        found = read(publication)
        assert len(found) == 1, found
        seen[found.pop()] = 1
        with counted.get_lock():
            counted.value += 1


class Connection:
    """DuckDB's connection, which is of a class that nothing can be put in place of."""

    def __init__(self, *arguments, connect=duckdb.connect, **options):
        self.real = connect(*arguments, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.real.close()


def publish_until(step: int, sign: int, build, database, folder, kept: int) -> None:
    """Publish, but send this process the signal ``sign`` before its step number ``step``.

    A step is a statement of DuckDB, begun or done, or a call that changes or flushes a file. The
    process ends well if there are fewer steps.
    """
    steps = 0

    def count():
        nonlocal steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), sign)

    class Counting(Connection):
        def execute(self, *arguments):
            count()
            try:
                return self.real.execute(*arguments)
            finally:
                count()

    def fsync(descriptor):
        count()
        real_fsync(descriptor)

    def heard(event, arguments):
        if event in CHANGES or (event == "open" and str(arguments[0]).startswith(str(folder))):
            count()

    duckdb.connect = Counting
    real_fsync, os.fsync = os.fsync, fsync
    sys.addaudithook(heard)
    folders.publish(build, database, folder, kept=kept)


def hold(database, opened, over) -> None:
    """Keep a warehouse open as a build does."""
    with duckdb.connect(str(database)):
        opened.set()
        over.wait()


def publish_with_little_space(size: int, build, database, folder, said) -> None:
    """Publish where no file may grow beyond ``size`` bytes; say what was raised."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        folders.publish(build, database, folder, kept=5)
    except OSError as error:
        said.put(str(error))
    else:
        said.put("")


def publish_builds(numbers, database, folder, kept=9):
    for number in numbers:
        done = folders.publish(build_of(number, database), database, folder, kept=kept)
    return done.build_id


def current(folder):
    return folder / "current"


def name(number):
    """Return the build id of `build_of(number)`."""
    return f"20260101T00{number:02d}00Z-{number:08x}"


def names(folder):
    return sorted(path.name for path in folder.glob("2*"))


def digests(folder):
    return {publication: digest(folder / publication) for publication in names(folder)}


def ended(process):
    process.join()
    return process.exitcode


# -- Fixtures


@pytest.fixture(scope="module")
def processes():
    """A context whose processes start at once, with DuckDB loaded and nothing of this one's."""
    context = commands.context()
    started = []

    def start(target, *arguments):
        # One that a failed test leaves behind must not keep pytest waiting.
        process = context.Process(target=target, args=arguments, daemon=True)
        process.start()
        started.append(process)
        return process

    context.start = start
    yield context
    for process in started:
        process.kill()


@pytest.fixture
def database(tmp_path):
    return tmp_path / "small.duckdb"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "published"
