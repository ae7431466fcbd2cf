"""A project of a few models that `clientele build` and `publish` take for the real one, in seconds.

Its source is a file `lines.csv`. A quantity of `SLOW` makes a model that runs for minutes.
"""

import shutil
from pathlib import Path

from conftest import Warehouse

COLUMNS = "order_id,customer_id,product_id,ordered_at,quantity,unit_price"
SLOW = 999
# What the log says when it begins.
SLOW_MODEL = "START sql table model intermediate.int_slow"
EMPTY = {
    "dim_products": "1 as product_id",
    "dim_segments": (
        "'' as segmentation, '' as segment_name, 1 as customer_count, 0.5 as customer_share, "
        "0.5 as revenue_share, '' as recommended_action, true as is_predictive, 1 as net_amount"
    ),
    "fct_association_rules": (
        "'' as scope, '' as item_level, '' as antecedent, '' as consequent, 0.5 as confidence, "
        "1 as lift, 1 as holdout_lift, 1 as order_count, true as is_significant, "
        "false as is_redundant"
    ),
    "fct_customer_values": (
        "30 as horizon_days, current_date as as_of_date, '' as model, '' as reliability, "
        "1 as expected_orders, 1 as clv, '' as reliability_reason"
    ),
    "rpt_build_changes": (
        "true as is_whole_build, 1 as new_order_count, 1 as changed_order_count, "
        "1 as vanished_order_count, 1 as released_order_count, 1 as touched_customer_count, "
        "timestamp '2024-01-01' as built_at"
    ),
    "rpt_restatements": "current_date as as_of_date, '' as customer_id, '' as reason",
    "rpt_reconciliation": (
        "'' as currency, '' as measure, '' as step, '' as reason, 1 as amount, "
        "0 as unknown_amount_row_count, 'all' as period, 1 as step_number"
    ),
}
FILES = {
    "dbt_project.yml": """
name: tiny
profile: tiny
version: "1.0"
flags: {send_anonymous_usage_stats: false}
vars: {data: null, n: 1, min_cell: 5, publications_kept: 5, publications_min_share: 0.5}
models:
  tiny:
    +materialized: table
    intermediate: {+schema: intermediate}
    marts: {+schema: marts, +access: public}
""",
    "profiles.yml": """
tiny:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: "{{ env_var('CLIENTELE_DB') }}", threads: 1, keep_open: false}
""",
    "sources/shop.yml": f"""
source:
  name: shop
  timezone: UTC
  currency: EUR
  extract_date: 2026-02-01
  tables:
    order_lines:
      path: "{{data}}"
      columns: {{{", ".join(f"{name}: {name}" for name in COLUMNS.split(","))}}}
""",
    "seeds/letters.csv": "letter\na\n",
    "macros/generate_schema_name.sql": (
        "{% macro generate_schema_name(name, node) %}{{ name or 'main' }}{% endmacro %}"
    ),
    "models/intermediate/int_as_of_dates.sql": (
        "select date '2026-02-01' as as_of_date, true as is_current"
    ),
    "models/intermediate/int_slow.sql": (
        "select sum(range) as total from range((select case when max(quantity) = 999 then "
        "1000000000000 else 1 end from {{ ref('fct_orders') }}))"
    ),
    "models/marts/fct_orders.sql": (
        "select *, true as is_purchase, ordered_at::date as order_date, "
        "quantity * unit_price as net_amount from read_csv('{{ var('data') }}')"
    ),
    "models/marts/fct_orders.yml": (
        "models: [{name: fct_orders, columns: [{name: order_id, data_tests: [unique]}]}]"
    ),
    "models/marts/fct_customer_features.sql": (
        "select customer_id, sum(net_amount) as monetary, max(order_date) as as_of_date "
        "from {{ ref('fct_orders') }} group by customer_id"
    ),
    "models/marts/rpt_data_quality.sql": (
        "select 'accepted' as reason, count(*) as row_count, sum(net_amount) as amount, "
        "0 as unknown_amount_row_count, '' as meaning from {{ ref('fct_orders') }}"
    ),
    "tests/assert_prices.sql": "select * from {{ ref('fct_orders') }} where unit_price < 0",
} | {f"models/marts/{name}.sql": f"select {sql} where false" for name, sql in EMPTY.items()}


def write_project(folder: Path) -> Warehouse:
    """Write the project and ten orders, and return its warehouse, which is next to it."""
    for name, text in FILES.items():
        (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "project" / name).write_text(text)
    write_lines(folder, orders=10)
    return Warehouse(folder, project=folder / "project")


def write_lines(folder: Path, *, orders: int, quantity: int = 1, columns: str = COLUMNS) -> Path:
    """Replace the source's file, in one step, and return its path."""
    rows = [f"{n},c{n % 3},mug,2026-01-{n + 1:02d} 10:00:00,{quantity},5.00" for n in range(orders)]
    new, file = folder / "lines.new", folder / "lines.csv"
    new.write_text("\n".join([columns, *rows]) + "\n")
    return new.replace(file)


def copy_of(warehouse: Warehouse, folder: Path) -> Warehouse:
    """Copy a built project with its times, to a new folder."""
    shutil.copytree(warehouse.folder, folder, symlinks=True)
    return Warehouse(folder, project=folder / "project")
