"""Profiles of segments, computed again from the raw file with scipy, and what is planted."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT
from scipy import stats

PLANTED = json.loads((PROJECT / "tests/python/sample_truth/truth.json").read_text())["attributes"]
KEYS = ["segment_key", "attribute", "attribute_value"]
DIFFERING, SAME = {"birth_year", "plan"}, {"region", "first_language", "signed_up", "consent"}


@pytest.fixture(scope="module")
def attributes():
    """Return the raw file with a row per customer; values that are unknown are null."""
    raw = pd.read_csv(PROJECT / "seeds/sample/sample_customers.csv", dtype=str)
    raw = raw.rename(columns={"newsletter": "consent"})
    differing = raw.groupby("customer_id")["plan"].transform("nunique") > 1
    raw.loc[differing, "plan"] = None
    raw = raw.drop_duplicates("customer_id").set_index("customer_id")
    raw["birth_year"] = pd.to_numeric(raw["birth_year"], errors="coerce")
    return raw


def adjusted_by_holm(p):
    """Return Holm's adjusted probabilities, as by his paper."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def of_means(own, others):
    """Return (value, the others', interval, p) of Welch's test."""
    test = stats.ttest_ind(own, others, equal_var=False)
    low, high = test.confidence_interval(0.95)
    return own.mean(), others.mean(), low, high, test.pvalue


def of_shares(own, others):
    """Return (share, the others', Newcombe's interval, p of the pooled test or None)."""
    (k, n), (m, o) = (own.sum(), len(own)), (others.sum(), len(others))
    one, other = stats.binomtest(k, n), stats.binomtest(m, o)
    a, b = one.proportion_ci(0.95, "wilson"), other.proportion_ci(0.95, "wilson")
    difference = k / n - m / o
    low = difference - np.hypot(k / n - a.low, b.high - m / o)
    high = difference + np.hypot(a.high - k / n, m / o - b.low)
    table = np.array([[k, n - k], [m, o - m]])
    p = None
    if table.sum(axis=0).min() and stats.contingency.expected_freq(table).min() >= 5:
        p = stats.chi2_contingency(table, correction=False).pvalue
    return k / n, m / o, low, high, p


def by_hand(attributes, members, as_of):
    """Return the profiles of one segmentation; ``members`` are segment keys by customer."""
    rows = []
    known = attributes.join(members.rename("segment_key"), how="inner")
    for name in sorted(DIFFERING | SAME):
        values = known[name].dropna()
        if name == "signed_up":
            days = (pd.Timestamp(as_of) - pd.to_datetime(values)).dt.days
            compared = {"mean": days[days >= 0].astype(float)}
        elif name == "birth_year":
            compared = {"mean": values}
        else:
            counts = values.value_counts()
            kept = ["yes"] if name == "consent" else list(counts.index)
            kept = kept[1:] if len(counts) == 2 and name != "consent" else kept
            compared = {value: values == value for value in kept}
        for value, numbers in compared.items():
            segment = known.loc[numbers.index, "segment_key"]
            for key in members.unique():
                own, others = numbers[segment == key], numbers[segment != key]
                figures = (of_means if value == "mean" else of_shares)(own, others)
                rows.append((key, name, value, len(own), len(others), *figures))
    columns = ["known_count", "others_known_count", "segment_value", "others_value"]
    columns += ["difference_low", "difference_high", "p_value"]
    return pd.DataFrame(rows, columns=KEYS + columns)


@pytest.mark.parametrize("segmentation", ["behaviour", "rfm"])
def test_profiles_are_those_of_scipy(sample, attributes, segmentation):
    members = sample.frame(
        "select customer_id, segment_key, as_of_date from marts.fct_segment_memberships "
        f"where is_current and segmentation = '{segmentation}'"
    ).set_index("customer_id")
    expected = by_hand(attributes, members["segment_key"], members["as_of_date"].iloc[0])
    tested = expected["p_value"].notna()
    expected.loc[tested, "adjusted"] = adjusted_by_holm(
        expected.loc[tested, "p_value"].to_numpy(float)
    )
    found = sample.frame(
        f"select * from marts.fct_segment_profiles where segmentation = '{segmentation}'"
    )
    both = found.merge(expected, on=KEYS, suffixes=("", "_expected"))
    assert len(both) == len(found) == len(expected) > 40
    assert (both["known_count"] == both["known_count_expected"]).all()
    assert (both["others_known_count"] == both["others_known_count_expected"]).all()
    for column in ("segment_value", "others_value"):
        np.testing.assert_allclose(both[column], both[f"{column}_expected"], rtol=1e-8, atol=1e-8)
    width = both["difference_high_expected"] - both["difference_low_expected"]
    for column in ("difference_low", "difference_high"):
        error = (both[column] - both[f"{column}_expected"]).abs()
        assert (error <= 2e-4 * width).all()
    assert (both["p_value"].notna() == both["p_value_expected"].notna()).all()
    is_tested = both[both["p_value"].notna()]
    for column, by_scipy in (("p_value", "p_value_expected"), ("p_value_adjusted", "adjusted")):
        np.testing.assert_allclose(
            is_tested[column], is_tested[by_scipy].astype(float), rtol=1e-4, atol=2e-12
        )
    assert (is_tested["is_different"] == (is_tested["adjusted"] <= 0.05)).all()


def test_what_is_planted_to_differ_is_found_and_nothing_else(sample):
    found = sample.frame(
        "select attribute, segment_key, is_different from marts.fct_segment_profiles "
        "where segmentation = 'behaviour'"
    )
    differing = found[found["is_different"]]
    assert set(differing["attribute"]) == DIFFERING
    assert set(found["attribute"]) == DIFFERING | SAME
    # Each segment is older or younger than the rest, by the planted means.
    assert len(differing[differing["attribute"] == "birth_year"]) == found["segment_key"].nunique()


def test_segments_have_the_planted_means_and_shares(sample):
    truth = pd.read_csv(PROJECT / "tests/python/sample_truth/customers.csv")
    members = sample.frame(
        "select customer_id, segment_key from marts.fct_segment_memberships "
        "where is_current and segmentation = 'behaviour'"
    ).merge(truth)
    profiles = sample.frame(
        "select segment_key, attribute, segment_value, known_count from marts.fct_segment_profiles "
        "where attribute in ('birth_year', 'plan')"
    ).set_index(["segment_key", "attribute"])
    for key, group in members.groupby("segment_key"):
        for attribute, planted, spread in (
            ("birth_year", PLANTED["birth_year_means"], PLANTED["birth_year_spread"]),
            ("plan", PLANTED["plus_shares"], 0.5),
        ):
            expected = group["segment"].map(planted).mean()
            row = profiles.loc[(key, attribute)]
            # The means differ within a segment that has customers of several planted ones.
            error = 4 * (spread + group["segment"].map(planted).std()) / np.sqrt(row["known_count"])
            assert row["segment_value"] == pytest.approx(expected, abs=error), (key, attribute)


def test_ranks_put_what_holds_first(sample):
    found = sample.frame(
        "select * from marts.fct_segment_profiles order by segment_key, profile_rank"
    )
    for _, rows in found.groupby("segment_key"):
        assert list(rows["profile_rank"]) == list(range(1, len(rows) + 1))
        assert rows["is_different"].is_monotonic_decreasing
        for _, group in rows.groupby("is_different"):
            assert group["standardised_difference"].abs().dropna().is_monotonic_decreasing
