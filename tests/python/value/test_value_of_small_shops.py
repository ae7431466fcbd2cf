"""Hundreds of random small shops of every shape go through all steps of the forecasts."""

import warnings

import numpy as np
import pandas as pd
import pytest
from value_data import features, history

from clientele.value.backtesting import backtest
from clientele.value.calibration import calibrate, choose_purchase_model
from clientele.value.fitting import fit_clv
from clientele.value.scoring import SCORES, expected_orders, score

HORIZONS = [30, 90]


def random_times(rng, customers, days):
    """Purchase days of each customer: a first day, then gaps that shrink or grow."""
    mean_gap = rng.choice([3, 20, 100, 1000])
    for number in range(customers):
        day = rng.integers(0, days)
        while day < days:
            yield number, day
            day += 1 + int(rng.exponential(mean_gap))


def everyone_once(rng, customers, days):
    return [(number, rng.integers(0, days)) for number in range(customers)]


def one_day(rng, customers, days):
    return [(number, 0) for number in range(customers)]


def all_alike(rng, customers, days):
    gap = rng.integers(1, 60)
    return [(number, day) for number in range(customers) for day in range(0, days, gap)]


def subscriptions(rng, customers, days):
    """Monthly orders from the first month, the second, or any day, without an end."""
    spread = rng.choice([1, 30, days])
    for number in range(customers):
        for day in range(rng.integers(0, spread), days, 30):
            yield number, day


def one_regular_among_strangers(rng, customers, days):
    yield from ((0, day) for day in range(0, days, 2))
    yield from everyone_once(rng, customers, days)


def two_waves(rng, customers, days):
    """Everyone buys on the first day; half of them return on one later day."""
    later = rng.integers(0, days)
    for number in range(customers):
        yield number, 0
        if number % 2:
            yield number, later


SHAPES = [
    random_times,
    everyone_once,
    one_day,
    all_alike,
    subscriptions,
    one_regular_among_strangers,
    two_waves,
]
PRICES = {
    "constant": lambda rng, count: np.full(count, 9.99),
    "tiny": lambda rng, count: np.full(count, 0.0001),
    "huge": lambda rng, count: rng.gamma(1, 1e9, count),
    "wild": lambda rng, count: np.exp(rng.normal(3, 3, count)).round(4) + 0.0001,
    "usual": lambda rng, count: rng.gamma(3, 10, count).round(2) + 0.01,
}


def random_shop(shape, seed):
    """Purchases (customer_id, day, amount) of a shop of 1 to 300 customers, and its last day."""
    rng = np.random.default_rng(seed)
    customers = int(rng.choice([1, 2, 3, 20, 60, 120, 300]))
    days = int(rng.choice([1, 2, 31, 62, 80, 95, 200]))
    rows = list(shape(rng, customers, days))
    price = PRICES[rng.choice(list(PRICES))]
    purchases = pd.DataFrame(rows, columns=["customer_id", "day"]).assign(
        amount=price(rng, len(rows))
    )
    return purchases.groupby(["customer_id", "day"], as_index=False).sum(), days - 1


@pytest.mark.parametrize("shape", SHAPES)
def test_small_shops_of_every_shape_are_backtested_fitted_and_scored(shape):
    windows = 0
    for seed in range(32):
        purchases, today = random_shop(shape, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            windows += assert_forecast(
                purchases,
                today,
                spend_orders="all" if seed % 2 else "repeat",
                prior_sd=2.5 if seed % 5 else None,
                seed=seed,
            )
    assert windows > 5 or shape is one_day


def assert_forecast(purchases, today, *, spend_orders, prior_sd, seed):
    """Run every step; return the number of windows that were backtested."""
    knobs = {"prior_sd": prior_sd, "spend_orders": spend_orders}
    periods = [30, 60, 90, 180]
    customers = features(purchases, today, HORIZONS, periods, spend_orders)
    backtests = backtest(customers, horizons_days=HORIZONS, origins=1, random_seed=1, **knobs)
    measures = ["mae", "rmse", "actual_mean", "predicted_mean"]
    assert np.isfinite(backtests[measures].astype(float)).all(axis=None), seed
    histories = pd.DataFrame(history(purchases, today, spend_orders))
    model = "bg_nbd" if seed % 3 == 0 else choose_purchase_model(backtests)
    parameters = fit_clv(histories, model=model, **knobs)
    assert np.isfinite(parameters[["estimate", "log_likelihood"]].astype(float)).all(axis=None), (
        seed
    )
    calibration = calibrate(backtests, model=model, horizons_days=HORIZONS)
    assert np.isfinite(calibration[["intercept", "slope"]]).all(axis=None), seed
    assert calibration["gap"].dropna().between(0, 1).all(), seed
    priced = {"horizons_days": [30, 365], "annual_discount_rate": 0.1}
    priced["spend_orders"] = spend_orders
    lookup = expected_orders(parameters, histories, **priced)
    has_spend = "gamma_gamma" in set(parameters["model"])
    numbers = lookup if has_spend else lookup.loc[:, :"log_gradient_b"]
    assert np.isfinite(numbers.astype(float)).all(axis=None), seed
    scored = score(histories, parameters, margin_share=1, **priced).set_index("horizon_days")
    certain = ["p_alive", "p_order", "expected_orders"]
    money = [name for name in SCORES if "clv" in name or "value" in name]
    assert np.isfinite(scored[certain + money * has_spend].astype(float)).all(axis=None), seed
    assert scored[["p_alive", "p_order"]].stack().between(0, 1).all(), seed
    assert (scored[["expected_orders", *money]].fillna(0) >= 0).all(axis=None), seed
    return backtests["cutoff_date"].nunique()
