"""Every mart that Spark builds is DuckDB's, row by row."""

import duckdb
import pytest
from parity import GRAIN, NO_TESTS, differences, marts_of, on_spark

# Without a choice of types, `clientele build` runs no unit tests.
EVERY_TYPE = ["--resource-type", "seed", "model", "test", "unit_test"]


@pytest.fixture(scope="module")
def sample_on_spark(built_once, new_warehouse):
    """Both engines' builds of the sample, Spark's with every data check and unit test."""
    built = built_once("sample_marts", *NO_TESTS)
    arguments = ["--warn-error", *EVERY_TYPE]
    return built, on_spark(new_warehouse("spark_sample"), "spark", *arguments)


@pytest.mark.parametrize("mart", GRAIN)
def test_the_samples_mart_is_the_same_on_both_engines(sample_on_spark, mart):
    assert differences(sample_on_spark, mart) == []


def test_no_mart_is_left_out(sample_on_spark):
    built, spark = sample_on_spark
    assert set(built.fingerprints()) == set(GRAIN)
    assert marts_of(spark) == set(GRAIN)


def test_the_summary_is_the_same_on_both_engines(sample_on_spark):
    pages = [build.output[build.output.index("As of 20") :] for build in sample_on_spark]
    assert pages[0] == pages[1]


def test_a_difference_is_reported(sample_on_spark, tmp_path):
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
    reports = differences((built, changed), "fct_customer_values")
    assert [words.split()[0] for words in reports] == ["rows", "clv"]
