"""Results of campaigns, from raw files through the warehouse, against an independent one."""

import json

import campaigns_by_hand as by_hand
import numpy as np
import pandas as pd
import pytest
from conftest import NO_TESTS, PROJECT

from clientele.campaigns.results import PARTS, campaign_results
from clientele.simulation.generating import generate
from clientele.sources.settings import load_source

CUSTOMERS = 4000
# The period ends before a window of 30 days would.
HOLIDAY_DAYS = 14
EXPERIMENTS = {
    "spring-2025": ["treated"], "summer-2025": ["email", "postcard"], "autumn-2025": ["treated"],
    "second-order-2025": ["treated"], "holiday-2025": ["treated"],
}  # fmt: skip
SEGMENTS = {"no earlier order": [0], "one earlier order": [1]}


def build_results(warehouse, settings):
    """Build the results and what they need of a source; return their mart."""
    arguments = ["--select", "+fct_campaign_results", "--vars", json.dumps(settings, default=str)]
    warehouse.dbt("build", *NO_TESTS, *arguments)
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    return warehouse.frame("from marts.fct_campaign_results")


def of(results, campaign, arm, segment="all"):
    """Return the rows of one comparison by metric."""
    keys = (results["campaign_id"] == campaign) & (results["arm"] == arm)
    return results[keys & (results["segment"] == segment)].set_index("metric")


@pytest.fixture(scope="module")
def simulated(new_warehouse, tmp_path_factory):
    """Return the folder of a simulated shop, its truth by campaign and arm, and the results."""
    folder = tmp_path_factory.mktemp("campaigns") / "shop"
    truth = generate(folder, customers=CUSTOMERS, progress=False)["campaigns"]
    settings = load_source("generated", PROJECT / "sources") | {"data": str(folder)}
    settings["campaigns_windows"] = {"holiday-2025": HOLIDAY_DAYS}
    results = build_results(new_warehouse("campaigns"), settings)
    planted = {
        (row["campaign_id"], row["arm"]): row["extra_orders"] / row["customers"] for row in truth
    }
    return folder, planted, results


def test_results_are_those_of_pandas_and_scipy_on_the_raw_files(simulated):
    folder, _, results = simulated
    orders, members = by_hand.purchases(folder), by_hand.members(folder)
    compared = 0
    for campaign, arms in EXPERIMENTS.items():
        people = members[members["campaign_id"] == campaign].reset_index(drop=True)
        days = HOLIDAY_DAYS if campaign == "holiday-2025" else 30
        after = by_hand.bought_between(people, orders, 0, days - 1)
        before = by_hand.bought_between(people, orders, -90, -1)
        several = (before["orders"] > 1).to_numpy()
        within = {"all": None, "several earlier orders": several} | {
            name: before["orders"].isin(counts).to_numpy() for name, counts in SEGMENTS.items()
        }
        for arm in arms:
            for segment, mask in within.items():
                expected = by_hand.experiment(people, after, before, arm, mask)
                found = of(results, campaign, arm, segment)
                found = found.loc[expected.index, expected.columns].astype(float)
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
                compared += 1
            cost = people.loc[people["arm"] == arm, "cost"].astype(float).sum()
            margin = of(results, campaign, arm).loc["margin"]
            assert float(margin["cost_amount"]) == pytest.approx(cost)
            profit = margin["uplift_total"] - cost
            assert float(margin["profit_amount"]) == pytest.approx(profit, abs=1e-3)
    assert compared == 24 and set(results["segment"]) == set(within)


def test_intervals_hold_the_planted_effects(simulated):
    """Five at 95 %; the postcard's effect is large enough to be found by itself."""
    _, planted, results = simulated
    # What `spring-2025` adds shares the random numbers of other orders: only the rate is known.
    for campaign, arms in EXPERIMENTS.items():
        for arm in arms:
            row = of(results, campaign, arm).loc["orders"]
            effect = planted.get((campaign, arm))
            if effect is not None:
                lower, upper = row["adjusted_uplift_lower"], row["adjusted_uplift_upper"]
                assert lower < effect < upper, (campaign, arm, effect, lower, upper)
            assert row["is_randomised"] and row["sample_ratio_p_value"] > 0.001
    assert of(results, "summer-2025", "postcard").loc["orders", "verdict"] == "worked"
    assert of(results, "autumn-2025", "treated").loc["orders", "verdict"] != "worked"
    row = of(results, "second-order-2025", "treated", "several earlier orders").loc["orders"]
    # The effect is on customers with exactly one order in all.
    assert row["adjusted_uplift_lower"] < 0 < row["adjusted_uplift_upper"]


