"""A publication is whole, is of a build that passed, and is never taken from under its readers."""

import dataclasses
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from glob import glob
from pathlib import Path

import duckdb
import publishers
import pytest
from conftest import PROJECT, lacking
from publishers import build_of, digest, leftovers, numbers_in, numbers_in_parquet

from clientele import cli, publish


@pytest.fixture(scope="module")
def processes():
    """A context whose processes start at once, with DuckDB loaded and nothing of this one's."""
    context = multiprocessing.get_context("forkserver")
    inherited = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), inherited])
    context.set_forkserver_preload(["publishers"])
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
    os.environ["PYTHONPATH"] = inherited


@pytest.fixture
def database(tmp_path):
    return tmp_path / "small.duckdb"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "published"


def publish_builds(numbers, database, folder, kept=9):
    for number in numbers:
        done = publish.publish(build_of(number, database), database, folder, kept=kept)
    return done.build_id


def current(folder):
    return folder / "current"


def name(number):
    return f"20260101T00{number:02d}00Z-{number:08x}"


def names(folder):
    return sorted(path.name for path in folder.glob("2*"))


def digests(folder):
    return {publication: digest(folder / publication) for publication in names(folder)}


def ended(process):
    process.join()
    return process.exitcode


# -- What is published


def test_every_public_mart_is_published_row_for_row(published_sample):
    expected = published_sample.fingerprints()
    folder = published_sample.folder / "published/current"
    with duckdb.connect(str(folder / "clientele.duckdb"), read_only=True) as copy:
        tables = copy.execute("select table_schema, table_name from information_schema.tables")
        assert {table for schema, table in tables.fetchall() if schema == "marts"} == {
            *expected,
            "publications",
            "publication_marts",
        }
        for mart, fingerprint in expected.items():
            for place in (f"marts.{mart}", f"read_parquet('{folder}/{mart}.parquet')"):
                found = copy.execute(
                    "select count(*), coalesce(bit_xor(md5_number(t::varchar)), 0) "
                    f"from {place} as t"
                )
                assert found.fetchall() == [fingerprint], place
        counted = copy.execute("select mart, row_count from marts.publication_marts").fetchall()
        assert dict(counted) == {mart: count for mart, (count, _) in expected.items()}
        described = copy.execute(
            "select count(*), count(comment) from duckdb_columns() where schema_name = 'marts'"
        ).fetchall()[0]
        assert described[0] == described[1] > 400
        comment = copy.execute(
            "select comment from duckdb_columns() "
            "where table_name = 'dim_segments' and column_name = 'segmentation'"
        ).fetchall()[0][0]
        assert comment.startswith("Which way of dividing customers the segment belongs to")


def test_a_publication_says_what_it_is(published_sample):
    results = json.loads((published_sample.folder / "target/run_results.json").read_text())
    folder = published_sample.folder / "published"
    (record,) = publish.publications(folder)
    begin = results["metadata"]["invocation_started_at"]
    assert record["build_id"] == (
        re.sub(r"[-:]|\.\d+", "", begin) + "-" + results["metadata"]["invocation_id"][:8]
    )
    assert os.readlink(folder / "current") == record["build_id"]
    assert f"{record['built_at'].isoformat()}Z" == begin
    assert record["published_at"] > record["built_at"]
    assert record["as_of_date"].isoformat() == "2025-12-31"
    assert (record["source_name"], record["currency"]) == ("sample", "GBP")
    assert record["min_cell"] == 5
    assert record["git_commit"] == publish.project_commit(PROJECT)
    assert record["dbt_version"] == results["metadata"]["dbt_version"]
    assert record["clientele_version"] == "0.1.0"
    assert record["previous_build_id"] is None
    counts = {k: n for k, (n, _) in published_sample.fingerprints().items()}
    assert (record["mart_count"], record["row_count"]) == (len(counts), sum(counts.values()))
    with duckdb.connect() as connection:
        parquet = connection.execute(f"from '{folder}/current/publications.parquet'")
        assert parquet.fetchall() == [tuple(record.values())]


