"""The check of a source says on Spark what it says on DuckDB."""

import pytest
from source_faults import CASES, Checker, complaints


@pytest.fixture(scope="module")
def check(tmp_path_factory, spark_target):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CLIENTELE_DATA", raising=False)
        yield Checker(tmp_path_factory.mktemp("macros"), spark_target)


@pytest.mark.parametrize("name", CASES)
def test_the_check_of_a_source_says_the_same(name, check, tmp_path):
    assert complaints(CASES[name], check(CASES[name], tmp_path)) == []
