"""What is published is complete, and only of a build that passed."""

import json
import os
import re
import shutil
import subprocess

import duckdb
import pytest
from conftest import PROJECT
from publishers import build_of, current, digest, name, names, publish_builds

from clientele import cli
from clientele.publishing import builds, folders


def test_every_public_mart_is_published_row_for_row(published_sample):
    expected = published_sample.fingerprints(of_builds=True)
    folder = published_sample.folder / "published/current"
    with duckdb.connect(str(folder / "clientele.duckdb"), read_only=True) as copy:
        tables = copy.execute("select table_schema, table_name from information_schema.tables")
        assert {table for schema, table in tables.fetchall() if schema == "marts"} == {
            *expected,
            "publications",
            "publication_marts",
            "publication_segment_changes",
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
    manifest = json.loads((published_sample.folder / "target/manifest.json").read_text())
    columns = manifest["nodes"]["model.clientele.dim_segments"]["columns"]
    assert comment == columns["segmentation"]["description"].strip() != ""


def test_a_publication_says_what_it_is(published_sample):
    results = json.loads((published_sample.folder / "target/run_results.json").read_text())
    folder = published_sample.folder / "published"
    (record,) = folders.publications(folder)
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
    assert record["git_commit"] == builds.project_commit(PROJECT)
    assert record["dbt_version"] == results["metadata"]["dbt_version"]
    assert record["clientele_version"] == "0.1.0"
    assert record["previous_build_id"] is None
    counts = {k: n for k, (n, _) in published_sample.fingerprints(of_builds=True).items()}
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
    assert builds.project_commit(tmp_path) is None
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    (tmp_path / "file").write_text("1")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True)
    assert builds.project_commit(tmp_path) == head.stdout.decode().strip()
    (tmp_path / "file").write_text("2")
    assert builds.project_commit(tmp_path) == head.stdout.decode().strip() + "-dirty"


def test_make_run_publishes_and_make_clean_keeps_what_was_published():
    shown = subprocess.run(
        ["make", "--dry-run", "run", "clean"], cwd=PROJECT, capture_output=True, text=True
    ).stdout
    assert re.search(r"clientele build .*\n.*clientele publish$", shown, re.M)
    assert re.search(r"^rm -rf (.*)$", shown, re.M)[1] == (
        "target logs clientele.duckdb .clientele.duckdb.*.lock"
    )


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


def add_unit_test(status):
    return lambda results: results["results"].append(
        {"unique_id": "unit_test.clientele.doubles", "status": status}
    )


def argue(**arguments):
    return lambda results: results["args"].update(arguments)


def test_artifacts_as_dbt_left_them_are_accepted(artifacts, capsys):
    assert artifacts(lambda results: None) == 0
    assert "Published already" in capsys.readouterr().out


def test_a_warning_is_counted_and_lets_a_build_pass(artifacts, capsys):
    assert artifacts(set_status("warn", "checks_dim_customers", "checks_dim_segments")) == 0
    assert "built with 2 warnings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_status("fail", "test.clientele.checks_dim_customers"), "pass: checks_dim_customers"),
        (set_status("error", "model.clientele.dim_segments"), "did not pass: dim_segments (error)"),
        (set_status("runtime error", "test.clientele.checks_dim_s"), "(runtime error); fix it"),
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
        (drop("model.clientele.dim_customers"), "only part of the project, without dim_customers"),
        (drop(".checks_dim_customers"), "only part of the project, without checks_dim_customers"),
        (add_unit_test("fail"), "did not pass: doubles (fail)"),
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
        folders.publish(build_of(1, database), database, folder, kept=kept)


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
    settings = (PROJECT / "sources/online_retail.yml").read_text()
    copy.dbt("build", "--vars", f"{settings}\ndata: /nowhere.parquet")
    assert copy.exit_code != 0 and "no file at /nowhere.parquet" in copy.output
    assert "dbt has run since the last build that left results" in refusal()
    copy.dbt("build", "--select", "dim_segments")
    assert copy.exit_code == 0
    assert "the last build was only part of the project, without" in refusal()
    copy.dbt("build", "--select", "int_as_of_dates", "--vars", "{as_of_date: 'no day'}")
    assert copy.exit_code == 1
    assert "the last build did not pass: int_as_of_dates (error)" in refusal()
    copy.dbt("test", "--select", "dim_segments")
    assert "the last dbt command was `test`" in refusal()


def test_a_damaged_publication_is_named(artifacts, database, folder, monkeypatch, capsys):
    publish_builds([1], database, folder)
    file = current(folder) / "clientele.duckdb"
    file.chmod(0o644)
    file.write_bytes(b"no database")
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", str(folder))
    assert cli.main(["publish", "--list"]) == 2
    assert f"{name(1)} cannot be read; remove it" in capsys.readouterr().err
