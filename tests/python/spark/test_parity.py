"""Every mart that Spark builds is DuckDB's, row by row."""

from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import PROJECT

BUILD_MARTS = Path(__file__).with_name("build_marts.py")


def grain_of_marts():
    """Return the key columns of each mart, from the test `checks` in its YAML."""
    grain = {}
    for file in sorted((PROJECT / "models/marts").glob("*/*.yml")):
        for mart in yaml.safe_load(file.read_text())["models"]:
            for test in mart["data_tests"]:
                arguments = test.get("checks", {}).get("arguments", {})
                if "key" in arguments and arguments.get("level") != "warn":
                    grain[mart["name"]] = arguments["key"]
    return grain


GRAIN = grain_of_marts()
# Relative. Sums of doubles, logarithms and powers differ in their last digits from one library to
# the next, and so between engines; keys, counts, dates and money are equal, whatever the mart.
TOLERANCE = 1e-12
NO_TESTS = ["--exclude-resource-type", "test", "unit_test"]


@pytest.fixture(scope="module")
def sample_on_spark(sample, new_warehouse):
    """Both engines' builds of the sample, Spark's with every test."""
    return sample, on_spark(new_warehouse("spark_sample"), "spark", "--warn-error")


def on_spark(warehouse, target, *arguments, **environment):
    """Build on Spark, its marts kept as Parquet."""
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
