"""Fit and score segments at 10 thousand to 10 million customers, SQL against scikit-learn.

python benchmarks/segments.py --sizes 10k,100k,1m,10m

Every step is a process of its own on the same table of simulated customers: drawing the sample and
fitting, assigning everyone by the SQL of the project, and the same by scikit-learn
(read the table, scale, predict, write the labels), whose segments are compared row by row. Figures
go to results.json, and RESULTS.md is written again.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
from builds import DATA
from measuring import PROJECT, measure
from report import keep

from clientele.segmentation.clustering import candidates

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
METHODS = ["kmeans", "hierarchical", "gaussian_mixture", "dbscan"]
FEATURES = [
    "recency_days", "frequency", "monetary", "unit_price_mean", "basket_unit_count",
    "basket_product_count", "discount_share", "evening_share", "weekend_share",
]  # fmt: skip
OTHERS = ["tenure_days", "recent_order_count", "recent_amount", "average_order_value"]
OTHERS += ["return_share"]
SAMPLE = 20_000


def generate(database: Path, count: int) -> None:
    """Write ``count`` customers of six kinds with log-normal measures."""
    database.unlink(missing_ok=True)
    columns = []
    for number, name in enumerate([*FEATURES, *OTHERS]):
        # Sums of uniform numbers made of hashes are near enough to normal, and repeat themselves.
        noise = " + ".join(f"(hash(i, {number * 4 + k}) % 1000000)::double" for k in range(4))
        level = f"((kind * {number + 3}) % 6) * 0.7"
        columns.append(f"exp({level} + ({noise} - 2000000) / 577350.0 * 0.6) as {name}")
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema features; create schema ml")
        connection.execute(
            f"""
            create table features.feat_customers__behaviour as
            select
                'C' || i as customer_id, date '2025-12-31' as as_of_date, true as is_current,
                {", ".join(columns)}
            from (select range as i, (hash(range, 99) % 6)::int as kind from range({count}))
            """
        )


def step_fit(database: Path, method: str) -> None:
    """Draw the sample and fit six clusters of it."""
    with duckdb.connect(str(database)) as connection:
        sample = connection.execute(
            f"select customer_id, {', '.join(FEATURES)} from features.feat_customers__behaviour "
            f"order by md5(customer_id), customer_id limit {SAMPLE}"
        ).df()
        found = candidates(
            sample.set_index("customer_id").sort_index(),
            method=method,
            feature_sets={"behaviour": FEATURES},
            cluster_counts=[6],
            random_seed=1,
            min_share=0.02,
        )
        found = found.assign(
            segmentation="behaviour", segment_key="behaviour-" + found["cluster_id"].astype(str)
        )
        connection.execute("create or replace table ml.ml_segmentation__in_force as from found")


def step_sql(database: Path, compiled: Path) -> None:
    """Assign everyone by SQL, into a table."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("set memory_limit = '3GB'; set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = '{database}.temp'")
        connection.execute(f"create or replace table ml.by_sql as {compiled.read_text()}")


def step_sklearn(database: Path) -> None:
    """Read the table, scale, predict, write the labels: what a notebook would do."""
    import pandas as pd
    from sklearn.cluster import KMeans

    with duckdb.connect(str(database)) as connection:
        customers = connection.execute(
            f"select customer_id, {', '.join(FEATURES)} from features.feat_customers__behaviour"
        ).df()
        fitted = connection.execute("from ml.ml_segmentation__in_force").df()
        centres = fitted.pivot(index="segment_key", columns="feature", values="centre")[FEATURES]
        scaling = fitted.drop_duplicates("feature").set_index("feature").loc[FEATURES]
        z = np.log1p(customers[FEATURES].to_numpy())
        z = (z - scaling["location"].to_numpy()) / scaling["scale"].to_numpy()
        model = KMeans(len(centres), init=centres.to_numpy(), n_init=1, max_iter=1)
        model.fit(z[: 10 * len(centres)])
        model.cluster_centers_ = np.ascontiguousarray(centres.to_numpy())
        labels = centres.index.to_numpy()[model.predict(z)]
        found = pd.DataFrame({"customer_id": customers["customer_id"], "segment_key": labels})
        assert len(found)
        connection.execute("create or replace table ml.by_sklearn as from found")


def compiled_scoring(folder: Path) -> Path:
    """Return the SQL of `ml_customers__behaviour`, as dbt compiles it."""
    environment = os.environ | {
        "CLIENTELE_DB": str(folder / "clientele.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "compile"]
    command += ["--select", "ml_customers__behaviour"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder / "target/compiled/clientele/models/ml/segmentation/ml_customers__behaviour.sql"


def measured(size: str) -> dict:
    """Return what each step took at one size, by name."""
    folder = DATA / f"segments-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "clientele.duckdb"
    compiled = compiled_scoring(folder)
    generate(database, SIZES[size])
    found = {}

    def step(name, *arguments):
        command = [sys.executable, __file__, "--step", *map(str, arguments)]
        run = measure(command, timeout=3600)
        assert run["exit"] == 0, run["output"][-2000:]
        found[name] = {key: run[key] for key in ("wall", "cpu", "peak_mb")}
        print(f"{size} {name}: {run['wall']:.1f} s, {run['peak_mb']:.0f} MB", flush=True)

    for method in METHODS if size == "1m" else METHODS[:1]:
        step(f"{method}: sample and fit", "fit", database, method)
        step(f"{method}: assign everyone in SQL", "sql", database, compiled)
        if method == "kmeans":
            step("kmeans: assign everyone with scikit-learn", "sklearn", database)
            with duckdb.connect(str(database), read_only=True) as connection:
                differing, rows = connection.execute(
                    "select count_if(a.segment_key <> b.segment_key), count(*) "
                    "from ml.by_sql as a join ml.by_sklearn as b using (customer_id)"
                ).fetchall()[0]
            assert (differing, rows) == (0, SIZES[size]), (differing, rows)
    database.unlink()
    return found


def main() -> int:
    """Measure each size and write the results after it, or run one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--step", nargs="+")
    options = parser.parse_args()
    if options.step:
        name, database, *rest = options.step
        steps = {"fit": step_fit, "sql": step_sql, "sklearn": step_sklearn}
        steps[name](Path(database), *[Path(a) if a.endswith(".sql") else a for a in rest])
        return 0
    for size in options.sizes.split(","):
        keep("segments", size, measured(size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
