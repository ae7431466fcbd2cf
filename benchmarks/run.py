"""Run the whole build, its floors and its peer in fresh processes, and write RESULTS.md.

python benchmarks/run.py --sizes 1m,10m --what floor,store,build,build_lean,notebook,duckdb,spark

Wall and CPU time and peak memory are the operating system's own account of each finished process;
those of the two engines' builds are sums over the process and its children, sampled, as the work of
Spark is done by a child that nobody waits for.
A build runs one node at a time, so that a thread which reads the process's CPU time every 50 ms can
tell, with the start and end of each node in dbt's run_results.json, what each stage took.
"""

import argparse
import json
import math
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

HERE = Path(__file__).parent
PROJECT = HERE.parent
DATA = HERE / "data"
# A simulated customer has 15.5 order lines in the mean.
CUSTOMERS = {"1m": 64_600, "10m": 646_000, "50m": 3_230_000}
SIZES = ["sample", "online_retail", *CUSTOMERS]
WHATS = ["floor", "store", "build", "build_lean", "notebook", "duckdb", "spark"]
ENGINES = ["duckdb", "spark"]
# DuckDB's memory limit of a lean build: less than what is built at that size takes.
LEAN = {"10m": "1GB", "50m": "2GB"}
STAGES = [
    "seeds", "staging", "intermediate", "features", "ml (SQL)", "ml (Python)", "marts",
    "data tests", "unit tests", "start, parse, end",
]  # fmt: skip
SQL_STAGES = ["staging", "intermediate", "features", "ml (SQL)", "marts"]


# In the plan of a statement that makes a table: its name.
CREATED = re.compile(r"AsSelectCommand.*?Arguments: `spark_catalog`\.`\w+`\.`(\w+)`", re.DOTALL)


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


def stage_of(result: dict) -> str:
    """Return the stage of a node of run_results.json, by its kind and its layer."""
    kind, _, name = result["unique_id"].split(".")[:3]
    if kind == "model":
        layer = {"stg": "staging", "int": "intermediate", "feat": "features", "ml": "ml"}.get(
            name.split("_")[0], "marts"
        )
        if layer != "ml":
            return layer
        return "ml (Python)" if (PROJECT / f"models/ml/{name}.py").exists() else "ml (SQL)"
    kinds = {"seed": "seeds", "test": "data tests", "unit_test": "unit tests"}
    return kinds.get(kind, "start, parse, end")


def stages(run_results: dict, samples: list[tuple[float, float]]) -> dict:
    """Split a build's wall and CPU seconds by stage; what no node took is start, parse and end."""

    def cpu_at(moment):
        for (t0, c0), (t1, c1) in zip(samples, samples[1:], strict=False):
            if t0 <= moment <= t1:
                return c0 + (c1 - c0) * (moment - t0) / max(t1 - t0, 1e-9)
        return samples[-1][1]

    split = {stage: {"wall": 0.0, "cpu": 0.0} for stage in STAGES}
    for result in run_results["results"]:
        times = [
            datetime.fromisoformat(timing[edge].replace("Z", "+00:00")).timestamp()
            for timing in result["timing"]
            for edge in ("started_at", "completed_at")
            if timing[edge]
        ]
        if times:
            stage = split[stage_of(result)]
            stage["wall"] += max(times) - min(times)
            stage["cpu"] += cpu_at(max(times)) - cpu_at(min(times))
    rest = split["start, parse, end"]
    rest["wall"] = samples[-1][0] - samples[0][0] - sum(s["wall"] for s in split.values())
    rest["cpu"] = samples[-1][1] - sum(s["cpu"] for s in split.values())
    return split


def data_of(size: str) -> Path | None:
    """Return where a size's raw data are, making them where they can be made."""
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
        from clientele.simulate import generate

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
    # Small: the median of five is steadier.
    runs = sorted((measure(command, timeout=timeout) for _ in range(5)), key=lambda r: r["cpu"])
    return runs[2]


def run_store(size: str, timeout: float) -> dict:
    """Store the raw lines once in a DuckDB file."""
    data = data_of(size)
    lines = data if size == "online_retail" else f"{data}/order_lines/*.parquet"
    database = DATA / f"store-{size}.duckdb"
    command = [sys.executable, "benchmarks/store.py", str(lines), str(database)]
    run = measure(command, timeout=timeout)
    database.unlink(missing_ok=True)
    return run


def run_build(size: str, timeout: float, memory_limit: str = "4GB") -> dict:
    """Build everything with every test, in a warehouse of its own."""
    folder, arguments, env = prepare_build(size)
    env |= {"CLIENTELE_THREADS": "1", "CLIENTELE_MEMORY_LIMIT": memory_limit}
    run = measure([sys.executable, *arguments], env=env, timeout=timeout)
    run |= {"memory_limit": memory_limit}
    results = folder / "target/run_results.json"
    if results.exists():
        loaded = json.loads(results.read_text())
        run["stages"] = stages(loaded, run["samples"])
        run["slowest"] = slowest_models(loaded)
    shutil.rmtree(folder)
    return run


