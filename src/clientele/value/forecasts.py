"""The forecasts that a backtest compares: purchase models, boosted trees and naive baselines.

Each sees the customers of one cut-off day (``now``). Those that learn from outcomes learn from the
customers of the previous cut-off (``before``); its window has ended by then.
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from clientele.value import ranges
from clientele.value.calibration import PUBLISHABLE
from clientele.value.expectations import (
    expected_order_value,
    expected_orders_if_alive,
    p_alive,
    p_order,
)
from clientele.value.fitting import estimates_of
from clientele.value.histories import EXTRA_DROPOUTS

# Inputs of the challenger on the cut-off day, apart from the window before it.
FEATURES = [
    "x",
    "t_x",
    "t",
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
NAIVE_FORECASTS = ["last_window", "rate", "rfm_cell"]
# Trees learn nothing from fewer customers.
MIN_LEARNED = 50


def forecasts(now, before, horizon, season, stretches, first, random_seed):
    """Return {(target, model): forecast} and {(target, model): probabilities of the outcome}.

    ``now`` and ``before`` (or None) hold a row per customer, as in
    `clientele.value.backtesting.backtest`; ``season`` is the `clientele.value.seasons.Season` of
    ``now``, and ``stretches`` holds the season days and the value factor of each purchase model;
    ``first`` is 1 if first orders count in the spend model, else 0. Forecasts have an entry per row
    of ``now``, and so have the two arrays of probabilities that `clientele.value.ranges.covered`
    takes.
    """
    predicted, reached = {}, {}
    for model in PUBLISHABLE:
        for target, (forecast, probabilities) in modelled(
            now, season.histories, horizon, stretches[model], season.fits, model, first
        ).items():
            predicted[(target, model)] = forecast
            reached[(target, model)] = probabilities
    for target, forecast in _challenger(now, before, horizon, random_seed).items():
        predicted[(target, "challenger")] = forecast
        if (target, PUBLISHABLE[0]) in predicted:
            predicted[(target, "blend")] = (forecast + predicted[(target, PUBLISHABLE[0])]) / 2
    past = now[f"past_orders_{horizon}"].to_numpy(float)
    predicted |= {
        ("orders", "last_window"): past,
        ("amount", "last_window"): now[f"past_amount_{horizon}"].to_numpy(float),
        ("return", "last_window"): (past > 0).astype(float),
    }
    rate = now["x"].to_numpy(float) / np.maximum(now["t"].to_numpy(float), 1) * horizon
    predicted |= {
        ("orders", "rate"): rate,
        ("amount", "rate"): rate * now["average_order_value"].to_numpy(float),
        ("return", "rate"): -np.expm1(-rate),
    }
    if before is not None:
        for target in TARGETS:
            past_outcome = outcome(before, horizon, target)
            predicted[(target, "rfm_cell")] = _cell_means(now, before, past_outcome)
    return predicted, reached


def outcome(customers, horizon, target):
    """Return each customer's purchase days or amount in the window, or whether there was any."""
    orders = customers[f"next_orders_{horizon}"].to_numpy(float)
    if target == "amount":
        return customers[f"next_amount_{horizon}"].to_numpy(float)
    return orders if target == "orders" else (orders > 0).astype(float)


