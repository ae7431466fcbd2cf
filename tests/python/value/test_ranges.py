import numpy as np
import pytest
from scipy import stats

from clientele.value import ranges
from clientele.value.expectations import expected_orders_if_alive, p_order
from clientele.value.histories import EXTRA_DROPOUTS

PURCHASES = {"r": 0.5, "alpha": 40.0, "a": 0.8, "b": 2.0}
SPEND = {"p": 4.0, "q": 3.5, "v": 30.0}
HISTORIES = [(0, 0, 365), (0, 100, 90), (3, 300, 365), (40, 600, 365), (200, 700, 90)]
MODELS = list(EXTRA_DROPOUTS.items())


def futures(x, t, days, extra, count, rng):
    """Purchase days of ``count`` customers who are alive, as the model's story tells them."""
    rate = rng.gamma(PURCHASES["r"] + x, 1 / (PURCHASES["alpha"] + t), count)
    dropout = rng.beta(PURCHASES["a"], PURCHASES["b"] + x + extra, count)
    return np.minimum(rng.poisson(rate * days), rng.geometric(np.maximum(dropout, 1e-12)))


@pytest.mark.parametrize(("model", "extra"), MODELS)
@pytest.mark.parametrize(("x", "t", "days"), HISTORIES)
def test_order_counts_have_the_shares_of_simulated_futures(model, extra, x, t, days):
    result = ranges.order_probabilities(x, [t], days, extra=extra, **PURCHASES)[0]
    orders = futures(x, t, days, extra, 200_000, np.random.default_rng(1))
    seen = np.bincount(np.minimum(orders, len(result) - 1), minlength=len(result)) / len(orders)
    # Kolmogorov's distance at 200,000: 0.1 % of samples are beyond 0.0044.
    assert np.abs(np.cumsum(result) - np.cumsum(seen)).max() < 0.0044
    assert result.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("model", "extra"), MODELS)
@pytest.mark.parametrize(("x", "t", "days"), HISTORIES)
def test_the_mean_and_the_probability_of_no_order_match_the_closed_forms(model, extra, x, t, days):
    result = ranges.order_probabilities(x, [t], days, extra=extra, **PURCHASES)[0]
    mean = expected_orders_if_alive(x, t, days, model=model, **PURCHASES)
    assert result @ np.arange(len(result)) == pytest.approx(mean, rel=1e-6)
    some = p_order(1.0, x, t, days, r=PURCHASES["r"], alpha=PURCHASES["alpha"])
    assert 1 - result[0] == pytest.approx(some, rel=1e-10)


def test_probability_beyond_the_largest_count_is_in_the_last_entry():
    knobs = {"r": 0.05, "alpha": 0.001, "a": 1e-6, "b": 5.0}
    result = ranges.order_probabilities(0, [0, 10], 3650, extra=1, **knobs)
    assert result.shape == (2, ranges.MAX_ORDERS + 1)
    np.testing.assert_allclose(result.sum(axis=1), 1, atol=1e-12)
    assert result[0, -1] > 0.1


@pytest.mark.parametrize("spend", [SPEND, {"p": 1.1, "q": 2.0, "v": 30.0}, SPEND | {"p": 20.0}])
@pytest.mark.parametrize(("x", "t", "days"), HISTORIES)
def test_quantiles_of_value_have_their_probability(x, t, days, spend):
    table = ranges.order_probabilities(x, [t], days, extra=1, **PURCHASES)
    log_levels = ranges.value_levels(x, [table], **spend)[0]
    scale = np.array([spend["v"] + x * 25.0])
    tried = 0
    for alive in (0.15, 0.5, 0.9, 0.99, 1.0):
        orders = alive * (1 - table[0, 0])
        for level in (0.1, 0.5, 0.9, *ranges.ends(0.8, 1.25)):
            value = ranges.quantile(level, [orders], log_levels, scale)
            if orders <= 1 - level:
                assert value == 0
                continue
            known = ranges.value_below(value, x, scale, table, p=spend["p"], q=spend["q"])
            far = level not in (0.1, 0.5, 0.9)
            assert 1 - alive + alive * known == pytest.approx(level, abs=0.009 if far else 0.006)
            tried += 1
    assert tried


def test_value_is_distributed_as_in_simulated_futures():
    rng, count, x, t, days, mean = np.random.default_rng(2), 200_000, 3, 300, 365, 25.0
    orders = futures(x, t, days, 1, count, rng)
    scale = SPEND["v"] + x * mean
    rate = rng.gamma(SPEND["p"] * x + SPEND["q"], 1 / scale, count)
    worth = rng.gamma(SPEND["p"] * np.maximum(orders, 1e-300), 1 / rate) * (orders > 0)
    table = ranges.order_probabilities(x, [t], days, extra=1, **PURCHASES)
    for value in (1.0, 20.0, 60.0, 200.0):
        known = ranges.value_below(
            np.array([value]), x, np.array([scale]), table, p=SPEND["p"], q=SPEND["q"]
        )
        assert np.mean(worth <= value) == pytest.approx(known[0], abs=0.0044)


def test_a_correct_forecast_covers_the_stated_share():
    rng = np.random.default_rng(3)
    distribution = stats.poisson(1.3)
    came = distribution.rvs(100_000, random_state=rng)
    for level in (0.5, 0.8, 0.95):
        inside = ranges.covered(distribution.cdf(came - 1), distribution.cdf(came), level)
        assert inside.mean() == pytest.approx(level, abs=0.004)
        narrow = stats.poisson(1.3 * 4)
        assert ranges.covered(narrow.cdf(came - 1), narrow.cdf(came), level).mean() < level - 0.1


def test_a_continuous_outcome_is_inside_or_not():
    assert ranges.covered([0.1, 0.09, 0.9], [0.1, 0.09, 0.9], 0.8).tolist() == [1, 0, 1]


def test_ranges_that_held_too_few_are_drawn_apart_and_too_many_together():
    """Outcomes spread 1.2 times as far as told, or 0.9 times; of four such days, and of one."""
    rng = np.random.default_rng(5)
    for spread in (1.2, 0.9, 1.0):
        told = stats.norm.cdf(rng.normal(0, spread, (4, 20_000)))
        windows = [(below, below) for below in told]
        found = ranges.width(windows)
        assert np.log(found) == pytest.approx(0.8 * np.log(spread), abs=0.01)
        one = ranges.width(windows[:1])
        assert np.log(one) == pytest.approx(0.5 * np.log(spread), abs=0.02)
        later = stats.norm.cdf(rng.normal(0, spread, 20_000))
        gaps = [abs(ranges.covered(later, later, 0.8, w).mean() - 0.8) for w in (found, 1.0)]
        assert gaps[0] < 0.02 and (spread == 1 or gaps[0] < gaps[1] / 2)
    assert ranges.width([]) == 1
    far = stats.norm.cdf(rng.normal(0, 9, 1000))
    assert ranges.width([(far, far)] * 99) == pytest.approx(1.25, rel=0.01)


def test_the_ends_of_a_range_are_symmetric_and_move_with_its_width():
    assert ranges.ends(0.8) == (0.1, 0.9) and ranges.ends(0.95) == (0.025, 0.975)
    low, high = ranges.ends(0.8, 1.25)
    assert low == pytest.approx(0.0546, abs=1e-4) and high == pytest.approx(1 - low)
