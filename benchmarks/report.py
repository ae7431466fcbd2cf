"""Render RESULTS.md from what the harness has measured so far."""

import json
import math
import textwrap
from datetime import UTC, datetime
from pathlib import Path

from builds import CUSTOMERS, SQL_STAGES, STAGES

HERE = Path(__file__).parent
SIZES = ["sample", "online_retail", *CUSTOMERS]
NAMES = {"sample": "sample (CSV seeds)", "online_retail": "Online Retail II"}
PROCESSES = ["floor", "store", "build", "build_lean", "notebook"]
ENGINES = ["duckdb", "spark"]
# A model that takes less CPU time than this at the largest size is summed up with the others.
LISTED_SECONDS = 1.0


def title(size: str) -> str:
    """Return the name of a size in a table."""
    return NAMES.get(size, f"{size} lines")


def rows_or_none(lines: list[str]) -> list[str]:
    """Return the lines of a table, none where it has no rows below its head."""
    return [] if lines[-1].startswith("|---") else lines


def growth(cells: dict, what: str, figure: str, sizes=("1m", "10m", "50m")) -> float | None:
    """Return the slope of log figure against log lines, by least squares; 1 is linear.

    ``figure`` is wall, cpu, or sql_wall and sql_cpu for the SQL stages of cell `nodes`. None where
    fewer than two of the sizes were measured.
    """
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


def processes(cells: dict) -> list[str]:
    """Return the table of whole processes."""
    lines = ["## Whole processes", ""]
    lines += ["| data | what | wall s | CPU s | peak MB | |", "|---|---|---:|---:|---:|---|"]

    def row(size, what, cell, note=""):
        figures = f"{cell['wall']:.1f} | {cell['cpu']:.1f} | {cell['peak_mb']:.0f}"
        return f"| {title(size)} | {what} | {figures} | {note} |"

    for size in SIZES:
        for what in PROCESSES:
            if not (cell := cells.get(f"{what} {size}")):
                continue
            note = "" if cell["exit"] == 0 else outcome(cell)
            if "report" in cell:
                done = ", ".join(f"{k} {v:g} s" for k, v in cell["report"]["stages"].items())
                note = f"{note} {done}".strip()
            limit = cell.get("memory_limit")
            name = f"build, DuckDB limited to {limit}" if limit else what
            lines.append(row(size, "build, first" if "again" in cell else name, cell, note))
            if "again" in cell:
                lines.append(row(size, "build, again", cell["again"]))
    return lines


def continued(cells: dict) -> list[str]:
    """Return the table of builds after a build, and their ratios to it."""
    lines = ["", "## A build after a build", ""]
    lines += ["| data | what is new | wall s | CPU s | peak MB | wall, of the first | CPU |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|"]
    for size in SIZES:
        first = cells.get(f"daily {size}")
        for name, run in [("everything", first), *first["after"].items()] if first else []:
            note = "" if run["exit"] == 0 else " (failed)"
            lines.append(
                f"| {title(size)} | {name}{note} | {run['wall']:.1f} | {run['cpu']:.1f} |"
                f" {run['peak_mb']:.0f} | {run['wall'] / first['wall']:.0%} |"
                f" {run['cpu'] / first['cpu']:.0%} |"
            )
    return rows_or_none(lines)


def by_stage(cells: dict) -> list[str]:
    """Return the table of a build's stages."""
    built = [size for size in SIZES if "stages" in cells.get(f"nodes {size}", {})]
    if not built:
        return []
    lines = ["", "## The build by stage, one node at a time: CPU s (wall s)", ""]
    lines.append("| stage | " + " | ".join(map(title, built)) + " |")
    lines.append("|---|" + "---:|" * len(built))
    for stage in STAGES:
        row = [cells[f"nodes {size}"]["stages"][stage] for size in built]
        figures = " | ".join(f"{s['cpu']:.1f} ({s['wall']:.1f})" for s in row)
        lines.append(f"| {stage} | {figures} |")
    return lines


def by_model(cells: dict, small: str = "10m", large: str = "50m") -> list[str]:
    """Return the table of models by CPU time at two sizes, with the exponent of their growth."""
    first, second = (cells.get(f"nodes {size}", {}).get("models") for size in (small, large))
    if not first or not second:
        return []
    factor = math.log(CUSTOMERS[large] / CUSTOMERS[small])
    listed = sorted((n for n in second if second[n] >= LISTED_SECONDS), key=lambda n: -second[n])
    lines = ["", f"## Models by CPU seconds, {small} and {large} lines", ""]
    lines += [f"| model | {small} | {large} | exponent |", "|---|---:|---:|---:|"]
    for name in listed:
        exponent = math.log(second[name] / max(first[name], 0.01)) / factor
        lines.append(f"| `{name}` | {first[name]:.1f} | {second[name]:.1f} | {exponent:.2f} |")
    rest = [name for name in second if name not in listed]
    lines.append(
        f"| the other {len(rest)} | {sum(first[n] for n in rest):.1f} |"
        f" {sum(second[n] for n in rest):.1f} | |"
    )
    return lines


