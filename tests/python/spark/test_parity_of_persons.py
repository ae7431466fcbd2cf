"""Accounts and guests of a simulated shop are the same persons on Spark as on DuckDB."""

import json

import pytest
from conftest import NO_TESTS, PROJECT
from parity import differences, on_spark

from clientele.simulation.generating import generate
from clientele.sources.settings import load_source

MARTS = ["dim_identities", "rpt_identity_merges", "fct_orders"]


@pytest.fixture(scope="module")
def persons_on_both(new_warehouse, tmp_path_factory):
    folder = tmp_path_factory.mktemp("persons") / "shop"
    generate(folder, customers=600, seed=3, progress=False)
    source = load_source("generated", PROJECT / "sources")["source"]
    source["tables"] = {name: source["tables"][name] for name in ("order_lines", "customers")}
    source["identities"] = {"phone_prefix": "+44", "plus_addressing": ["mail.net"]}
    for table in source["tables"].values():
        table["identities"] = {n: n for n in ("email", "phone", "name", "postcode")}
    settings = json.dumps({"source": source, "data": str(folder)}, default=str)
    arguments = ["--vars", settings, "--select", *(f"+{mart}" for mart in MARTS), *NO_TESTS]
    built, spark = new_warehouse("persons"), new_warehouse("spark_persons")
    built.dbt("build", *arguments)
    assert built.exit_code == 0, built.output[-3000:]
    on_spark("spark", [(spark, [*arguments, "--quiet"])])
    return built, spark


@pytest.mark.parametrize("mart", MARTS)
def test_persons_are_the_same_on_both_engines(persons_on_both, mart):
    assert differences(persons_on_both, mart) == []
