import duckdb
import numpy as np
import pandas as pd
import pytest

from clientele.segmentation.explaining import (
    TRAITS,
    basket_names,
    behaviour_names,
    difference,
    segment_conditions,
)


def measures(count, **columns):
    plain = dict.fromkeys(["monetary", "recency_days", *TRAITS], 1.0)
    return pd.DataFrame(plain | columns, index=range(count))


def names(frame, clusters):
    return behaviour_names(frame, pd.Series(clusters), active_days=90, lapsed_days=270)


def test_a_name_says_value_state_and_a_large_trait():
    frame = measures(
        20,
        monetary=[150] * 9 + [90] * 2 + [40] * 9,
        recency_days=[90] * 9 + [91, 270] + [271] * 9,
        discount_share=[0, 0.01, 0.02] * 3 + [0.9, 0.8] + [0.02, 0.01, 0] * 3,
    )
    assert names(frame, [0] * 9 + [1] * 2 + [2] * 9) == {
        0: "High value, active",
        1: "Mid value, cooling, many discounts",
        2: "Low value, lapsed",
    }


def test_equal_names_are_told_apart_by_what_differs():
    rng = np.random.default_rng(1)
    evening = np.concatenate([rng.uniform(0, 1, 50), rng.uniform(0, 1, 50) * 0.8])
    frame = measures(100, monetary=10.0, recency_days=5.0, evening_share=evening)
    found = names(frame, [0] * 50 + [1] * 50)
    assert found == {
        0: "Mid value, active, in the evening",
        1: "Mid value, active, not in the evening",
    }


def test_noise_gets_no_name_and_nobody_is_worth_nothing():
    frame = measures(3, monetary=0.0, recency_days=5.0)
    assert names(frame, [0, 0, -1]) == {0: "Mid value, active"}


def test_the_difference_is_cohens_d_of_logarithms():
    values = np.expm1([1.0, 3.0, 5.0, 7.0])
    members = np.array([False, False, True, True])
    assert difference(values, members) == pytest.approx((6 - 2) / 1)
    assert difference(np.ones(4), members) == 0
    assert difference(values, np.ones(4, dtype=bool)) == 0


def test_baskets_are_named_after_what_they_hold_beyond_the_rest():
    shares = pd.DataFrame(
        {"itemset_01": [0.9, 0.8, 0.0, 0.05], "itemset_02": [0.1, 0.1, 0.0, 0.05]}
    )
    labels = {"itemset_01": "Ring + Box", "itemset_02": "Mug + Tea"}
    found = basket_names(shares, pd.Series([1, 1, 0, 2]), labels)
    assert found == {1: "Buys Ring + Box", 0: "No typical basket", 2: "No typical basket (2)"}


@pytest.fixture
def customers():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "recency_days": rng.integers(0, 400, 3000),
            "monetary": rng.lognormal(4, 1, 3000).round(4),
            "discount_share": rng.uniform(0, 1, 3000),
        }
    )
    active = (frame["recency_days"] <= 90) & (frame["discount_share"] > 0.4)
    segments = pd.Series("rest", index=frame.index).mask(active, "bargains")
    return frame, segments.mask(frame["monetary"] > 300, "big")


def test_a_rule_that_is_there_is_found_rounded_and_holds_in_sql(customers):
    frame, segments = customers
    found = segment_conditions(frame, segments).set_index("segment_key")
    assert found.loc["big", "sql_rule"] == "monetary > 300"
    words = found.loc["bargains", "sql_rule"].split(" and ")
    assert set(words) == {"recency_days <= 90", "discount_share > 0.4", "monetary <= 300"}
    assert (found["rule_fidelity"].loc[["big", "bargains"]] > 0.995).all()
    with duckdb.connect() as connection:
        connection.register("customers", frame.assign(segment=segments))
        for key, row in found.iterrows():
            hits, members, rule, total, same = connection.execute(
                f"""
                select
                    count_if(({row.sql_rule}) and segment = '{key}'), count_if(segment = '{key}'),
                    count_if({row.sql_rule}), count(*),
                    count_if(({row.sql_rule}) = (segment = '{key}'))
                from customers
                """
            ).fetchall()[0]
            assert row.rule_precision == pytest.approx(hits / rule)
            assert row.rule_recall == pytest.approx(hits / members)
            assert row.rule_fidelity == pytest.approx(same / total)
            assert row.sql_rule.count(" and ") <= 3


def test_the_order_of_customers_is_of_no_matter(customers):
    frame, segments = customers
    shuffled = frame.sample(frac=1, random_state=3)
    found = segment_conditions(shuffled, segments.loc[shuffled.index])
    pd.testing.assert_frame_equal(found, segment_conditions(frame, segments))


def test_one_segment_needs_no_condition(customers):
    frame, _ = customers
    found = segment_conditions(frame, pd.Series("all", index=frame.index)).iloc[0]
    assert found.tolist() == ["all", "1 = 1", 1, 1, 1]
    assert segment_conditions(frame.head(0), pd.Series(dtype=str)).empty