def ratios(cells: dict) -> list[str]:
    """Return the table of ratios to the floor, to storing, and to the peer."""
    lines = ["", "## Ratios", "", "| | wall | CPU |", "|---|---:|---:|"]
    for size in SIZES:
        nodes, build = cells.get(f"nodes {size}"), cells.get(f"build {size}")
        for what in ("floor", "store"):
            if nodes and (least := cells.get(f"{what} {size}")):
                sql = value(nodes)
                lines.append(
                    f"| SQL part of the build / {what}, {title(size)} |"
                    f" {sql['sql_wall'] / least['wall']:.1f} |"
                    f" {sql['sql_cpu'] / least['cpu']:.1f} |"
                )
        notebook = cells.get(f"notebook {size}")
        if not build or not notebook or notebook["exit"]:
            continue
        for name, run in (("first build", build), ("later build", build.get("again"))):
            if run:
                lines.append(
                    f"| notebook / {name}, {title(size)} | {notebook['wall'] / run['wall']:.1f} |"
                    f" {notebook['cpu'] / run['cpu']:.1f} |"
                )
    return rows_or_none(lines)


def exponents(cells: dict) -> list[str]:
    """Return the table of growth with the number of lines."""
    lines = ["", "## Growth with the number of lines (exponent; 1 is linear)", ""]
    lines += ["| | wall | CPU |", "|---|---:|---:|"]
    for name, what, prefix in [
        ("floor", "floor", ""),
        ("whole build", "build", ""),
        ("SQL part of the build", "nodes", "sql_"),
        ("notebook", "notebook", ""),
    ]:
        for sizes in (("1m", "10m", "50m"), ("10m", "50m")):
            slopes = [growth(cells, what, prefix + f, sizes) for f in ("wall", "cpu")]
            if slopes[0] is not None:
                span = f"{sizes[0]} to {sizes[-1]} lines"
                lines.append(f"| {name}, {span} | {slopes[0]:.2f} | {slopes[1]:.2f} |")
    return rows_or_none(lines)


def both_engines(cells: dict) -> list[str]:
    """Return the table of DuckDB and Spark, and what Spark shuffled."""
    lines = ["", "## The same build on both engines, without its tests, two nodes at a time", ""]
    lines += ["| data | engine | wall s | CPU s | peak MB | stored MB | shuffled MB | slowest, s |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|---|"]
    most = []
    for size in SIZES:
        for engine in ENGINES:
            if not (cell := cells.get(f"{engine} {size}")):
                continue
            slowest = ", ".join(f"`{n}` {s:.1f}" for n, s in cell.get("slowest", [])[:4])
            note = slowest if cell["exit"] == 0 else f"{outcome(cell)} {slowest}"
            moved = cell.get("shuffled_mb", {})
            lines.append(
                f"| {title(size)} | {engine} | {cell['wall']:.1f} |"
                f" {cell['cpu']:.1f} | {cell['peak_mb']:.0f} | {cell['stored_mb']:.0f} |"
                f" {f'{sum(moved.values()):.0f}' if moved else ''} | {note} |"
            )
            if moved:
                largest = ", ".join(f"`{n}` {mb:.0f}" for n, mb in list(moved.items())[:8])
                most.append(f"- {title(size)}: {largest}")
    return rows_or_none(lines) + (["", "Most shuffled by, MB:", "", *most] if most else [])


def parts(record: dict) -> list[str]:
    """Return the tables of the other benchmarks, such as segments, campaigns and itemsets."""
    lines = []
    counted = {
        "segments": "Segments, by number of customers",
        "lifetime": "Lifetime value, by number of customers",
        "campaigns": "Campaigns, by number of customers",
        "events": "Events, by number of events",
        "reviews": "Reviews, by number of reviews",
    }
    for part, name in counted.items():
        if not record.get(part):
            continue
        lines += ["", f"## {name}", "", measured_on(record, part), ""]
        unit = name.rpartition("number of ")[2]
        lines += [f"| {unit} | step | wall s | CPU s | peak MB |", "|---|---|---:|---:|---:|"]
        lines += [
            f"| {size} | {step} | {cost['wall']:.1f} | {cost['cpu']:.1f} | {cost['peak_mb']:.0f} |"
            for size, steps in record[part].items()
            for step, cost in steps.items()
        ]
    if record.get("rules"):
        lines += ["", "## Itemsets, from table to table", "", measured_on(record, "rules"), ""]
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
    return lines


def measured_on(record: dict, part: str) -> str:
    """Say when a part was measured, which can be another time than that of the builds."""
    return f"Measured on {record['measured'][part]}."


def keep(part: str, case: str, figures: dict) -> None:
    """Write one case of another benchmark to results.json and RESULTS.md, with today's date."""
    results = HERE / "results.json"
    record = json.loads(results.read_text())
    record.setdefault(part, {})[case] = figures
    record.setdefault("measured", {})[part] = datetime.now(UTC).strftime("%Y-%m-%d")
    results.write_text(json.dumps(record, indent=1) + "\n")
    (HERE / "RESULTS.md").write_text(report(record))


def report(record: dict) -> str:
    """Return the text of RESULTS.md."""
    cells = record["cells"]
    lines = [
        "# Results",
        "",
        f"Written by `benchmarks/run.py` on {record['date']}: {record['machine']}.",
        *textwrap.wrap(f"{record['versions']}.", 120),
        "Each figure is one whole process in a fresh start. Machines are shared and noisy: read",
        "ratios and CPU seconds before wall seconds.",
        "",
    ]
    lines += processes(cells) + continued(cells) + by_stage(cells) + by_model(cells) + ratios(cells)
    lines += exponents(cells) + both_engines(cells) + parts(record)
    return "\n".join([*lines, "", (HERE / "reading.md").read_text().strip(), ""])