def test_published_files_are_of_the_storage_that_old_drivers_open_and_nobody_may_write_them(
    published_sample,
):
    folder = published_sample.folder / "published/current"
    # A DuckDB file begins with a checksum of 8 bytes, "DUCK", and the number of its storage.
    header = (folder / "clientele.duckdb").read_bytes()[8:20]
    assert header == b"DUCK" + (64).to_bytes(8, "little")
    assert {path.stat().st_mode & 0o222 for path in folder.iterdir()} == {0}
    assert not list(folder.glob("*.wal"))
    parquet = duckdb.sql(f"select distinct compression from parquet_metadata('{folder}/*.parquet')")
    assert parquet.fetchall() == [("ZSTD",)]


def test_the_same_build_is_published_once(published_sample):
    folder = published_sample.folder / "published"
    before = digest(folder / "current"), (folder / "current").lstat().st_mtime_ns
    published_sample.clientele("publish")
    assert published_sample.exit_code == 0 and "Published already" in published_sample.output
    assert (digest(folder / "current"), (folder / "current").lstat().st_mtime_ns) == before
    published_sample.clientele("publish", "--list")
    assert re.search(r"^\* 2\d+T\d+Z-\w+  sample as of 2025-12-31", published_sample.output, re.M)


def test_a_commit_is_named_dirty_where_files_differ_and_null_without_git(tmp_path):
    assert publish.project_commit(tmp_path) is None
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    (tmp_path / "file").write_text("1")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True)
    assert publish.project_commit(tmp_path) == head.stdout.decode().strip()
    (tmp_path / "file").write_text("2")
    assert publish.project_commit(tmp_path) == head.stdout.decode().strip() + "-dirty"


def test_make_run_publishes_and_make_clean_keeps_what_was_published():
    shown = subprocess.run(
        ["make", "--dry-run", "run", "clean"], cwd=PROJECT, capture_output=True, text=True
    ).stdout
    assert re.search(r"clientele build .*\n.*clientele publish$", shown, re.M)
    assert re.search(r"^rm -rf (.*)$", shown, re.M)[1] == "target logs clientele.duckdb"


# -- What is refused


@pytest.fixture
def artifacts(published_sample, tmp_path, monkeypatch):
    """Return a function that publishes after changing dbt's artifacts: exit code, and message."""
    target = tmp_path / "target"
    shutil.copytree(
        published_sample.folder / "target",
        target,
        ignore=lambda folder, found: [
            name for name in found if name not in ("target", "run_results.json", "manifest.json")
        ],
    )
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("DBT_TARGET_PATH", str(target))
    monkeypatch.setenv("CLIENTELE_DB", str(published_sample.database))
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(published_sample.folder / "published"))

    def attempt(change, file="run_results.json"):
        path = target / file
        times = path.stat()
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        before = digest(published_sample.folder / "published/current")
        code = cli.main(["publish"])
        assert digest(published_sample.folder / "published/current") == before
        assert names(published_sample.folder / "published") == [
            os.readlink(published_sample.folder / "published/current")
        ]
        return code

    attempt.target = target
    return attempt


def set_status(status, *parts):
    def change(results):
        for part in parts:
            chosen = [r for r in results["results"] if part in r["unique_id"]]
            chosen[0]["status"] = status

    return change


def drop(part):
    def change(results):
        results["results"] = [r for r in results["results"] if part not in r["unique_id"]]

    return change


def argue(**arguments):
    return lambda results: results["args"].update(arguments)


def test_artifacts_as_dbt_left_them_are_accepted(artifacts, capsys):
    assert artifacts(lambda results: None) == 0
    assert "Published already" in capsys.readouterr().out


