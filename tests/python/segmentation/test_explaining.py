import duckdb
import numpy as np
import pandas as pd
import pytest

from clientele.segmentation.explaining import segment_conditions


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
