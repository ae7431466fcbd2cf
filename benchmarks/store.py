"""What storing the raw order lines once costs: a build that keeps them cannot be cheaper."""

import sys

import duckdb

with duckdb.connect(sys.argv[2]) as warehouse:
    warehouse.execute("set preserve_insertion_order = false")
    warehouse.execute(f"create table order_lines as from read_parquet('{sys.argv[1]}')")
    print(warehouse.execute("select count(*) from order_lines").fetchall())