def test_a_campaign_without_control_is_compared_and_claims_nothing(simulated):
    """The plain difference is many times the planted effect; within strata it is close to it."""
    _, planted, results = simulated
    found = of(results, "vip-2025", "treated")
    orders, effect = found.loc["orders"], planted["vip-2025", "treated"]
    assert set(found["verdict"]) == {"not a fair test"} and not found["is_randomised"].any()
    assert found["profit_amount"].isna().all() and found["sample_ratio_p_value"].isna().all()
    assert orders["uplift_lower"] > 2 * effect
    assert orders["adjusted_uplift_lower"] < effect < orders["adjusted_uplift_upper"]
    assert orders["compared_share"] > 0.8


# Published figures of the experiment, by arm and metric: uplift per customer and its interval.
HILLSTROM = {
    ("Mens E-Mail", "spend"): (0.7698, 0.4851, 1.0545),
    ("Womens E-Mail", "spend"): (0.4244, 0.1690, 0.6799),
    ("Mens E-Mail", "visit"): (0.07659, 0.06995, 0.08323),
    ("Womens E-Mail", "visit"): (0.04523, 0.03889, 0.05157),
}
ENDS = ["uplift_per_customer", "uplift_lower", "uplift_upper"]
ASSIGNED = pd.Timestamp("2008-03-20")


@pytest.fixture(scope="module")
def mails(real_data):
    mails = pd.read_parquet(real_data("hillstrom/hillstrom.parquet"))
    return mails.assign(customer_id="m" + mails.index.astype(str))


@pytest.fixture(scope="module")
def hillstrom(mails, new_warehouse, tmp_path_factory):
    """The e-mail experiment as a shop: an earlier order of each customer, and those of the mails.

    The file has months since the last order and a year's spend, here one order of that amount.
    """
    folder = tmp_path_factory.mktemp("hillstrom")
    earlier = pd.DataFrame(
        {
            "customer_id": mails["customer_id"],
            "ordered_at": ASSIGNED - pd.to_timedelta(30 * mails["recency"] - 15, unit="D"),
            "amount": mails["history"],
        }
    )
    bought = mails[mails["conversion"] == 1]
    later = pd.DataFrame(
        {
            "customer_id": bought["customer_id"],
            "ordered_at": ASSIGNED + pd.to_timedelta(bought.index % 14, unit="D"),
            "amount": bought["spend"],
        }
    )
    lines = pd.concat([earlier, later], ignore_index=True)
    lines = lines.assign(order_id="o" + lines.index.astype(str), product_id="goods", quantity=1)
    lines.to_parquet(folder / "lines.parquet")
    sent = mails[["customer_id", "segment"]].rename(columns={"segment": "mail"})
    sent.assign(campaign="mail", at=ASSIGNED).to_parquet(folder / "sent.parquet")
    columns = ["order_id", "customer_id", "product_id", "ordered_at", "quantity"]
    tables = {
        "order_lines": {
            "path": str(folder / "lines.parquet"),
            "columns": {name: name for name in columns} | {"unit_price": "amount"},
        },
        "campaigns": {
            "path": str(folder / "sent.parquet"),
            "control": "No E-Mail",
            "columns": {
                "campaign_id": "campaign", "customer_id": "customer_id", "arm": "mail",
                "assigned_at": "at",
            },
        },
    }  # fmt: skip
    source = {"name": "mails", "timezone": "UTC", "currency": "USD", "tables": tables}
    source |= {"extract_date": "2008-12-31"}
    settings = {"source": source, "as_of_date": "2008-04-02"}
    return build_results(new_warehouse("hillstrom"), settings | {"campaigns_windows": {"mail": 14}})


@pytest.mark.parametrize("arm", ["Mens E-Mail", "Womens E-Mail"])
def test_the_experiment_of_hillstrom_has_its_published_result(hillstrom, mails, arm):
    found = of(hillstrom, "mail", arm)
    assert found.loc["revenue", ENDS].astype(float).tolist() == pytest.approx(
        HILLSTROM[arm, "spend"], abs=6e-5
    )
    treated, control = (mails[mails["segment"] == name] for name in (arm, "No E-Mail"))
    for metric, column in {"revenue": "spend", "conversion": "conversion"}.items():
        expected = by_hand.welch(treated[column], control[column])
        assert found.loc[metric, ENDS].astype(float).tolist() == pytest.approx(
            expected[:3], abs=1e-8
        )
    assert found["customer_count"].tolist() == [len(treated)] * 4
    assert found["control_customer_count"].tolist() == [21_306] * 4
    # The earlier order says little about the next two weeks: it takes away noise, and no more.
    adjusted = found.loc["revenue", [f"adjusted_{name}" for name in ENDS]].astype(float)
    assert adjusted.tolist() == pytest.approx(HILLSTROM[arm, "spend"], abs=0.01)
    assert found.loc[["revenue", "conversion"], "verdict"].tolist() == ["worked"] * 2
    assert found.loc["revenue", "verdict_reason"].startswith("It brought +0.")
    assert " USD of revenue per customer" in found.loc["revenue", "verdict_reason"]
    assert found["is_window_complete"].all() and (found["sample_ratio_p_value"] > 0.001).all()


