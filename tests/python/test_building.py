"""`clientele build` shows how far it is and, if it fails, what failed and why."""

import gc
import io
import json
import os
import time
from types import SimpleNamespace

import duckdb
import pytest
from dbt.adapters.duckdb import connections as duckdb_connections
from dbt.cli.main import dbtRunner

from clientele import building, progress

FILES = {
    "dbt_project.yml": """
name: tiny
profile: tiny
version: "1.0"
flags: {send_anonymous_usage_stats: false}
on-run-end: ["{{ log('rule not_null of n: 1 row, key 7', info=True) if var('told', false) }}"]
""",
    "profiles.yml": """
tiny:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: "{{ env_var('CLIENTELE_DB') }}", threads: 2, keep_open: true}
    other: {type: duckdb, path: "{{ env_var('CLIENTELE_DB') }}", threads: 2, keep_open: true}
""",
    "seeds/numbers.csv": "n\n1\n2\n",
    "models/staging/stg_numbers.sql": "select * from {{ ref('numbers') }}",
    "models/marts/orders/fct_numbers.sql": (
        "select n, {{ var('expression', 'n') }} as twice from {{ ref('stg_numbers') }}"
    ),
    "models/marts/orders/fct_numbers.yml": """
models:
  - name: fct_numbers
    columns: [{name: n, data_tests: [unique, not_null]}]
unit_tests:
  - name: twice_is_wrong
    model: fct_numbers
    given: [{input: ref('stg_numbers'), rows: [{n: 1}]}]
    expect: {rows: [{n: 2}]}
""",
    "models/marts/value/fct_sums.sql": "select sum(twice) as total from {{ ref('fct_numbers') }}",
    "models/ml/rules/ml_printed.py": (
        "def model(dbt, session):\n"
        "    print('three words printed')\n"
        "    return session.sql('select 1 as one')\n"
    ),
    "tests/assert_sum.sql": "select * from {{ ref('fct_sums') }} where total <> 3",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A dbt project of a seed, four models and three checks."""
    folder = tmp_path_factory.mktemp("tiny")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def tiny(project, monkeypatch, capsys):
    """A function that builds the project and returns exit code, standard output and error."""
    for name in [name for name in os.environ if name.startswith(("DBT_", "CLIENTELE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CLIENTELE_DB", str(project / "tiny.duckdb"))
    monkeypatch.chdir(project)

    def run(*arguments, target="duckdb", verbose=False, **variables):
        code = building.build(project, variables, [*arguments], target=target, verbose=verbose)
        out, err = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=out, stderr=err)

    run.folder = project
    return run


def log_of(tiny):
    return (tiny.folder / "logs/dbt.log").read_text()


def test_a_build_prints_a_line_per_phase_and_times_and_logs_the_rest(tiny):
    done = tiny()
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines, _, table = done.stderr.partition("\n\n")
    phases = {line.split()[0]: " ".join(line.split()[1:-2]) for line in lines.splitlines()}
    assert phases == {
        "sources": "2 models",
        "orders": "1 model, 2 checks",
        "value": "1 model",
        "rules": "1 model",
        "quality": "1 check",
    }
    rows = {line.split()[0]: line.split() for line in table.splitlines()[1:]}
    assert {*phases, "dbt", "all"} < set(rows)
    cpu = {name: float(row[-2]) for name, row in rows.items() if row[-1] == "s"}
    whole = cpu.pop("all")
    # Each row is rounded to a tenth.
    assert sum(cpu.values()) == pytest.approx(whole, abs=0.05 * len(cpu) + 0.05)
    assert "OK created" in log_of(tiny)
    assert "three words printed" in log_of(tiny)


def test_after_a_build_the_warehouse_is_open_to_others(tiny):
    tiny()
    # DuckDB refuses this if this process still has the file open for writing.
    with duckdb.connect(str(tiny.folder / "tiny.duckdb"), read_only=True) as connection:
        assert connection.sql("select n from fct_numbers").fetchall() == [(1,), (2,)]


def test_the_warehouse_is_open_before_python_looks_for_what_nobody_needs(project, tiny):
    gc.disable()
    try:
        assert dbtRunner().invoke(["build", "--select", "+stg_numbers", "--quiet"]).success
        kept = [duckdb_connections.DuckDBConnectionManager._ENV]
        building.close_warehouse()
        with duckdb.connect(project / "tiny.duckdb", config={"threads": 1}) as other:
            assert other.sql("select count(*) from stg_numbers").fetchall() == [(2,)]
        assert kept[0] is not None
    finally:
        gc.enable()


def test_a_second_build_and_plain_dbt_reuse_what_was_parsed(tiny):
    tiny()
    (tiny.folder / "logs/dbt.log").unlink()
    tiny()
    assert dbtRunner().invoke(["parse", "--quiet"]).success
    assert log_of(tiny).count("no changes found, skipping parsing") == 2


def test_unit_tests_run_only_if_resource_types_are_selected(tiny):
    assert tiny().returncode == 0
    failed = tiny("--resource-type", "unit_test", "model")
    assert failed.returncode == 1
    assert "fail: unit_test twice_is_wrong (models/marts/orders/fct_numbers.yml)" in failed.stderr


def test_a_failure_names_its_cause_and_only_counts_what_was_skipped(tiny):
    failed = tiny(expression="n * missing_column")
    assert failed.returncode == 1 and failed.stdout == ""
    assert "the build failed: 1 node failed, and 4 nodes after it skipped" in failed.stderr
    assert "error: model fct_numbers (models/marts/orders/fct_numbers.sql)" in failed.stderr
    assert "missing_column" in failed.stderr and "Binder Error" in failed.stderr
    assert "compiled: target/compiled/tiny/models/marts/orders/fct_numbers.sql" in failed.stderr
    assert f"The whole log: {tiny.folder}/logs/dbt.log" in failed.stderr
    assert "fct_sums" not in failed.stderr
    # A phase of which nothing ran has no line.
    assert "value" not in failed.stderr


def test_a_broken_check_is_shown_with_what_macros_say_of_it(tiny):
    failed = tiny(expression="n + 1", told=True)
    assert failed.returncode == 1
    assert "fail: test assert_sum (tests/assert_sum.sql)" in failed.stderr
    assert "Got 1 result, configured to fail if != 0" in failed.stderr
    assert "compiled: target/compiled/tiny/tests/assert_sum.sql" in failed.stderr
    assert "rule not_null of n: 1 row, key 7" in failed.stderr


def test_an_error_before_any_node_is_shown_whole(tiny):
    broken = tiny.folder / "models/broken.yml"
    broken.write_text("models: [")
    try:
        failed = tiny()
    finally:
        broken.unlink()
    assert failed.returncode == 1
    assert "clientele: the build failed" in failed.stderr and "broken.yml" in failed.stderr


def test_warnings_are_shown_once(tiny):
    done = tiny("--select", "fct_numbers", "nothing_of_that_name")
    assert done.returncode == 0
    assert done.stderr.count("warning: The selection criterion 'nothing_of_that_name'") == 1


def test_verbose_prints_what_dbt_prints(tiny):
    done = tiny(verbose=True)
    assert "OK created" in done.stdout and "three words printed" in done.stdout
    assert "OK created" in log_of(tiny)


def test_wrong_arguments_of_dbt_are_wrong_input(tiny):
    with pytest.raises(ValueError, match="dbt build: No such option.*no-such-option"):
        tiny("--no-such-option")


def test_another_target_is_passed_to_dbt(tiny):
    assert tiny(target="other").returncode == 0
    results = json.loads((tiny.folder / "target/run_results.json").read_text())
    assert results["args"]["target"] == "other"


# -- The bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def event(name, key="", status="success", **data):
    node = SimpleNamespace(unique_id=key)
    result = SimpleNamespace(status=status)
    info = SimpleNamespace(name=name, level="info", msg="")
    return SimpleNamespace(
        info=info, data=SimpleNamespace(node_info=node, run_result=result, **data)
    )


@pytest.fixture
def manifest(tmp_path):
    def node(key, *folders, **more):
        kind = key.split(".")[0]
        return {key: {"resource_type": kind, "fqn": ["p", *folders, "x"], **more}}

    path = tmp_path / "manifest.json"
    nodes = (
        node("seed.p.s")
        | node("model.p.slow", "marts", "value", language="sql")
        | node("model.p.quick", "marts", "orders", language="sql")
        | node("test.p.check", attached_node="model.p.quick")
        | node("analysis.p.a")
    )
    path.write_text(json.dumps({"nodes": nodes, "unit_tests": {}}))
    return path


def test_the_bar_shows_phase_node_share_and_time_left(manifest):
    earlier = {"seed.p.s": 1.0, "model.p.slow": 6.0, "model.p.quick": 2.0, "test.p.check": 1.0}
    screen = Terminal()
    with progress.Progress(manifest, earlier, screen) as shown:
        assert progress.READING in screen.getvalue()
        for key in ("seed.p.s", "model.p.quick"):
            shown.hear(event("NodeStart", key))
            shown.hear(event("NodeFinished", key))
        shown.hear(event("NodeStart", "model.p.slow"))
        time.sleep(3 * progress.TICK)
    text = screen.getvalue()
    assert "value" in text and "slow" in text and " left" in text
    # 3 of 10 seconds are done, and a little of the slow model.
    shares = {int(part.split()[-1]) for part in text.split("% |")[:-1]}
    assert max(shares) in range(30, 50)


def test_a_node_that_takes_longer_than_expected_is_never_done_before_it_is(manifest):
    screen = Terminal()
    with progress.Progress(manifest, dict.fromkeys(["model.p.slow"], 0.01), screen) as shown:
        shown.hear(event("NodeStart", "model.p.slow"))
        time.sleep(2 * progress.TICK)
        assert shown._bar.n < 0.01


def test_an_event_that_cannot_be_taken_stops_no_build(manifest, capsys):
    with progress.Progress(manifest, {}) as shown:
        shown.hear(SimpleNamespace(info=SimpleNamespace(name="NodeStart"), data=None))
    assert "warning: progress is not shown rightly: AttributeError" in capsys.readouterr().err


def test_expected_times_are_of_the_node_then_of_its_kind_then_a_guess():
    nodes = {
        key: {"resource_type": key.split(".")[0]}
        for key in ("model.a", "model.b", "model.c", "test.a", "seed.a")
    }
    nodes["model.p"] = {"resource_type": "model", "language": "python"}
    earlier = {"model.a": 8.0, "model.b": 2.0, "test.gone": 9.0}
    assert progress.expected_seconds(nodes, earlier) == {
        "model.a": 8.0,
        "model.b": 2.0,
        "model.c": 5.0,
        "test.a": progress.SECONDS["test"],
        "seed.a": progress.SECONDS["seed"],
        "model.p": progress.SECONDS["python"],
    }


@pytest.mark.parametrize("text", [None, "", "{", '{"results": [{}]}', "[]"])
def test_an_earlier_run_that_cannot_be_read_tells_nothing(tmp_path, text):
    if text is not None:
        (tmp_path / "run_results.json").write_text(text)
    assert building.earlier_seconds(tmp_path / "run_results.json") == {}
