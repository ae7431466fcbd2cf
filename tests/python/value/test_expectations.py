import numpy as np
import pytest
from scipy import integrate, special
from value_data import MODELS, PURCHASES, SPEND

from clientele.value.expectations import (
    discounted_orders_if_alive,
    expected_order_value,
    expected_orders_if_alive,
    log_gradient,
    next_order_days,
    orders_until,
    p_alive,
    p_order,
)
from clientele.value.histories import EXTRA_DROPOUTS


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("x", "t", "days", "a", "b"),
    [(0, 20, 60, 1.0, 2.0), (3, 50, 400, 0.6, 0.3), (40, 90, 30, 2, 3)],
)
def test_expected_orders_are_the_mean_of_simulated_futures(model, x, t, days, a, b):
    r, alpha = 0.8, 15.0
    rng = np.random.default_rng(3)
    rate = rng.gamma(r + x, 1 / (alpha + t), 400_000)
    dropout = rng.beta(a, b + x + EXTRA_DROPOUTS[model], 400_000)
    until_dropout = rng.geometric(np.maximum(dropout, 1e-15))
    orders = np.minimum(rng.poisson(rate * days), until_dropout)
    result = expected_orders_if_alive(x, t, days, model=model, r=r, alpha=alpha, a=a, b=b)
    assert abs(result - orders.mean()) < 3 * orders.std() / np.sqrt(len(orders))


