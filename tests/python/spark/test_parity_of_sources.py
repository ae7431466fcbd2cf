"""Every mart of other sources, and of every file format, is on Spark what it is on DuckDB."""

import pytest
import yaml
from conftest import PROJECT
from test_parity import GRAIN, NO_TESTS, differences, on_spark

from clientele.simulation.generating import generate


@pytest.fixture(scope="module")
def retail_on_spark(online_retail, real_data, new_warehouse):
    """Both engines' builds of Online Retail II."""
    data = real_data("online_retail_ii/online_retail_ii.parquet")
    arguments = ["--source", "online_retail", "--data", str(data)]
    return online_retail, on_spark(new_warehouse("spark_retail"), "spark", *arguments, *NO_TESTS)


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
    return built, on_spark(spark, "spark", "--vars", yaml.safe_dump(variables), *NO_TESTS)


@pytest.mark.parametrize("mart", GRAIN)
def test_online_retails_mart_is_the_same_on_both_engines(retail_on_spark, mart):
    assert differences(retail_on_spark, mart) == []


def test_files_of_any_format_give_the_same_marts_on_both_engines(shop_on_spark):
    assert {mart: differences(shop_on_spark, mart) for mart in GRAIN} == dict.fromkeys(GRAIN, [])
