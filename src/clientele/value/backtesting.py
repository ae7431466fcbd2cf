"""Forecasts made on past days, measured against the outcome.

On each cut-off day every model sees what was known on that day and forecasts the purchase days and
the money of the following ``horizon_days``. docs/methods/clv.md gives the measures.
"""

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from clientele.value import ranges
from clientele.value.calibration import PUBLISHABLE
from clientele.value.fitting import fit_models
from clientele.value.forecasts import MIN_LEARNED, forecasts, modelled, outcome
from clientele.value.histories import first_orders
from clientele.value.seasons import YEAR, Season

DECILES = 10
COVERAGES = (50, 80, 95)
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
    **{f"coverage_{level}": "double" for level in COVERAGES},
    "gini_error": "double",
    "history_days": "int",
    "is_same_season": "boolean",
    "season_days": "double",
    "value_factor": "double",
    "range_width": "double",
}


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
    it; null if it is not over) and ``year_before_orders_<days>``, ``year_before_amount_<days>``
    (the window that began a year before the cut-off), and `clientele.value.seasons.MONTHS` (repeat
    purchase days by calendar month). ``random_seed`` decides the trees.

    Windows of a horizon do not overlap; the last one ends today. One more cut-off is a year ago,
    the season of today, if no other is near. A cut-off needs a history at least as long as the
    window. Learning from the window before needs half of that before it.

    Returns a row per target, model, cut-off, horizon and decile (1 has the highest forecasts; 0
    is everyone) with the columns of `BACKTEST_TYPES`; ``bias`` is predicted / actual - 1, null
    if the actual sum is 0. Today's forecasts have no outcome: rows of decile 0 with the
    ``season_days`` and the ``value_factor`` of `clientele.value.seasons.Season.periods`, and the
    ``range_width`` of amounts, which earlier cut-offs showed (`clientele.value.ranges.width`).
    Without a usable cut-off there are no other rows.
    """
    measures, judged = [], {}
    by_period = dict(tuple(customers.sort_values("sample_number").groupby("period_number")))
    horizons = sorted(horizons_days)
    knobs = {"prior_sd": prior_sd, "spend_orders": spend_orders}
    first = first_orders(spend_orders)
    cutoffs = {horizon: _cutoffs(by_period, horizon, origins) for horizon in horizons}
    with threadpool_limits(1):
        # The oldest first: each day learns from windows that were over by then.
        days = {0, *np.concatenate(list(cutoffs.values()))} & set(by_period)
        for period in sorted(days, reverse=True):
            now = by_period[period]
            earlier = {back: by_period.get(period + back) for back in {*horizons, YEAR}}
            earlier = {back: then for back, then in earlier.items() if then is not None}
            season = Season(now, earlier, **knobs)
            periods = {model: season.periods(model, horizons) for model in PUBLISHABLE}
            plain = None
            if not season.is_plain:
                plain = fit_models(now, PUBLISHABLE[:1], **knobs)
            for horizon in horizons:
                place = {
                    "cutoff_date": now["as_of_date"].iloc[0],
                    "horizon_days": horizon,
                    "history_days": now["history_days"].iloc[0],
                    "is_same_season": _is_same_season(period),
                }
                stretches = {m: (days[horizon], value) for m, (days, value) in periods.items()}
                widths = {}
                for model in PUBLISHABLE:
                    windows = judged.setdefault((model, horizon), [])
                    over = [window for past, window in windows if past >= period + horizon]
                    widths[model] = ranges.width(over)
                if not period:
                    measures.append(_ahead(place, stretches, widths))
                if period not in cutoffs[horizon]:
                    continue
                # Trees and cell means are not worth their time on the additional day.
                before = by_period.get(period + horizon) if period % horizon == 0 else None
                if before is not None and before["history_days"].iloc[0] < horizon / 2:
                    before = None
                predicted, reached = forecasts(
                    now, before, horizon, season, stretches, first, random_seed
                )
                if plain is not None:
                    for target, (forecast, probabilities) in modelled(
                        now, now, horizon, (horizon, 1.0), plain, PUBLISHABLE[0], first
                    ).items():
                        predicted[(target, "no_season")] = forecast
                        reached[(target, "no_season")] = probabilities
                table = _measured(now, horizon, predicted, reached, widths).assign(**place)
                for model, (days, value) in stretches.items():
                    own = (table["model"] == model) & (table["decile"] == 0)
                    table.loc[own, ["season_days", "value_factor"]] = days, value
                    table.loc[own, "range_width"] = widths[model]
                    if len(now) >= MIN_LEARNED and ("amount", model) in reached:
                        judged[(model, horizon)].append((period, reached[("amount", model)]))
                measures.append(table)
    if not measures:
        return pd.DataFrame(columns=list(BACKTEST_TYPES))
    return pd.concat(measures, ignore_index=True)[list(BACKTEST_TYPES)]


def _cutoffs(by_period, horizon, origins):
    """Return the days from the cut-offs of a horizon to today."""
    periods = [number * horizon for number in range(1, origins + 1)]
    if YEAR >= horizon and not any(_is_same_season(period) for period in periods):
        periods.append(YEAR)
    known = [period for period in periods if period in by_period]
    return [p for p in known if by_period[p]["history_days"].iloc[0] >= horizon]


def _is_same_season(period):
    """Whether a cut-off lies within half a month of today's day in another year."""
    return bool(period > 0 and min(period % YEAR, -period % YEAR) <= 15)


