"""Results of the simulated shop's campaigns in pandas and SciPy, from its raw files alone.

The rules are those of docs/simulator.md and docs/methods/campaigns.md; nothing of the project's
code or of its warehouse is read.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

NOT_MERCHANDISE = {"POST", "DOT", "M", "BANK CHARGES", "TEST001", "B"}
METRICS = ["orders", "revenue", "margin", "conversion"]


def purchases(folder: Path) -> pd.DataFrame:
    """Return orders, revenue and margin by order: customer_id, day, and whether it counts as one.

    A return lowers the latest purchase that it can belong to, or stands on its own day.
    """
    lines = pd.concat(map(pd.read_parquet, sorted((folder / "order_lines").glob("*"))))
    lines = lines.drop_duplicates()
    lines = lines.dropna(
        subset=["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
    )
    lines = lines.astype({"quantity": float, "unit_price": float, "discount_amount": float})
    lines = lines[
        (lines["ordered_at"] < "2026-01-01")
        & (lines["quantity"] != 0)
        & (lines["quantity"].abs() < 10_000)
        & (lines["unit_price"] > 0)
        & (lines["currency"] == "GBP")
        & ~lines["product_id"].isin(NOT_MERCHANDISE)
    ]
    cost = pd.read_parquet(folder / "products.parquet").set_index("product_id")["unit_cost"]
    lines["unit_cost"] = lines["product_id"].map(cost).astype(float)
    lines["net"] = lines["quantity"] * lines["unit_price"] - lines["discount_amount"]
    lines["cost"] = lines["quantity"] * lines["unit_cost"]
    lines["is_return"] = lines["order_id"].str.startswith("R")
    returns, bought = (lines[is_one].reset_index(drop=True) for is_one in _kinds(lines))
    pairs = returns.reset_index(names="back").merge(
        bought.reset_index(names="line"), on=["customer_id", "product_id"], suffixes=("_back", "")
    )
    fits = pairs["ordered_at"].le(pairs["ordered_at_back"])
    fits &= pairs["quantity"].ge(-pairs["quantity_back"])
    latest = pairs[fits].sort_values("ordered_at").groupby("back").tail(1)
    for name in ("quantity", "net", "cost"):
        given_back = latest.groupby("line")[f"{name}_back"].sum()
        bought[name] = bought[name].add(given_back, fill_value=0.0)
    alone = returns.drop(index=latest["back"])
    # Goods that come back without a purchase may be sold again or not: they cost nothing.
    alone["cost"] = 0.0
    kept = pd.concat([bought, alone])
    kept["day"] = kept["ordered_at"].dt.normalize()
    kept["margin"] = kept["net"] - kept["cost"]
    kept["is_left"] = (kept["quantity"] > 0) & ~kept["is_return"]
    return (
        kept.groupby(["order_id", "customer_id"])
        .agg(
            day=("day", "min"),
            orders=("is_left", "max"),
            revenue=("net", "sum"),
            margin=("margin", "sum"),
        )
        .reset_index()
        .astype({"orders": float})
    )


def _kinds(lines):
    is_return = lines["is_return"]
    return is_return, ~is_return


def members(folder: Path) -> pd.DataFrame:
    """Return the rows of the raw table `campaigns`."""
    return pd.concat(map(pd.read_parquet, sorted((folder / "campaigns").glob("*"))))


def bought_between(people: pd.DataFrame, orders: pd.DataFrame, first: int, last: int):
    """Return the metrics of each row of ``people`` over days ``first`` to ``last``.

    Days are counted from the assignment.
    """
    people = people.reset_index(drop=True).rename_axis("row").reset_index()
    both = people[["row", "customer_id", "assigned_at"]].merge(orders, on="customer_id")
    away = (both["day"] - both["assigned_at"].dt.normalize()).dt.days
    sums = both[away.between(first, last)].groupby("row")[METRICS[:3]].sum()
    sums = sums.reindex(people["row"], fill_value=0.0)
    return sums.assign(conversion=(sums["orders"] > 0).astype(float))


def welch(treated, control):
    """Return difference, lower and upper end of its interval, and p-value."""
    found = stats.ttest_ind(treated, control, equal_var=False)
    ends = found.confidence_interval(0.95)
    return np.mean(treated) - np.mean(control), ends.low, ends.high, found.pvalue


def experiment(people, after, before, arm, segment=None):
    """Return the results of an arm by metric, with the names of `fct_campaign_results`."""
    within = np.ones(len(people), bool) if segment is None else segment
    t = (people["arm"] == arm).to_numpy() & within
    c = (people["arm"] == "control").to_numpy() & within
    rows = {}
    for metric in METRICS:
        y, x = after[metric].to_numpy(), before[metric].to_numpy()
        slope = 0.0
        if x[t | c].std() > 0:
            slope = stats.linregress(x[t | c], y[t | c]).slope
        rest = y - slope * x
        plain, adjusted = welch(y[t], y[c]), welch(rest[t], rest[c])
        rows[metric] = {
            "customer_count": t.sum(), "control_customer_count": c.sum(),
            "treated_mean": y[t].mean(), "control_mean": y[c].mean(),
            "uplift_per_customer": plain[0], "uplift_lower": plain[1], "uplift_upper": plain[2],
            "adjusted_uplift_per_customer": adjusted[0], "adjusted_uplift_lower": adjusted[1],
            "adjusted_uplift_upper": adjusted[2], "p_value": adjusted[3],
            "uplift_total": adjusted[0] * t.sum(),
        }  # fmt: skip
    return pd.DataFrame(rows).T