def test_a_warning_is_counted_and_lets_a_build_pass(artifacts, capsys):
    assert artifacts(set_status("warn", "test.clientele.", "unit_test.clientele.")) == 0
    assert "built with 2 warnings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_status("fail", "test.clientele.unique_dim_customers"), "pass: unique_dim_customers"),
        (set_status("error", "model.clientele.dim_segments"), "did not pass: dim_segments (error)"),
        (set_status("runtime error", "unit_test.clientele"), "(runtime error); mend it"),
        (set_status("skipped", "model.clientele.fct_orders"), "fct_orders (skipped)"),
        (set_status("error", "operation.clientele"), "clientele-on-run-start-0 (error)"),
        (
            set_status("error", *[f"model.clientele.fct_{x}" for x in "acmop"]),
            " and 2 more (error)",
        ),
        (argue(which="run"), "the last dbt command was `run`"),
        (argue(which="generate"), "the last dbt command was `generate`"),
        (argue(target="spark"), "of target `spark`; only `duckdb`"),
        (argue(empty=True), "made with --empty"),
        (argue(sample="1 day"), "made with --sample"),
        (drop("model.clientele.dim_customers"), "a part of the project, without dim_customers"),
        (drop(".unique_dim_customers"), "a part of the project, without unique_dim_customers"),
        (drop("unit_test."), "a part of the project, without"),
        (drop("seed.clientele.segment_names"), "without segment_names"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_build_that_did_not_pass_as_a_whole_is_refused(artifacts, change, message, capsys):
    assert artifacts(change) == 2
    assert message in (error := capsys.readouterr().err), error


def test_a_mart_is_published_if_its_model_is_public_and_under_its_tables_name(
    artifacts, tmp_path, monkeypatch
):
    def hide(manifest):
        manifest["nodes"]["model.clientele.dim_segments"]["access"] = "private"
        # As the model's second version would say.
        manifest["nodes"]["model.clientele.fct_orders"]["name"] = "orders"

    assert artifacts(hide, "manifest.json") == 0
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(tmp_path / "other"))
    assert cli.main(["publish"]) == 0
    found = {path.stem for path in (tmp_path / "other/current").iterdir()}
    assert {"dim_customers", "fct_orders"} < found and not {"dim_segments", "orders"} & found


