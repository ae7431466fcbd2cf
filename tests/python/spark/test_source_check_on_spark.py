"""The check of a source says on Spark what it says on DuckDB."""

import pytest
from test_source_check import *  # noqa: F403 (the same tests)


@pytest.fixture(scope="module")
def target(spark_target):
    return spark_target
