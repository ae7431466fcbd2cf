"""A source that is not what its YAML says stops the run, in words, before anything is built."""

import pytest
from source_faults import CASES, Checker, complaints


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("macros")
        patch.setenv("CLIENTELE_DB", str(folder / "check.duckdb"))
        patch.delenv("CLIENTELE_DATA", raising=False)
        yield Checker(folder, "duckdb")


@pytest.mark.parametrize("name", CASES)
def test_the_check_of_a_source_says_what_is_wrong(name, check, tmp_path):
    assert complaints(CASES[name], check(CASES[name], tmp_path)) == []
