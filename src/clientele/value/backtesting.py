"""Forecasts made on past days, against what came: the measure of every number published.

On each cut-off day every model sees what was known on that day and forecasts the purchase days and
the money of the following ``horizon_days``. Models that must learn from an outcome learn from the
window that ended on that day. docs/methods/clv.md gives the measures and the rule of choice.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from clientele.value import ranges
from clientele.value.clv import (
    EXTRA_DROPOUTS,
    FIRST_ORDERS,
    _estimates,
    expected_order_value,
    expected_orders_if_alive,
    fit_clv,
    p_alive,
    p_order,
)

# What the challenger sees of a customer on the cut-off day, besides the window before it.
FEATURES = [
    "x",
    "t_x",
    "T",
    "recency_days",
    "frequency",
    "monetary",
    "recent_order_count",
    "recent_amount",
    "order_value_mean",
    "average_order_value",
    "basket_unit_count",
    "basket_product_count",
    "unit_price_mean",
    "discount_share",
    "return_share",
    "weekend_share",
    "evening_share",
]
TARGETS = ["orders", "amount", "return"]
BASELINES = ["last_window", "rate", "rfm_cell"]
# Those that give a whole distribution, and so can be published.
PUBLISHABLE = ["mbg_nbd", "bg_nbd"]
COVERAGES = (50, 80, 95)
DECILES = 10
# Another model must be better by this much to replace the default.
MARGIN = 0.01
# Intercept and slope that leave log odds as they are.
_UNCHANGED = (0.0, 1.0)
# A tree learns nothing from fewer.
MIN_LEARNED = 50
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

CALIBRATION_TYPES = {
    "horizon_days": "int",
    "intercept": "double",
    "slope": "double",
    "is_recalibrated": "boolean",
    "window_count": "int",
    "gap": "double",
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
    """Forecast from up to ``origins`` cut-offs per horizon and measure against what came.

    ``customers`` has a row per ``cutoff_date`` and ``customer_id``: `FEATURES`,
    ``sample_number`` (a random order of customers), ``days_back`` (from today to the cut-off),
    ``history_days`` (from the first order of all to the cut-off), and for each horizon
    ``past_orders_<days>``, ``past_amount_<days>`` (the window before) and ``next_orders_<days>``,
    ``next_amount_<days>`` (the window after; null where it is not over).

    Windows of a horizon follow each other without overlap, the last of them ending today. A
    cut-off needs as much history as the window is long; what learns from an earlier window needs
    that of its own half as long.

    Returns a row per target, model, cut-off, horizon and decile (1 has the highest forecasts; 0
    is everyone) with the columns of `BACKTEST_TYPES`; ``bias`` is predicted / actual - 1, null
    where nothing came. Nothing could be tried: no rows.
    """
    found = []
    by_days_back = dict(tuple(customers.sort_values("sample_number").groupby("days_back")))
    fits = {}
    with threadpool_limits(1):
        for horizon in sorted(horizons_days):
            for number in range(1, origins + 1):
                now = by_days_back.get(number * horizon)
                if now is None or now["history_days"].iloc[0] < horizon:
                    continue
                before = by_days_back.get((number + 1) * horizon)
                if before is not None and before["history_days"].iloc[0] < horizon / 2:
                    before = None
                key = number * horizon
                if key not in fits:
                    fits[key] = {
                        m: fit_clv(now, model=m, prior_sd=prior_sd, spend_orders=spend_orders)
                        for m in PUBLISHABLE
                    }
                forecasts, covered = _forecasts(
                    now, before, horizon, fits[key], FIRST_ORDERS[spend_orders], random_seed
                )
                found.append(_measured(now, horizon, forecasts, covered))
    if not found:
        return pd.DataFrame(columns=list(BACKTEST_TYPES))
    return pd.concat(found, ignore_index=True)[list(BACKTEST_TYPES)]


def choose(backtests: pd.DataFrame, pinned: str | None = None) -> str:
    """Return the purchase model to publish: ``pinned``, or the one that wins the backtests.

    Of the models that give a whole distribution the one whose root mean squared error of orders is
    lowest, as a mean over all windows of its ratio to that of MBG/NBD. BG/NBD, which takes every
    one-time buyer for alive, must be lower by `MARGIN`; without a backtest MBG/NBD stands.
    """
    if pinned is not None:
        if pinned not in EXTRA_DROPOUTS:
            raise ValueError(f"clv_model={pinned!r} is none of {', '.join(EXTRA_DROPOUTS)}")
        return pinned
    overall = backtests[(backtests["target"] == "orders") & (backtests["decile"] == 0)]
    errors = overall.pivot(
        index=["horizon_days", "cutoff_date"], columns="model", values="rmse"
    ).reindex(columns=PUBLISHABLE)
    default, other = (errors[model].astype(float) for model in PUBLISHABLE)
    ratios = (other / default)[default > 0]
    return PUBLISHABLE[1] if ratios.mean() < 1 - MARGIN else PUBLISHABLE[0]


def calibrate(backtests: pd.DataFrame, *, model: str, horizons_days: list[int]) -> pd.DataFrame:
    """Return for each horizon what turns ``model``'s probability of an order into a calibrated one.

    That is expit(``intercept`` + ``slope`` * logit(p)), fitted on the tenths of customers of all
    windows (J. Platt: Probabilistic Outputs for Support Vector Machines, 1999), if such a fit on
    the earlier windows foretold the later ones better than the model itself: by the likelihood,
    summed over all windows but the first. Else, and where there are no two windows, it is 0 and 1,
    which change nothing. ``gap`` is how far the probability then was from the share who ordered:
    the mean over those later windows, or all windows of an unchanged probability; null without any.
    """
    tenths = backtests[
        (backtests["target"] == "return")
        & (backtests["model"] == model)
        & (backtests["decile"] > 0)
    ]
    found = []
    for horizon in sorted(horizons_days):
        rows = tenths[tenths["horizon_days"] == horizon]
        windows = [window for _, window in rows.groupby("cutoff_date", sort=True)]
        # The fit on each window and those before it, with the window that follows.
        fits = [_platt(pd.concat(windows[: i + 1])) for i in range(len(windows))]
        followed = list(zip(windows[1:], fits, strict=False))
        gain = sum(_log_likelihood(w, fit) - _log_likelihood(w, _UNCHANGED) for w, fit in followed)
        is_recalibrated = bool(gain > 0 and fits[-1][1] > 0)
        told = followed if is_recalibrated else [(w, _UNCHANGED) for w in windows]
        gaps = [(_calibrated(w, fit) - w["actual_mean"]).abs() for w, fit in told]
        counts = [w["customer_count"] for w, _ in told]
        intercept, slope = fits[-1] if is_recalibrated else _UNCHANGED
        found.append(
            {
                "horizon_days": horizon,
                "intercept": intercept,
                "slope": slope,
                "is_recalibrated": is_recalibrated,
                "window_count": len(windows),
                "gap": np.average(pd.concat(gaps), weights=pd.concat(counts)) if told else np.nan,
            }
        )
    return pd.DataFrame(found, columns=list(CALIBRATION_TYPES))


def normalised_gini(actual, predicted) -> float:
    """Return how well ``predicted`` ranks ``actual``: 1 is perfect, 0 is chance.

    The Gini coefficient of what came, customers ordered by forecast, over that of the perfect
    order. Equal forecasts share what came to them. NaN where everyone did the same.
    """
    actual = np.asarray(actual, float)

    def gini(order):
        _, group, size = np.unique(-order, return_inverse=True, return_counts=True)
        total = np.bincount(group, actual)
        before = np.concatenate([[0], np.cumsum(total)[:-1]])
        return np.sum(size * (before + total / 2)) / (len(actual) * actual.sum()) - 0.5

    if not len(actual) or np.ptp(actual) == 0 or actual.sum() <= 0:
        return float("nan")
    return gini(np.asarray(predicted, float)) / gini(actual)


def _log_odds(tenths):
    return logit(tenths["predicted_mean"].to_numpy(float).clip(1e-6, 1 - 1e-6))


def _calibrated(tenths, fit):
    return pd.Series(expit(fit[0] + fit[1] * _log_odds(tenths)), index=tenths.index)


def _log_likelihood(tenths, fit):
    """Return the log-likelihood of who ordered, each tenth of customers having one probability."""
    score = fit[0] + fit[1] * _log_odds(tenths)
    actual = tenths["actual_mean"].to_numpy(float)
    return np.sum(tenths["customer_count"] * (actual * score - np.logaddexp(0, score)))


def _platt(tenths):
    """Return the intercept and slope of most likelihood, under a standard normal prior.

    The prior, around 0 and 1, keeps windows proper in which everyone orders, or nobody.
    """
    odds, weight = _log_odds(tenths), tenths["customer_count"].to_numpy(float)
    actual = tenths["actual_mean"].to_numpy(float)
    design = np.column_stack([np.ones_like(odds), odds])

    def loss(fit):
        told = expit(design @ fit)
        off = fit - np.array(_UNCHANGED)
        value = off @ off / 2 - _log_likelihood(tenths, fit)
        return value, off + design.T @ (weight * (told - actual))

    return tuple(minimize(loss, _UNCHANGED, jac=True, method="BFGS", options={"gtol": 1e-8}).x)


def _forecasts(now, before, horizon, fits, first, random_seed):
    """Return {(target, model): forecast} and {(target, model): {level: share covered}}."""
    found, covered = {}, {}
    for model, parameters in fits.items():
        orders, returns, amount, cover = _by_model(now, horizon, parameters, model, first)
        found |= {("orders", model): orders, ("return", model): returns}
        covered[("orders", model)] = cover["orders"]
        if amount is not None:
            found[("amount", model)] = amount
            covered[("amount", model)] = cover["amount"]
    for target, forecast in _challenger(now, before, horizon, random_seed).items():
        found[(target, "challenger")] = forecast
        if (target, PUBLISHABLE[0]) in found:
            found[(target, "blend")] = (forecast + found[(target, PUBLISHABLE[0])]) / 2
    past = now[f"past_orders_{horizon}"].to_numpy(float)
    found |= {
        ("orders", "last_window"): past,
        ("amount", "last_window"): now[f"past_amount_{horizon}"].to_numpy(float),
        ("return", "last_window"): (past > 0).astype(float),
    }
    rate = now["x"].to_numpy(float) / np.maximum(now["T"].to_numpy(float), 1) * horizon
    found |= {
        ("orders", "rate"): rate,
        ("amount", "rate"): rate * now["average_order_value"].to_numpy(float),
        ("return", "rate"): -np.expm1(-rate),
    }
    if before is not None:
        for target in TARGETS:
            found[(target, "rfm_cell")] = _cell_means(
                now, before, _outcome(before, horizon, target)
            )
    return found, covered


def _outcome(customers, horizon, target):
    orders = customers[f"next_orders_{horizon}"].to_numpy(float)
    if target == "amount":
        return customers[f"next_amount_{horizon}"].to_numpy(float)
    return orders if target == "orders" else (orders > 0).astype(float)


def _by_model(now, horizon, parameters, model, first):
    """Forecast by a purchase model and Gamma-Gamma, and measure how its ranges cover."""
    x, t_x, age = (now[name].to_numpy(float) for name in ("x", "t_x", "T"))
    estimates = _estimates(parameters, model)
    spend = _estimates(parameters, "gamma_gamma")
    extra = EXTRA_DROPOUTS[model]
    alive = p_alive(x, t_x, age, model=model, **estimates)
    returns = p_order(alive, x, age, horizon, r=estimates["r"], alpha=estimates["alpha"])
    orders = alive * expected_orders_if_alive(x, age, horizon, model=model, **estimates)
    value = np.where(x + first > 0, now["order_value_mean"].to_numpy(float), 0)
    came, paid = _outcome(now, horizon, "orders"), _outcome(now, horizon, "amount")
    below = {target: np.zeros(len(x)) for target in ("orders", "amount")}
    at_most = {target: np.zeros(len(x)) for target in ("orders", "amount")}
    for count in np.unique(x):
        rows = np.flatnonzero(x == count)
        table = ranges.order_probabilities(count, age[rows], horizon, extra=extra, **estimates)
        cumulated = np.cumsum(table, axis=1)
        reached = np.minimum(came[rows].astype(int), table.shape[1] - 1)
        place = np.arange(len(rows))
        gone = 1 - alive[rows]
        at_most["orders"][rows] = gone + alive[rows] * cumulated[place, reached]
        below["orders"][rows] = np.where(
            reached > 0, gone + alive[rows] * cumulated[place, np.maximum(reached - 1, 0)], 0
        )
        if spend:
            scale = spend["v"] + (count + first) * value[rows]
            known = ranges.value_below(
                paid[rows], count + first, scale, table, p=spend["p"], q=spend["q"]
            )
            at_most["amount"][rows] = gone + alive[rows] * known
            below["amount"][rows] = np.where(came[rows] > 0, at_most["amount"][rows], 0)
    cover = {
        target: {
            level: ranges.covered(below[target], np.minimum(at_most[target], 1), level / 100)
            for level in COVERAGES
        }
        for target in ("orders", "amount")
    }
    amount = orders * expected_order_value(x + first, value, **spend) if spend else None
    return orders, returns, amount, cover


def _challenger(now, before, horizon, random_seed):
    """Forecast by boosted trees in two parts: whether anything comes, and how much if so.

    They learn from the features of the cut-off before and the window that followed it, which is
    over on the day of the forecast.
    """
    if before is None or len(before) < MIN_LEARNED:
        return {}
    columns = [*FEATURES, f"past_orders_{horizon}", f"past_amount_{horizon}"]
    learned, asked = (c[columns].to_numpy(float, na_value=np.nan) for c in (before, now))
    knobs = {
        "max_iter": 60,
        "learning_rate": 0.08,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 20,
        "early_stopping": False,
        "random_state": random_seed,
    }
    buys = _outcome(before, horizon, "return")
    if np.ptp(buys) == 0:
        chance = np.full(len(now), buys[0])
    else:
        classifier = HistGradientBoostingClassifier(**knobs).fit(learned, buys)
        chance = classifier.predict_proba(asked)[:, 1]
    found = {"return": chance}
    for target, loss in (("orders", "poisson"), ("amount", "gamma")):
        outcome = _outcome(before, horizon, target)
        positive = outcome > 0
        if positive.sum() < MIN_LEARNED:
            much = np.full(len(now), outcome[positive].mean() if positive.any() else 0.0)
        else:
            regressor = HistGradientBoostingRegressor(loss=loss, **knobs)
            much = regressor.fit(learned[positive], outcome[positive]).predict(asked)
        found[target] = chance * much
    return found


def _cell_means(now, before, outcome):
    """Forecast the mean outcome of the RFM cell on the cut-off before; of all, in an empty cell."""
    edges = {}
    for name in ("recency_days", "frequency", "monetary"):
        edges[name] = np.unique(np.quantile(before[name].to_numpy(float), [0.2, 0.4, 0.6, 0.8]))

    def cells(customers):
        scores = [
            np.searchsorted(edges[name], customers[name].to_numpy(float), side="left")
            for name in edges
        ]
        return scores[0] * 100 + scores[1] * 10 + scores[2]

    means = pd.Series(outcome).groupby(cells(before)).mean()
    return pd.Series(cells(now)).map(means).fillna(outcome.mean()).to_numpy()


def _measured(now, horizon, forecasts, covered):
    rows = []
    place = {"cutoff_date": now["cutoff_date"].iloc[0], "horizon_days": horizon}
    for (target, model), forecast in forecasts.items():
        actual = _outcome(now, horizon, target)
        # Equal forecasts are parted by sample number, a hash of the key: by nothing that counts.
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
