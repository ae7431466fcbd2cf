"""Every mart of other sources, and of every file format, is on Spark what it is on DuckDB."""

import pytest
import yaml
from conftest import PROJECT
from parity import GRAIN, NO_TESTS, differences, marts_of, on_spark

from clientele.simulation.generating import generate

# The marts that show all that is read from files: other models read the same intermediate tables.
READ_FROM_FILES = ["dim_dates", "dim_products", "fct_order_lines", "fct_orders", "rpt_data_quality"]


@pytest.fixture(scope="module")
def retail_on_spark(built_once, real_data, new_warehouse):
    """Both engines' builds of Online Retail II."""
    data = real_data("online_retail_ii/online_retail_ii.parquet")
    arguments = ["--source", "online_retail", "--data", data, *NO_TESTS]
    built = built_once("retail_marts", *arguments)
    return built, on_spark(new_warehouse("spark_retail"), "spark", *arguments)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return a function from a file format to the vars of a simulated shop in such files."""
    folder = tmp_path_factory.mktemp("shop")

    def written(file_format):
        data = folder / file_format
        if not data.exists():
            generate(data, customers=300, file_format=file_format, progress=False)
        settings = (PROJECT / "sources/generated.yml").read_text().replace("parquet", file_format)
        return yaml.safe_dump(yaml.safe_load(settings) | {"data": str(data)})

    return written


@pytest.fixture(scope="module")
def shop_on_duckdb(shop, new_warehouse):
    """DuckDB's build of the shop; tests/python/test_formats.py compares its formats on DuckDB."""
    built = new_warehouse("shop")
    built.dbt("build", "--vars", shop("parquet"), *NO_TESTS)
    assert built.exit_code == 0, built.output[-5000:]
    return built


@pytest.mark.parametrize("mart", GRAIN)
def test_online_retails_mart_is_the_same_on_both_engines(retail_on_spark, mart):
    assert differences(retail_on_spark, mart) == []


def test_a_shop_in_parquet_files_has_the_same_marts_on_both_engines(
    shop, shop_on_duckdb, new_warehouse
):
    spark = new_warehouse("spark_parquet")
    on_spark(spark, "spark", "--vars", shop("parquet"), *NO_TESTS)
    builds = shop_on_duckdb, spark
    assert {mart: differences(builds, mart) for mart in GRAIN} == dict.fromkeys(GRAIN, [])


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_a_shop_in_text_files_has_the_same_marts_on_both_engines(
    shop, shop_on_duckdb, new_warehouse, file_format
):
    spark = new_warehouse(f"spark_{file_format}")
    wanted = ["--select", *(f"+{mart}" for mart in READ_FROM_FILES)]
    on_spark(spark, "spark", "--vars", shop(file_format), *wanted, *NO_TESTS)
    builds = shop_on_duckdb, spark
    compared = {mart: differences(builds, mart) for mart in READ_FROM_FILES}
    assert compared == dict.fromkeys(READ_FROM_FILES, [])
    assert marts_of(spark) == set(READ_FROM_FILES)
