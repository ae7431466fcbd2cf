"""`clientele build` builds nothing where nothing has changed, and never leaves out a due build."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time

import duckdb
import pytest
from tiny_project import SLOW, SLOW_MODEL, copy_of, write_lines, write_project

from clientele import cli, state
from clientele.build_command import settings_of
from clientele.locks import exclusive

UNCHANGED = "Nothing has changed since the build of "


@pytest.fixture(scope="module")
def small_project(tmp_path_factory):
    """A small project that was built once."""
    warehouse = write_project(tmp_path_factory.mktemp("built"))
    build(warehouse)
    assert warehouse.exit_code == 0, warehouse.output
    return warehouse


@pytest.fixture
def copy(small_project, tmp_path, monkeypatch):
    """A copy of it, of which the last build is known; a function that tells which that is."""
    copy = copy_of(small_project, tmp_path / "copy")
    for name in [name for name in os.environ if name.startswith(("DBT_", "CLIENTELE_"))]:
        monkeypatch.delenv(name)
    for name, value in copy.environment.items():
        monkeypatch.setenv(name, value)
    state.keep(copy.project, {"files": "1"})
    assert state.last_build(copy.project).state == {"files": "1"}
    return copy


def build(warehouse, *arguments):
    """Build the source of a warehouse in its folder; return the times of all that it left."""
    data = warehouse.folder / "lines.csv"
    warehouse.clientele("build", "--source", "shop", "--data", data, *arguments)
    return times(warehouse)


def times(warehouse):
    left = [warehouse.database, *(warehouse.folder / "target").rglob("*")]
    return {path: path.stat().st_mtime_ns for path in left}


def test_a_build_of_the_same_does_nothing_and_says_so(small_project):
    before = times(small_project)
    assert build(small_project) == before
    assert small_project.exit_code == 0
    assert (
        small_project.output.startswith(UNCHANGED)
        and "nothing was built.\n" in small_project.output
    )
    assert str(small_project.database) in small_project.output


def test_the_sample_is_built_once(sample):
    before = times(sample)
    # A copy, because other tests read what the first build said.
    again = dataclasses.replace(sample)
    again.clientele("build")
    assert again.exit_code == 0 and again.output.startswith(UNCHANGED), again.output
    assert times(sample) == before


def test_a_build_that_did_nothing_is_published_once(small_project):
    for said in ("Published 2", "Published already 2"):
        build(small_project)
        assert UNCHANGED in small_project.output
        small_project.clientele("publish")
        assert small_project.exit_code == 0 and said in small_project.output


def test_a_change_is_named_and_built(small_project):
    write_lines(small_project.folder, orders=9)
    build(small_project)
    assert "Changed since the build of " in small_project.output
    assert ": files of the source.\n" in small_project.output
    assert small_project.query("select count(*) from marts.fct_orders") == [(9,)]
    build(small_project, "--vars", "{n: 2}")
    assert ": settings.\n" in small_project.output and "9 orders" in small_project.output
    build(small_project)
    assert ": settings.\n" in small_project.output and "9 orders" in small_project.output
    build(small_project)
    assert UNCHANGED in small_project.output


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.database.unlink(),
        lambda c: run_sql(c, "create table other as select 1"),
        lambda c: run_sql(c, "delete from marts.fct_orders"),
        # As a copy does that keeps the times.
        lambda c: shutil.copy2(c.folder / "lines.csv", c.database),
        lambda c: (
            shutil.copy2(c.database, c.folder / "b"),
            (c.folder / "b").replace(c.database),
        ),
        lambda c: c.database.with_name(f"{c.database.name}.wal").touch(),
        lambda c: (c.folder / "target/run_results.json").unlink(),
        lambda c: (c.folder / "target/manifest.json").write_text("{"),
        lambda c: (c.folder / "target" / state.FILE).unlink(),
        lambda c: (c.folder / "target" / state.FILE).write_text("[]"),
        lambda c: state.forget(c.project),
    ],
    ids=lambda change: change.__code__.co_names[-1],
)
def test_a_warehouse_that_is_not_as_the_build_left_it_is_built(copy, change):
    change(copy)
    assert state.last_build(copy.project) is None


def run_sql(warehouse, sql):
    with duckdb.connect(str(warehouse.database)) as connection:
        connection.execute(sql)


@pytest.mark.parametrize("command", [["build"], ["test"], ["parse"]])
def test_after_plain_dbt_a_build_is_due(copy, command):
    variables = f"{{data: {copy.folder / 'lines.csv'}}}"
    copy.dbt(*command, "--vars", variables)
    assert copy.exit_code == 0, copy.output
    assert state.last_build(copy.project) is None


def test_after_a_failed_build_a_build_is_due(copy):
    file = write_lines(copy.folder, orders=10)
    file.write_text(file.read_text().replace("5.00", "-5.00"))
    build(copy)
    assert copy.exit_code == 1 and "assert_prices" in copy.output
    assert state.last_build(copy.project) is None


def test_a_source_that_cannot_be_read_leaves_the_last_build_as_it_is(copy):
    write_lines(copy.folder, orders=10, columns="a,b,c,d,e,f")
    build(copy)
    assert copy.exit_code == 2 and "cannot be read; nothing was built" in copy.output
    assert state.last_build(copy.project) is not None


def test_part_of_a_build_is_not_kept(copy):
    build(copy, "--select", "fct_orders")
    assert copy.exit_code == 0
    assert state.kept_build_id(copy.project) is None


@pytest.mark.parametrize(
    "arguments", [["--force"], ["--verbose"], ["--full-refresh"], ["--threads", "1"]]
)
def test_what_asks_for_more_than_a_plain_build_is_built(small_project, arguments):
    build(small_project)
    before = build(small_project)
    assert UNCHANGED in small_project.output
    assert build(small_project, *arguments) != before
    assert small_project.exit_code == 0 and UNCHANGED not in small_project.output


def test_a_killed_build_is_made_again_and_two_do_not_run_at_once(copy):
    write_lines(copy.folder, orders=10, quantity=SLOW)
    log = copy.folder / "logs/dbt.log"
    log.unlink()
    command = [sys.executable, "-m", "clientele.cli", "build", "--source", "shop", "--data"]
    slow = subprocess.Popen(
        [*command, str(copy.folder / "lines.csv")],
        cwd=copy.project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: log.exists() and SLOW_MODEL in log.read_text(), slow)
        build(copy)
        assert copy.exit_code == 2
        assert f"{copy.database} is being built; try again when that has ended" in copy.output
        assert f"(process {slow.pid})" in copy.output
    finally:
        slow.send_signal(signal.SIGKILL)
        slow.wait()
    # Its lock ended with it.
    write_lines(copy.folder, orders=10)
    build(copy)
    assert copy.exit_code == 0 and "10 orders" in copy.output


def wait_for(condition, process, seconds=60):
    """Wait until a condition holds, while a process runs."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def unchanged(copy, monkeypatch):
    """A function that builds a copy in which nothing changed; exit code and calls of dbt so far."""
    called, data = [], str(copy.folder / "lines.csv")
    monkeypatch.chdir(copy.project)
    monkeypatch.setattr("clientele.building.build", lambda *_, **__: called.append(1) or 1)

    def run(*arguments):
        settings, _ = settings_of(copy.project, "shop", data, None, [])
        state.keep(copy.project, state.state_of(copy.project, settings))
        return cli.main(["build", "--source", "shop", "--data", data, *arguments]), len(called)

    return run


