"""Every mart of Online Retail II is on Spark what it is on DuckDB, row by row."""

import pytest
from conftest import NO_TESTS, SPARK_ON_SMALL_DATA
from parity import (
    GRAIN,
    OF_ATTRIBUTES,
    OF_BUILDS,
    OF_CAMPAIGNS,
    OF_EVENTS,
    OF_IDENTITIES,
    OF_REVIEWS,
    differences,
    marts_of,
    on_spark,
)

OPTIONAL = OF_ATTRIBUTES | OF_CAMPAIGNS | OF_EVENTS | OF_IDENTITIES | OF_REVIEWS
# Two tasks at a time, and generated code: interpreted, a million lines take minutes.
SPARK_ON_A_MILLION_LINES = {
    "JDK_JAVA_OPTIONS": SPARK_ON_SMALL_DATA["JDK_JAVA_OPTIONS"],
    "CLIENTELE_SPARK_PARTITIONS": "2",
}


@pytest.fixture(scope="module")
def retail_on_both(built_once, real_data, new_warehouse):
    """Both engines' builds of Online Retail II."""
    data = real_data("online_retail_ii/online_retail_ii.parquet")
    arguments = ["--source", "online_retail", "--data", data, *NO_TESTS]
    built, spark = built_once("retail_marts", *arguments), new_warehouse("spark_retail")
    on_spark("spark", [(spark, arguments)], SPARK_ON_A_MILLION_LINES)
    return built, spark


@pytest.mark.parametrize("mart", sorted(GRAIN.keys() - OPTIONAL))
def test_online_retails_mart_is_the_same_on_both_engines(retail_on_both, mart):
    assert differences(retail_on_both, mart) == []


def test_without_optional_tables_both_engines_have_the_same_marts(retail_on_both):
    built, spark = retail_on_both
    assert set(built.fingerprints()) == GRAIN.keys() - OPTIONAL
    assert marts_of(spark) == (GRAIN.keys() - OPTIONAL) | OF_BUILDS