@pytest.mark.parametrize("file", ["run_results.json", "manifest.json"])
def test_artifacts_that_are_missing_or_broken_are_refused(artifacts, file, capsys):
    (artifacts.target / file).write_text('{"results": [')
    assert cli.main(["publish"]) == 2
    assert f"{file} is no valid JSON" in capsys.readouterr().err
    (artifacts.target / file).unlink()
    assert cli.main(["publish"]) == 2
    assert f"{file} does not exist; build first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "spark"], "only target `duckdb` is published"),
        (["--rollback", "20200101T000000Z-00000000"], "no publication 20200101T000000Z-00000000"),
        (["--rollback"], "replaced no other publication; kept are 2"),
    ],
)
def test_other_wrong_input_is_refused(artifacts, arguments, message, capsys):
    assert cli.main(["publish", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--rollback"], ["--list"]])
def test_without_a_publication_there_is_nothing_to_list_or_go_back_to(
    artifacts, tmp_path, monkeypatch, arguments, capsys
):
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(tmp_path / "nothing"))
    assert cli.main(["publish", *arguments]) == 2
    assert "nothing has been published in" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("kept", [0, -1, True, 2.5, "many", None])
def test_a_wrong_number_to_keep_is_refused(database, folder, kept):
    with pytest.raises(ValueError, match="publications_kept is"):
        publish.publish(build_of(1, database), database, folder, kept=kept)


def test_a_wrong_smallest_cell_is_refused(artifacts, capsys):
    assert artifacts(argue(vars={"min_cell": "few"})) == 2
    assert "min_cell is 'few'; it must be a whole number" in capsys.readouterr().err


def test_what_dbt_itself_says_of_failed_and_partial_runs_is_refused(
    published_sample, new_warehouse
):
    """Real runs, so that the refusals above are of what dbt writes."""
    copy = new_warehouse("refused")
    shutil.copy2(published_sample.database, copy.database)

    def refusal():
        copy.clientele("publish")
        assert copy.exit_code == 2 and not (copy.folder / "published").exists()
        return copy.output

    assert "run_results.json does not exist; build first" in refusal()
    shutil.copytree(published_sample.folder / "target", copy.folder / "target")
    copy.clientele("build", "--source", "online_retail", "--data", "/nowhere.parquet")
    assert copy.exit_code == 1
    assert "dbt has run since the last build that left results" in refusal()
    copy.dbt("build", "--select", "dim_segments")
    assert copy.exit_code == 0
    assert "the last build was a part of the project, without" in refusal()
    copy.dbt("build", "--select", "int_as_of_dates", "--vars", "{as_of_date: 'no day'}")
    assert copy.exit_code == 1
    assert "the last build did not pass: int_as_of_dates (error)" in refusal()
    copy.dbt("test", "--select", "dim_segments")
    assert "the last dbt command was `test`" in refusal()


@pytest.mark.parametrize("published_before", [False, True])
def test_a_database_that_was_written_to_after_the_build_is_refused(
    database, folder, published_before
):
    build = build_of(1, database)
    if published_before:
        publish.publish(build, database, folder, kept=5)
    before = digests(folder)
    log = database.with_name("small.duckdb.wal")
    with duckdb.connect(str(database)) as connection:
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute("delete from marts.fct_orders where order_id = 1")
    assert log.exists()
    os.utime(database, ns=(build.ended_ns, build.ended_ns))
    with pytest.raises(ValueError, match="was written to after the last build had ended"):
        publish.publish(build, database, folder, kept=5)
    duckdb.connect(str(database)).close()
    assert not log.exists()
    with pytest.raises(ValueError, match="was written to after the last build had ended"):
        publish.publish(build, database, folder, kept=5)
    assert digests(folder) == before and leftovers(folder) == []


def test_a_database_that_is_written_to_as_publishing_begins_is_refused(
    database, folder, monkeypatch
):
    build = build_of(1, database)

    class Connection(publishers.Connection):
        def execute(self, sql, *arguments):
            if "(read_only)" in sql and str(database) in sql:
                os.utime(database, ns=(build.ended_ns + 1, build.ended_ns + 1))
            return self.real.execute(sql, *arguments)

    monkeypatch.setattr(publish.duckdb, "connect", Connection)
    with pytest.raises(ValueError, match="was written to after the last build had ended"):
        publish.publish(build, database, folder, kept=5)
    assert names(folder) == leftovers(folder) == []


def test_a_database_that_the_last_build_was_not_of_is_refused(database, folder):
    build = build_of(1, database)
    past = int(build.started_at.timestamp() * 1e9) - 1
    os.utime(database, ns=(past, past))
    with pytest.raises(ValueError, match="is older than the last build, which was of another one"):
        publish.publish(build, database, folder, kept=5)
    database.unlink()
    with pytest.raises(ValueError, match="no warehouse at"):
        publish.publish(build, database, folder, kept=5)
    assert names(folder) == leftovers(folder) == []


def test_a_database_that_is_being_built_is_refused(processes, database, folder):
    build = build_of(1, database)
    opened, over = processes.Event(), processes.Event()
    builder = processes.start(publishers.hold, database, opened, over)
    opened.wait()
    with pytest.raises(OSError, match="cannot be read, is it being built?"):
        publish.publish(build, database, folder, kept=5)
    over.set()
    assert ended(builder) == 0
    assert names(folder) == leftovers(folder) == []


# -- Which publications stay


def test_the_last_publications_stay_and_each_knows_the_one_before(database, folder):
    publish_builds(range(1, 6), database, folder, kept=3)
    assert names(folder) == [name(3), name(4), name(5)]
    assert [row["previous_build_id"] for row in publish.publications(folder)] == [
        name(4),
        name(3),
        name(2),
    ]
    assert leftovers(folder) == []
    # However few are to stay, there is one to go back to.
    publish_builds([6], database, folder, kept=1)
    assert names(folder) == [name(5), name(6)]


def test_an_older_build_published_later_stays_with_what_it_replaced(database, folder):
    publish_builds([4, 5, 6, 1], database, folder, kept=1)
    assert names(folder) == [name(1), name(6)]
    assert numbers_in(current(folder)) == {1}


def test_rollback_goes_back_one_by_one_or_to_the_one_named(database, folder):
    publish_builds([1, 2, 3], database, folder)
    whole = digests(folder)
    assert publish.roll_back(folder) == name(2) and numbers_in(current(folder)) == {2}
    assert publish.roll_back(folder) == name(1) and numbers_in(current(folder)) == {1}
    with pytest.raises(ValueError, match=f"{name(1)} replaced no other publication"):
        publish.roll_back(folder)
    assert publish.roll_back(folder, name(3)) == name(3) and numbers_in(current(folder)) == {3}
    with pytest.raises(ValueError, match=f"no publication x in .*; kept are {name(1)}, "):
        publish.roll_back(folder, "x")
    with pytest.raises(ValueError, match="no publication current"):
        publish.roll_back(folder, "current")
    assert digests(folder) == whole


def test_after_a_rollback_the_next_build_replaces_what_was_gone_back_to(database, folder):
    publish_builds([1, 2], database, folder)
    publish.roll_back(folder)
    publish_builds([3], database, folder, kept=1)
    assert publish.publications(folder)[0]["previous_build_id"] == name(1)
    assert publish.roll_back(folder) == name(1)


def test_after_a_rollback_the_same_build_becomes_current_again(database, folder):
    publish_builds([1, 2], database, folder)
    before = digest(folder / name(2))
    publish.roll_back(folder)
    again = publish.publish(build_of(2, database), database, folder, kept=1)
    assert again == publish.Outcome(name(2), is_new=False, was_current=False)
    assert digest(current(folder)) == before


def test_going_back_to_what_is_no_longer_kept_names_what_is(database, folder):
    publish_builds([1, 2, 3], database, folder, kept=2)
    publish.roll_back(folder)
    with pytest.raises(ValueError, match=f"no publication {name(1)} .* kept are {name(2)}, "):
        publish.roll_back(folder)
    assert numbers_in(current(folder)) == {2}


def test_what_others_keep_there_is_left_alone(database, folder):
    (folder / ".other.tmp").mkdir(parents=True)
    (folder / ".other.tmp/file").write_text("theirs")
    publish_builds([1, 2, 3, 4], database, folder, kept=1)
    assert (folder / ".other.tmp/file").read_text() == "theirs"


def test_an_old_publication_that_cannot_be_removed_does_not_keep_the_next_out(
    database, folder, monkeypatch
):
    publish_builds([1, 2], database, folder, kept=1)

    def refuse(*_, **__):
        raise OSError("busy")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", refuse)
        publish_builds([3, 4], database, folder, kept=1)
    assert numbers_in(current(folder)) == {4} and names(folder) == [name(3), name(4)]
    assert list(folder.glob(".2*.tmp"))
    publish_builds([5], database, folder, kept=1)
    assert not list(folder.glob(".2*.tmp"))


def test_a_damaged_publication_is_named(artifacts, database, folder, monkeypatch, capsys):
    publish_builds([1], database, folder)
    file = current(folder) / "clientele.duckdb"
    file.chmod(0o644)
    file.write_bytes(b"no database")
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(folder))
    assert cli.main(["publish", "--list"]) == 2
    assert f"{name(1)} cannot be read; remove it" in capsys.readouterr().err


