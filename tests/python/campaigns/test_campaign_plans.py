"""Plans: the formula against SciPy, the baseline against pandas, the power by simulation."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT
from scipy import stats

DAYS = 30


@pytest.fixture(scope="module")
def query(published_sample):
    database = published_sample.folder / "published/current/clientele.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).df()


@pytest.fixture(scope="module")
def plans(query):
    return query("select * from marts.fct_campaign_plans").set_index(["audience", "metric"])


@pytest.fixture(scope="module")
def followed(query):
    """What customers did in the window, by the group that they were in when it began."""
    return query(
        f"""
        select
            rfm.customer_id, rfm.previous_rfm_group as rfm_group, count(order_id) as orders,
            coalesce(sum(net_amount), 0)::double as revenue
        from marts.fct_customer_rfm as rfm
        left join marts.fct_orders as orders
            on
                orders.customer_id = rfm.customer_id
                and orders.is_purchase
                and orders.order_date > rfm.as_of_date - interval 90 day
                and orders.order_date <= rfm.as_of_date - interval 90 day + interval {DAYS} day
        where rfm.previous_rfm_group is not null
        group by all
        """
    )


def groups_of(query, audience):
    """The group of each customer of an audience, the global holdout left out."""
    return query(
        f"""
        select rfm_group from marts.fct_audience_members
        join marts.fct_customer_rfm using (customer_id)
        where audience = '{audience}' and arm <> 'global_holdout'
        """
    )["rfm_group"]


def test_the_smallest_effect_is_that_of_welchs_test(plans):
    one, other = 1 / plans["treated_count"], 1 / plans["control_count"]
    freedom = (one + other) ** 2 / (
        one**2 / (plans["treated_count"] - 1) + other**2 / (plans["control_count"] - 1)
    )
    t = stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom)
    error = plans["baseline_sd"] * np.sqrt(one + other)
    np.testing.assert_allclose(plans["detectable_effect"], t * error, rtol=3e-4)
    np.testing.assert_allclose(
        plans["detectable_share"], plans["detectable_effect"] / plans["baseline_mean"], rtol=1e-7
    )
    np.testing.assert_allclose(
        plans["holdout_forgone"], plans["detectable_effect"] * plans["control_count"], rtol=1e-12
    )
    # The power of a t-test at that effect is 80 %, by the distribution itself.
    shift = plans["detectable_effect"] / error
    limit = stats.t.ppf(0.975, freedom)
    power = stats.nct.sf(limit, freedom, shift) + stats.nct.cdf(-limit, freedom, shift)
    np.testing.assert_allclose(power, 0.8, atol=0.02)
    # Two metrics of each audience that is shipped.
    assert len(plans) == 2 * len(list((PROJECT / "audiences").glob("*.yml"))) == 12


def test_as_many_customers_as_a_plan_says_are_needed_show_ten_percent(plans, query):
    shares = query("select audience, planned_holdout_share from marts.dim_audiences")
    share = plans.index.get_level_values(0).map(
        shares.set_index("audience")["planned_holdout_share"]
    )
    total = plans["needed_customer_count"]
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    found = z * plans["baseline_sd"] * np.sqrt(1 / (total * share) + 1 / (total * (1 - share)))
    np.testing.assert_allclose(found, plans["baseline_mean"] / 10, rtol=1e-3)


def test_the_baseline_is_what_such_customers_did(plans, query, followed):
    for (audience, metric), plan in plans.iterrows():
        members = groups_of(query, audience)
        outcomes = pd.DataFrame({"mean": followed[metric], "square": followed[metric] ** 2})
        moments = outcomes.groupby(followed["rfm_group"]).mean()
        mixed = moments.reindex(members).dropna().mean()
        assert plan["baseline_mean"] == pytest.approx(mixed["mean"], rel=1e-6)
        deviation = np.sqrt(mixed["square"] - mixed["mean"] ** 2)
        assert plan["baseline_sd"] == pytest.approx(deviation, rel=1e-6)
        assert plan["window_days"] == DAYS


@pytest.mark.parametrize(("effect", "least", "most"), [(1.0, 0.74, 0.86), (0.0, 0.03, 0.08)])
def test_simulated_campaigns_find_the_smallest_effect_in_four_of_five(
    plans, query, followed, effect, least, most
):
    plan = plans.loc[("membership", "orders")]
    members = groups_of(query, "membership")
    # Sorted, as rows and groups of one size come in any order, and the draws must not depend on it.
    by_group = followed.groupby("rfm_group")["orders"]
    pools = {group: np.sort(rows.to_numpy()) for group, rows in by_group}
    weights = members[members.isin(list(pools))].value_counts(normalize=True)
    weights = weights.sort_index()
    rng = np.random.default_rng(1)

    def drawn(size):
        groups = rng.choice(weights.index.to_numpy(dtype=str), size=size, p=weights.to_numpy())
        outcomes = np.empty(size)
        for group, pool in pools.items():
            outcomes[groups == group] = rng.choice(pool, size=(groups == group).sum())
        return outcomes

    found = [
        stats.ttest_ind(
            drawn(int(plan["treated_count"])) + effect * plan["detectable_effect"],
            drawn(int(plan["control_count"])),
            equal_var=False,
        ).pvalue
        < 0.05
        for _ in range(1500)
    ]
    assert least < np.mean(found) < most
