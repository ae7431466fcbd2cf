"""Every mart that Spark builds is DuckDB's, row by row."""

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path

import duckdb
import pyspark
import pytest
import yaml
from conftest import PROJECT

from clientele.simulate import generate

BUILD_MARTS = Path(__file__).with_name("build_marts.py")
# What makes a row of each mart one.
GRAIN = {
    "dim_customers": ["customer_id"],
    "dim_products": ["product_id"],
    "dim_segments": ["segmentation", "segment_key"],
    "fct_association_rules": ["scope", "item_level", "antecedent_items", "consequent_items"],
    "fct_customer_category_shares": ["customer_id", "category"],
    "fct_customer_features": ["customer_id"],
    "fct_customer_rfm": ["customer_id"],
    "fct_customer_values": ["customer_id", "horizon_days"],
    "fct_order_lines": ["order_line_id"],
    "fct_orders": ["order_id"],
    "fct_product_recommendations": ["customer_id", "rank"],
    "fct_recommendation_backtests": ["method", "is_filled", "scope", "k"],
    "fct_segment_drivers": ["segment_key", "measure"],
    "fct_segment_memberships": ["segmentation", "customer_id", "as_of_date"],
    "fct_segment_migrations": [
        "segmentation",
        "to_as_of_date",
        "from_segment_key",
        "to_segment_key",
    ],
    "fct_segment_metrics": ["segmentation", "segment_key", "month_date"],
    "fct_segmentation_runs": ["segmentation", "version", "feature_set", "method", "cluster_count"],
    "fct_segmentation_sensitivity": ["segmentation", "version", "variation", "changed_to"],
    "fct_segmentation_versions": ["segmentation", "version"],
    "fct_sequential_rules": ["antecedent_product_id", "consequent_product_id"],
    "rpt_data_quality": ["reason"],
    "rpt_segmentation_drift": ["measure"],
}
# Relative. Sums of doubles, logarithms and powers differ in their last digits from one library to
# the next, and so between engines; keys, counts, dates and money are equal, whatever the mart.
TOLERANCE = 1e-12
NO_TESTS = ["--exclude-resource-type", "test", "unit_test"]


@pytest.fixture(scope="module")
def sample_on_spark(sample, new_warehouse):
    """Both engines' builds of the sample, Spark's with every test."""
    return sample, _on_spark(new_warehouse("spark_sample"), "spark", "--warn-error")


@pytest.fixture(scope="module")
def retail_on_spark(online_retail, real_data, new_warehouse):
    """Both engines' builds of Online Retail II."""
    data = real_data("online_retail_ii/online_retail_ii.parquet")
    arguments = ["--source", "online_retail", "--data", str(data)]
    return online_retail, _on_spark(new_warehouse("spark_retail"), "spark", *arguments, *NO_TESTS)


@pytest.fixture(scope="module")
def sample_on_thrift(sample, new_warehouse):
    """Both engines' builds of the sample, Spark's over a Hive Thrift server on loopback."""
    warehouse = new_warehouse("thrift_sample")
    with _thrift_server(warehouse.folder) as environment:
        return sample, _on_spark(warehouse, "spark_thrift", *NO_TESTS, **environment)


@pytest.fixture(scope="module", params=["parquet", "csv", "jsonl"])
def shop_on_spark(request, new_warehouse, tmp_path_factory):
    """Both engines' builds of a simulated shop whose files are of one format, by the same YAML."""
    data = tmp_path_factory.mktemp("shop") / request.param
    generate(data, customers=300, file_format=request.param, progress=False)
    settings = (PROJECT / "sources/generated.yml").read_text().replace("parquet", request.param)
    variables = yaml.safe_load(settings) | {"data": str(data)}
    built = new_warehouse("shop")
    built.dbt("build", "--vars", yaml.safe_dump(variables), *NO_TESTS)
    assert built.exit_code == 0, built.output[-5000:]
    spark = new_warehouse("spark_shop")
    return built, _on_spark(spark, "spark", "--vars", yaml.safe_dump(variables), *NO_TESTS)


