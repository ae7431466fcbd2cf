"""Tests and intervals of single rules, against SciPy and against what simulated shops hold."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, hypergeom

from clientele.rules.measures import lift_interval
from clientele.rules.mining import mine_rules
from clientele.rules.significance import adjusted, fisher_p_values


def test_fishers_p_values_are_scipys_on_both_sides_of_the_mean():
    rng = np.random.default_rng(1)
    n = rng.integers(2, 400, 300)
    left, right = rng.integers(0, n + 1), rng.integers(0, n + 1)
    both = rng.integers(np.maximum(0, left + right - n), np.minimum(left, right) + 1)
    found = fisher_p_values(both, left, right, n)
    for p, b, a, c, total in zip(found, both, left, right, n, strict=True):
        table = [[b, a - b], [c - b, total - a - c + b]]
        assert p == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-9)
    # Far out, and at the size of a large shop.
    p = fisher_p_values([20_300], [200_000], [1_000_000], 10_000_000)[0]
    assert p == pytest.approx(hypergeom.sf(20_299, 10_000_000, 200_000, 1_000_000), rel=1e-6)
    assert fisher_p_values([500], [500], [500], 100_000)[0] == 0.0


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg():
    # Their own example: 15 tests, of which four are significant at 0.05.
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
                 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    found = adjusted(np.array(published), 15)
    assert (found <= 0.05).sum() == 4
    np.testing.assert_allclose(found[:4], [0.0015, 0.003, 0.0095, 0.035625])
    # What was tested and is not here counts.
    np.testing.assert_allclose(
        adjusted(np.array(published[:4]), 15), [0.0015, 0.003, 0.0095, 0.035625]
    )
    assert adjusted(np.array([0.04, 0.03]), 2).tolist() == [0.04, 0.04]
    # None is ever below what it was made of, in any digit.
    drawn = np.random.default_rng(1).random(1000)
    assert all((adjusted(drawn[:n], n) >= drawn[:n]).all() for n in range(1, 1000))


def independent_baskets(rng, basket_count, item_count):
    share = rng.uniform(0.02, 0.2, item_count)
    row, item = np.nonzero(rng.random((basket_count, item_count)) < share)
    return pd.DataFrame({"basket_id": row, "item": [f"i{i}" for i in item]})


def test_where_nothing_belongs_together_hardly_any_shop_has_a_significant_rule():
    """All being chance, a false discovery rate of 5 % is one shop in twenty with any discovery."""
    rng = np.random.default_rng(11)
    shops = 200
    discovering = 0
    for _ in range(shops):
        found = mine_rules(
            independent_baskets(rng, 500, 20), min_support=0.004, min_confidence=0.01, max_length=3
        )
        assert len(found) > 100
        discovering += (found["p_value_adjusted"] <= 0.05).any()
    assert discovering <= 17  # 10 are expected at most, 17 have a chance of 2 %
    # Unadjusted, every shop has some.
    assert (found["p_value"] <= 0.05).any()


def test_planted_pairs_are_discovered_among_many_that_are_not_at_the_stated_rate():
    rng = np.random.default_rng(12)
    true, false = 0, 0
    for _ in range(40):
        baskets = independent_baskets(rng, 800, 20)
        for k in range(0, 6, 2):  # i0 draws i1, i2 draws i3, i4 draws i5
            holders = baskets.loc[baskets["item"] == f"i{k}", "basket_id"].unique()
            drawn = holders[rng.random(len(holders)) < 0.5]
            extra = pd.DataFrame({"basket_id": drawn, "item": f"i{k + 1}"})
            baskets = pd.concat([baskets, extra])
        found = mine_rules(baskets, min_support=0.004, min_confidence=0.01, max_length=2)
        significant = found[found["p_value_adjusted"] <= 0.05]
        for rule in significant.itertuples():
            a, b = sorted((int(rule.antecedent[1:]), int(rule.consequent[1:])))
            if a % 2 == 0 and b == a + 1 and a < 6:
                true += 1
            else:
                false += 1
    assert true > 0.9 * 40 * 6
    assert false / (true + false) <= 0.05


def test_the_interval_holds_the_true_lift_as_often_as_it_says():
    rng = np.random.default_rng(2)
    n, cells = 2000, np.array([0.03, 0.07, 0.12, 0.78])
    drawn = rng.multinomial(n, cells, 4000)
    both, left, right = drawn[:, 0], drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2]
    truth = 0.03 / (0.10 * 0.15)
    for interval in (0.5, 0.9, 0.95):
        lower, upper = lift_interval(both, left, right, n, interval=interval)
        covered = ((lower <= truth) & (truth <= upper)).mean()
        assert covered == pytest.approx(interval, abs=3 * (interval * (1 - interval) / 4000) ** 0.5)
    lower, upper = lift_interval([0, 5], [5, 5], [5, 5], 5)
    assert lower.tolist() == [0, 1] and upper.tolist() == [np.inf, 1]
