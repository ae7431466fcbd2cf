"""Forecasts made on past days, measured against the outcome.

On each cut-off day every model sees what was known on that day and forecasts the purchase days and
the money of the following ``horizon_days``. docs/methods/clv.md gives the measures.
"""

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from clientele.value.calibration import PUBLISHABLE
from clientele.value.fitting import fit_models
from clientele.value.forecasts import COVERAGES, forecasts, outcome
from clientele.value.histories import first_orders

DECILES = 10
BACKTEST_TYPES = {
    "target": "string",
    "model": "string",
    "cutoff_date": "date",
    "horizon_days": "int",
    "decile": "int",
    "customer_count": "int",
    "actual_mean": "double",
    "predicted_mean": "double",
    "mae": "double",
    "rmse": "double",
    "bias": "double",
    "normalised_gini": "double",
    "top_decile_share": "double",
} | {f"coverage_{level}": "double" for level in COVERAGES}


def backtest(
    customers: pd.DataFrame,
    *,
    horizons_days: list[int],
    origins: int,
    prior_sd: float | None,
    random_seed: int,
    spend_orders: str = "repeat",
) -> pd.DataFrame:
    """Forecast from up to ``origins`` cut-offs per horizon and measure against the outcome.

    ``customers`` has a row per ``as_of_date`` (the cut-off) and ``customer_id``: the columns
    `clientele.value.forecasts.FEATURES`, ``sample_number`` (a random order of customers),
    ``period_number`` (days from the cut-off to today), ``history_days`` (days from the first order
    of all to the cut-off), and for each horizon ``past_orders_<days>``, ``past_amount_<days>`` (the
    window before the cut-off) and ``next_orders_<days>``, ``next_amount_<days>`` (the window after
    it; null if it is not over). ``random_seed`` decides the trees.

    Windows of a horizon do not overlap; the last one ends today. A cut-off needs a history at
    least as long as the window. Learning from the window before needs half of that before it.

    Returns a row per target, model, cut-off, horizon and decile (1 has the highest forecasts; 0
    is everyone) with the columns of `BACKTEST_TYPES`; ``bias`` is predicted / actual - 1, null
    if the actual sum is 0. Without a usable cut-off the result is empty.
    """
    measures = []
    by_period = dict(tuple(customers.sort_values("sample_number").groupby("period_number")))
    fits = {}
    with threadpool_limits(1):
        for horizon in sorted(horizons_days):
            for number in range(1, origins + 1):
                now = by_period.get(number * horizon)
                if now is None or now["history_days"].iloc[0] < horizon:
                    continue
                before = by_period.get((number + 1) * horizon)
                if before is not None and before["history_days"].iloc[0] < horizon / 2:
                    before = None
                key = number * horizon
                if key not in fits:
                    fits[key] = fit_models(
                        now, PUBLISHABLE, prior_sd=prior_sd, spend_orders=spend_orders
                    )
                predicted, covered = forecasts(
                    now, before, horizon, fits[key], first_orders(spend_orders), random_seed
                )
                measures.append(_measured(now, horizon, predicted, covered))
    if not measures:
        return pd.DataFrame(columns=list(BACKTEST_TYPES))
    return pd.concat(measures, ignore_index=True)[list(BACKTEST_TYPES)]


def normalised_gini(actual, predicted) -> float:
    """Return how well ``predicted`` ranks ``actual``: 1 is perfect, 0 is chance.

    The Gini coefficient of ``actual`` with customers ordered by forecast, over that of the perfect
    order. Equal forecasts share their outcomes. NaN if all outcomes are equal.

    >>> normalised_gini([0, 1, 5], [1, 2, 3])
    1.0
    """
    actual = np.asarray(actual, float)

    def gini(order):
        _, group, size = np.unique(-order, return_inverse=True, return_counts=True)
        total = np.bincount(group, actual)
        before = np.concatenate([[0], np.cumsum(total)[:-1]])
        return np.sum(size * (before + total / 2)) / (len(actual) * actual.sum()) - 0.5

    if not len(actual) or np.ptp(actual) == 0 or actual.sum() <= 0:
        return float("nan")
    # The worst order may be beyond -1 by rounding.
    return float(np.clip(gini(np.asarray(predicted, float)) / gini(actual), -1, 1))


def _measured(now, horizon, predicted, covered):
    rows = []
    place = {"cutoff_date": now["as_of_date"].iloc[0], "horizon_days": horizon}
    for (target, model), forecast in predicted.items():
        actual = outcome(now, horizon, target)
        # Equal forecasts are ordered by sample number, a hash of the key, which is random.
        ranked = np.argsort(-forecast, kind="stable")
        decile = np.empty(len(now), int)
        decile[ranked] = np.arange(len(now)) * DECILES // len(now) + 1
        cover = covered.get((target, model), {})
        for number in range(DECILES + 1):
            chosen = decile == number if number else np.ones(len(now), bool)
            if not chosen.any():
                continue
            error = forecast[chosen] - actual[chosen]
            total = actual[chosen].sum()
            row = place | {
                "target": target,
                "model": model,
                "decile": number,
                "customer_count": int(chosen.sum()),
                "actual_mean": actual[chosen].mean(),
                "predicted_mean": forecast[chosen].mean(),
                "mae": np.abs(error).mean(),
                "rmse": np.sqrt(np.mean(error**2)),
                "bias": error.sum() / total if total > 0 else np.nan,
            }
            if number == 0:
                row["normalised_gini"] = normalised_gini(actual, forecast)
                if total > 0:
                    row["top_decile_share"] = actual[decile == 1].sum() / total
            row |= {f"coverage_{level}": values[chosen].mean() for level, values in cover.items()}
            rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(BACKTEST_TYPES))
