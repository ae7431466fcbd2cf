"""Read 1, 10 and 100 million events: from Parquet files to sessions, looks and touches of orders.

python benchmarks/events.py --events 1000000 10000000 100000000

One dbt process runs the models of the family that read raw events or sessions. There is a device
for every fifty events, and a customer for every hundred; sessions have ten events; one event in a
thousand is a copy. Times spread over two years. Figures go to results.json, and RESULTS.md is
written again. `CLIENTELE_BENCH_DATA` names another folder for the data.
"""

import argparse
import os
from pathlib import Path

from measuring import DATA, data_written, keep_run, run_family, tell

MODELS = [
    "stg_events", "int_event_blocks", "int_sessions", "fct_sessions", "rpt_event_quality",
    "int_customer_looks", "feat_customer_visits", "fct_customer_visits", "fct_order_touches",
]  # fmt: skip
COLUMNS = [
    "customer_id", "device_id", "occurred_at", "event_type", "product_id", "channel",
]  # fmt: skip
COUNTS = """
    select sum(event_count) filter (reason = 'accepted'),
        sum(event_count) filter (reason = 'duplicate'),
        (select count(*) from marts.fct_sessions),
        (select count(*) from intermediate.int_event_blocks),
        (select count(*) from intermediate.int_customer_looks)
    from marts.rpt_event_quality
"""
EVENTS_OF_SESSION, EVENTS_OF_DEVICE, FILE_EVENTS = 10, 50, 5_000_000


def generate_data(folder: Path, events: int) -> None:
    """Write the events, some millions in a file, in the order of time within it, and the rest."""
    with data_written(folder) as (unfinished, connection):
        (unfinished / "events").mkdir()
        devices = events // EVENTS_OF_DEVICE
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
            from range({devices}) as t (i)
            """
        )


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
        run = run_family(
            folder, "events", "events/*.parquet", COLUMNS, MODELS, extract_date="2026-01-01",
            memory=options.memory, timeout=options.timeout, counts=COUNTS,
        )  # fmt: skip
        case = f"{events:,} events"
        if not tell(run, case, load):
            return 1
        if not options.dry:
            keep_run(run, "events", case, f"events to visits, load {load:.1f} before")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
