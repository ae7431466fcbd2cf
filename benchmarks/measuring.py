"""Run a command as a process and account for it from outside: wall and CPU time, peak memory."""

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psutil

PROJECT = Path(__file__).parents[1]
# For what benchmarks generate.
DATA = Path(os.environ.get("CLIENTELE_BENCH_DATA", Path(__file__).parent / "data"))


def measure(command: list[str], *, env: dict | None = None, timeout: float, memory_gb=None) -> dict:
    """Run a command to its end; return wall and CPU seconds, peak MB, exit code, output, samples.

    ``memory_gb`` limits the address space of the process, so that what would drive the machine into
    swapping ends with an error of its own instead.
    """
    samples, done = [], threading.Event()
    ticks = os.sysconf("SC_CLK_TCK")

    def limit():
        if memory_gb:
            resource.setrlimit(resource.RLIMIT_AS, (memory_gb * 2**30,) * 2)

    def watch(pid):
        while not done.wait(0.05):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                return
            samples.append((time.time(), (int(fields[11]) + int(fields[12])) / ticks))

    started = time.time()
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=os.environ | (env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=limit,
    )
    watcher = threading.Thread(target=watch, args=(process.pid,))
    watcher.start()
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.time()
    killer.cancel()
    done.set()
    watcher.join()
    return {
        "wall": ended - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "exit": os.waitstatus_to_exitcode(status),
        "timed_out": ended - started >= timeout,
        "output": output,
        "samples": [(started, 0.0), *samples, (ended, usage.ru_utime + usage.ru_stime)],
    }


def measure_tree(command: list[str], *, env: dict, timeout: float) -> dict:
    """Run a command like `measure`, counting CPU and memory of its children with its own."""
    started = time.time()
    process = psutil.Popen(
        command,
        cwd=PROJECT,
        env=os.environ | env,
        stdout=(log := Path(env["DBT_LOG_PATH"] + ".txt").open("w+")),
        stderr=subprocess.STDOUT,
        text=True,
    )
    cpu, peak = {}, 0.0
    while process.poll() is None and time.time() - started < timeout:
        resident = 0
        for member in [process, *process.children(recursive=True)]:
            try:
                times = member.cpu_times()
                cpu[member.pid] = times.user + times.system
                resident += member.memory_info().rss
            except psutil.Error:
                continue
        peak = max(peak, resident / 2**20)
        time.sleep(0.2)
    for member in [*process.children(recursive=True), process] if process.poll() is None else []:
        member.kill()
    exit_code = process.wait()
    ended = time.time()
    log.seek(0)
    return {
        "wall": ended - started,
        "cpu": sum(cpu.values()),
        "peak_mb": peak,
        "exit": exit_code,
        "timed_out": ended - started >= timeout,
        "output": log.read(),
        "samples": [],
    }


@contextmanager
def data_written(folder: Path) -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Yield a folder and its new warehouse `orders.duckdb`; it is ``folder`` once all is written.

    So a generator that is stopped leaves nothing that the next one would take for its data.
    """
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    with duckdb.connect(str(unfinished / "orders.duckdb")) as connection:
        yield unfinished, connection
        # A source needs order lines; no model that is measured reads them.
        connection.execute(
            """
            create table main.lines as
            select 'O1' as order_id, 'C1' as customer_id, 'P1' as product_id,
                timestamp '2024-01-01' as ordered_at, 1 as quantity, 1 as unit_price
            """
        )
    unfinished.rename(folder)


def run_family(
    folder: Path,
    table: str,
    path: str,
    columns: list[str],
    models: list[str],
    *,
    extract_date: str,
    memory: str,
    timeout: float,
    counts: str,
) -> dict:
    """Run models over an optional raw table in a copy of the warehouse; return what that took.

    Args:
        folder: What `data_written` has written.
        table: The raw table, such as `events`.
        path: Its files, within ``folder``.
        columns: Its columns; the source gives them the same names.
        models: What one dbt process runs.
        extract_date: That of the source.
        memory: DuckDB's limit.
        timeout: Seconds.
        counts: A query of one row, for `rows` of the answer.

    Returns:
        What `measure` does, and after success `rows` and the seconds of `models`.
    """
    work = folder / "run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    shutil.copyfile(folder / "orders.duckdb", work / "clientele.duckdb")
    lines = ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
    source = {
        "name": f"{table}_benchmark",
        "timezone": "UTC",
        "currency": "EUR",
        "extract_date": extract_date,
        "tables": {
            "order_lines": {"table": "main.lines", "columns": {name: name for name in lines}},
            table: {"path": f"{folder}/{path}", "columns": {name: name for name in columns}},
        },
    }
    env = {
        "CLIENTELE_DB": str(work / "clientele.duckdb"),
        "CLIENTELE_TEMP": str(work / "temp"),
        "CLIENTELE_MEMORY_LIMIT": memory,
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [sys.executable, "-m", "dbt.cli.main", "run", "--select", *models]
    run = measure([*command, "--vars", json.dumps({"source": source})], env=env, timeout=timeout)
    if run["exit"] == 0:
        with duckdb.connect(str(work / "clientele.duckdb"), read_only=True) as connection:
            run["rows"] = connection.execute(counts).fetchone()
        results = json.loads((work / "target/run_results.json").read_text())["results"]
        run["models"] = {r["unique_id"].split(".")[-1]: r["execution_time"] for r in results}
    shutil.rmtree(work)
    return run


def tell(run: dict, case: str, load: float) -> bool:
    """Print what `run_family` returned, with the machine's load before; return its success."""
    print(f"{case}: {run['wall']:.1f} s wall, {run['cpu']:.1f} s CPU", end=", ")
    print(f"{run['peak_mb']:.0f} MB, exit {run['exit']}, load before {load:.1f}")
    if run["exit"]:
        print(run["output"][-3000:])
        return False
    print(run["rows"], {name: round(s, 1) for name, s in run["models"].items() if s > 0.3})
    return True


def keep_run(run: dict, group: str, case: str, what: str) -> None:
    """Keep the figures of `run_family` in results.json, and write RESULTS.md again."""
    from report import keep

    keep(group, case, {what: {name: run[name] for name in ("wall", "cpu", "peak_mb")}})
