"""Blocks of campaigns, each summed by itself, give what all campaigns together give."""

import json
import re

import duckdb
import pandas as pd
import pytest

# Two campaigns of one day, one of many days, one with a window of its own; arms, segments and
# orders by hash, some on the edges of the windows.
SHOP = """
    create schema intermediate;
    create schema features;
    create table main.lines as select 'O' as order_id, 'C' as customer_id, 'P' as product_id,
        timestamp '2024-01-01' as ordered_at, 1 as quantity, 1 as unit_price;
    create table intermediate.int_as_of_dates as
        select date '2024-12-31' as as_of_date, true as is_current;
    create table features.feat_customer_days as
    select 'customer ' || (hash(i) % 500) as customer_id,
        cast(date '2024-01-01' + cast(hash(i, 1) % 366 as int) as date) as order_date,
        cast(any_value(hash(i, 2) % 3) as int) as order_count,
        cast(sum(hash(i, 3) % 100) as double) as net_amount,
        cast(sum(hash(i, 4) % 40) as double) as margin_amount
    from range(4000) as t (i) group by all;
"""
ASSIGNMENTS = """
    select 'c' || n as campaign,
        -- As exports write them: with spaces, and with words for nothing.
        case when i % 50 = 1 then ' customer ' || i || ' ' when i % 50 = 2 then ' null'
            when i % 50 = 3 then '  ' else 'customer ' || i end as customer,
        if(hash(i, n) % 3 = 0, 'control', 'treated') as arm,
        timestamp '2024-04-01' + to_days(cast(n * 20 + if(n = 2, i % 90, 0) as int)) as assigned,
        0.25 as cost, if(n = 3, null, 's' || hash(i, n, 1) % 3) as segment
    from range(4) as c (n), range(700) as t (i)
"""


@pytest.fixture(scope="module")
def cells(new_warehouse):
    """The cells and the campaigns that the SQL names, from all together and from blocks."""
    warehouse = new_warehouse("blocks")
    assignments = warehouse.folder / "assignments.parquet"
    with duckdb.connect(str(warehouse.database)) as connection:
        connection.execute(SHOP)
        connection.execute(f"copy ({ASSIGNMENTS}) to '{assignments}'")
    names = ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
    columns = {"campaign_id": "campaign", "customer_id": "customer", "assigned_at": "assigned"}
    columns |= {name: name for name in ("arm", "cost", "segment")}
    source = {
        "name": "shop", "timezone": "UTC", "currency": "EUR", "extract_date": "2024-12-31",
        "tables": {
            "order_lines": {"table": "main.lines", "columns": {name: name for name in names}},
            "campaigns": {"path": str(assignments), "columns": columns},
        },
    }  # fmt: skip
    said = {"source": source, "campaigns_windows": {"c1": 45}}
    models = ["stg_campaigns", "int_campaign_members", "feat_campaign_cells"]
    found = []
    for size in (1_000_000, 1000):
        said["campaigns_block_size"] = size
        warehouse.dbt("run", "--vars", json.dumps(said), "--select", *models)
        assert warehouse.exit_code == 0, warehouse.output[-3000:]
        (compiled,) = (warehouse.folder / "target/compiled").rglob("feat_campaign_cells.sql")
        rows = warehouse.frame("from features.feat_campaign_cells order by all")
        sql = compiled.read_text()
        named = set(re.findall(r"campaign_id in \('(c\d)'\)", sql))
        found.append((rows, named, "bought as (" in sql))
    return found


def test_blocks_give_what_all_together_give(cells):
    (whole, none, is_whole_of_one_day), (blocks, first, is_first_of_one_day) = cells
    # The model's own SQL has the first block, whose campaign is of one day.
    assert none == set() and first == {"c0"}
    assert is_first_of_one_day and not is_whole_of_one_day
    assert len(whole) > 40
    pd.testing.assert_frame_equal(whole, blocks, rtol=1e-12)


def test_everyone_assigned_is_in_a_cell_and_keys_are_read_without_spaces(cells):
    rows = cells[0][0]
    # 700 each, less two in fifty that words and spaces leave without a name.
    assert rows.groupby("campaign_id")["customer_count"].sum().tolist() == [672] * 4
    bought = rows[rows["campaign_id"] == "c0"]["conversion_y"].sum()
    with duckdb.connect() as connection:
        connection.execute(SHOP)
        (expected,) = connection.execute(
            f"""
            select count(distinct trim(customer)) from ({ASSIGNMENTS}) as a
            inner join features.feat_customer_days as d on d.customer_id = trim(a.customer)
            where campaign = 'c0' and order_count > 0
                and order_date between date '2024-04-01' and date '2024-04-30'
            """
        ).fetchone()
    assert bought == expected > 100