@pytest.mark.parametrize(("x", "t"), [(0, 10), (2, 38.86), (12, 30)])
def test_expected_orders_are_those_of_the_published_hypergeometric_formula(x, t):
    r, alpha, a, b, days = 0.243, 4.414, 0.793, 2.426, 39
    z = days / (alpha + t + days)
    shrink = ((alpha + t) / (alpha + t + days)) ** (r + x)
    published = (
        (a + b + x - 1) / (a - 1) * (1 - shrink * special.hyp2f1(r + x, b + x, a + b + x - 1, z))
    )
    result = expected_orders_if_alive(x, t, days, model="bg_nbd", r=r, alpha=alpha, a=a, b=b)
    assert result == pytest.approx(published, rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_expected_orders_are_bounded_where_hypergeometric_formulas_fail(model):
    grid = np.array(
        np.meshgrid(
            [0.01, 0.24, 5],  # r
            [0.01, 10, 1000],  # alpha
            [0.001, 0.3, 1 - 1e-9, 1, 2, 50],  # a
            [0.001, 0.5, 20],  # b
            [0, 3, 1000],  # x
            [0, 365, 3650],  # t
            [1, 3653],  # days
        )
    ).reshape(7, -1)
    for r, alpha, a, b, x, t, days in grid.T[::3]:
        purchases = {"r": r, "alpha": alpha, "a": a, "b": b}
        result = float(expected_orders_if_alive(x, t, days, model=model, **purchases))
        # Dropping out can only take away from a Poisson rate that never ends, and before that
        # no one makes fewer orders than the first.
        first = 1 - ((alpha + t) / (alpha + t + days)) ** (r + x)
        naive = (r + x) / (alpha + t) * days
        assert first * (1 - 1e-9) <= result <= naive * (1 + 1e-9), purchases


def test_expected_orders_are_the_integral_over_the_dropout_probability():
    # a = 1 and a + b < 1 with horizons up to ten years, by adaptive quadrature.
    for a, b, x, days in [
        (1, 2, 0, 3653),
        (0.5, 0.3, 0, 3653),
        (0.9, 0.05, 6, 30),
        (3, 1, 200, 365),
    ]:
        shape, rate, after = 0.3 + x, 5.0 + 40, b + x + 1

        def orders(p, shape=shape, rate=rate, days=days):
            return -np.expm1(-shape * np.log1p(p * days / rate)) / p if p else shape * days / rate

        weight = {"weight": "alg", "wvar": (a - 1, after - 1)}
        value = integrate.quad(orders, 0, 1, limit=1000, epsrel=1e-12, **weight)[0]
        result = expected_orders_if_alive(x, 40, days, model="mbg_nbd", r=0.3, alpha=5.0, a=a, b=b)
        assert result == pytest.approx(value / special.beta(a, after), rel=1e-9)


@pytest.mark.parametrize("a", [5, 30, 3000])
@pytest.mark.parametrize("b", [0.5, 20, 5000])
def test_a_customer_who_buys_without_pause_is_expected_to_buy_until_dropout(a, b):
    result = expected_orders_if_alive(1000, 1, 1e9, model="mbg_nbd", r=1, alpha=1, a=a, b=b)
    # The mean of 1 / p over Beta(a, b + 1001).
    assert result == pytest.approx((a + b + 1000) / (a - 1), rel=1e-11)


def test_a_year_at_no_discount_is_worth_its_orders():
    purchases = {"model": "mbg_nbd"} | PURCHASES
    orders = expected_orders_if_alive(2, 100, 365, **purchases)
    result = discounted_orders_if_alive(2, 100, 365, annual_discount_rate=0, **purchases)
    assert result == pytest.approx(orders, rel=1e-14)


def test_each_month_is_discounted_from_its_middle():
    purchases = {"model": "mbg_nbd"} | PURCHASES
    month = 365.25 / 12

    def until(days):
        return expected_orders_if_alive(2, 100, days, **purchases) if days else 0

    expected = sum(
        (until(end) - until(start)) * 1.21 ** -((start + end) / 2 / 365.25)
        for start, end in [(0, month), (month, 2 * month), (2 * month, 90)]
    )
    result = discounted_orders_if_alive(2, 100, 90, annual_discount_rate=0.21, **purchases)
    assert result == pytest.approx(expected, rel=1e-13)


def test_bg_nbd_takes_every_one_time_buyer_for_alive_and_mbg_nbd_does_not():
    assert p_alive(0, 0, 5000, model="bg_nbd", **PURCHASES) == 1
    assert p_alive(0, 0, 5000, model="mbg_nbd", **PURCHASES) < 0.2
    # Who has just bought may still have dropped out of it.
    assert p_alive(3, 90, 90, model="mbg_nbd", **PURCHASES) == pytest.approx(1 / (1 + 0.8 / 5))


def test_a_frequent_buyer_who_stopped_long_ago_is_dead_without_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert p_alive(5000, 100, 100_000, model="mbg_nbd", **PURCHASES) == 0


def test_a_customer_without_repeat_purchase_is_worth_the_average_order():
    average = expected_order_value(0, np.nan, **SPEND)
    assert average == pytest.approx(4.0 * 30 / 2.5)
    often = expected_order_value([1, 10, 10_000], [7, 7, 7], **SPEND)
    assert average > often[0] > often[1] > often[2] == pytest.approx(7, rel=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_the_next_order_date_is_that_of_simulated_futures(model):
    x, t, alive, rng = 2, 200.0, 0.8, np.random.default_rng(5)
    rate = rng.gamma(PURCHASES["r"] + x, 1 / (PURCHASES["alpha"] + t), 400_000)
    waited = rng.exponential(1 / rate)
    waited[rng.random(len(waited)) > alive] = np.inf
    knobs = {"r": PURCHASES["r"], "alpha": PURCHASES["alpha"]}
    for level in (0.1, 0.5):
        days = next_order_days(level, alive, x, t, **knobs)
        assert np.mean(waited <= days) == pytest.approx(level, abs=0.003)
        assert p_order(alive, x, t, days, **knobs) == pytest.approx(level, rel=1e-12)
    assert np.isnan(next_order_days(0.8, alive, x, t, **knobs))
    assert np.mean(waited <= 90) == pytest.approx(p_order(alive, x, t, 90, **knobs), abs=0.003)


def test_an_order_more_than_ten_years_away_is_null():
    assert np.isnan(next_order_days(0.5, 0.6, 0, 3000, r=0.05, alpha=10))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("days", [30, 365])
def test_the_log_gradient_of_expected_orders_is_that_of_finite_differences(model, days):
    x, t = np.array([0.0, 0, 3, 40]), np.array([0.0, 300, 50, 700])
    extra = EXTRA_DROPOUTS[model]
    for theta in (PURCHASES, {"r": 2.0, "alpha": 130.0, "a": 0.3, "b": 1.9}):
        result = log_gradient(days, x, t, extra, **theta)
        for row, name in zip(result, theta, strict=True):
            ahead, behind = (
                orders_until([days], x, t, extra, **theta | {name: theta[name] * step})[0]
                for step in (1.0001, 0.9999)
            )
            numeric = np.log(ahead / behind) / np.log(1.0001 / 0.9999)
            np.testing.assert_allclose(row, numeric, rtol=1e-5, atol=1e-8)