def test_only_a_build_into_duckdb_is_left_out(unchanged):
    assert unchanged() == (0, 0)
    assert unchanged("--target", "spark") == (1, 1)


@pytest.mark.parametrize("name", ["DBT_FULL_REFRESH", "DBT_ENGINE_FULL_REFRESH"])
def test_a_full_refresh_of_the_environment_is_never_left_out(unchanged, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert unchanged() == (1, 1)
    assert unchanged() == (1, 2)


def test_a_file_that_changes_during_a_build_makes_the_next_one_due(copy, monkeypatch):
    data = str(copy.folder / "lines.csv")
    settings, _ = settings_of(copy.project, "shop", data, None, [])

    def build(*_, **__):
        write_lines(copy.folder, orders=11)
        return 0

    monkeypatch.chdir(copy.project)
    monkeypatch.setattr("clientele.building.build", build)
    assert cli.main(["build", "--source", "shop", "--data", data]) == 0
    last, now = state.last_build(copy.project), state.state_of(copy.project, settings)
    assert state.changed(last.state, now) == ["files of the source"]


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path):
    file = tmp_path / "lock"
    with exclusive(file, "busy"):
        assert file.read_text() == str(os.getpid())
        for _ in range(2):
            with pytest.raises(OSError, match=rf"^busy \(process {os.getpid()}\)$"):
                exclusive(file, "busy").__enter__()
    with exclusive(file, "busy"):
        pass
    # The number of a process that was killed is no lock.
    file.write_text("1")
    with exclusive(file, "busy"):
        assert file.read_text() == str(os.getpid())
