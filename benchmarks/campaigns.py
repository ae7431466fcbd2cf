"""Read the results of 100 campaigns of a million customers each: 100 million assignments.

python benchmarks/campaigns.py --campaigns 100 --customers 1000000

One dbt process runs the models of the results, from the assignments (Parquet files) and the orders
(five for each customer in two years, three lines each) to the mart. Figures go to results.json, and
RESULTS.md is written again. `CLIENTELE_BENCH_DATA` names another folder for the data.
"""

import argparse
import os
from pathlib import Path

from measuring import DATA, data_written, keep_run, run_family, tell

MODELS = [
    "stg_campaigns", "int_campaign_members", "feat_customer_days", "feat_campaign_cells",
    "feat_campaign_strata", "ml_campaigns__results", "fct_campaign_results",
]  # fmt: skip
COLUMNS = ["campaign_id", "customer_id", "arm", "assigned_at", "cost", "segment"]
COUNTS = """
    select count(*), sum(customer_count) filter (segment = 'all') from marts.fct_campaign_results
"""
ORDERS_PER_CUSTOMER = 5


def generate_data(folder: Path, campaigns: int, customers: int) -> None:
    """Write the assignments, a file for each campaign, and a warehouse with the orders."""
    with data_written(folder) as (unfinished, connection):
        (unfinished / "campaigns").mkdir()
        connection.execute("set preserve_insertion_order = false")
        for number in range(campaigns):
            # 7919 is prime: each customer once, in no order that a join could use.
            connection.execute(
                f"""
                copy (
                    select 'campaign-{number:03d}' as campaign_id,
                        'C' || ((i * 7919 + {number} * 104729) % {customers}) as customer_id,
                        if(hash(i, {number}) % 2 = 0, 'control', 'treated') as arm,
                        timestamp '2024-04-01' + to_days({number * 600 // campaigns})
                            as assigned_at,
                        cast(0.1 as decimal(18, 4)) as cost,
                        'segment ' || (hash(i, {number}, 1) % 5) as segment
                    from range({customers}) as t (i)
                ) to '{unfinished}/campaigns/{number:03d}.parquet' (format parquet)
                """
            )
        connection.execute(
            f"""
            create schema intermediate;
            create table intermediate.int_as_of_dates as select 0 as period_number,
                date '2025-12-31' as as_of_date, true as is_current, false as is_forward_cutoff;
            create table intermediate.int_orders as
            select 'O' || i as order_id, 'C' || (hash(i) % {customers}) as customer_id,
                cast(date '2024-01-01' + cast(hash(i, 1) % 730 as int) as date) as order_date,
                cast(5 + hash(i, 2) % 100 as decimal(18, 4)) as net_amount, true as is_purchase
            from range({customers * ORDERS_PER_CUSTOMER}) as t (i);
            create table intermediate.int_order_lines as
            select order_id, 'P' || (hash(order_id, n) % 200) as product_id,
                cast(1 as decimal(18, 3)) as quantity,
                cast(0 as decimal(18, 3)) as returned_quantity,
                cast(null as decimal(18, 4)) as unit_cost,
                cast(net_amount / 3 as decimal(18, 4)) as net_amount, false as is_return
            from intermediate.int_orders cross join range(3) as t (n);
            create table intermediate.int_products as
            select 'P' || i as product_id, cast(3 as decimal(18, 4)) as unit_cost
            from range(200) as t (i)
            """
        )


def main() -> int:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=100)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--dry", action="store_true", help="print only, keep nothing")
    options = parser.parse_args()
    folder = (DATA / f"campaigns-{options.campaigns}-{options.customers}").absolute()
    if not folder.exists():
        generate_data(folder, options.campaigns, options.customers)
    load = os.getloadavg()[0]
    run = run_family(
        folder, "campaigns", "campaigns/*.parquet", COLUMNS, MODELS, extract_date="2025-12-31",
        memory="1200MB", timeout=options.timeout, counts=COUNTS,
    )  # fmt: skip
    case = f"{options.campaigns} campaigns x {options.customers:,}"
    if not tell(run, case, load):
        return 1
    if not options.dry:
        keep_run(run, "campaigns", case, f"assignments to mart, load {load:.1f} before")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
