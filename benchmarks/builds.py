"""What the harness runs: data of each size, builds as users run them, the floor and the peer."""

import json
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from measuring import PROJECT, measure

DATA = Path(__file__).parent / "data"
# A simulated customer has 15.5 order lines in the mean.
CUSTOMERS = {"1m": 64_600, "10m": 646_000, "50m": 3_230_000}
# DuckDB's memory limit of a lean build: less than it takes where it may.
LEAN = {"10m": "1500MB", "50m": "2GB"}
LAYERS = {"stg": "staging", "int": "intermediate", "feat": "features", "ml": "ml"}
STAGES = [
    "seeds", "staging", "intermediate", "features", "ml (SQL)", "ml (Python)", "marts",
    "data tests", "unit tests", "start, parse, end",
]  # fmt: skip
SQL_STAGES = ["staging", "intermediate", "features", "ml (SQL)", "marts"]


def data_of(size: str) -> Path | None:
    """Return where a size's raw data are; simulate them where they are missing."""
    if size == "sample":
        return None
    if size == "online_retail":
        root = Path(os.environ.get("SEGMENTATION_DATA_DIR", PROJECT / "../shared/data"))
        path = (root / "online_retail_ii/online_retail_ii.parquet").resolve()
        if not path.exists():
            raise FileNotFoundError(f"no {path}; set SEGMENTATION_DATA_DIR")
        return path
    folder = DATA / size
    if not folder.exists():
        from clientele.simulation.generating import generate

        generate(folder, customers=CUSTOMERS[size])
    return folder


def run_floor(size: str, timeout: float) -> dict:
    """Scan and group once; the sample is a CSV, which no floor is measured on."""
    data = data_of(size)
    if size == "online_retail":
        columns = ['"Customer ID"', "Quantity", "Price", "InvoiceDate"]
    else:
        data = f"{data}/order_lines/*.parquet"
        columns = ["customer_id", "quantity", "unit_price", "ordered_at"]
    command = [sys.executable, "benchmarks/floor.py", str(data), *columns]
    # It is short: the median of five is steadier.
    runs = sorted((measure(command, timeout=timeout) for _ in range(5)), key=lambda r: r["cpu"])
    return runs[2]


def run_store(size: str, timeout: float) -> dict:
    """Store the raw lines once in a DuckDB file."""
    data = data_of(size)
    lines = data if size == "online_retail" else f"{data}/order_lines/*.parquet"
    database = DATA / f"store-{size}.duckdb"
    DATA.mkdir(exist_ok=True)
    command = [sys.executable, "benchmarks/store.py", str(lines), str(database)]
    run = measure(command, timeout=timeout)
    database.unlink(missing_ok=True)
    return run


def run_notebook(size: str, timeout: float) -> dict:
    """Run the peer on the same files, in at most 20 GB."""
    data = data_of(size)
    if size == "online_retail":
        arguments = [str(data), "--online-retail"]
    else:
        arguments = [f"{data}/order_lines", "--products", f"{data}/products.parquet"]
    command = [sys.executable, "benchmarks/notebook.py", *arguments]
    run = measure(command, timeout=timeout, memory_gb=20)
    reports = [line for line in run["output"].splitlines() if line.startswith("{")]
    if reports:
        run["report"] = json.loads(reports[-1])
    return run


