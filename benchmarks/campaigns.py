"""Read the results of 100 campaigns of a million customers each: 100 million assignments.

python benchmarks/campaigns.py --campaigns 100 --customers 1000000

One dbt process runs the models of the results, from the assignments (Parquet files) and the orders
(five for each customer in two years, three lines each) to the mart. Figures go to results.json, and
RESULTS.md is written again. `CLIENTELE_BENCH_DATA` names another folder for the data.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import duckdb
from measuring import PROJECT, measure

DATA = Path(os.environ.get("CLIENTELE_BENCH_DATA", Path(__file__).parent / "data"))
MODELS = [
    "stg_campaigns", "int_campaign_members", "feat_customer_days", "feat_campaign_cells",
    "feat_campaign_strata", "ml_campaigns__results", "fct_campaign_results",
]  # fmt: skip
COLUMNS = ["campaign_id", "customer_id", "arm", "assigned_at", "cost", "segment"]
ORDERS_PER_CUSTOMER = 5


def generate_data(folder: Path, campaigns: int, customers: int) -> None:
    """Write the assignments, a file for each campaign, and a warehouse with the orders."""
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "campaigns").mkdir(parents=True)
    with duckdb.connect(str(unfinished / "orders.duckdb")) as connection:
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
            from range(200) as t (i);
            create table main.lines as
            select 'O1' as order_id, 'C1' as customer_id, 'P1' as product_id,
                timestamp '2024-01-01' as ordered_at, 1 as quantity, 1 as unit_price
            """
        )
    unfinished.rename(folder)


def run_results(folder: Path, timeout: float) -> dict:
    """Run the models of the results in a copy of the warehouse; return what that took."""
    work = folder / "run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    shutil.copyfile(folder / "orders.duckdb", work / "clientele.duckdb")
    lines = ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
    source = {
        "name": "campaigns_benchmark", "timezone": "UTC", "currency": "EUR",
        "extract_date": "2025-12-31",
        "tables": {
            "order_lines": {"table": "main.lines", "columns": {name: name for name in lines}},
            "campaigns": {
                "path": f"{folder}/campaigns/*.parquet",
                "columns": {name: name for name in COLUMNS},
            },
        },
    }  # fmt: skip
    env = {
        "CLIENTELE_DB": str(work / "clientele.duckdb"),
        "CLIENTELE_TEMP": str(work / "temp"),
        "CLIENTELE_MEMORY_LIMIT": "1200MB",
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [sys.executable, "-m", "dbt.cli.main", "run", "--select", *MODELS]
    run = measure([*command, "--vars", json.dumps({"source": source})], env=env, timeout=timeout)
    if run["exit"] == 0:
        with duckdb.connect(str(work / "clientele.duckdb"), read_only=True) as connection:
            run["rows"] = connection.execute(
                "select count(*), sum(customer_count) filter (segment = 'all') "
                "from marts.fct_campaign_results"
            ).fetchone()
        results = json.loads((work / "target/run_results.json").read_text())["results"]
        run["models"] = {r["unique_id"].split(".")[-1]: r["execution_time"] for r in results}
    shutil.rmtree(work)
    return run


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
    run = run_results(folder, options.timeout)
    print(f"{run['wall']:.1f} s wall, {run['cpu']:.1f} s CPU, {run['peak_mb']:.0f} MB", end=", ")
    print(f"exit {run['exit']}, load before {load:.1f}")
    if run["exit"]:
        print(run["output"][-3000:])
        return 1
    print(run["rows"], {name: round(s, 1) for name, s in run["models"].items() if s > 0.3})
    if not options.dry:
        from report import keep

        figures = {key: run[key] for key in ("wall", "cpu", "peak_mb")}
        case = f"{options.campaigns} campaigns x {options.customers:,}"
        keep("campaigns", case, {f"assignments to mart, load {load:.1f} before": figures})
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(PROJECT / "benchmarks"))
    raise SystemExit(main())