def test_the_folder_can_be_moved(database, folder, tmp_path):
    publish_builds([1], database, folder)
    folder.rename(tmp_path / "elsewhere")
    assert numbers_in(tmp_path / "elsewhere/current") == {1}


def test_a_link_that_leads_nowhere_and_a_folder_in_its_place_are_named(database, folder):
    publish_builds([1], database, folder)
    (folder / name(1)).rename(folder / "gone")
    with pytest.raises(ValueError, match="leads to .* which is not there; remove the link"):
        publish_builds([2], database, folder)
    current(folder).unlink()
    current(folder).mkdir()
    with pytest.raises(ValueError, match="is no link of a publisher; move it away"):
        publish_builds([2], database, folder)


# -- Whatever happens to the publisher


@pytest.fixture
def three(tmp_path):
    """A folder with three publications, and the leftovers of a publisher that was killed."""
    folder = tmp_path / "three"
    publish_builds([1, 2, 3], tmp_path / "small.duckdb", folder)
    (folder / ".20260101T000900Z-00000009.tmp").mkdir()
    (folder / ".20260101T000900Z-00000009.tmp/clientele.duckdb").write_text("half")
    (folder / ".current.tmp").symlink_to("nowhere")
    return folder


def check_after(folder, build, database, was):
    """Whatever has a name is whole; the next publication succeeds and leaves nothing behind."""
    for publication in names(folder):
        assert publication == name(4) or digest(folder / publication) == was[publication]
    (number,) = numbers_in(current(folder))
    assert numbers_in_parquet(current(folder)) == {number}
    assert number in (3, 4)
    publish.publish(build, database, folder, kept=2)
    assert numbers_in(current(folder)) == numbers_in_parquet(current(folder)) == {4}
    assert digest(folder / name(3)) == was[name(3)]
    assert names(folder) == [name(3), name(4)] and leftovers(folder) == []
    return number


