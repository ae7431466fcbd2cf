"""Fit and score lifetime value at 1 and 10 million customers, against the package lifetimes.

python benchmarks/lifetime.py --sizes 1m,10m --lifetimes PATH/TO/python

Every step is a process of its own on the same table of histories, simulated by MBG/NBD and
Gamma-Gamma. `PATH/TO/python` is an interpreter of an environment that has lifetimes 0.11.3 (which
wants older NumPy and pandas than the project) and duckdb; without it that peer is left out.
Figures go to results.json, and RESULTS.md is written again.
"""

import argparse
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import duckdb

HERE = Path(__file__).parent
SIZES = {"1m": 1_000_000, "10m": 10_000_000}
TRUTH = {"r": 0.6, "alpha": 60.0, "a": 0.8, "b": 2.5, "p": 4.0, "q": 3.6, "v": 60.0}
SAMPLE = 200_000
SAME = "p_alive, expected_orders, expected_order_value, clv"


def generate(database: Path, count: int) -> None:
    """Write ``count`` histories (customer_id, x, t_x, t, order_value_mean) by MBG/NBD, in days."""
    import numpy as np
    import pandas as pd

    database.unlink(missing_ok=True)
    rng = np.random.default_rng(1)
    with duckdb.connect(str(database)) as connection:
        for schema in ("features", "ml"):
            connection.execute(f"create schema {schema}")
        made = 0
        while made < count:
            size = min(1_000_000, count - made)
            rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], size)
            dropout = rng.beta(TRUTH["a"], TRUTH["b"], size)
            age = rng.integers(0, 730, size)
            x, last, now = np.zeros(size, int), np.zeros(size), np.zeros(size)
            active = np.flatnonzero(rng.random(size) > dropout)
            while len(active):
                # Whole days, and at most one purchase on each.
                now[active] += np.ceil(rng.exponential(1 / rate[active]))
                active = active[now[active] <= age[active]]
                x[active] += 1
                last[active] = now[active]
                active = active[rng.random(len(active)) > dropout[active]]
            level = rng.gamma(TRUTH["q"], 1 / TRUTH["v"], size)
            bought = np.maximum(x, 1)
            mean = rng.gamma(TRUTH["p"] * bought, 1 / (level * bought))
            part = pd.DataFrame(
                {"x": x, "t_x": last, "t": age, "order_value_mean": np.where(x > 0, mean, np.nan)}
            )
            part["customer_id"] = "C" + (made + pd.Series(range(size))).astype(str)
            select = (
                "select customer_id, date '2025-12-31' as as_of_date, x::int as x, "
                "t_x::double as t_x, t::double as t, order_value_mean from part"
            )
            table = "ml.ml_customers__season_histories"
            if made:
                connection.execute(f"insert into {table} {select}")
            else:
                connection.execute(f"create table {table} as {select}")
            made += size


def step_fit(database: Path, horizons: str) -> None:
    """Draw the sample, fit both models, tabulate what SQL cannot compute."""
    from clientele.value.fitting import fit_clv
    from clientele.value.scoring import expected_orders

    with duckdb.connect(str(database)) as connection:
        connection.execute("set memory_limit = '1500MB'")
        table = "ml.ml_customers__season_histories"
        sample = connection.execute(
            f"select customer_id, x, t_x, t, order_value_mean from {table} "
            f"order by md5(customer_id), customer_id limit {SAMPLE}"
        ).df()
        parameters = fit_clv(sample.set_index("customer_id").sort_index())
        pairs = connection.execute(f"select distinct x, t from {table}").df()
        lookup = expected_orders(
            parameters,
            pairs,
            horizons_days=[int(days) for days in horizons.split("-")],
            annual_discount_rate=0.1,
        )
        assert len(lookup) and parameters["has_converged"].all()
        connection.execute("create or replace table ml.ml_clv__parameters as from parameters")
        connection.execute("create or replace table ml.ml_clv__expected_orders as from lookup")
        # What a build without backtests has: nothing to put right, and every day counts the same.
        connection.execute(
            "create or replace table ml.ml_clv__calibration as "
            "select distinct horizon_days, 0e0 as intercept, 1e0 as slope, "
            "cast(horizon_days as double) as season_days, 1e0 as value_factor, "
            "0.1e0 as low_level, 0.9e0 as high_level from lookup"
        )
        connection.execute(
            "create or replace table ml.ml_clv__seasons as select cast(n as int) as day_number, "
            "cast(date '2025-12-31' + cast(n as int) as date) as reached_date "
            "from range(3653) as r(n)"
        )


