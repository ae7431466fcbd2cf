"""Every mart that Spark builds behind a Hive Thrift server is DuckDB's, row by row."""

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path

import pyspark
import pytest
from conftest import NO_TESTS, SPARK_ON_SMALL_DATA
from parity import GRAIN, OF_IDENTITIES, differences, on_spark


@pytest.fixture(scope="module")
def shop_on_thrift(shop, new_warehouse):
    """Both engines' builds of a simulated shop, Spark's over a Hive Thrift server on loopback."""
    data, built = shop("parquet")
    warehouse = new_warehouse("thrift_shop")
    with _thrift_server(warehouse.folder) as environment:
        builds = [(warehouse, ["--source", "generated", "--data", data, *NO_TESTS])]
        on_spark("spark_thrift", builds, **environment)
    return built, warehouse


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
        "spark.sql.shuffle.partitions": 1,
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
            env=os.environ | SPARK_ON_SMALL_DATA | {"SPARK_HOME": str(home)},
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


# The source `generated` names no identities.
@pytest.mark.parametrize("mart", sorted(GRAIN.keys() - OF_IDENTITIES))
def test_a_shops_mart_is_the_same_over_a_thrift_server(shop_on_thrift, mart):
    # 300 customers are too few to compare lists of whom to contact, or to learn sentiment from.
    empty = {"rpt_uplift_backtests", "rpt_sentiment_backtests"}
    assert differences(shop_on_thrift, mart, empty=empty) == []