def test_everything_is_on_the_disk_before_it_has_its_name(database, folder, monkeypatch):
    """What a machine that loses its power needs, and no test can do to it."""
    happened = []

    def recorded(call):
        real = getattr(os, call)

        def record(*arguments):
            if call == "fsync":
                happened.append(os.readlink(f"/proc/self/fd/{arguments[0]}"))
            else:
                happened.append(call)
            return real(*arguments)

        monkeypatch.setattr(publish.os, call, record)

    for call in ("fsync", "rename", "replace"):
        recorded(call)
    publish_builds([1], database, folder)
    temporary = folder / f".{name(1)}.tmp"
    files = {str(temporary / path.name) for path in (folder / name(1)).iterdir()}
    renamed = happened.index("rename")
    assert set(happened[: renamed - 1]) == files
    assert happened[renamed - 1 :] == [
        str(temporary),
        "rename",
        str(folder),
        "replace",
        str(folder),
    ]


def test_a_publisher_killed_at_any_step_leaves_a_whole_publication(
    processes, three, database, tmp_path
):
    was, build = digests(three), build_of(4, database)
    found, exit_code, step = [], None, 0
    while exit_code != 0:
        step += 1
        folder = tmp_path / f"killed_{step}"
        shutil.copytree(three, folder, symlinks=True)
        process = processes.start(
            publishers.publish_until, step, signal.SIGKILL, build, database, folder, 2
        )
        exit_code = ended(process)
        assert exit_code in (0, -signal.SIGKILL)
        found.append(check_after(folder, build, database, was))
        shutil.rmtree(folder)
    # Up to the switch it is the old one, from then on the new one.
    assert found == sorted(found) and set(found) == {3, 4}
    assert len(found) > 100


def test_a_publisher_killed_at_any_time_leaves_a_whole_publication(
    processes, three, database, tmp_path
):
    was, build = digests(three), build_of(4, database, rows=300_000)
    begin = time.monotonic()
    publish.publish(build, database, tmp_path / "timed", kept=5)
    duration, chance, killed = time.monotonic() - begin, random.Random(1), 0
    for attempt in range(20):
        folder = tmp_path / f"killed_{attempt}"
        shutil.copytree(three, folder, symlinks=True)
        process = processes.start(publishers.publish_until, 0, 0, build, database, folder, 2)
        time.sleep(chance.uniform(0, duration))
        process.kill()
        killed += ended(process) == -signal.SIGKILL
        check_after(folder, build, database, was)
        shutil.rmtree(folder)
    assert killed > 5


def test_two_publishers_do_not_meet(processes, three, database, tmp_path):
    build = build_of(4, database)
    process = processes.start(
        publishers.publish_until, 60, signal.SIGSTOP, build, database, three, 5
    )
    while not Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].startswith(" T"):
        assert process.is_alive()
        time.sleep(0.01)
    held = leftovers(three)
    assert len(held) == 1
    with pytest.raises(OSError, match="another publisher is at work"):
        publish.publish(build, database, three, kept=5)
    with pytest.raises(OSError, match="another publisher is at work"):
        publish.roll_back(three)
    assert leftovers(three) == held and numbers_in(current(three)) == {3}
    os.kill(process.pid, signal.SIGCONT)
    assert ended(process) == 0
    assert numbers_in(current(three)) == {4} and leftovers(three) == []


