"""Read 1, 10 and 100 million events: from Parquet files to sessions, looks and touches of orders.

python benchmarks/events.py --events 1000000 10000000 100000000

One dbt process runs the models of the family that read raw events or sessions. There is a device
for every fifty events, and a customer for every hundred; sessions have ten events; one event in a
thousand is a copy. Times spread over two years. Figures go to results.json, and RESULTS.md is
written again. `CLIENTELE_BENCH_DATA` names another folder for the data.
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
    "stg_events", "int_event_blocks", "int_sessions", "fct_sessions", "rpt_event_quality",
    "int_customer_looks", "feat_customer_visits", "fct_customer_visits", "fct_order_touches",
]  # fmt: skip
COLUMNS = [
    "customer_id", "device_id", "occurred_at", "event_type", "product_id", "channel",
]  # fmt: skip
EVENTS_OF_SESSION, EVENTS_OF_DEVICE, FILE_EVENTS = 10, 50, 5_000_000


def generate_data(folder: Path, events: int) -> None:
    """Write the events, some millions in a file, in the order of time within it, and the rest."""
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "events").mkdir(parents=True)
    devices = events // EVENTS_OF_DEVICE
    with duckdb.connect(str(unfinished / "orders.duckdb")) as connection:
        connection.execute("set memory_limit = '2GB'; set threads = 2")
        connection.execute("set enable_progress_bar = false")
        size = min(events, FILE_EVENTS)
        of_file = size // EVENTS_OF_DEVICE
        connection.execute(
            f"""
            create temp table one as
            with sessions as (
                select i // {EVENTS_OF_SESSION} as s, i % {EVENTS_OF_SESSION} as step, i
                from range({size}) as t (i)
            )
            select
                if(hash(s, 1) % 3 = 0, cast(hash(s) % {of_file} // 2 as int), null) as customer,
                cast(hash(s) % {of_file} as int) as device,
                timestamp '2024-01-01'
                    + to_seconds(cast(hash(s, 2) % 63072000 + step * 45 as bigint)) as occurred_at,
                case
                    when step < 7 then 'view'
                    when hash(s, 3) % 5 > 0 then 'page'
                    else ['cart', 'checkout', 'order'][cast(step - 6 as int)]
                end as event_type,
                'P' || (hash(i, 4) % 5000) as product_id,
                if(step = 0, ['search', 'email', 'ads'][cast(hash(s, 5) % 3 + 1 as int)], null)
                    as channel
            from sessions, range(if(hash(i, 6) % 1000 = 0, 2, 1))
            order by occurred_at
            """
        )
        # Other visitors do the same again.
        for number in range(events // size):
            connection.execute(
                f"""
                copy (
                    select 'C' || (customer + {number * of_file // 2}) as customer_id,
                        'D' || (device + {number * of_file}) as device_id,
                        * exclude (customer, device)
                    from one
                ) to '{unfinished}/events/{number:03d}.parquet' (format parquet)
                """
            )
        connection.execute(
            f"""
            create schema intermediate; create schema features; create schema marts;
            create table intermediate.int_as_of_dates as select 0 as period_number,
                date '2025-12-31' as as_of_date, true as is_current, false as is_forward_cutoff;
            create table intermediate.int_products as
            select 'P' || i as product_id, 'category ' || i % 20 as category
            from range(5000) as t (i);
            create table features.feat_customers__numbers as
            select 'C' || i as customer_id, cast(i as int) as customer_number
            from range({devices // 2}) as t (i);
            create table features.feat_customer_products as
            select cast(hash(i) % {devices // 2} as int) as customer_number,
                'P' || (hash(i, 1) % 5000) as product_id,
                max(date '2024-01-01' + cast(hash(i, 2) % 730 as int)) as last_bought_date
            from range({devices}) as t (i) group by 1, 2;
            create table marts.fct_orders as
            select 'O' || i as order_id, 'C' || (hash(i) % {devices // 2}) as customer_id,
                timestamp '2024-01-01' + to_seconds(cast(hash(i, 1) % 63072000 as bigint))
                    as ordered_at,
                cast(ordered_at as date) as order_date, true as is_purchase
            from range({devices}) as t (i);
            create table main.lines as
            select 'O1' as order_id, 'C1' as customer_id, 'P1' as product_id,
                timestamp '2024-01-01' as ordered_at, 1 as quantity, 1 as unit_price
            """
        )
    unfinished.rename(folder)


def run_visits(folder: Path, timeout: float, memory: str) -> dict:
    """Run the models in a copy of the warehouse; return what that took."""
    work = folder / "run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    shutil.copyfile(folder / "orders.duckdb", work / "clientele.duckdb")
    lines = ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
    source = {
        "name": "events_benchmark", "timezone": "UTC", "currency": "EUR",
        "extract_date": "2026-01-01",
        "tables": {
            "order_lines": {"table": "main.lines", "columns": {name: name for name in lines}},
            "events": {
                "path": f"{folder}/events/*.parquet",
                "columns": {name: name for name in COLUMNS},
            },
        },
    }  # fmt: skip
    env = {
        "CLIENTELE_DB": str(work / "clientele.duckdb"),
        "CLIENTELE_TEMP": str(work / "temp"),
        "CLIENTELE_MEMORY_LIMIT": memory,
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [sys.executable, "-m", "dbt.cli.main", "run", "--select", *MODELS]
    run = measure([*command, "--vars", json.dumps({"source": source})], env=env, timeout=timeout)
    if run["exit"] == 0:
        with duckdb.connect(str(work / "clientele.duckdb"), read_only=True) as connection:
            run["rows"] = connection.execute(
                "select sum(event_count) filter (reason = 'accepted'), "
                "sum(event_count) filter (reason = 'duplicate'), "
                "(select count(*) from marts.fct_sessions), "
                "(select count(*) from intermediate.int_event_blocks), "
                "(select count(*) from intermediate.int_customer_looks) "
                "from marts.rpt_event_quality"
            ).fetchone()
        results = json.loads((work / "target/run_results.json").read_text())["results"]
        run["models"] = {r["unique_id"].split(".")[-1]: r["execution_time"] for r in results}
    shutil.rmtree(work)
    return run


def main() -> int:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--memory", default="1800MB", help="DuckDB's limit")
    parser.add_argument("--timeout", type=float, default=1200)
    parser.add_argument("--dry", action="store_true", help="print only, keep nothing")
    options = parser.parse_args()
    for events in options.events:
        folder = (DATA / f"events-{events}").absolute()
        if not folder.exists():
            generate_data(folder, events)
        load = os.getloadavg()[0]
        run = run_visits(folder, options.timeout, options.memory)
        print(f"{events:,}: {run['wall']:.1f} s wall, {run['cpu']:.1f} s CPU", end=", ")
        print(f"{run['peak_mb']:.0f} MB, exit {run['exit']}, load before {load:.1f}")
        if run["exit"]:
            print(run["output"][-3000:])
            return 1
        print(run["rows"], {name: round(s, 1) for name, s in run["models"].items() if s > 0.3})
        if not options.dry:
            from report import keep

            figures = {key: run[key] for key in ("wall", "cpu", "peak_mb")}
            case = f"{events:,} events"
            keep("events", case, {f"events to visits, load {load:.1f} before": figures})
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(PROJECT / "benchmarks"))
    raise SystemExit(main())