def prepare_build(size: str) -> tuple[Path, list[str], dict]:
    """Return a new folder, the arguments of Python that build a size, and the environment."""
    data = data_of(size)
    folder = DATA / f"build-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = {"sample": "sample", "online_retail": "online_retail"}.get(size, "generated")
    env = {
        "CLIENTELE_DB": str(folder / "clientele.duckdb"),
        "CLIENTELE_TEMP": str(folder / "temp"),
        "CLIENTELE_SPARK_WAREHOUSE": str(folder / "spark_warehouse"),
        "CLIENTELE_DATA": str(data or ""),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    settings = (PROJECT / f"sources/{source}.yml").read_text()
    return folder, ["-m", "dbt.cli.main", "build", "--quiet", "--vars", settings], env


def slowest_models(run_results: dict) -> list[tuple[str, float]]:
    """Return the eight models that took longest, with their seconds."""
    models = [r for r in run_results["results"] if r["unique_id"].startswith("model.")]
    models.sort(key=lambda r: -r["execution_time"])
    return [(r["unique_id"].split(".")[2], r["execution_time"]) for r in models[:8]]


def run_engine(size: str, timeout: float, engine: str) -> dict:
    """Build everything without tests, two nodes at a time, on one of the engines."""
    folder, arguments, env = prepare_build(size)
    env |= {
        "CLIENTELE_MEMORY_LIMIT": "8GB",
        "CLIENTELE_SPARK_MEMORY": "8g",
        # Pieces of some 50 MB: larger ones would spill.
        "CLIENTELE_SPARK_PARTITIONS": {"50m": "64", "10m": "16"}.get(size, "8"),
    }
    if engine == "spark":
        # What Spark writes down of each task: the only account of what was shuffled.
        (folder / "events").mkdir()
        (folder / "spark-defaults.conf").write_text(
            f"spark.eventLog.enabled true\nspark.eventLog.dir {folder}/events\n"
            "spark.eventLog.rolling.enabled false\nspark.eventLog.compress false\n"
        )
        env["SPARK_CONF_DIR"] = str(folder)
    python = PROJECT / ".venv-spark/bin/python" if engine == "spark" else sys.executable
    arguments += ["--target", engine, "--exclude-resource-type", "test", "unit_test"]
    run = measure_tree([str(python), *arguments], env=env, timeout=timeout)
    results = folder / "target/run_results.json"
    if results.exists():
        run["slowest"] = slowest_models(json.loads(results.read_text()))
    stored = folder / ("spark_warehouse" if engine == "spark" else "clientele.duckdb")
    files = [stored] if stored.is_file() else [f for f in stored.rglob("*") if f.is_file()]
    run["stored_mb"] = sum(file.stat().st_size for file in files) / 2**20
    if engine == "spark":
        run["shuffled_mb"] = shuffled(next((folder / "events").iterdir()))
    shutil.rmtree(folder)
    return run


def shuffled(event_log: Path) -> dict[str, float]:
    """Return the MB that each model shuffled, by Spark's own account, the largest first.

    A statement is the model's whose table its plan writes; all others are `other`.
    """
    model_of, execution_of, total = {}, {}, {}
    with event_log.open() as lines:
        for line in lines:
            event = json.loads(line)
            kind = event["Event"].rsplit(".", 1)[-1]
            if kind == "SparkListenerSQLExecutionStart":
                written = CREATED.search(event["physicalPlanDescription"])
                if written:
                    model_of[event["executionId"]] = written[1]
            elif kind == "SparkListenerJobStart":
                execution = event["Properties"].get("spark.sql.execution.root.id", -1)
                execution_of |= dict.fromkeys(event["Stage IDs"], int(execution))
            elif kind == "SparkListenerTaskEnd" and event.get("Task Metrics"):
                written = event["Task Metrics"]["Shuffle Write Metrics"]["Shuffle Bytes Written"]
                execution = execution_of.get(event["Stage ID"], -1)
                total[execution] = total.get(execution, 0) + written
    by_model = {}
    for execution, size in total.items():
        model = model_of.get(execution, "other")
        by_model[model] = by_model.get(model, 0.0) + size / 2**20
    return dict(sorted(by_model.items(), key=lambda pair: -pair[1]))


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


def growth(cells: dict, what: str, figure: str, sizes=("1m", "10m", "50m")) -> float | None:
    """Return the slope of log figure against log lines, by least squares; 1 is linear."""
    points = [
        (math.log(CUSTOMERS[size]), math.log(value(cells[f"{what} {size}"])[figure]))
        for size in sizes
        if cells.get(f"{what} {size}", {}).get("exit") == 0
    ]
    if len(points) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum(
        (x - mean_x) ** 2 for x, _ in points
    )


def value(cell: dict) -> dict:
    """Return a cell's figures, with those of the SQL part of a build among them."""
    figures = {name: cell[name] for name in ("wall", "cpu", "peak_mb")}
    for figure in ("wall", "cpu"):
        figures[f"sql_{figure}"] = sum(
            cell.get("stages", {}).get(stage, {}).get(figure, 0) for stage in SQL_STAGES
        )
    return figures


def outcome(cell: dict) -> str:
    """Say in a word how a run ended that did not end well."""
    if cell["timed_out"]:
        return "stopped: out of time"
    out_of_memory = "MemoryError" in cell["output"] or "Unable to allocate" in cell["output"]
    return "died: out of memory" if out_of_memory or cell["exit"] == -9 else "failed"


def report(record: dict) -> str:
    """Render RESULTS.md from everything measured so far."""
    cells = record["cells"]
    names = {"sample": "sample (CSV seeds)", "online_retail": "Online Retail II"}
    lines = [
        "# Results",
        "",
        f"Written by `benchmarks/run.py` on {record['date']}: {record['machine']}.",
        f"{record['versions']}. Each figure is one whole process in a fresh start; machines are",
        "shared and noisy, so read ratios and CPU seconds before wall seconds.",
        "",
        "## Whole processes",
        "",
        "| data | what | wall s | CPU s | peak MB | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for size in SIZES:
        for what in [what for what in WHATS if what not in ENGINES]:
            if cell := cells.get(f"{what} {size}"):
                note = "" if cell["exit"] == 0 else outcome(cell)
                limit = cell.get("memory_limit")
                title = f"build, DuckDB limited to {limit}" if limit else what
                if "report" in cell:
                    done = ", ".join(f"{k} {v:g} s" for k, v in cell["report"]["stages"].items())
                    note = f"{note} {done}".strip()
                lines.append(
                    f"| {names.get(size, size + ' lines')} | {title} |"
                    f" {cell['wall']:.1f} |"
                    f" {cell['cpu']:.1f} | {cell['peak_mb']:.0f} | {note} |"
                )
    built = [size for size in SIZES if "stages" in cells.get(f"build {size}", {})]
    lines += ["", "## The build by stage: CPU s (wall s)", ""]
    lines.append("| stage | " + " | ".join(names.get(s, s + " lines") for s in built) + " |")
    lines.append("|---|" + "---:|" * len(built))
    for stage in STAGES:
        row = [cells[f"build {size}"]["stages"][stage] for size in built]
        lines.append(
            f"| {stage} | " + " | ".join(f"{s['cpu']:.1f} ({s['wall']:.1f})" for s in row) + " |"
        )
    lines += ["", "Slowest models, wall seconds:", ""]
    for size in built:
        slowest = ", ".join(f"`{n}` {s:.1f}" for n, s in cells[f"build {size}"]["slowest"])
        lines.append(f"- {names.get(size, size + ' lines')}: {slowest}")
    lines += ["", "## Ratios", "", "| | wall | CPU |", "|---|---:|---:|"]
    for size in built:
        build, notebook = value(cells[f"build {size}"]), cells.get(f"notebook {size}")
        title = names.get(size, size + " lines")
        for what in ("floor", "store"):
            if least := cells.get(f"{what} {size}"):
                lines.append(
                    f"| SQL part of the build / {what}, {title} |"
                    f" {build['sql_wall'] / least['wall']:.1f} |"
                    f" {build['sql_cpu'] / least['cpu']:.1f} |"
                )
        if notebook and notebook["exit"] == 0:
            tests = cells[f"build {size}"]["stages"]
            untested = {
                f: build[f] - tests["data tests"][f] - tests["unit tests"][f]
                for f in ("wall", "cpu")
            }
            lines.append(
                f"| notebook / whole build, {title} | {notebook['wall'] / build['wall']:.1f} |"
                f" {notebook['cpu'] / build['cpu']:.1f} |"
            )
            lines.append(
                f"| notebook / build without its tests, {title} |"
                f" {notebook['wall'] / untested['wall']:.1f} |"
                f" {notebook['cpu'] / untested['cpu']:.1f} |"
            )
    lines += ["", "## Growth with the number of lines (exponent; 1 is linear)", ""]
    lines += ["| | wall | CPU |", "|---|---:|---:|"]
    for title, what, prefix in [
        ("floor", "floor", ""),
        ("whole build", "build", ""),
        ("SQL part of the build", "build", "sql_"),
        ("notebook", "notebook", ""),
    ]:
        slopes = [growth(cells, what, prefix + figure) for figure in ("wall", "cpu")]
        if slopes[0] is not None:
            lines.append(f"| {title}, 1m to 50m lines | {slopes[0]:.2f} | {slopes[1]:.2f} |")
            if what == "build":
                late = [growth(cells, what, prefix + f, ("10m", "50m")) for f in ("wall", "cpu")]
                if late[0] is not None:
                    lines.append(f"| {title}, 10m to 50m lines | {late[0]:.2f} | {late[1]:.2f} |")
    lines += [
        "",
        "## The same build on both engines, without its tests, two nodes at a time",
        "",
        "| data | engine | wall s | CPU s | peak MB | stored MB | shuffled MB | slowest, wall s |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for size in SIZES:
        for engine in ENGINES:
            if cell := cells.get(f"{engine} {size}"):
                slowest = ", ".join(f"`{n}` {s:.1f}" for n, s in cell.get("slowest", [])[:4])
                note = slowest if cell["exit"] == 0 else f"{outcome(cell)} {slowest}"
                moved = sum(cell.get("shuffled_mb", {}).values())
                lines.append(
                    f"| {names.get(size, size + ' lines')} | {engine} | {cell['wall']:.1f} |"
                    f" {cell['cpu']:.1f} | {cell['peak_mb']:.0f} | {cell['stored_mb']:.0f} |"
                    f" {f'{moved:.0f}' if moved else ''} | {note} |"
                )
    most = [
        (size, cells[f"spark {size}"]["shuffled_mb"])
        for size in SIZES
        if "shuffled_mb" in cells.get(f"spark {size}", {})
    ]
    if most:
        lines += ["", "Most shuffled by, MB:", ""]
    for size, models in most:
        largest = ", ".join(f"`{n}` {mb:.0f}" for n, mb in list(models.items())[:8])
        lines.append(f"- {names.get(size, size + ' lines')}: {largest}")
    for part, title in (("segments", "Segments"), ("lifetime", "Lifetime value")):
        if not record.get(part):
            continue
        lines += ["", f"## {title}, by number of customers", ""]
        lines += ["| customers | step | wall s | CPU s | peak MB |", "|---|---|---:|---:|---:|"]
        lines += [
            f"| {size} | {step} | {cost['wall']:.1f} | {cost['cpu']:.1f} | {cost['peak_mb']:.0f} |"
            for size, steps in record[part].items()
            for step, cost in steps.items()
        ]
    if record.get("rules"):
        lines += ["", "## Itemsets, from table to table", ""]
        lines += ["| baskets, support | miner | itemsets | CPU s | wall s | peak MB | CPU / ours |"]
        lines += ["|---|---|---:|---:|---:|---:|---:|"]
    for case, miners in record.get("rules", {}).items():
        ours = min(run["cpu"] for name, run in miners.items() if name.startswith("clientele"))
        for name, run in miners.items():
            if "failed" in run:
                lines.append(f"| {case} | {name} | {run['failed']} | | | | |")
                continue
            lines.append(
                f"| {case} | {name} | {run['itemsets']:,} | {run['cpu']:.2f} | {run['wall']:.2f} "
                f"| {run['peak_mb']:.0f} | {run['cpu'] / ours:.1f} |"
            )
    return "\n".join([*lines, "", (HERE / "reading.md").read_text().strip(), ""])


def main() -> int:
    """Measure what was asked for, writing the results after each cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--what", default=",".join(WHATS))
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one process")
    parser.add_argument("--resume", action="store_true", help="keep the cells already measured")
    options = parser.parse_args()
    results = HERE / "results.json"
    record = {"cells": {}}
    if options.resume and results.exists():
        record = json.loads(results.read_text())
    memory = psutil.virtual_memory().total / 2**30
    record["machine"] = f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}"
    record["date"] = datetime.now(UTC).strftime("%Y-%m-%d")
    packages = ["duckdb", "dbt-core", "pandas", "scikit-learn", "mlxtend"]
    record["versions"] = f"Python {platform.python_version()}, " + ", ".join(
        f"{name} {version(name)}" for name in packages
    )
    runners = {
        "floor": run_floor,
        "store": run_store,
        "build": run_build,
        "build_lean": lambda size, timeout: run_build(size, timeout, LEAN[size]),
        "notebook": run_notebook,
        "duckdb": lambda size, timeout: run_engine(size, timeout, "duckdb"),
        "spark": lambda size, timeout: run_engine(size, timeout, "spark"),
    }
    for size in options.sizes.split(","):
        for what in options.what.split(","):
            cell = f"{what} {size}"
            if cell in record["cells"] or (
                size == "sample" and what in {"floor", "store", "notebook"}
            ):
                continue
            if what == "build_lean" and size not in LEAN:
                continue
            try:
                run = runners[what](size, options.timeout)
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
    sys.exit(main())
