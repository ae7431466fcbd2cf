"""Test whether a rule is equally strong in every segment."""

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from clientele.rules.measures import measure
from clientele.rules.significance import adjusted
from clientele.rules.types import DIFFERENCE_TYPES, typed


def rule_differences(
    counts: pd.DataFrame, *, min_expected: float = 5.0, interval: float = 0.95
) -> pd.DataFrame:
    """Test for each rule whether it is equally strong in every segment.

    ``counts`` has a row per rule (``antecedent_items``, ``consequent_items``) and ``segment_key``
    with ``order_count``, ``antecedent_count``, ``consequent_count`` and ``basket_count``. The test
    compares the odds ratio of the two sides, which does not depend on how popular either side is
    in a segment: the test of Breslow and Day with Tarone's correction (N. E. Breslow, N. E. Day:
    Statistical Methods in Cancer Research I. IARC 1980; R. E. Tarone: On Heterogeneity Tests Based
    on Efficient Scores. Biometrika 72, 1985), against the common odds ratio of Mantel and
    Haenszel. A segment is compared (``is_compared``) if at least ``min_expected`` baskets are
    expected in the rarest of the four cells; there is no test with fewer than two segments.

    Returns the rows with the columns `clientele.rules.types.DIFFERENCE_TYPES`. ``chi_square``
    (with ``compared_segment_count`` - 1 degrees of freedom), ``p_value`` and
    ``p_value_adjusted`` (for all rules tested) repeat in each row of a rule.
    """
    key = ["antecedent_items", "consequent_items"]
    frame = counts.sort_values([*key, "segment_key"], ignore_index=True)
    both, left, right, n = (
        frame[f"{c}_count"].to_numpy(dtype=float)
        for c in ("order", "antecedent", "consequent", "basket")
    )
    measures = measure(both, left, right, n.astype(np.int64), interval)
    for column in ("confidence", "lift", "lift_lower", "lift_upper"):
        frame[column] = measures[column]
    with np.errstate(divide="ignore", invalid="ignore"):
        only_left, only_right, neither = left - both, right - both, n - left - right + both
        frame["odds_ratio"] = both * neither / (only_left * only_right)
        smallest = np.minimum(left, n - left) * np.minimum(right, n - right) / n
    compared = smallest >= min_expected
    frame["is_compared"] = compared
    rule = frame.groupby(key, sort=False).ngroup().to_numpy()
    rule_count = rule.max() + 1 if len(rule) else 0

    def per_rule(values):
        sums = np.bincount(rule[compared], values[compared], minlength=rule_count)
        return sums.astype(float)

    with np.errstate(divide="ignore", invalid="ignore"):
        common = per_rule(both * neither / n) / per_rule(only_left * only_right / n)
        expected = _expected_both(left, right, n, common[rule])
        cells = (expected, left - expected, right - expected, n - left - right + expected)
        variance = 1 / sum(1 / cell for cell in cells)
        statistic = per_rule((both - expected) ** 2 / variance)
        statistic -= per_rule(both - expected) ** 2 / per_rule(variance)
    segments = per_rule(np.ones(len(rule))).astype(int)
    testable = (segments > 1) & np.isfinite(statistic)
    statistic = np.where(testable, np.maximum(statistic, 0), np.nan)
    p_values = np.where(testable, chdtrc(np.maximum(segments - 1, 1), statistic), np.nan)
    # A rule and its converse have the same table, so they are one test.
    tables = frame[key].drop_duplicates().to_numpy(dtype=str).reshape(-1, 2)
    _, first, same = np.unique(np.sort(tables, axis=1), axis=0, return_index=True,
                               return_inverse=True)  # fmt: skip
    same = same.reshape(-1)
    statistic, p_values = statistic[first], p_values[first]
    tests = np.flatnonzero(np.isfinite(p_values))
    corrected = np.full(len(first), np.nan)
    corrected[tests] = adjusted(p_values[tests], len(tests))
    statistic, p_values, corrected = statistic[same], p_values[same], corrected[same]
    frame["common_odds_ratio"] = np.where(testable, common, np.nan)[rule]
    frame["compared_segment_count"] = segments[rule]
    frame["chi_square"] = statistic[rule]
    frame["p_value"] = p_values[rule]
    frame["p_value_adjusted"] = corrected[rule]
    return typed(frame, DIFFERENCE_TYPES)


def _expected_both(left, right, n, odds_ratio) -> np.ndarray:
    """Return the expected baskets with both sides in each segment, given the ``odds_ratio``."""
    # x (n - left - right + x) = odds_ratio (left - x) (right - x)
    a = 1 - odds_ratio
    b = n - left - right + odds_ratio * (left + right)
    c = -odds_ratio * left * right
    root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
    # This form is also valid for an odds ratio of 1.
    return -2 * c / (b + root)
