"""Every mart that Spark builds is DuckDB's, row by row, whatever it is read from."""

import duckdb
import pytest
import yaml
from conftest import NO_TESTS, PROJECT
from parity import GRAIN, OF_BUILDS, differences, marts_of, on_spark

# Without a choice of types, `clientele build` runs no unit tests.
EVERY_TYPE = ["--resource-type", "seed", "model", "test", "unit_test"]
# The marts that show all that is read from files: other models read the same intermediate tables.
READ_FROM_FILES = ["dim_dates", "dim_products", "fct_order_lines", "fct_orders", "rpt_data_quality"]
TEXT = ["csv", "jsonl"]


@pytest.fixture(scope="module")
def on_both(built_once, shop, new_warehouse):
    """Both engines' builds by name: the sample, with every data check and unit test on Spark, and a
    simulated shop from text files, whose formats test_formats.py compares on DuckDB."""
    on_duckdb = {"sample": built_once("sample_marts", *NO_TESTS)}
    builds = {"sample": (new_warehouse("spark_sample"), ["--warn-error", *EVERY_TYPE])}
    wanted = ["--select", *(f"+{mart}" for mart in READ_FROM_FILES), *NO_TESTS, "--quiet"]
    for file_format in TEXT:
        data, on_duckdb[file_format] = shop(file_format)
        text = (PROJECT / "sources/generated.yml").read_text().replace("parquet", file_format)
        settings = yaml.safe_dump(yaml.safe_load(text) | {"data": str(data)})
        builds[file_format] = new_warehouse(f"spark_{file_format}"), ["--vars", settings, *wanted]
    on_spark("spark", list(builds.values()))
    return {name: (on_duckdb[name], spark) for name, (spark, _) in builds.items()}


@pytest.fixture
def sample_on_spark(on_both):
    return on_both["sample"]


@pytest.mark.parametrize("mart", GRAIN)
def test_the_samples_mart_is_the_same_on_both_engines(sample_on_spark, mart):
    assert differences(sample_on_spark, mart) == []


def test_no_mart_is_left_out(sample_on_spark):
    built, spark = sample_on_spark
    assert set(built.fingerprints()) == set(GRAIN)
    assert marts_of(spark) == {*GRAIN, *OF_BUILDS}


@pytest.mark.parametrize("file_format", TEXT)
def test_a_shop_in_text_files_has_the_same_marts_on_both_engines(on_both, file_format):
    builds = on_both[file_format]
    compared = {mart: differences(builds, mart) for mart in READ_FROM_FILES}
    assert compared == dict.fromkeys(READ_FROM_FILES, [])
    assert marts_of(builds[1]) == set(READ_FROM_FILES)


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
