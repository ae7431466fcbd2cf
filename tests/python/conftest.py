"""Shared fixtures: where the real data are, and one built warehouse per source."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

PROJECT = Path(__file__).parents[2]
# `make test-spark` runs these, in an environment that has Spark.
collect_ignore = [] if importlib.util.find_spec("pyspark") else ["spark"]
# Builds that many tests read, the longest work first.
SHARED = ("sample", "story", "online_retail", "complete_journey", "parquet")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Say what stays together, and begin with what takes longest, when several workers share.

    All tests of a shared build run where it is built, so that it is built once; a test that
    builds a warehouse of its own stands alone; the rest go by their files.
    """
    places = {}
    for item in items:
        # test_scoring.py names the build in a parameter.
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        used = [*item.fixturenames, *(value for value in parameters if isinstance(value, str))]
        shared = [name for name in SHARED if name in used]
        if shared:
            places[item] = (SHARED.index(shared[0]), shared[0])
        elif "new_warehouse" in used:
            places[item] = (len(SHARED) + 1, item.nodeid)
        else:
            places[item] = (len(SHARED), item.path.stem)
        item.add_marker(pytest.mark.xdist_group(places[item][1]))
    items.sort(key=lambda item: places[item][0])


@pytest.fixture(scope="session")
def real_data():
    """Return a function from a relative path to a real data file; it skips where there is none."""
    root = Path(os.environ.get("SEGMENTATION_DATA_DIR", PROJECT / "../shared/data"))

    def locate(relative):
        path = (root / relative).resolve()
        if not path.exists():
            pytest.skip(f"real data {relative} not found in {root}; set SEGMENTATION_DATA_DIR")
        return path

    return locate


@pytest.fixture(scope="session")
def spark_target(tmp_path_factory):
    """The target of a Spark session in this process, which keeps its tables out of the project."""
    os.environ["CLIENTELE_SPARK_WAREHOUSE"] = str(tmp_path_factory.mktemp("spark_warehouse"))
    return "spark"


@dataclass
class Warehouse:
    """A warehouse in a folder of its own, and what the last command on it printed."""

    folder: Path
    output: str = ""
    exit_code: int = 0

    @property
    def database(self):
        return self.folder / "clientele.duckdb"

    def run(self, *command, **environment):
        """Run `python ...` in the project on this warehouse; nothing of the caller's is used."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLIENTELE_")}
        finished = subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=PROJECT,
            env=inherited
            | {
                "CLIENTELE_DB": str(self.database),
                "CLIENTELE_TEMP": str(self.folder / "temp"),
                "CLIENTELE_SPARK_WAREHOUSE": str(self.folder / "spark_warehouse"),
                "DBT_TARGET_PATH": str(self.folder / "target"),
                "DBT_LOG_PATH": str(self.folder / "logs"),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                "NO_COLOR": "1",
                "DBT_USE_COLORS": "false",
            }
            | environment,
            capture_output=True,
            text=True,
            timeout=1200,
        )
        self.output = finished.stdout + finished.stderr
        self.exit_code = finished.returncode
        return self

    def clientele(self, *arguments, **environment):
        return self.run("-m", "clientele.cli", *arguments, **environment)

    def dbt(self, *arguments, **environment):
        return self.run("-m", "dbt.cli.main", *arguments, **environment)

    def query(self, sql):
        """Return the rows of a query as tuples."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def frame(self, sql):
        """Return the rows of a query as a data frame."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).df()

    def fingerprints(self, schema="marts"):
        """Return a digest of the rows of every table and view of a schema, order left out."""
        names = self.query(
            f"select table_name from information_schema.tables where table_schema = '{schema}'"
        )
        return {
            name: self.query(
                f"select count(*), coalesce(bit_xor(md5_number(t::varchar)), 0) "
                f"from {schema}.{name} as t"
            )[0]
            for (name,) in names
        }


@pytest.fixture(scope="session")
def new_warehouse(tmp_path_factory):
    """Return a function that gives an empty warehouse."""
    return lambda name: Warehouse(tmp_path_factory.mktemp(name))


def _built(warehouse, *arguments):
    warehouse.clientele("build", *arguments)
    assert warehouse.exit_code == 0, warehouse.output[-5000:]
    return warehouse


@pytest.fixture(scope="session")
def sample(new_warehouse):
    """The bundled sample, built with every model and test, warnings being errors."""
    return _built(new_warehouse("sample"), "--warn-error")


@pytest.fixture(scope="session")
def online_retail(new_warehouse, real_data):
    """Online Retail II, built with every model and test."""
    data = real_data("online_retail_ii/online_retail_ii.parquet")
    return _built(new_warehouse("retail"), "--source", "online_retail", "--data", str(data))


@pytest.fixture(scope="session")
def complete_journey(new_warehouse, real_data):
    """The Complete Journey, built with every model and test."""
    data = real_data("complete_journey/transactions_sample.parquet").parent
    return _built(new_warehouse("journey"), "--source", "complete_journey", "--data", str(data))