def step_score(database: Path, compiled: Path, columns: str) -> None:
    """Score everyone in the project's SQL, into a table."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("set memory_limit = '1500MB'; set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = '{database}.temp'")
        connection.execute(
            f"create or replace table ml.scored as select customer_id, horizon_days, {columns} "
            f"from ({compiled.read_text()})"
        )


def step_lifetimes(database: Path) -> None:
    """Do with lifetimes what `SAME` names, over a year."""
    from lifetimes import GammaGammaFitter, ModifiedBetaGeoFitter

    with duckdb.connect(str(database)) as connection:
        customers = connection.execute("from ml.ml_customers__season_histories").df()
        x, t_x, age = customers["x"], customers["t_x"], customers["t"]
        value = customers["order_value_mean"].fillna(0)
        purchases = ModifiedBetaGeoFitter().fit(x, t_x, age)
        again = x > 0
        spend = GammaGammaFitter().fit(x[again], value[again])
        customers["p_alive"] = purchases.conditional_probability_alive(x, t_x, age)
        customers["expected_orders"] = (
            purchases.conditional_expected_number_of_purchases_up_to_time(365, x, t_x, age)
        )
        customers["expected_order_value"] = spend.conditional_expected_average_profit(x, value)
        customers["clv"] = spend.customer_lifetime_value(
            purchases, x, t_x, age, value, time=12, discount_rate=1.1 ** (1 / 12) - 1, freq="D"
        )
        found = customers[["customer_id", *SAME.split(", ")]]
        assert len(found)
        connection.execute("create or replace table ml.by_lifetimes as from found")
        print(dict(purchases.params_), dict(spend.params_))


def compiled_scoring(folder: Path) -> Path:
    """Return the SQL of `ml_customers__clv`, as dbt compiles it."""
    from measuring import PROJECT

    environment = os.environ | {
        "CLIENTELE_DB": str(folder / "clientele.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "compile"]
    command += ["--select", "ml_customers__clv"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder / "target/compiled/clientele/models/ml/value/ml_customers__clv.sql"


def measured(size: str, lifetimes: str | None, keep) -> None:
    """Hand to ``keep`` what each step took at one size, by name, after each of them."""
    from builds import DATA
    from measuring import measure

    folder = DATA / f"lifetime-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "clientele.duckdb"
    compiled = compiled_scoring(folder)
    generate(database, SIZES[size])
    found = {}

    def step(name, *arguments, python=sys.executable):
        command = [python, __file__, "--step", *map(str, arguments)]
        run = measure(command, timeout=3600)
        assert run["exit"] == 0, run["output"][-2000:]
        found[name] = {key: run[key] for key in ("wall", "cpu", "peak_mb")}
        keep(found)
        print(f"{size} {name}: {run['cpu']:.1f} s CPU, {run['peak_mb']:.0f} MB", flush=True)

    step("sample, fit, tabulate (one horizon)", "fit", database, "365")
    step("score everyone in SQL as lifetimes does", "score", database, compiled, SAME)
    if lifetimes and size == "1m":
        step("lifetimes: fit, p_alive, orders, value", "lifetimes", database, python=lifetimes)
        with duckdb.connect(str(database), read_only=True) as connection:
            ours, theirs = connection.execute(
                "select sum(a.expected_orders), sum(b.expected_orders) "
                "from ml.scored as a join ml.by_lifetimes as b using (customer_id)"
            ).fetchall()[0]
        # The fits see different samples, theirs everyone.
        assert abs(ours / theirs - 1) < 0.02, (ours, theirs)
    step("sample, fit, tabulate (four horizons)", "fit", database, "30-90-180-365")
    everything = "* exclude (customer_id, horizon_days)"
    step("score everyone, four horizons, all columns", "score", database, compiled, everything)
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute("select count(*) from ml.scored").fetchall()[0][0]
    assert rows == 4 * SIZES[size], rows
    database.unlink()


def main() -> int:
    """Measure each size and write the results after it, or run one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--lifetimes", help="interpreter that has lifetimes 0.11.3")
    parser.add_argument("--step", nargs="+")
    options = parser.parse_args()
    if options.step:
        name, database, *rest = options.step
        steps = {"fit": step_fit, "score": step_score, "lifetimes": step_lifetimes}
        steps[name](Path(database), *[Path(a) if a.endswith(".sql") else a for a in rest])
        return 0
    from report import keep

    for size in options.sizes.split(","):
        measured(size, options.lifetimes, partial(keep, "lifetime", size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