# Of two copies one may be a block shorter, which is an eighth of it.
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.8])
def test_a_full_disk_leaves_what_was_published(processes, three, database, tmp_path, share):
    """Files that may not grow stand for a disk that is full: the write fails alike."""
    was, build = digests(three), build_of(4, database, rows=300_000)
    publish.publish(build, database, tmp_path / "roomy", kept=5)
    size = int(share * (tmp_path / "roomy/current" / publish.DATABASE).stat().st_size)
    said = processes.Queue()
    process = processes.start(
        publishers.publish_with_little_space, size, build, database, three, said
    )
    message = said.get(timeout=60)
    assert ended(process) == 0
    assert "could not publish" in message, message
    assert numbers_in(current(three)) == {3} and leftovers(three) == []
    assert names(three) == [name(1), name(2), name(3)]
    check_after(three, build, database, was)


@pytest.mark.parametrize("call", ["fsync", "rename", "symlink", "replace", "chmod", "mkdir"])
def test_a_call_that_finds_the_disk_full_leaves_what_was_published(
    three, database, call, monkeypatch
):
    was, build = digests(three), build_of(4, database)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(publish.os, call, full)
        with pytest.raises(OSError, match="No space left"):
            publish.publish(build, database, three, kept=2)
    # Without a link to it, one that is written already does no harm.
    assert digests(three).items() >= was.items() and numbers_in(current(three)) == {3}
    check_after(three, build, database, was)


