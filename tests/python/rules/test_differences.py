"""Whether a rule is as strong in every segment, against the test's definition and simulations."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from clientele.rules.differences import rule_differences


def stratum(both, left, right, n):
    return {"order_count": both, "antecedent_count": left, "consequent_count": right,
            "basket_count": n}  # fmt: skip


def differences(strata):
    rows = [
        {"antecedent_items": '["a"]', "consequent_items": '["c"]', "segment_key": f"s{i}"} | counts
        for i, counts in enumerate(strata)
    ]
    return rule_differences(pd.DataFrame(rows))


def test_the_test_of_differences_solves_its_own_definition():
    """The statistic by hand: expected counts by bisection, variance, and Tarone's correction."""
    tables = [(30, 60, 90, 400), (12, 50, 70, 300), (44, 80, 100, 350)]
    found = differences([stratum(*table) for table in tables])
    top = sum(b * (n - a - c + b) / n for b, a, c, n in tables)
    common = top / sum((a - b) * (c - b) / n for b, a, c, n in tables)
    squares, excess, variances = 0, 0, 0
    for b, a, c, n in tables:
        low, high = max(0, a + c - n), min(a, c)
        for _ in range(200):
            x = (low + high) / 2
            if x * (n - a - c + x) < common * (a - x) * (c - x):
                low = x
            else:
                high = x
        variance = 1 / (1 / x + 1 / (a - x) + 1 / (c - x) + 1 / (n - a - c + x))
        squares, excess = squares + (b - x) ** 2 / variance, excess + b - x
        variances += variance
    row = found.iloc[0]
    assert row["common_odds_ratio"] == pytest.approx(common, rel=1e-12)
    assert row["chi_square"] == pytest.approx(squares - excess**2 / variances, rel=1e-9)
    assert row["p_value"] == pytest.approx(chi2.sf(row["chi_square"], 2), rel=1e-12)
    assert found["compared_segment_count"].eq(3).all()


def test_equal_strength_is_not_called_different_at_more_than_the_stated_rate():
    rng = np.random.default_rng(5)
    rows = []
    for rule in range(2000):
        # The same odds ratio of 3 in segments where both sides are popular or rare.
        for segment, (a, c) in enumerate([(0.1, 0.1), (0.3, 0.2), (0.05, 0.4)]):
            n = 800
            left = rng.random(n) < a
            odds = c / (1 - c) * np.where(left, 3, 1)
            right = rng.random(n) < odds / (1 + odds)
            rows.append({"antecedent_items": f'["a{rule}"]', "consequent_items": f'["c{rule}"]',
                         "segment_key": f"s{segment}"}
                        | stratum((left & right).sum(), left.sum(), right.sum(), n))  # fmt: skip
    found = rule_differences(pd.DataFrame(rows)).drop_duplicates("antecedent_items")
    share = (found["p_value"] <= 0.05).mean()
    assert share == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / 2000) ** 0.5)
    assert (found["p_value_adjusted"] <= 0.05).sum() <= 3


def test_a_rule_of_one_segment_only_is_different_and_segments_too_small_are_left_out():
    found = differences(
        [stratum(60, 100, 100, 1000), stratum(10, 100, 100, 1000), stratum(1, 9, 20, 90)]
    )
    assert found["p_value"].iloc[0] < 1e-9
    assert found["is_compared"].tolist() == [True, True, False]
    assert found["lift"].tolist()[:2] == [6.0, 1.0]
    lone = differences([stratum(60, 100, 100, 1000), stratum(0, 0, 20, 90)])
    assert lone["p_value"].isna().all() and lone["compared_segment_count"].eq(1).all()
    assert np.isnan(lone["confidence"].iloc[1])


def test_a_rule_and_its_converse_are_one_test():
    rows = []
    for left, right in ("ac", "ca", "bd"):
        for segment, table in enumerate([stratum(60, 100, 150, 1000), stratum(20, 150, 100, 1000)]):
            if (left, right) == ("c", "a"):
                table = table | {
                    "antecedent_count": table["consequent_count"],
                    "consequent_count": table["antecedent_count"],
                }
            if left == "b":
                table = stratum(15, 100, 150, 1000)
            rows.append({"antecedent_items": left, "consequent_items": right,
                         "segment_key": f"s{segment}"} | table)  # fmt: skip
    found = rule_differences(pd.DataFrame(rows)).drop_duplicates(["antecedent_items"])
    found = found.set_index("antecedent_items")
    assert found.loc["a", "p_value_adjusted"] == found.loc["c", "p_value_adjusted"]
    # Of two tests, not of three.
    assert found.loc["a", "p_value_adjusted"] == pytest.approx(2 * found.loc["a", "p_value"])


def test_no_rules_have_no_differences():
    columns = ["antecedent_items", "consequent_items", "segment_key", *stratum(0, 0, 0, 0)]
    assert rule_differences(pd.DataFrame(columns=columns)).empty
