"""The same build on both engines: time, memory, what is stored, what Spark shuffles."""

import json
import re
import shutil
import sys
from pathlib import Path

from builds import prepare_build, slowest_models
from measuring import PROJECT, measure_tree

# In the plan of a statement that makes a table: its name.
CREATED = re.compile(r"AsSelectCommand.*?Arguments: `spark_catalog`\.`\w+`\.`(\w+)`", re.DOTALL)


def run_engine(size: str, timeout: float, engine: str) -> dict:
    """Build everything without tests, two nodes at a time, on one of the engines."""
    folder, arguments, env = prepare_build(size, engine)
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
