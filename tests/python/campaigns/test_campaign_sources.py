"""The raw table of campaigns: what its YAML may say, and how text files of it are read."""

import datetime
import os
import re

import duckdb
import pytest
import yaml
from conftest import PROJECT
from dbt.cli.main import dbtRunner
from sources.exports import csv_text, source

from clientele.building import close_warehouse
from clientele.sources.checking import source_problems
from clientele.sources.common import UnreadableSource
from clientele.sources.importing import import_source

# Marts that exist only if the source has a table: the name, the macro that decides it, and whether
# it is a view.
OPTIONAL = [
    (path.stem, found[1], "materialized='view'" in text)
    for path in sorted((PROJECT / "models/marts").rglob("*.sql"))
    if (found := re.search(r"enabled=(has_\w+)\(\)", text := path.read_text()))
]
NAMES = ["campaign", "who", "group", "on", "cost"]
COLUMNS = {
    "campaign_id": "campaign", "customer_id": "who", "arm": "group", "assigned_at": "on",
    "cost": "cost",
}  # fmt: skip


def read(folder, rows, **settings):
    """Import a shop whose campaigns are in a CSV; return their rows and what is noticed."""
    (folder / "orders.csv").write_text(csv_text())
    (folder / "campaigns.csv").write_text(csv_text(rows, NAMES))
    shop = source(folder / "orders.csv")
    table = {"path": str(folder / "campaigns.csv"), "columns": COLUMNS} | settings
    shop["tables"]["campaigns"] = table
    assert source_problems(shop) == []
    made = import_source(shop, None, folder / "imports")
    found = duckdb.sql(f"from '{made.folder}/campaigns.parquet'").fetchall()
    return found, made.notes


def test_customers_are_spelled_as_in_the_orders_and_values_are_typed(tmp_path):
    rows = [["spring", "ANN ", "treated", "2024-03-01 09:00", "0.10"],
            ["spring", "bob", "control", "2024-03-01 09:00", ""],
            ["spring", "Cid", "control", "2024-03-01 09:00", "0"]]  # fmt: skip
    found, _ = read(tmp_path, rows)
    at = datetime.datetime(2024, 3, 1, 9)
    assert [row[:4] for row in found] == [
        ("spring", "ann", "treated", at), ("spring", "bob", "control", at),
        ("spring", "Cid", "control", at),
    ]  # fmt: skip
    assert [float(row[6]) if row[6] is not None else None for row in found] == [0.1, None, 0.0]


def test_a_column_that_does_not_read_is_refused_with_examples(tmp_path):
    rows = [["spring", "ann", "treated", "soon", "0.1"], ["spring", "bob", "a", "2024-01-01", "0"]]
    with pytest.raises(
        UnreadableSource, match="1 of 2 values for `assigned_at` does not read .*'soon'"
    ):
        read(tmp_path, rows)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"randomised": "perhaps"}, "`campaigns`: `randomised` must be one of True, False"),
        ({"columns": {"campaign_id": "c"}}, "`campaigns`: `customer_id` is not mapped"),
        ({"contro": "none"}, "did you mean `control`?"),
    ],
)
def test_mistakes_in_the_yaml_are_named(change, problem):
    shop = source("orders.csv")
    shop["tables"]["campaigns"] = {"path": "campaigns.csv", "columns": COLUMNS} | change
    assert any(problem in found for found in source_problems(shop))


def test_randomised_is_no_setting_of_order_lines():
    shop = source("orders.csv", randomised=True)
    assert any("`randomised` is not a setting" in found for found in source_problems(shop))


@pytest.mark.parametrize(
    ("tables", "had"),
    [
        ({}, set()),
        ({"campaigns": {"randomised": False}}, {"has_campaigns"}),
        ({"campaigns": {}}, {"has_campaigns", "has_experiments"}),
        ({"customers": {"columns": {"consent": "agreed"}}}, {"has_customer_attributes"}),
        ({"events": {}, "reviews": {}}, {"has_events", "has_reviews"}),
    ],
)
def test_marts_of_tables_that_only_another_source_has_are_dropped(
    tables, had, tmp_path, monkeypatch
):
    """dbt would leave them, and readers of the warehouse would take them for this source's."""
    monkeypatch.setenv("CLIENTELE_DB", str(tmp_path / "left.duckdb"))
    with duckdb.connect(str(tmp_path / "left.duckdb")) as connection:
        connection.execute("create schema marts; create table marts.dim_customers as select 1 as a")
        for name, _, is_view in OPTIONAL:
            kind = "view" if is_view else "table"
            connection.execute(f"create {kind} marts.{name} as select 1 as a")
    project = {
        "name": "clientele", "profile": "clientele", "macro-paths": [str(PROJECT / "macros")],
        "on-run-start": ["{{ forget_absent() }}"],
        "vars": {"source": {"name": "shop", "tables": tables}},
    }  # fmt: skip
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(project))
    (tmp_path / "models").mkdir()
    (tmp_path / "models/one.sql").write_text("select 1 as a")
    done = dbtRunner().invoke(
        ["run", "--project-dir", str(tmp_path), "--profiles-dir", str(PROJECT)]
        + ["--target-path", str(tmp_path / "target"), "--log-level-file", "none"]
    )
    os.chdir(PROJECT)
    close_warehouse()
    assert done.success
    with duckdb.connect(str(tmp_path / "left.duckdb")) as connection:
        found = {row[0] for row in connection.execute("show tables from marts").fetchall()}
    assert found == {"dim_customers", *(name for name, macro, _ in OPTIONAL if macro in had)}
    assert len(OPTIONAL) >= 18
