"""The raw table of events: what its YAML may say, how files of it are read, and real ones."""

import datetime
import json

import duckdb
import pytest
from conftest import NO_TESTS
from sources.exports import csv_text, source

from clientele.sources.checking import source_problems
from clientele.sources.importing import import_source

COLUMNS = {
    "customer_id": "user", "device_id": "cookie", "occurred_at": "time", "event_type": "event",
    "product_id": "item.sku",
}  # fmt: skip
MODELS = [
    "stg_events", "stg_order_lines", "int_product_codes", "non_product_codes", "int_as_of_dates",
    "int_events", "int_event_blocks", "int_sessions", "fct_sessions", "rpt_event_quality",
]  # fmt: skip


def shop_with(folder, path, columns=COLUMNS, **settings):
    """Return a shop whose events are in a file."""
    (folder / "orders.csv").write_text(csv_text())
    shop = source(folder / "orders.csv")
    shop["tables"]["events"] = {"path": str(path), "columns": dict(columns)} | settings
    return shop


def built(warehouse, shop):
    """Build the sessions of a shop; return the warehouse."""
    given = {"source": shop, "as_of_date": "2025-12-31"}
    arguments = ["--vars", json.dumps(given), "--select", *MODELS]
    warehouse.dbt("build", *NO_TESTS, *arguments)
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    return warehouse


def test_broken_json_lines_are_rows_with_a_reason_and_the_others_are_read(tmp_path):
    lines = [
        '{"user": "ANN ", "cookie": "d1", "time": "2024-01-15T10:00:00Z", "event": "view", '
        '"item": {"sku": "mug"}}',
        '{"user": null, "cookie": "d1", "time": "2024-01-15T10:01:00Z", "event": "cart"',
        "not JSON",
        '{"cookie": 17, "time": "soon", "event": "view"}',
        *['{"cookie": "d2", "time": "2024-01-15T10:01:00Z", "event": "view"}'] * 30,
        '{"user": "bob", "cook',
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    shop = shop_with(tmp_path, tmp_path / "events.jsonl")
    assert source_problems(shop) == []
    made = import_source(shop, None, tmp_path / "imports")
    found = duckdb.sql(
        "select customer_id, device_id, occurred_at, event_type, product_id, reject_reason "
        f"from '{made.folder}/events.parquet' limit 4"
    ).fetchall()
    broken = (None, None, None, None, None, "unreadable_line")
    assert found == [
        # The spelling of the orders.
        ("ann", "d1", datetime.datetime(2024, 1, 15, 10), "view", "mug", None),
        broken, broken, (None, "17", None, "view", None, None),
    ]  # fmt: skip
    assert any("3 lines that cannot be read as JSON" in note for note in made.notes)
    assert any("1 of 32 values for `occurred_at` does not read" in note for note in made.notes)


def test_a_csv_line_with_too_many_cells_is_a_row_with_a_reason(tmp_path):
    rows = [["ann", "d", "2024-01-15 10:00", "view", "mug"]] * 3
    text = csv_text(rows, ["user", "cookie", "time", "event", "sku"]) + "a,b,c,d,e,f,g\n"
    (tmp_path / "events.csv").write_text(text)
    shop = shop_with(tmp_path, tmp_path / "events.csv", COLUMNS | {"product_id": "sku"})
    made = import_source(shop, None, tmp_path / "imports")
    reasons = duckdb.sql(
        f"select reject_reason, count(*) from '{made.folder}/events.parquet' group by 1"
    ).fetchall()
    assert dict(reasons) == {None: 3, "unreadable_line": 1}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"event_types": {"buy": "purchase"}}, "`event_types: buy` is purchase; it must be one of"),
        ({"event_types": ["buy"]}, "`event_types` must be pairs"),
        ({"event_type": {}}, "did you mean `event_types`?"),
        (
            {"columns": {"occurred_at": "t", "event_type": "e"}},
            "neither `customer_id` nor `device_id` is mapped",
        ),
        ({"columns": {"device_id": "d", "event_type": "e"}}, "`occurred_at` is not mapped"),
    ],
)
def test_mistakes_in_the_yaml_are_named(change, problem, tmp_path):
    shop = shop_with(tmp_path, "events.jsonl", **change)
    assert any(problem in found for found in source_problems(shop))


def test_event_types_is_no_setting_of_order_lines():
    problems = source_problems(source("orders.csv", event_types={"a": "view"}))
    assert any("`event_types` is not a setting" in problem for problem in problems)


def test_real_clicks_of_a_shop_are_its_sessions_and_purchases(real_data, new_warehouse, tmp_path):
    """17 minutes of an electronics shop, which names its sessions itself."""
    path = real_data("clickstream_rees46_sample/2019_oct_sample.parquet")
    columns = {
        "customer_id": "user_id", "occurred_at": "event_time", "event_type": "event_type",
        "product_id": "product_id", "session_id": "user_session",
    }  # fmt: skip
    types = {"view": "view", "cart": "cart", "purchase": "order"}
    shop = shop_with(tmp_path, path, columns, event_types=types)
    warehouse = built(new_warehouse("rees46"), shop)
    assert warehouse.query(
        "select event_count from marts.rpt_event_quality where reason = 'accepted'"
    ) == [(1_000,)]
    assert warehouse.query(
        "select count(*), count(distinct customer_id), sum(session_view_count), "
        "sum(session_order_count) from marts.fct_sessions"
    ) == [(372, 330, 987, 10)]


def test_sessions_by_silence_are_those_that_the_data_names(real_data, new_warehouse, tmp_path):
    """600 simulated users with 3,605 sessions; once with the sessions' keys, once without."""
    path = real_data("clickstream_retentioneering_ecom/ecom.parquet")
    columns = {
        "customer_id": "user_id", "occurred_at": "timestamp", "event_type": "event",
        "channel": "acquisition_channel", "session_id": "session_id",
    }  # fmt: skip
    types = {"product_view": "view", "add_to_cart": "cart", "checkout": "checkout",
             "purchase": "order"}  # fmt: skip
    warehouse = new_warehouse("retentioneering")
    found = {}
    for by, mapped in {
        "key": columns,
        "silence": {ours: theirs for ours, theirs in columns.items() if ours != "session_id"},
    }.items():
        built(warehouse, shop_with(tmp_path, path, mapped, event_types=types))
        found[by] = warehouse.query(
            "select count(*), count(distinct customer_id), sum(session_order_count) "
            "from marts.fct_sessions"
        )[0]
    assert found == dict.fromkeys(["key", "silence"], (3_605, 600, 470))
