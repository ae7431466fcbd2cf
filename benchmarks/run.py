"""Run whole builds, their floors and their peer in fresh processes, and write RESULTS.md.

python benchmarks/run.py --sizes 1m,10m --what floor,store,build,build_lean,nodes,notebook

Wall and CPU time and peak memory are the operating system's own account of each finished process;
those of the two engines' builds are sums over the process and its children, sampled, as the work of
Spark is done by a child that no one waits for. `build` is a build as users run it, and a second one
into the same warehouse. `daily` is a build, and then builds of a new day, of more of that day, and
of nothing new. `nodes` builds one node at a time, so that a thread which reads the process's CPU
time every 50 ms can tell, with the start and end of each node, what each took.
"""

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from builds import LEAN, run_build, run_daily, run_floor, run_nodes, run_notebook, run_store
from engines import run_engine
from report import SIZES, report

HERE = Path(__file__).parent
RUNNERS = {
    "floor": run_floor,
    "store": run_store,
    "build": run_build,
    "build_lean": lambda size, timeout: run_build(size, timeout, LEAN[size]),
    "daily": run_daily,
    "nodes": run_nodes,
    "notebook": run_notebook,
    "duckdb": lambda size, timeout: run_engine(size, timeout, "duckdb"),
    "spark": lambda size, timeout: run_engine(size, timeout, "spark"),
}
# The sample is a CSV of a second's work: it has no floor and no peer.
NOT_OF_THE_SAMPLE = {"floor", "store", "notebook", "daily"}


def main() -> int:
    """Measure what was asked for, writing the results after each cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--what", default=",".join(RUNNERS))
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one process")
    parser.add_argument("--resume", action="store_true", help="keep the cells already measured")
    options = parser.parse_args()
    results = HERE / "results.json"
    record = json.loads(results.read_text()) if results.exists() else {"cells": {}}
    memory = psutil.virtual_memory().total / 2**30
    record["machine"] = f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}"
    record["date"] = datetime.now(UTC).strftime("%Y-%m-%d")
    packages = ["duckdb", "dbt-core", "pandas", "scikit-learn", "mlxtend"]
    record["versions"] = f"Python {platform.python_version()}, " + ", ".join(
        f"{name} {version(name)}" for name in packages
    )
    for size in options.sizes.split(","):
        for what in options.what.split(","):
            cell = f"{what} {size}"
            is_known = options.resume and cell in record["cells"]
            if is_known or (size == "sample" and what in NOT_OF_THE_SAMPLE):
                continue
            if what == "build_lean" and size not in LEAN:
                continue
            try:
                run = RUNNERS[what](size, options.timeout)
            except FileNotFoundError as error:
                print(f"{cell}: left out, {error}")
                continue
            print(f"{cell}: {run['wall']:.1f} s wall, {run['cpu']:.1f} s CPU, exit {run['exit']}")
            run.pop("samples")
            run["output"] = "".join(run["output"].strip().splitlines()[-1:]) if run["exit"] else ""
            record["cells"][cell] = run
            results.write_text(json.dumps(record, indent=1) + "\n")
            (HERE / "RESULTS.md").write_text(report(record))
    (HERE / "RESULTS.md").write_text(report(record))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