@contextlib.contextmanager
def _thrift_server(folder):
    """Start what docs/scale.md says, with a catalog in ``folder``; yield how to reach it."""
    with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
        thrift_port, connect_port = a.getsockname()[1], b.getsockname()[1]
    home = Path(pyspark.__file__).parent
    settings = {
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": connect_port,
        "spark.sql.warehouse.dir": folder / "hive_warehouse",
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={folder}/metastore;create=true"
        ),
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": 8,
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
    }
    command = [home / "bin/spark-submit", "--master", "local[2]", "--driver-memory", "3g"]
    command += ["--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"]
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    command += ["spark-internal", "--hiveconf", f"hive.server2.thrift.port={thrift_port}"]
    command += ["--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"SPARK_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(server, thrift_port, folder / "server.log")
            yield {
                "CLIENTELE_THRIFT_PORT": str(thrift_port),
                "SPARK_REMOTE": f"sc://127.0.0.1:{connect_port}",
            }
        finally:
            server.terminate()
            server.wait(timeout=60)


def _wait_for(server, port, log, seconds=180):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(1)
    raise AssertionError(f"no Thrift server: {log.read_text()[-3000:]}")


def _on_spark(warehouse, target, *arguments, **environment):
    warehouse.run(BUILD_MARTS, warehouse.folder / "marts", target, *arguments, **environment)
    assert warehouse.exit_code == 0, warehouse.output[-5000:]
    return warehouse


def differences(builds, mart):
    """Return what differs between a mart of DuckDB and the same of Spark, in words."""
    built, spark = builds
    folder = spark.folder / "marts" / mart
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach '{built.database}' as built (read_only)")
        connection.execute(f"create view ours as from built.marts.{mart}")
        connection.execute(f"create view theirs as from '{folder}/*.parquet'")
        types, spark_types = (
            {
                name: kind.replace(" WITH TIME ZONE", "")
                for name, kind, *_ in connection.execute(f"describe {view}").fetchall()
            }
            for view in ("ours", "theirs")
        )
        if types != spark_types:
            return [f"columns {types} and {spark_types}"]
        same_row = " and ".join(f"a.{column} = b.{column}" for column in GRAIN[mart])
        counts = connection.execute(
            "select (select count(*) from ours), (select count(*) from theirs), "
            f"(select count(*) from ours as a join theirs as b on {same_row})"
        ).fetchall()[0]
        found = [] if len(set(counts)) == 1 and counts[0] else [f"rows {counts}"]
        for column, kind in types.items():
            differs = f"a.{column} is distinct from b.{column}"
            if kind == "DOUBLE":
                close = f"abs(a.{column} - b.{column}) <= {TOLERANCE} * abs(a.{column})"
                differs += f" and not coalesce({close}, false)"
            cases = connection.execute(
                f"select a.{column}, b.{column} from ours as a join theirs as b on {same_row} "
                f"where {differs} limit 3"
            ).fetchall()
            if cases:
                found.append(f"{column} {cases}")
        return found


@pytest.mark.parametrize("mart", GRAIN)
def test_the_samples_mart_is_the_same_on_both_engines(sample_on_spark, mart):
    assert differences(sample_on_spark, mart) == []


@pytest.mark.parametrize("mart", GRAIN)
def test_online_retails_mart_is_the_same_on_both_engines(retail_on_spark, mart):
    assert differences(retail_on_spark, mart) == []


@pytest.mark.parametrize("mart", GRAIN)
def test_the_samples_mart_is_the_same_over_a_thrift_server(sample_on_thrift, mart):
    assert differences(sample_on_thrift, mart) == []


def test_files_of_any_format_give_the_same_marts_on_both_engines(shop_on_spark):
    assert {mart: differences(shop_on_spark, mart) for mart in GRAIN} == dict.fromkeys(GRAIN, [])


def test_no_mart_is_left_out(sample_on_spark):
    built, spark = sample_on_spark
    assert set(built.fingerprints()) == set(GRAIN)
    assert {folder.name for folder in (spark.folder / "marts").iterdir()} == set(GRAIN)


def test_the_summary_is_the_same_on_both_engines(sample_on_spark):
    # After the page comes what Spark greeted with on its error output.
    pages = [
        build.output[build.output.index("As of 20") :].partition("\nWARNING:")[0].strip()
        for build in sample_on_spark
    ]
    assert pages[0] == pages[1]


def test_a_difference_would_be_found(sample_on_spark, tmp_path):
    built, spark = sample_on_spark
    changed = type(spark)(tmp_path)
    folder = changed.folder / "marts" / "fct_customer_values"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (case when horizon_days = 30 then clv * 1.0001 else clv end "
            f"as clv) from '{spark.folder}/marts/fct_customer_values/*.parquet' "
            f"where p_alive > 0.01) to '{folder}/part.parquet'"
        )
    found = differences((built, changed), "fct_customer_values")
    assert [words.split()[0] for words in found] == ["rows", "clv"]
