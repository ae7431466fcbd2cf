"""Simulated customers and their tables, for the tests of customer lifetime value."""

from functools import cache

import numpy as np
import pandas as pd

from clientele.value.forecasts import FEATURES
from clientele.value.seasons import MONTHS

MODELS = ["mbg_nbd", "bg_nbd"]
# The day 0 of purchases.
OPENING = pd.Timestamp("2024-01-01")
PURCHASES = {"r": 0.5, "alpha": 40.0, "a": 0.8, "b": 2.0}
SPEND = {"p": 4.0, "q": 3.5, "v": 30.0}


def simulate(model, customer_count, *, seed, r, alpha, a, b, p, q, v):
    """Histories of customers who buy, drop out and spend as the models say."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(r, 1 / alpha, customer_count)
    dropout = rng.beta(a, b, customer_count)
    t = rng.uniform(100, 700, customer_count)
    x, last, now = np.zeros(customer_count, int), np.zeros(customer_count), 0
    active = np.ones(customer_count, bool)
    if model == "mbg_nbd":
        active = rng.random(customer_count) > dropout
    while active.any():
        now = now + rng.exponential(1 / rate)
        active &= now <= t
        x[active] += 1
        last = np.where(active, now, last)
        active &= rng.random(customer_count) > dropout
    spending = rng.gamma(q, 1 / v, customer_count)
    mean = rng.gamma(p * np.maximum(x, 1), 1 / (spending * np.maximum(x, 1)))
    return pd.DataFrame(
        {"x": x, "t_x": last, "t": t, "order_value_mean": np.where(x > 0, mean, np.nan)}
    ).rename_axis("customer_id")


def parameters_of(model, spend=SPEND, **purchases):
    rows = [(model, *item) for item in purchases.items()]
    rows += [("gamma_gamma", *item) for item in (spend or {}).items()]
    return pd.DataFrame(rows, columns=["model", "parameter", "estimate"])


def estimates(parameters, model):
    rows = parameters[parameters["model"] == model]
    return rows.set_index("parameter")["estimate"].to_dict()


@cache
def simulated_histories():
    """3,000 customers who follow MBG/NBD; read only."""
    return simulate("mbg_nbd", 3000, seed=1, **PURCHASES, **SPEND)


def shop(customers=600, days=500, seed=1, horizon=90):
    """Features on three cut-offs of a shop whose customers buy and leave by MBG/NBD."""
    rng = np.random.default_rng(seed)
    rate, dropout = rng.gamma(1.2, 1 / 60, customers), rng.beta(0.8, 3, customers)
    purchases = []
    for number in range(customers):
        now = rng.uniform(0, days)
        while now < days:
            purchases.append((number, int(now), rng.gamma(3, 10)))
            if rng.random() < dropout[number]:
                break
            now += rng.exponential(1 / rate[number])
    purchases = pd.DataFrame(purchases, columns=["customer_id", "day", "amount"])
    tables = features(purchases, days, [horizon], [horizon, 2 * horizon, 3 * horizon])
    # The shop opened on day 0, whenever its first customer came.
    return tables.assign(history_days=days - tables["period_number"])


def features(purchases, today, horizons, period_numbers, spend_orders="repeat"):
    """What `feat_customers__backtest` holds of purchases (customer_id, day, amount) of past days.

    What it takes from order lines is 0, and null amounts to what the SQL makes null.
    """
    purchases = purchases.groupby(["customer_id", "day"], as_index=False).sum()
    tables = []
    empty = [*COLUMNS, *MONTHS]
    for back in period_numbers:
        cutoff = today - back
        known = purchases[purchases["day"] <= cutoff]
        if known.empty or cutoff <= purchases["day"].min():
            continue
        groups = known.groupby("customer_id")
        ids = groups.size().index
        table = pd.DataFrame(0.0, index=ids, columns=FEATURES).assign(
            **history(known, cutoff, spend_orders),
            recency_days=cutoff - groups["day"].max(),
            frequency=groups.size(),
            monetary=groups["amount"].sum(),
            average_order_value=groups["amount"].mean(),
            sample_number=ids,
            period_number=back,
            history_days=cutoff - purchases["day"].min(),
            as_of_date=OPENING + pd.Timedelta(days=int(cutoff)),
        )
        repeats = known[known["day"] > known["customer_id"].map(groups["day"].min())]
        months = (OPENING + pd.to_timedelta(repeats["day"], unit="D")).dt.month
        counts = pd.crosstab(repeats["customer_id"], months).reindex(ids, fill_value=0)
        for month, column in enumerate(MONTHS, start=1):
            table[column] = counts[month] if month in counts else 0
        for horizon in horizons:
            windows = {
                "past": (cutoff - horizon, cutoff),
                "next": (cutoff, cutoff + horizon),
                "year_before": (cutoff - 365, cutoff - 365 + horizon),
            }
            for name, (start, end) in windows.items():
                seen = purchases if name == "next" else known
                inside = seen[(seen["day"] > start) & (seen["day"] <= end)]
                amounts = inside.groupby("customer_id")["amount"]
                orders = amounts.size().reindex(ids, fill_value=0).astype(float)
                amount = amounts.sum().reindex(ids, fill_value=0.0)
                is_over = name != "next" or back >= horizon
                table[f"{name}_orders_{horizon}"] = orders if is_over else np.nan
                table[f"{name}_amount_{horizon}"] = amount if is_over else np.nan
        tables.append(table.reset_index())
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=empty)


COLUMNS = ["customer_id", "as_of_date", "period_number", "sample_number", "history_days", *FEATURES]


def history(purchases, today, spend_orders="repeat"):
    """Columns x, t_x, t and order_value_mean of purchase days (customer_id, day, amount)."""
    groups = purchases.groupby("customer_id")
    first, last = groups["day"].min(), groups["day"].max()
    counted = purchases
    if spend_orders == "repeat":
        counted = purchases[purchases["day"] > purchases["customer_id"].map(first)]
    mean = counted.groupby("customer_id")["amount"].mean().reindex(first.index)
    return {
        "x": groups.size() - 1,
        "t_x": last - first,
        "t": today - first,
        "order_value_mean": mean,
    }
