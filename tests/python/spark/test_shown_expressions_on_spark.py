"""SQL that docs, YAML or messages show gives on Spark what it gives on DuckDB."""

import pytest
from shown_expressions import SHOWN, check
from staging_alone import Staging


@pytest.fixture(scope="module")
def staged(tmp_path_factory, spark_target):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CLIENTELE_DATA", raising=False)
        yield Staging(tmp_path_factory.mktemp("macros"), spark_target)


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
@pytest.mark.parametrize("expression", SHOWN)
def test_a_shown_expression_gives_its_value(expression, suffix, staged, tmp_path):
    check(staged, expression, tmp_path, suffix)
