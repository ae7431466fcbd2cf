"""What is read in place is settled as an import is: persons are one, shared numbers are split."""

import duckdb
import pytest
import yaml
from shared_keys import CASES, COLUMNS, check, raw
from staging_alone import Staging


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("macros")
        database = folder / "settled.duckdb"
        patch.setenv("CLIENTELE_DB", str(database))
        patch.delenv("CLIENTELE_DATA", raising=False)
        yield Staging(folder, "duckdb", database)


@pytest.mark.parametrize("kept_in", ["parquet", "table"])
@pytest.mark.parametrize("case", CASES)
def test_keys_are_settled(case, kept_in, staged, tmp_path):
    check(staged, case, tmp_path, kept_in)


@pytest.mark.parametrize("case", CASES)
def test_an_import_of_the_same_lines_gives_the_same_keys(case, staged, tmp_path):
    """The line's number would keep spellings' lines apart, but not the keys."""
    _, wanted, _ = CASES[case]
    table = {"columns": COLUMNS | {"line_id": "line"}}
    rows = staged(["line_id", "order_id", "customer_id"], raw(case), table, tmp_path, "csv")
    assert [(o, c) for _, o, c in sorted(rows, key=lambda row: int(row[0]))] == wanted


def test_ids_can_be_kept_as_they_are_written(staged, tmp_path):
    case = "a customer has the spelling that is used most"
    table = {"columns": COLUMNS, "customer_ids": "as_written"}
    for kept_in in ("parquet", "table"):
        rows = staged(["customer_id"], raw(case), table, tmp_path, kept_in)
        assert len({customer for (customer,) in rows}) == 8


def test_what_one_source_needed_is_forgotten_with_the_next(staged, tmp_path):
    dirty, clean = list(CASES)[1], list(CASES)[0]
    for case in (dirty, clean):
        check(staged, case, tmp_path, "table")


def test_the_first_filled_of_several_columns_is_the_customer(staged, tmp_path):
    sql = f"select * replace (nullif(customer, 'bob') as customer) from ({raw(list(CASES)[1])})"
    table = {"columns": COLUMNS | {"customer_id": ["customer", "sku"]}}
    rows = staged(["customer_id"], sql, table, tmp_path, "parquet")
    assert "mug" in {customer for (customer,) in rows} and len(rows) == 11


def test_a_build_settles_them_before_its_first_model(new_warehouse, tmp_path):
    """Tables of the start hook must outlive its transaction."""
    warehouse, case = new_warehouse("settled"), "spellings of one customer share no number"
    path = tmp_path / "lines.parquet"
    duckdb.connect().execute(f"copy ({raw(case)}) to '{path}' (format parquet)")
    source = {"name": "shop", "timezone": "UTC", "currency": "EUR"}
    source["tables"] = {"order_lines": {"path": str(path), "columns": COLUMNS}}
    told = yaml.safe_dump({"source": source})
    warehouse.dbt("run", "-s", "stg_order_lines", "--vars", told)
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    rows = warehouse.query("select order_id, customer_id from staging.stg_order_lines order by 1")
    assert rows == CASES[case][1]