def modelled(now, histories, horizon, stretch, parameters, model, first):
    """Forecast by a purchase model and Gamma-Gamma, and where the outcome lies in the forecast.

    ``histories`` are those of ``now`` on the clock of ``parameters``; ``stretch`` holds the days of
    the horizon on that clock and the factor of order values. Returns {target: (forecast,
    probabilities)}: of less than, and of at most, the outcome; None for `return`.
    """
    days, value_factor = stretch
    x, t_x, t = (histories[name].to_numpy(float) for name in ("x", "t_x", "t"))
    estimates = estimates_of(parameters, model)
    spend = estimates_of(parameters, "gamma_gamma")
    extra = EXTRA_DROPOUTS[model]
    alive = p_alive(x, t_x, t, model=model, **estimates)
    returns = p_order(alive, x, t, days, r=estimates["r"], alpha=estimates["alpha"])
    orders = alive * expected_orders_if_alive(x, t, days, model=model, **estimates)
    value = np.where(x + first > 0, histories["order_value_mean"].to_numpy(float), 0)
    came, paid = outcome(now, horizon, "orders"), outcome(now, horizon, "amount") / value_factor
    below = {target: np.zeros(len(x)) for target in ("orders", "amount")}
    at_most = {target: np.zeros(len(x)) for target in ("orders", "amount")}
    for count in np.unique(x):
        rows = np.flatnonzero(x == count)
        table = ranges.order_probabilities(count, t[rows], days, extra=extra, **estimates)
        cumulated = np.cumsum(table, axis=1)
        ordered = np.minimum(came[rows].astype(int), table.shape[1] - 1)
        place = np.arange(len(rows))
        gone = 1 - alive[rows]
        at_most["orders"][rows] = gone + alive[rows] * cumulated[place, ordered]
        below["orders"][rows] = np.where(
            ordered > 0, gone + alive[rows] * cumulated[place, np.maximum(ordered - 1, 0)], 0
        )
        if spend:
            scale = spend["v"] + (count + first) * value[rows]
            known = ranges.value_below(
                paid[rows], count + first, scale, table, p=spend["p"], q=spend["q"]
            )
            at_most["amount"][rows] = gone + alive[rows] * known
            below["amount"][rows] = np.where(came[rows] > 0, at_most["amount"][rows], 0)
    reached = {
        target: (below[target], np.minimum(at_most[target], 1)) for target in ("orders", "amount")
    }
    forecast = {"orders": (orders, reached["orders"]), "return": (returns, None)}
    if spend:
        amount = orders * value_factor * expected_order_value(x + first, value, **spend)
        forecast["amount"] = amount, reached["amount"]
    return forecast


def _challenger(now, before, horizon, random_seed):
    """Forecast by boosted trees in two parts: the probability of any order, and the mean given one.

    They learn from the features of the cut-off before and the window that followed it.
    """
    if before is None or len(before) < MIN_LEARNED:
        return {}
    columns = [*FEATURES, f"past_orders_{horizon}", f"past_amount_{horizon}"]
    learned, asked = (c[columns].to_numpy(float, na_value=np.nan) for c in (before, now))

    def predict(estimator, rows, values, method):
        # scikit-learn cannot bin a column of nulls, and trees could not split on it.
        known = ~np.isnan(learned[rows]).all(axis=0)
        fitted = estimator.fit(learned[rows][:, known], values)
        return getattr(fitted, method)(asked[:, known])

    knobs = {
        "max_iter": 60,
        "learning_rate": 0.08,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 20,
        "early_stopping": False,
        "random_state": random_seed,
    }
    buys = outcome(before, horizon, "return")
    if np.ptp(buys) == 0:
        chance = np.full(len(now), buys[0])
    else:
        everyone = np.ones(len(before), bool)
        classifier = HistGradientBoostingClassifier(**knobs)
        chance = predict(classifier, everyone, buys, "predict_proba")[:, 1]
    predicted = {"return": chance}
    for target, loss in (("orders", "poisson"), ("amount", "gamma")):
        values = outcome(before, horizon, target)
        positive = values > 0
        if positive.sum() < MIN_LEARNED:
            given_order = np.full(len(now), values[positive].mean() if positive.any() else 0.0)
        else:
            regressor = HistGradientBoostingRegressor(loss=loss, **knobs)
            given_order = predict(regressor, positive, values[positive], "predict")
        predicted[target] = chance * given_order
    return predicted


def _cell_means(now, before, past_outcome):
    """Forecast the mean past outcome of the RFM cell; in an empty cell that of all customers."""
    edges = {}
    for name in ("recency_days", "frequency", "monetary"):
        edges[name] = np.unique(np.quantile(before[name].to_numpy(float), [0.2, 0.4, 0.6, 0.8]))

    def cells(customers):
        scores = [
            np.searchsorted(edges[name], customers[name].to_numpy(float), side="left")
            for name in edges
        ]
        return scores[0] * 100 + scores[1] * 10 + scores[2]

    means = pd.Series(past_outcome).groupby(cells(before)).mean()
    return pd.Series(cells(now)).map(means).fillna(past_outcome.mean()).to_numpy()
