"""The harness measures what it says, and its peers do the same work. No timing is tested."""

import ast
import importlib
import json
import shutil
import subprocess
import sys

import duckdb
import pytest
from conftest import PROJECT

from clientele.simulation.generating import generate

sys.path.append(str(PROJECT / "benchmarks"))
builds, engines, measuring, report = map(
    importlib.import_module, ("builds", "engines", "measuring", "report")
)


def peer(script, *arguments):
    command = [sys.executable, f"benchmarks/{script}", *map(str, arguments)]
    finished = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def sample_files(tmp_path_factory):
    """The same shop as the bundled sample, as Parquet."""
    folder = tmp_path_factory.mktemp("shop") / "sample"
    generate(folder, customers=3000, seed=1, campaign_effects=0)
    return folder


def test_the_notebook_finds_the_customers_orders_and_rules_that_the_marts_hold(
    sample, sample_files
):
    lines, products = sample_files / "order_lines", sample_files / "products.parquet"
    found = json.loads(peer("notebook.py", lines, "--products", products))
    (customers,) = sample.query("select count(*) from marts.fct_customer_features")[0]
    (orders,) = sample.query("select count(*) from marts.fct_orders where is_purchase")[0]
    (rules,) = sample.query(
        "select count(*) from marts.fct_association_rules "
        "where scope = 'all' and item_level = 'product'"
    )[0]
    assert (found["customers"], found["orders"], found["rules"]) == (customers, orders, rules)
    assert set(found["stages"]) == {
        "read", "clean", "features", "k-means", "lifetime value", "rules",
    }  # fmt: skip


def test_the_floor_reads_every_line(sample, sample_files):
    columns = ["customer_id", "quantity", "unit_price", "ordered_at"]
    printed = peer("floor.py", sample_files / "order_lines/*.parquet", *columns)
    ((_, lines, _),) = ast.literal_eval(printed.replace("Decimal", ""))
    assert lines == sample.query("select sum(row_count) from marts.rpt_data_quality")[0][0]


def test_storing_the_lines_stores_every_line(sample_files, tmp_path):
    printed = peer("store.py", sample_files / "order_lines/*.parquet", tmp_path / "store.duckdb")
    (stored,) = duckdb.connect(str(tmp_path / "store.duckdb")).sql("from order_lines").shape[:1]
    assert ast.literal_eval(printed) == [(stored,)] and stored == 44_726


def test_a_new_day_is_a_thousandth_of_the_orders_a_day_after_the_last(sample_files, tmp_path):
    shutil.copytree(sample_files / "order_lines", tmp_path / "lines")
    for number in (1, 2):
        builds.add_day(tmp_path / "lines", number)
    rows = duckdb.sql(
        "select ordered_at::date, count(distinct order_id), count(distinct filename), "
        "count(distinct customer_id) > 5 "
        f"from read_parquet('{tmp_path}/lines/day-*.parquet', filename = true) group by 1"
    ).fetchall()
    ((day, orders, files, are_many),) = rows
    assert str(day) == "2026-01-01" and 15 < orders < 60 and (files, are_many) == (2, True)


def test_builds_after_a_build_are_shown_beside_it():
    def run(seconds):
        return {"exit": 0, "wall": seconds, "cpu": 2 * seconds, "peak_mb": 1}

    cell = run(100.0) | {"after": {"daily": run(15.0), "nothing new": run(1.0)}}
    table = "\n".join(report.continued({"daily 10m": cell}))
    assert "| 10m lines | daily | 15.0 | 30.0 | 1 | 15% | 15% |" in table
    assert report.continued({}) == []


def test_a_process_is_measured_from_outside():
    work = "x = bytearray(300 * 2**20); sum(range(10_000_000)); print('made'); raise SystemExit(3)"
    measured = measuring.measure([sys.executable, "-c", work], timeout=60)
    assert measured["exit"] == 3 and measured["output"] == "made\n"
    assert 300 < measured["peak_mb"] < 600
    assert 0 < measured["cpu"] <= 2 * measured["wall"]
    assert measured["samples"][-1][1] == measured["cpu"] and not measured["timed_out"]