def test_visits_of_hillstrom_by_what_customers_had_bought(mails):
    """A visit is no order, so the sums are made here; segments are stated."""
    values = {"orders": "visit", "revenue": "spend", "margin": "spend", "conversion": "conversion"}
    rows = []
    for (arm, womens), people in mails.groupby(["segment", "womens"]):
        row = {
            "campaign_id": "mail", "arm": arm, "segment": "womens" if womens else "others",
            "earlier_orders": "none", "is_control": arm == "No E-Mail", "is_randomised": True,
            "first_date": ASSIGNED, "last_date": ASSIGNED, "customer_count": len(people),
            "cost_amount": np.nan, "window_days": 14,
        }  # fmt: skip
        for metric, column in values.items():
            y, x = people[column].astype(float), people["history"]
            sums = dict(zip(PARTS, [y, y * y, x, x * x, x * y], strict=True))
            row |= {f"{metric}_{part}": value.sum() for part, value in sums.items()}
        rows.append(row)
    strata = pd.DataFrame(columns=["campaign_id", "arm", "stratum"])
    found = campaign_results(
        pd.DataFrame(rows), strata, as_of_date="2008-12-31", relevant_share=0.05
    )
    for arm in ("Mens E-Mail", "Womens E-Mail"):
        visits = of(found, "mail", arm).loc["orders", ENDS].astype(float)
        assert visits.tolist() == pytest.approx(HILLSTROM[arm, "visit"], abs=6e-6)
    segments = {"womens": (0.0731, 0.0641, 0.0822), "others": (0.0111, 0.0024, 0.0198)}
    for segment, expected in segments.items():
        visits = of(found, "mail", "Womens E-Mail", segment).loc["orders"]
        assert visits[ENDS].astype(float).tolist() == pytest.approx(expected, abs=6e-5)
        assert visits["verdict"] == "worked"


def test_the_campaigns_of_the_complete_journey_are_no_experiments(complete_journey):
    """Coupons went to the best customers: the plain differences are large, those within strata not.

    The placebo rejects few, as it should where strata make the groups comparable.
    """
    results = complete_journey.frame("from marts.fct_campaign_results")
    assert results["campaign_id"].nunique() == 27 and set(results["segment"]) == {"all"}
    assert set(results["verdict"]) == {"not a fair test"}
    assert results["profit_amount"].isna().all() and not results["is_randomised"].any()
    orders = results[results["metric"] == "orders"].set_index("campaign_id")
    # Three began before the first order of the file, or when no one else had bought.
    alone = orders[orders["control_customer_count"] == 0]
    assert set(alone.index) == {"24", "25", "26"}
    assert alone["verdict_reason"].str.contains("no similar customers").all()
    large = orders[orders["customer_count"] >= 100].drop(index="26")
    assert (large["uplift_lower"] > 0).all() and large["uplift_per_customer"].median() > 1
    assert large["adjusted_uplift_per_customer"].abs().median() < 0.15
    assert (large["placebo_p_value"] < 0.05).sum() <= 2
    doubted = results[results["balance_gap"] > 0.1]
    assert len(doubted) and doubted["verdict_reason"].str.contains("Do not believe it").all()


def about_campaigns(warehouse, tables):
    """Return the number of enabled nodes of a source, and those in folders about campaigns."""
    source = {"name": "plain", "tables": {"order_lines": {"path": "lines.csv"}} | tables}
    keys = ["--output", "json", "--output-keys", "name original_file_path resource_type"]
    warehouse.dbt("ls", "--quiet", *keys, "--vars", json.dumps({"source": source}))
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    nodes = [json.loads(line) for line in warehouse.output.splitlines() if line[:1] == "{"]
    return len(nodes), {
        node["name"]
        for node in nodes
        if node["resource_type"] == "model"
        and ("/campaigns/" in node["original_file_path"] or "campaign" in node["name"])
    }


def test_sources_without_campaigns_pay_nothing(new_warehouse):
    """What remains is about audiences, which need no campaign."""
    warehouse = new_warehouse("no_campaigns")
    without, remaining = about_campaigns(warehouse, {})
    with_them, all_models = about_campaigns(warehouse, {"campaigns": {"path": "sent.csv"}})
    assert remaining == {"dim_audiences", "fct_audience_members", "fct_campaign_plans"}
    assert len(all_models) == 15 and with_them >= without + len(all_models - remaining)
