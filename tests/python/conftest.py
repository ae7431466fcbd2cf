"""Shared fixtures: where the real data are, and one built warehouse per source."""

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import commands
import duckdb
import pytest
from contracts import parse
from filelock import FileLock

from clientele.simulation.generating import generate

# Modules of helpers that have fixtures too.
pytest_plugins = ["browsing", "publishers"]
PROJECT = Path(__file__).parents[2]
# `make test-spark` runs these, in an environment that has Spark.
collect_ignore = [] if importlib.util.find_spec("pyspark") else ["spark"]
# Of a build whose checks are not at issue.
NO_TESTS = ["--exclude-resource-type", "test", "unit_test"]
# The files that take longest, to begin with; what is left fills the ends of the workers' time.
LONGEST = [
    "test_segmentation",
    "test_sample",
    "test_real_sources",
    "test_recommendations",
    "test_small_shops",
    "test_parity",
    "test_parity_of_sources",
    "test_parity_over_thrift",
    "test_recipes",
    "test_publishers",
    "test_tiny_shops",
    "test_watching",
    "test_unchanged",
    "test_formats",
]


# What asks for these takes longer than `make check` may. The last ones are asked for by name too.
SLOW_FIXTURES = {"built_once", "new_warehouse", "processes", "browser", "postgres", "installed"}
SLOW_FIXTURES |= {"sample", "online_retail", "complete_journey", "small_project"}


def pytest_addoption(parser):
    parser.addoption(
        "--quick", action="store_true", help="leave out what builds warehouses or kills processes"
    )


def asked_for(item):
    """Return the names of the fixtures of a test, those that a parameter of it names included."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return {*item.fixturenames, *(value for value in parameters if isinstance(value, str))}


def pytest_collection_modifyitems(items, config):
    if config.getoption("--quick"):
        slow = [item for item in items if SLOW_FIXTURES & asked_for(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]

    def place(item):
        return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    """What dbt knows of the project without building it, as `target/manifest.json` has it."""
    return parse(tmp_path_factory.mktemp("manifest"))


def lacking(what):
    """Skip a test that needs what is not installed; in CI, where it is to be, fail it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


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


# For Spark on small tables; spark/conf says why.
SPARK_ON_SMALL_DATA = {
    "SPARK_CONF_DIR": str(PROJECT / "tests/python/spark/conf"),
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "CLIENTELE_SPARK_PARTITIONS": "1",
}


@pytest.fixture(scope="session")
def spark_target(tmp_path_factory):
    """The target of a Spark session in this process, which keeps its tables out of the project."""
    os.environ.update(SPARK_ON_SMALL_DATA)
    os.environ["CLIENTELE_SPARK_WAREHOUSE"] = str(tmp_path_factory.mktemp("spark_warehouse"))
    return "spark"


@dataclass
class Warehouse:
    """A warehouse in a folder of its own, and what the last command on it printed."""

    folder: Path
    project: Path = PROJECT
    output: str = ""
    exit_code: int = 0

    @property
    def database(self):
        return self.folder / "clientele.duckdb"

    @property
    def environment(self):
        """What tells a command to work on this warehouse."""
        return {
            "CLIENTELE_DB": str(self.database),
            "CLIENTELE_PUBLISH_DIR": str(self.folder / "published"),
            "CLIENTELE_CAMPAIGNS_DIR": str(self.folder / "campaigns"),
            "CLIENTELE_TEMP": str(self.folder / "temp"),
            "CLIENTELE_SPARK_WAREHOUSE": str(self.folder / "spark_warehouse"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
            "DBT_USE_COLORS": "false",
        }

    def run(self, *command, **environment):
        """Run `python ...` in the project on this warehouse; nothing of the caller's is used."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLIENTELE_")}
        output = [self.folder / f"printed_{stream}.txt" for stream in ("out", "err")]
        self.exit_code = commands.run(
            [str(word) for word in command],
            folder=self.project,
            environment=inherited | self.environment | environment,
            output=output,
            timeout=3600,
        )
        # The page that a command prints is the end of its output.
        self.output = "".join(path.read_text() for path in reversed(output))
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

    def fingerprints(self, schema="marts", *, of_builds=False):
        """Return a digest of the rows of every table and view of a schema, order left out.

        `rpt_build_changes` and `rpt_restatements`, which depend on the builds before, are there
        with ``of_builds`` only.
        """
        names = self.query(
            f"select table_name from information_schema.tables where table_schema = '{schema}' "
            f"and ({of_builds} or table_name not in ('rpt_build_changes', 'rpt_restatements'))"
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


@pytest.fixture(scope="session")
def built_once(tmp_path_factory):
    """Return a function that builds a warehouse, unless another worker has; to be read only."""
    base = tmp_path_factory.getbasetemp()
    # A worker's folder is inside the folder of all workers.
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def build(name, *arguments):
        warehouse, said = Warehouse(base / name), base / name / "output.txt"
        with FileLock(base / f"{name}.lock"):
            if said.exists():
                warehouse.output = said.read_text()
            else:
                warehouse.folder.mkdir(exist_ok=True)
                warehouse.clientele("build", *arguments)
                assert warehouse.exit_code == 0, warehouse.output[-5000:]
                said.write_text(warehouse.output)
        return warehouse

    return build


@pytest.fixture(scope="session")
def sample(built_once):
    """The bundled sample, built with every model and test, warnings being errors."""
    return built_once("sample", "--warn-error")


@pytest.fixture(scope="module")
def sample_copy(sample, new_warehouse):
    """A copy of the built sample, for what dbt does to it: dbt keeps every reader out meanwhile."""
    copy = new_warehouse("copy")
    shutil.copy(sample.database, copy.database)
    return copy


@pytest.fixture(scope="session")
def published_sample(sample, new_warehouse):
    """The built sample, copied with its times and artifacts, and published by the command line."""
    copy = new_warehouse("published")
    shutil.copy2(sample.database, copy.database)
    shutil.copytree(sample.folder / "target", copy.folder / "target")
    copy.clientele("publish")
    assert copy.exit_code == 0, copy.output
    return copy


@pytest.fixture(scope="session")
def online_retail(built_once, real_data):
    """Online Retail II, built with every model and test."""
    data = real_data("online_retail_ii/online_retail_ii.parquet")
    return built_once("retail", "--source", "online_retail", "--data", data)


@pytest.fixture(scope="session")
def complete_journey(built_once, real_data):
    """The Complete Journey, built with every model and test."""
    data = real_data("complete_journey/transactions_sample.parquet").parent
    return built_once("journey", "--source", "complete_journey", "--data", data)


@pytest.fixture(scope="session")
def shop(built_once, tmp_path_factory):
    """Return a function from a file format to a simulated shop in such files, and its build.

    The build is of the Parquet files, without tests; the data are the same in every format.
    """
    folder = tmp_path_factory.mktemp("shop")

    def written(file_format):
        for name in {file_format, "parquet"}:
            if not (folder / name).exists():
                generate(folder / name, customers=300, file_format=name, progress=False)
        arguments = ["--source", "generated", "--data", folder / "parquet", *NO_TESTS]
        return folder / file_format, built_once("shop_marts", *arguments)

    return written