def test_a_process_that_takes_too_long_or_too_much_is_ended_and_named():
    late = measuring.measure([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)
    assert late["timed_out"] and report.outcome(late) == "stopped: out of time"
    large = measuring.measure([sys.executable, "-c", "bytearray(2**33)"], timeout=60, memory_gb=1)
    assert large["exit"] == 1 and report.outcome(large) == "died: out of memory"


def test_time_goes_to_the_stage_of_the_node_that_ran():
    def node(unique_id, start, end):
        times = {"started_at": f"1970-01-01T00:00:{start:02}Z"}
        return {
            "unique_id": unique_id,
            "timing": [times | {"completed_at": f"1970-01-01T00:00:{end:02}Z"}],
        }

    results = [
        node("model.clientele.stg_order_lines", 10, 14),
        node("model.clientele.ml_clv__parameters", 14, 16),
        node("model.clientele.ml_customers__behaviour", 16, 17),
        node("model.clientele.dim_customers", 17, 20),
        node("test.clientele.not_null_dim_customers_customer_id.0123", 20, 21),
        {"unique_id": "seed.clientele.rfm_groups", "timing": []},
    ]
    # Two cores are busy from second 10 to 20, none before, one after.
    samples = [(0.0, 0.0), (10.0, 0.0), (20.0, 20.0), (25.0, 25.0)]
    split = builds.stages({"results": results}, samples)
    spent = {stage: (s["wall"], s["cpu"]) for stage, s in split.items() if s["wall"]}
    assert spent == {
        "staging": (4, 8),
        "ml (Python)": (2, 4),
        "ml (SQL)": (1, 2),
        "marts": (3, 6),
        "data tests": (1, 1),
        "start, parse, end": (14, 4),
    }
    assert builds.models({"results": results}, samples) == {
        "stg_order_lines": 8, "ml_clv__parameters": 4, "ml_customers__behaviour": 2,
        "dim_customers": 6,
    }  # fmt: skip


def test_the_exponent_of_growth_is_the_slope_of_the_logarithms():
    def cell(size, power):
        lines = builds.CUSTOMERS[size]
        return {"exit": 0, "wall": lines**power, "cpu": 2 * lines**power, "peak_mb": 1}

    cells = {f"floor {size}": cell(size, 1.25) for size in builds.CUSTOMERS}
    assert report.growth(cells, "floor", "wall") == pytest.approx(1.25)
    assert report.growth(cells, "floor", "cpu", ("10m", "50m")) == pytest.approx(1.25)
    assert report.growth({"floor 1m": cell("1m", 1)}, "floor", "wall") is None


def test_the_table_of_models_has_the_exponent_of_each_and_sums_up_the_small_ones():
    def cell(**cpu):
        return {"models": cpu}

    cells = {
        "nodes 10m": cell(fct_orders=2.0, dim_customers=0.1, dim_dates=0.2),
        "nodes 50m": cell(fct_orders=10.0, dim_customers=0.4, dim_dates=0.3),
    }
    table = "\n".join(report.by_model(cells))
    assert "| `fct_orders` | 2.0 | 10.0 | 1.00 |" in table
    assert "| the other 2 | 0.3 | 0.7 | |" in table
    assert report.by_model({"nodes 10m": cell(fct_orders=1.0)}) == []


def test_a_childs_cpu_and_memory_count_with_its_parents(tmp_path):
    burn = "x = bytearray(2**27); n = 0\nfor i in range(2 * 10**7): n += i"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    command = [sys.executable, "-c", parent]
    measured = measuring.measure_tree(
        command, env={"DBT_LOG_PATH": str(tmp_path / "log")}, timeout=60
    )
    assert measured["exit"] == 0
    assert measured["cpu"] > 0.3
    assert measured["peak_mb"] > 128


def test_what_a_model_shuffles_is_told_by_the_table_that_its_plan_writes(tmp_path):
    def task(stage, size):
        return {
            "Event": "SparkListenerTaskEnd",
            "Stage ID": stage,
            "Task Metrics": {"Shuffle Write Metrics": {"Shuffle Bytes Written": size * 2**20}},
        }

    def job(execution, *stages):
        properties = {} if execution is None else {"spark.sql.execution.root.id": str(execution)}
        return {"Event": "SparkListenerJobStart", "Stage IDs": stages, "Properties": properties}

    events = [
        {
            "Event": "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart",
            "executionId": 7,
            "physicalPlanDescription": "== Physical Plan ==\nExecute "
            "CreateDataSourceTableAsSelectCommand (1)\n(1)\nOutput: []\n"
            "Arguments: `spark_catalog`.`marts`.`fct_orders`, ErrorIfExists",
        },
        job(7, 1, 2),
        job(None, 3),
        task(1, 5),
        task(2, 6),
        task(3, 1),
        {"Event": "SparkListenerApplicationEnd"},
    ]  # fmt: skip
    log = tmp_path / "events"
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    assert engines.shuffled(log) == {"fct_orders": 11.0, "other": 1.0}


@pytest.fixture(scope="module")
def few_baskets(tmp_path_factory):
    """Two thousand simulated baskets, as Parquet and as the table that miners read."""
    folder = tmp_path_factory.mktemp("baskets")
    code = (
        f"from baskets import write_baskets; write_baskets('{folder}/%s', baskets=2000, items=50)"
    )
    for name in ("baskets.parquet", "again.parquet"):
        subprocess.run([sys.executable, "-c", code % name], cwd=PROJECT / "benchmarks", check=True)
    with duckdb.connect(str(folder / "baskets.duckdb")) as connection:
        connection.execute(f"create table baskets as from '{folder}/baskets.parquet'")
    return folder


def test_simulated_baskets_repeat_themselves_and_hold_an_item_once(few_baskets):
    again = (few_baskets / "again.parquet").read_bytes()
    assert (few_baskets / "baskets.parquet").read_bytes() == again
    with duckdb.connect(str(few_baskets / "baskets.duckdb"), read_only=True) as connection:
        rows, distinct, baskets, items = connection.execute(
            "select count(*), count(distinct (basket_id, item)), count(distinct basket_id), "
            "count(distinct item) from baskets"
        ).fetchall()[0]
    assert rows == distinct and 1900 < baskets <= 2000 and items == 50 and 5 < rows / baskets < 12


@pytest.mark.parametrize("miner", ["clientele sql", "mlxtend fpgrowth, dense"])
def test_miners_write_the_same_itemsets(few_baskets, tmp_path, miner):
    found = []
    for name in ("clientele bitmap", miner):
        output = tmp_path / f"{name[:5]}.duckdb"
        output.unlink(missing_ok=True)
        spent = json.loads(peer("miner.py", name, few_baskets / "baskets.duckdb", 60, output))
        assert spent["cpu"] > 0
        with duckdb.connect(str(output), read_only=True) as connection:
            rows = connection.execute("select list_sort(itemset), basket_count from itemsets")
            found.append(sorted(map(str, rows.fetchall())))
        output.unlink()
    assert found[0] == found[1] and len(found[0]) > 50
