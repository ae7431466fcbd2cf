"""Differences, intervals and p-values of campaigns, against SciPy on the customers themselves."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from clientele.campaigns.arithmetic import (
    Sums,
    adjusted_difference,
    difference,
    holm,
    sample_ratio,
    weighted_difference,
)
from clientele.campaigns.verdicts import verdicts


def sums(y, x):
    """Return the sums of customers, along the last axis."""
    y, x = np.asarray(y, float), np.asarray(x, float)
    n = np.full(y.shape[:-1], y.shape[-1], float)
    parts = (y, y * y, x, x * x, x * y)
    return Sums(n, *(part.sum(axis=-1) for part in parts))


def spend(rng, shape, level):
    """Return skewed spend with many zeros, of customers with the given level (0 to 1)."""
    buys = rng.random(shape) < 0.1 + 0.4 * level
    return buys * np.round(rng.lognormal(3 + level, 0.8, shape), 2)


@pytest.fixture(scope="module")
def customers():
    """Two arms of customers: (spend after, spend before) of each."""
    rng = np.random.default_rng(11)
    arms = []
    for size, lift in ((700, 1.2), (400, 1.0)):
        level = rng.random(size)
        arms.append((lift * spend(rng, size, level), spend(rng, size, level)))
    return arms


def test_the_plain_difference_is_that_of_welch(customers):
    (treated, before), (control, before_control) = customers
    ours = difference(sums(treated, before), sums(control, before_control))
    theirs = stats.ttest_ind(treated, control, equal_var=False)
    limits = theirs.confidence_interval(0.95)
    assert ours.estimate == pytest.approx(treated.mean() - control.mean())
    assert (ours.lower, ours.upper) == pytest.approx((limits.low, limits.high))
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_the_adjusted_difference_is_welch_of_what_the_earlier_value_does_not_explain(customers):
    (treated, before), (control, before_control) = customers
    ours = adjusted_difference(sums(treated, before), sums(control, before_control))
    slope = np.polyfit(np.r_[before, before_control], np.r_[treated, control], 1)[0]
    left = treated - slope * before, control - slope * before_control
    limits = stats.ttest_ind(*left, equal_var=False).confidence_interval(0.95)
    assert (ours.lower, ours.upper) == pytest.approx((limits.low, limits.high))
    plain = difference(sums(treated, before), sums(control, before_control))
    assert ours.error < plain.error


def test_without_variation_there_is_no_interval():
    nothing = sums(np.zeros(50), np.zeros(50))
    found = adjusted_difference(nothing, nothing)
    assert found.estimate == 0 and np.isnan([found.lower, found.upper, found.p_value]).all()


def verdicts_of(found, treated, control):
    """Return the verdicts of arrays of finished, fair comparisons."""
    frame = pd.DataFrame(
        {
            "is_randomised": True, "sample_ratio_p_value": np.nan, "is_window_complete": True,
            "customer_count": treated.n, "control_customer_count": control.n, "metric": "revenue",
            "adjusted_uplift_per_customer": found.estimate, "adjusted_uplift_lower": found.lower,
            "adjusted_uplift_upper": found.upper, "p_value_adjusted": found.p_value,
            "relevant_uplift": 0.05 * control.y / control.n, "profit_amount": np.nan,
        }
    )  # fmt: skip
    return verdicts(frame)["verdict"]


@pytest.mark.parametrize("uplift", [0.0, 3.0])
@pytest.mark.parametrize("method", [difference, adjusted_difference])
def test_intervals_of_2000_campaigns_hold_the_planted_uplift(uplift, method):
    """95 % of them; 93 to 97 % is four standard errors of 2,000 simulations around it."""
    rng = np.random.default_rng(5)
    arms = []
    for lift in (uplift, 0.0):
        level = rng.random((2000, 500))
        arms.append(sums(spend(rng, level.shape, level) + lift, spend(rng, level.shape, level)))
    found = method(*arms)
    covered = ((found.lower <= uplift) & (uplift <= found.upper)).mean()
    assert 0.93 <= covered <= 0.97
    # A worthless campaign is called effective for 2.5 % by chance, and four standard errors more.
    worked = (verdicts_of(found, *arms) == "worked").mean()
    assert worked <= 0.039 if uplift == 0 else worked > 0.1


def test_holm_takes_the_smallest_times_their_number():
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.6, np.nan])) == pytest.approx([0.6, np.nan], nan_ok=True)


def test_a_fair_split_passes_and_a_loss_in_one_arm_is_found():
    rng = np.random.default_rng(2)
    segments = np.array([4000, 2500, 900, 40, 3])
    p_values = []
    for _ in range(1000):
        treated = rng.binomial(segments, 0.8)
        p_values.append(sample_ratio(np.vstack([treated, segments - treated]), [0.8, 0.2]))
    p_values = np.array(p_values)
    assert (p_values < 0.05).mean() < 0.08 and (p_values < 0.001).mean() < 0.006
    treated = (segments * 0.8).astype(int)
    control = segments - treated
    assert sample_ratio(np.vstack([treated, control]), [0.8, 0.2]) > 0.5
    # A quarter of the best customers is missing from the control arm.
    control[1] = control[1] * 3 // 4
    assert sample_ratio(np.vstack([treated, control])) < 0.02
    assert sample_ratio(np.vstack([treated, control]), [0.75, 0.25]) < 1e-6
    assert np.isnan(sample_ratio(np.array([[10.0], [10.0]])))


def test_weights_are_those_of_the_treated():
    treated = Sums(*np.array([[10, 90], [20, 90], [60, 200], [0, 0], [0, 0], [0, 0]], float))
    control = Sums(*np.array([[90, 10], [90, 20], [200, 60], [0, 0], [0, 0], [0, 0]], float))
    estimate, error, mean = weighted_difference(treated.n, treated, control)
    assert estimate == pytest.approx(0.1 * (2 - 1) + 0.9 * (1 - 2)) and error > 0
    assert mean == pytest.approx(110 / 100)