def _ahead(place, stretches, widths):
    rows = [
        place
        | {"target": "orders", "model": model, "decile": 0, "season_days": days}
        | {"value_factor": value, "range_width": widths[model]}
        for model, (days, value) in stretches.items()
    ]
    return pd.DataFrame(rows).reindex(columns=list(BACKTEST_TYPES))


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


def gini_error(actual) -> float:
    """Return the standard error of `normalised_gini` for a forecast that ranks by chance.

    Drawn at random, the ranks of customers are exchangeable, and the Gini of ``actual`` by them is
    a sum of a sample without replacement: its variance is known (W. Hoeffding: A Combinatorial
    Central Limit Theorem, Annals of Mathematical Statistics 22, 1951). NaN if outcomes are equal.
    """
    actual = np.asarray(actual, float)
    count, total = len(actual), actual.sum()
    if count < 2 or np.ptp(actual) == 0 or total <= 0:
        return float("nan")
    ordered = np.sort(actual)[::-1]
    best = np.sum(ordered * (count - np.arange(count) - 0.5)) / (count * total) - 0.5
    # Places 1 to n spread evenly: the variance of the sum is that of places times that of values.
    deviation = np.sqrt((count + 1) / 12 * np.sum((actual - actual.mean()) ** 2) * count)
    return float(deviation / (count * total) / best)


def _measured(now, horizon, predicted, reached, widths):
    rows = []
    for (target, model), forecast in predicted.items():
        actual = outcome(now, horizon, target)
        # Equal forecasts are ordered by sample number, a hash of the key, which is random.
        ranked = np.argsort(-forecast, kind="stable")
        decile = np.empty(len(now), int)
        decile[ranked] = np.arange(len(now)) * DECILES // len(now) + 1
        cover = {}
        if reached.get((target, model)) is not None:
            # Ranges of money are published, and drawn apart as earlier days showed.
            width = widths.get(model, 1.0) if target == "amount" else 1.0
            cover = {
                level: ranges.covered(*reached[(target, model)], level / 100, width)
                for level in COVERAGES
            }
        for number in range(DECILES + 1):
            chosen = decile == number if number else np.ones(len(now), bool)
            if not chosen.any():
                continue
            error = forecast[chosen] - actual[chosen]
            total = actual[chosen].sum()
            row = {
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
                row["gini_error"] = gini_error(actual)
                if total > 0:
                    row["top_decile_share"] = actual[decile == 1].sum() / total
            row |= {f"coverage_{level}": values[chosen].mean() for level, values in cover.items()}
            rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(BACKTEST_TYPES))
