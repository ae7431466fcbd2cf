"""Customers and order numbers of Parquet are settled on Spark as on DuckDB."""

import pytest
from shared_keys import CASES, check
from staging_alone import Staging


@pytest.fixture(scope="module")
def staged(tmp_path_factory, spark_target):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CLIENTELE_DATA", raising=False)
        yield Staging(tmp_path_factory.mktemp("macros"), spark_target)


@pytest.mark.parametrize("case", CASES)
def test_keys_are_settled(case, staged, tmp_path):
    check(staged, case, tmp_path, "parquet")