def test_copies_that_are_not_as_the_original_are_not_published(three, database, monkeypatch):
    """A Parquet file that lost its rows on the way."""
    was, build = digests(three), build_of(4, database)

    class Connection(publishers.Connection):
        def execute(self, sql, *arguments):
            if sql.startswith('copy published.marts."fct_orders"'):
                sql = sql.replace(" to ", " to ", 1).replace(
                    'published.marts."fct_orders"',
                    '(from published.marts."fct_orders" where order_id > 0)',
                )
            return self.real.execute(sql, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(publish.duckdb, "connect", Connection)
        with pytest.raises(ValueError, match="fct_orders has 50 rows, but its copies"):
            publish.publish(build, database, three, kept=2)
    assert leftovers(three) == []
    check_after(three, build, database, was)


# -- Whoever reads meanwhile


def test_readers_in_a_loop_see_no_error_and_no_mixed_build(processes, database, folder):
    publish_builds([1], database, folder)
    done, readers = processes.Event(), []
    for read in (numbers_in, numbers_in, numbers_in_parquet):
        counted, seen = processes.Value("i", 0), processes.Array("i", 60)
        process = processes.start(
            publishers.read_in_a_loop, current(folder), read, done, counted, seen
        )
        readers.append((process, counted, seen))
    for number in range(2, 52):
        begun = [counted.value for _, counted, _ in readers]
        publish_builds([number], database, folder, kept=5)
        # Each reader has begun anew since, so that it has seen every publication.
        for (process, counted, _), count in zip(readers, begun, strict=True):
            while counted.value < count + 2 and process.is_alive():
                time.sleep(0.001)
    done.set()
    assert [ended(process) for process, _, _ in readers] == [0, 0, 0]
    for _, counted, seen in readers:
        assert counted.value >= 100
        assert sum(seen) >= 50
    assert len(names(folder)) == 5


def test_a_reader_that_holds_an_old_file_keeps_what_it_saw(processes, database, folder):
    publish.publish(build_of(1, database, rows=500_000), database, folder, kept=1)
    with duckdb.connect(str(current(folder) / publish.DATABASE), read_only=True) as old:
        assert old.execute("select count(*) from marts.publications").fetchall() == [(1,)]
        publish_builds([2, 3], database, folder, kept=1)
        assert names(folder) == [name(2), name(3)]
        # Its file has no name any more; what it had not read yet is there all the same.
        orders = "select min(build), max(build), sum(order_id) from marts.fct_orders"
        assert old.execute(orders).fetchall() == [(1, 1, 500_000 * 499_999 // 2)]
        lines = "select distinct build from marts.fct_order_lines"
        assert old.execute(lines).fetchall() == [(1,)]
    assert numbers_in(current(folder)) == {3}


# -- The ways to read that docs/publishing.md shows


def run_example(containing, published_sample, **environment):
    """Run the page's Python example that contains a text where the sample was published."""
    page = (PROJECT / "docs/publishing.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (example,) = [text for text in examples if containing in text]
    return subprocess.run(
        [sys.executable, "-c", example],
        cwd=published_sample.folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_the_examples_for_duckdb_and_parquet_run(published_sample):
    shown = run_example("from marts.dim_segments", published_sample)
    (record,) = publish.publications(published_sample.folder / "published")
    assert shown.returncode == 0 and record["build_id"] in shown.stdout, shown.stderr
    shown = run_example("Path(", published_sample)
    assert shown.returncode == 0 and "avg(clv)" in shown.stdout, shown.stderr


@pytest.fixture(scope="module")
def postgres():
    """The environment that leads psql to a new, empty Postgres."""
    places = [*glob("/usr/lib/postgresql/*/bin"), *os.environ["PATH"].split(os.pathsep)]
    path = os.pathsep.join(places)
    programs = {name: shutil.which(name, path=path) for name in ("initdb", "postgres", "psql")}
    if missing := [name for name, found in programs.items() if not found]:
        lacking(f"no {', '.join(missing)}: install Postgres to test the serving copy")
    # Postgres refuses root; and a socket's path must be short.
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        if user:
            shutil.chown(folder, "nobody")
        data = f"{folder}/data"
        initdb = [programs["initdb"], "-D", data, "-U", "postgres", "--no-sync", "-A", "trust"]
        initdb += ["--encoding=UTF8", "--no-locale"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **user)
        server = [programs["postgres"], "-D", data, "-k", folder, "-c", "listen_addresses="]
        environment = {"PGHOST": folder, "PGUSER": "postgres", "PGDATABASE": "postgres"}
        environment |= {"PATH": path}
        with open(f"{folder}/log", "w+") as log:
            process = subprocess.Popen(server, stdout=log, stderr=log, cwd=folder, **user)
            try:
                while ask("select 1", environment) is None:
                    assert process.poll() is None, Path(log.name).read_text()
                    time.sleep(0.1)
                yield environment
            finally:
                process.terminate()
                process.wait()


def ask(sql, environment):
    """Return the rows that psql prints, or None where there is no answer."""
    psql = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "-c", sql]
    answer = subprocess.run(psql, env=os.environ | environment, capture_output=True, text=True)
    return answer.stdout.splitlines() if answer.returncode == 0 else None


def test_the_example_for_postgres_loads_every_mart_or_none(published_sample, postgres, tmp_path):
    loaded = run_example("psql", published_sample, **postgres)
    assert loaded.returncode == 0, loaded.stderr
    expected = published_sample.fingerprints()
    for mart, (count, _) in expected.items():
        assert ask(f"select count(*) from marts.{mart}", postgres) == [str(count)], mart
    for sql in (
        "select sum(net_amount), count(customer_id), min(order_date) from marts.fct_orders",
        "select sum(clv), count(clv), count(*) from marts.fct_customer_values where clv > 100",
        "select count(*) from marts.dim_products where category = '' or category is null",
    ):
        (row,) = ask(sql, postgres)
        for told, known in zip(row.split("|"), published_sample.query(sql)[0], strict=True):
            if isinstance(known, float):
                assert float(told) == pytest.approx(known, rel=1e-9)
            else:
                assert told == str(known)
    build_id = ask("select build_id from marts.publications", postgres)

    # Then another build, first with a mart that Postgres refuses after others have been loaded.
    other = dataclasses.replace(published_sample, folder=tmp_path)
    database, folder = tmp_path / "small.duckdb", tmp_path / "published"
    build = build_of(1, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute('create table marts.zones as select 1 as "end"')
    build = dataclasses.replace(
        build,
        ended_ns=database.stat().st_mtime_ns,
        marts=[*build.marts, publish.Mart("zones")],
    )
    publish.publish(build, database, folder, kept=5)
    half = run_example("psql", other, **postgres)
    assert half.returncode != 0 and 'at or near "end"' in half.stderr
    assert ask("select build_id from marts.publications", postgres) == build_id
    assert ask("select 1 from pg_namespace where nspname = 'marts_next'", postgres) == []
    publish_builds([2], database, folder)
    again = run_example("psql", other, **postgres)
    assert again.returncode == 0, again.stderr
    assert ask("select build_id from marts.publications", postgres) == [name(2)]
    assert ask("select build_id from marts_before.publications", postgres) == build_id