def prepare_build(size: str, name: str) -> tuple[Path, list[str], dict]:
    """Return a new folder, the arguments of Python that build a size, and the environment."""
    data = data_of(size)
    folder = DATA / f"{name}-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = size if size in ("sample", "online_retail") else "generated"
    env = {
        "CLIENTELE_DB": str(folder / "clientele.duckdb"),
        "CLIENTELE_TEMP": str(folder / "temp"),
        "CLIENTELE_SPARK_WAREHOUSE": str(folder / "spark_warehouse"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    arguments = ["-m", "clientele.cli", "build", "--source", source]
    return folder, arguments + (["--data", str(data)] if data else []), env


def run_build(size: str, timeout: float, memory_limit: str | None = None) -> dict:
    """Build as `make run` does, into a new warehouse, and then again into the same."""
    folder, arguments, env = prepare_build(size, "build")
    if memory_limit:
        env["CLIENTELE_MEMORY_LIMIT"] = memory_limit
    run = measure([sys.executable, *arguments], env=env, timeout=timeout)
    if run["exit"] == 0 and not memory_limit:
        again = measure([sys.executable, *arguments, "--force"], env=env, timeout=timeout)
        run["again"] = {key: again[key] for key in ("wall", "cpu", "peak_mb", "exit")}
    run["memory_limit"] = memory_limit
    shutil.rmtree(folder)
    return run


def run_nodes(size: str, timeout: float) -> dict:
    """Build one node at a time, so that the process's CPU time can be split by node."""
    folder, arguments, env = prepare_build(size, "nodes")
    env["CLIENTELE_THREADS"] = "1"
    run = measure([sys.executable, *arguments], env=env, timeout=timeout)
    results = folder / "target/run_results.json"
    if results.exists():
        loaded = json.loads(results.read_text())
        run["stages"] = stages(loaded, run["samples"])
        run["models"] = models(loaded, run["samples"])
    shutil.rmtree(folder)
    return run


def stage_of(result: dict) -> str:
    """Return the stage of a node of run_results.json, by its kind and its layer."""
    kind, _, name = result["unique_id"].split(".")[:3]
    if kind == "model":
        layer = LAYERS.get(name.split("_")[0], "marts")
        if layer != "ml":
            return layer
        is_python = any((PROJECT / "models/ml").rglob(f"{name}.py"))
        return "ml (Python)" if is_python else "ml (SQL)"
    kinds = {"seed": "seeds", "test": "data tests", "unit_test": "unit tests"}
    return kinds.get(kind, "start, parse, end")


def node_times(run_results: dict, samples: list[tuple[float, float]]) -> list:
    """Return (result, wall seconds, CPU seconds) for each node that ran.

    ``samples`` are (time, CPU seconds of the process until then); between two of them CPU time is
    taken to pass evenly.
    """

    def cpu_at(moment):
        for (t0, c0), (t1, c1) in zip(samples, samples[1:], strict=False):
            if t0 <= moment <= t1:
                return c0 + (c1 - c0) * (moment - t0) / max(t1 - t0, 1e-9)
        return samples[-1][1]

    taken = []
    for result in run_results["results"]:
        times = [
            datetime.fromisoformat(timing[edge].replace("Z", "+00:00")).timestamp()
            for timing in result["timing"]
            for edge in ("started_at", "completed_at")
            if timing[edge]
        ]
        if times:
            wall = max(times) - min(times)
            taken.append((result, wall, cpu_at(max(times)) - cpu_at(min(times))))
    return taken


def stages(run_results: dict, samples: list[tuple[float, float]]) -> dict:
    """Split a build's wall and CPU seconds by stage; what no node took is start, parse and end."""
    split = {stage: {"wall": 0.0, "cpu": 0.0} for stage in STAGES}
    for result, wall, cpu in node_times(run_results, samples):
        split[stage_of(result)]["wall"] += wall
        split[stage_of(result)]["cpu"] += cpu
    rest = split["start, parse, end"]
    rest["wall"] = samples[-1][0] - samples[0][0] - sum(s["wall"] for s in split.values())
    rest["cpu"] = samples[-1][1] - sum(s["cpu"] for s in split.values())
    return split


def models(run_results: dict, samples: list[tuple[float, float]]) -> dict[str, float]:
    """Return the CPU seconds of each model."""
    return {
        result["unique_id"].split(".")[2]: cpu
        for result, _, cpu in node_times(run_results, samples)
        if result["unique_id"].startswith("model.")
    }


def slowest_models(run_results: dict) -> list[tuple[str, float]]:
    """Return the eight models that took longest, with their wall seconds."""
    slowest = [r for r in run_results["results"] if r["unique_id"].startswith("model.")]
    slowest.sort(key=lambda r: -r["execution_time"])
    return [(r["unique_id"].split(".")[2], r["execution_time"]) for r in slowest[:8]]
