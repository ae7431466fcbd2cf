"""Uplift in the marts: features end before the campaign, and SQL scores as the package does."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest

from clientele.campaigns.uplift.fitting import fit_arm
from clientele.campaigns.uplift.learning import fit_uplift

CAMPAIGN, ASSIGNED, DAY_BEFORE = "second-order-2025", "2025-10-06", "2025-10-05"
MEASURES = ["frequency", "recency_days", "tenure_days", "recent_order_count", "monetary"]


@pytest.fixture(scope="module")
def members(sample):
    """All members of the sample's experiments, as the fit reads them."""
    frame = sample.frame("from features.feat_experiment_members order by campaign_id, customer_id")
    return frame, [name for name in frame if name.startswith("x_")]


def test_what_a_fit_knows_of_a_customer_is_what_a_build_of_the_day_before_knows(
    sample_copy, members
):
    """The shop is built as of the day before the assignment: nothing later can be in it."""
    frame, _ = members
    said = f"{{as_of_date: {DAY_BEFORE}}}"
    sample_copy.dbt("run", "--vars", said, "--select", "+feat_customers__behaviour")
    assert sample_copy.exit_code == 0, sample_copy.output[-3000:]
    then = sample_copy.frame("from features.feat_customers__behaviour where is_current")
    assert set(then["as_of_date"].astype(str)) == {DAY_BEFORE}
    known = frame[frame["campaign_id"] == CAMPAIGN].drop(columns="monetary")
    known = known.merge(then, on="customer_id", how="left")
    has_bought = known["frequency"].notna()
    assert has_bought.sum() > 1000 and (known["x_has_no_order"] == 0).equals(has_bought)
    known = known[has_bought]
    for measure in [*MEASURES, "discount_share"]:
        logs = np.log1p(known[measure].astype(float).clip(lower=0))
        np.testing.assert_allclose(known[f"x_log_{measure}"], logs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(known["order_value"], known["average_order_value"])
    assert known["uplift_segment"].str.startswith("one order").equals(known["frequency"] == 1)
    active = known["uplift_segment"].str.endswith(", active")
    assert active.equals(known["recency_days"] <= 90) and 0.2 < active.mean() < 0.9


def test_outcomes_are_the_orders_of_the_window_and_everyone_assigned_counts(sample, members):
    frame, _ = members
    wanted = sample.frame(
        f"""
        select c.customer_id, count(distinct o.order_id) filter (o.is_purchase) as orders,
            coalesce(sum(o.net_amount), 0)::double as amount
        from raw.sample_campaigns c left join marts.fct_orders o
            on c.customer_id = o.customer_id
            and o.order_date between date '{ASSIGNED}' and date '{ASSIGNED}' + 29
        where campaign_id = '{CAMPAIGN}' group by 1
        """
    ).set_index("customer_id")
    found = frame[frame["campaign_id"] == CAMPAIGN].set_index("customer_id")
    wanted = wanted.loc[found.index]
    assert len(found) == len(wanted) > 1000 and (wanted["orders"] > 0).mean() > 0.2
    assert (found["next_order_count"] == wanted["orders"]).all()
    np.testing.assert_allclose(found["next_amount"], wanted["amount"], atol=1e-6)
    assert 0.4 < frame["is_held_out"].mean() < 0.6


def test_campaigns_without_a_control_or_with_an_open_window_say_nothing(sample, members):
    assert set(members[0]["campaign_id"]) == {"summer-2025", "autumn-2025", CAMPAIGN}
    assert sample.query("select count(*) from marts.fct_customer_uplift")[0][0] == (
        4 * sample.query("select count(*) from marts.fct_customer_features")[0][0]
    )


def scored(sample, distinguished):
    """Run the mart's own SQL on the sample with a verdict of our own."""
    path = "target/compiled/clientele/models/marts/campaigns/fct_customer_uplift.sql"
    query = (sample.folder / path).read_text()
    relation = next(name for name in query.split() if "ml_uplift__fits" in name)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{sample.database}' as {relation.split('.')[0]} (read_only)")
        connection.execute(
            f"create table fits as select * replace (case when name = 'is_distinguished' "
            f"then {distinguished} else value end as value) from {relation}"
        )
        return connection.execute(query.replace(relation, "memory.main.fits")).df()


def test_sql_scores_every_customer_as_the_package_does(sample, members):
    frame, features = members
    marts = scored(sample, distinguished=1)
    today = sample.frame("from features.feat_customers__behaviour where is_current")
    today = today.set_index("customer_id")
    inputs = pd.DataFrame(
        {f"x_log_{m}": np.log1p(today[m].astype(float).clip(lower=0)) for m in MEASURES}
        | {"x_log_discount_share": np.log1p(today["discount_share"])}
        | {"x_has_no_order": 0.0, "x_is_single_order": (today["frequency"] == 1) * 1.0}
    )
    assert set(inputs) == set(features)
    differing = 0
    for (campaign, arm), found in marts.groupby(["campaign_id", "arm"]):
        chosen = frame[(frame["campaign_id"] == campaign) & frame["arm"].isin([arm, "control"])]
        fit = fit_uplift(
            chosen[features],
            chosen["uplift_segment"],
            (chosen["arm"] == arm).to_numpy(),
            chosen["next_order_count"].to_numpy(float),
        )
        found = found.set_index("customer_id").loc[inputs.index]
        expected = fit.predict(inputs, found["uplift_segment"])
        np.testing.assert_allclose(found["expected_extra_orders"], expected, atol=1e-8)
        differing += expected.std() > 1e-3
        profit = found["expected_extra_margin"] - found["contact_cost_amount"].astype(float)
        np.testing.assert_allclose(found["expected_contact_profit"], profit, atol=1e-4)
        places = found["expected_contact_profit"].rank(ascending=False, method="min")
        assert (places <= found["contact_rank"]).all()
        assert sorted(found["contact_rank"]) == list(range(1, len(found) + 1))
    assert differing >= 1
    best = marts[marts["is_best_contact"]].set_index("customer_id")["expected_contact_profit"]
    most = marts.groupby("customer_id")["expected_contact_profit"].max()
    assert best.index.is_unique and best.sort_index().equals(most.sort_index())


def test_the_fits_in_the_warehouse_are_those_of_the_package(sample, members):
    frame, features = members
    chosen = frame[frame["campaign_id"] == CAMPAIGN]
    rows = pd.DataFrame(fit_arm(chosen, features=features, control="control"))
    stored = sample.frame(f"from ml.ml_uplift__fits where campaign_id = '{CAMPAIGN}'")
    both = rows.merge(stored, on=["part", "name"], suffixes=("", "_stored"))
    assert len(both) == len(rows) == len(stored) > 20
    np.testing.assert_allclose(both["value"], both["value_stored"], atol=1e-9)


def test_where_no_difference_is_shown_there_is_one_expectation_and_no_rank(sample):
    marts = scored(sample, distinguished=0)
    for _, found in marts.groupby(["campaign_id", "arm"]):
        assert found["expected_contact_profit"].round(6).nunique() == 1
        assert found["contact_rank"].isna().all()
    assert set(marts["uplift_verdict"]) == {"no difference shown"}
    assert marts.groupby("customer_id")["is_best_contact"].sum().eq(1).all()


def test_a_source_without_randomised_campaigns_has_no_models_of_uplift(new_warehouse):
    names = ["feat_experiment_members", "ml_uplift__fits", "fct_customer_uplift"]
    names += ["rpt_uplift_backtests"]
    warehouse = new_warehouse("no_experiments")
    for table in ({}, {"campaigns": {"path": "sent.csv", "randomised": False}}):
        tables = {"order_lines": {"path": "lines.csv"}} | table
        said = json.dumps({"source": {"name": "plain", "tables": tables}})
        warehouse.dbt("ls", "--vars", said)
        assert warehouse.exit_code == 0, warehouse.output[-3000:]
        assert "dim_customers" in warehouse.output
        assert ("fct_campaign_results" in warehouse.output) == bool(table)
        assert not [name for name in names if name in warehouse.output]
