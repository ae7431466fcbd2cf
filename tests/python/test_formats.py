"""A source gives the same marts whatever it is kept in: Parquet, CSV, JSON lines or a table."""

import duckdb
import pytest
import yaml
from conftest import PROJECT

from clientele.simulation.generating import generate

WANTED = ["+rpt_data_quality", "+fct_orders", "+dim_products"]


@pytest.fixture(scope="module")
def build(new_warehouse, tmp_path_factory):
    """Return a function from a format to the marts of the same simulated shop and its truth."""
    folder = tmp_path_factory.mktemp("formats")

    def run(file_format):
        made = folder / file_format
        kept_as = "parquet" if file_format == "table" else file_format
        truth = generate(made, customers=400, file_format=kept_as, progress=False)
        settings = yaml.safe_load((PROJECT / "sources/generated.yml").read_text())
        warehouse = new_warehouse(file_format)
        for name, table in settings["source"]["tables"].items():
            table["path"] = table["path"].replace("parquet", kept_as)
            if file_format == "table":
                path = table.pop("path").replace("{data}", str(made))
                with duckdb.connect(str(warehouse.database)) as connection:
                    connection.execute("create schema if not exists shop")
                    connection.execute(f"create table shop.{name} as from '{path}'")
                table["table"] = f"shop.{name}"
        settings["data"] = str(made)
        warehouse.dbt(
            "build", "-s", *WANTED, "--exclude-resource-type", "test", "unit_test",
            "--vars", yaml.safe_dump(settings),
        )  # fmt: skip
        assert warehouse.exit_code == 0, warehouse.output[-3000:]
        return warehouse, truth

    return run


@pytest.fixture(scope="module")
def parquet(build):
    return build("parquet")


def test_parquet_is_accounted_for(parquet):
    warehouse, truth = parquet
    found = dict(warehouse.query("select reason, row_count from marts.rpt_data_quality"))
    assert {reason: n for reason, n in found.items() if n} == truth["rows"]


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "table"])
def test_other_formats_give_the_same_marts(build, parquet, file_format):
    warehouse, _ = build(file_format)
    assert warehouse.fingerprints() == parquet[0].fingerprints()
