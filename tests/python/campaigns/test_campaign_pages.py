"""The dashboard's pages of audiences and campaigns, in a browser and as data."""

import shutil

import duckdb
import pytest
from browsing import card, choose, served, stricter, table, tables_of, tile

from clientele.dashboard.site import write_site


def test_audiences_show_who_is_contacted_and_held_out_and_the_rules_of_the_chosen_one(visit, marts):
    page = visit("audiences")
    sizes = {row[0]: row[1:4] for row in table(page, "Sizes")}
    expected = marts(
        "select audience, customer_count, treated_count, control_count from marts.dim_audiences"
    )
    assert len(sizes) == len(expected) > 3
    for name, *counts in expected:
        shown = sizes[name.replace("_", " ").capitalize()]
        few = 0 < counts[2] < 5 or 0 < counts[1] < 5
        assert shown == [f"{counts[0]:,}", *("–" if few else f"{count:,}" for count in counts[1:])]
    choose(page, "Audience", "Win back")
    assert "contact_group = 'at risk'" in card(page, "Its rules").inner_text()
    assert (
        "clientele audience export win_back --to win_back.csv" in card(page, "Sizes").inner_text()
    )
    choose(page, "Plan for", "Orders")
    (row,) = table(page, "What it could show")
    mean, needed = marts(
        "select baseline_mean, needed_customer_count from marts.fct_campaign_plans "
        "where audience = 'win_back' and metric = 'orders'"
    )
    assert float(row[1]) == pytest.approx(mean, rel=0.01) and row[5] == f"{needed:,}"


def test_the_size_of_a_small_arm_cannot_be_derived_from_the_plan(publication, tmp_path):
    tables = tables_of("audiences", stricter(publication, tmp_path / "copy", 50))
    small = {
        row["audience"]: row
        for row in tables["audiences"]["rows"]
        if not row["is_hidden"] and row["control_count"] is None
    }
    assert small, "an audience of which fewer than 50 are held out"
    for row in small.values():
        assert (row["treated_count"], row["campaign_cost_amount"]) == (None, None)
    for plan in tables["plans"]["rows"]:
        if plan["audience"] in small:
            told = ("treated_count", "detectable_effect", "detectable_share", "holdout_forgone")
            assert [plan[figure] for figure in told] == [None] * 4


def test_the_rest_of_a_small_overlap_is_not_shown(publication, tmp_path):
    folder = stricter(publication, tmp_path / "copy", 5)
    with duckdb.connect(str(folder / "clientele.duckdb")) as connection:
        # 8 of 10 are in the other audience too: the 2 who are not would follow.
        connection.execute(
            "create or replace table marts.fct_audience_members as "
            "with customers as (select customer_id, row_number() over (order by customer_id) as n "
            "from marts.dim_customers) "
            "select 'a' as audience, customer_id, 'treated' as arm from customers where n <= 10 "
            "union all select 'b', customer_id, 'treated' from customers where n between 3 and 99 "
            "union all select 'c', customer_id, 'treated' from customers where n between 90 and 99"
        )
    shown = {
        (row["audience"], row["other_audience"]): row["customer_count"]
        for row in tables_of("audiences", folder)["overlaps"]["rows"]
    }
    assert shown == {("a", "b"): None, ("b", "c"): 10}


def test_campaigns_show_the_verdict_first_and_the_uplift_of_the_mart(visit, marts):
    page = visit("campaigns")
    choose(page, "Figure", "Orders")
    shown = {row[0]: row for row in table(page, "What campaigns brought")}
    campaign, arm, verdict, customers, uplift = marts(
        "select campaign_id, arm, verdict, customer_count, adjusted_uplift_per_customer "
        "from marts.fct_campaign_results where metric = 'orders' and segment = 'all' "
        "and verdict = 'worked' and arm = 'treated' limit 1"
    )
    name = campaign.replace("_", " ").capitalize()
    assert shown[name][1:3] == [verdict.capitalize(), f"{customers:,}"]
    assert float(shown[name][6].lstrip("+")) == pytest.approx(uplift, rel=0.01)
    assert card(page, "All together").locator("svg").count() == 1
    choose(page, "Campaign", name)
    assert tile(page, name) == "Worked"
    segments = table(page, "By segment")
    assert [int(row[2].replace(",", "")) for row in segments] == [
        count
        for _, count in marts(
            "select segment, customer_count from marts.fct_campaign_results "
            "where metric = 'orders' and segment <> 'all' and campaign_id = ? order by segment",
            campaign,
        )
    ]


def test_a_campaign_without_a_shown_difference_has_no_list(visit, marts):
    page = visit("campaigns")
    shown = {(row[0], row[2]): row[1] for row in table(page, "Is it known whom to contact?")}
    expected = marts(
        "select campaign_id, arm, ranking, uplift_verdict from marts.rpt_uplift_backtests "
        "where metric = 'orders'"
    )
    assert len(shown) == len(expected) > 3
    for campaign, arm, ranking, verdict in expected:
        name = campaign.capitalize() + ("" if arm == "treated" else f", {arm}")
        assert shown[name, ranking.capitalize()] == verdict.capitalize()
    assert marts("select 1 from marts.fct_customer_uplift where contact_rank > 0") == []
    assert page.get_by_text("Whom to contact", exact=True).count() == 0


def test_the_list_by_expected_profit_stands_beside_that_by_churn_risk(
    publication, tmp_path, browser
):
    """Where customers differ; compared with sums that pandas makes of the mart."""
    folder = stricter(publication, tmp_path / "copy", 5)
    with duckdb.connect(str(folder / "clientele.duckdb")) as connection:
        connection.execute(
            "create or replace table marts.fct_customer_uplift as "
            "select * replace ('customers differ' as uplift_verdict, "
            "(hash(customer_id, campaign_id) % 1000) / 100 - 3 as expected_contact_profit) "
            "from marts.fct_customer_uplift"
        )
        scores = connection.execute(
            "select u.campaign_id, u.arm, u.customer_id, u.churn_probability, c.clv, "
            "u.expected_contact_profit as profit "
            "from marts.fct_customer_uplift as u join marts.dim_customers as c using (customer_id)"
        ).df()
    write_site(folder, tmp_path / "site")
    with served(tmp_path / "site") as at:
        page = browser.new_page()
        page.goto(f"{at}/campaigns.html")
        drawn = card(page, "Whom to contact")
        drawn.locator("svg").first.wait_for()
        shown = {tuple(row[:3]): row[3:] for row in table(page, "Whom to contact")}
        page.close()
    by = {"Expected profit": "profit", "Churn risk": "churn_probability", "Value": "clv"}
    found = 0
    for (campaign, arm), rows in scores.groupby(["campaign_id", "arm"]):
        name = campaign.capitalize() + ("" if arm == "treated" else f", {arm}")
        for ranking, column in by.items():
            ordered = rows.sort_values([column, "customer_id"], ascending=[False, True])
            first = ordered.head(-(-len(rows) // 10))
            customers, profit = shown[name, ranking, "10%"]
            assert customers == f"{len(first):,}"
            amount = float(profit.replace("£", "").replace(",", "").replace("−", "-"))
            assert amount == pytest.approx(first["profit"].sum(), abs=0.51)
            found += 1
    assert found == 3 * len(scores.groupby(["campaign_id", "arm"]))


def test_means_of_few_buyers_are_not_shown(publication, tmp_path, marts):
    tables = tables_of("campaigns", stricter(publication, tmp_path / "copy", 60))
    buyers = {
        key: (treated, control)
        for *key_parts, treated, control in marts(
            "select campaign_id, segment, arm, round(treated_mean * customer_count), "
            "round(control_mean * control_customer_count) from marts.fct_campaign_results "
            "where metric = 'conversion'"
        )
        for key in [tuple(key_parts)]
    }
    hidden = 0
    for row in tables["results"]["rows"]:
        few = any(0 < n < 60 for n in buyers[row["campaign_id"], row["segment"], row["arm"]])
        assert row["is_hidden"] or not few
        hidden += few
    assert 0 < hidden < len(tables["results"]["rows"])


def test_without_campaigns_the_pages_say_what_to_provide(publication, tmp_path, browser):
    folder = tmp_path / "published"
    folder.mkdir()
    shutil.copyfile(publication / "clientele.duckdb", folder / "clientele.duckdb")
    with duckdb.connect(str(folder / "clientele.duckdb")) as connection:
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts' and table_name in "
            "('fct_campaign_results', 'fct_customer_campaigns')"
        ).fetchall():
            connection.execute(f"drop table marts.{name}")
    write_site(folder, tmp_path / "site")
    with served(tmp_path / "site") as at:
        page = browser.new_page()
        for name, says in (
            ("campaigns", "There are no campaigns yet. Export an audience"),
            ("audiences", "There are no campaigns yet. Exports of audiences count"),
        ):
            page.goto(f"{at}/{name}.html")
            page.get_by_text(says).wait_for()
            if name == "campaigns":
                assert page.get_by_role("combobox").count() == 0
        page.close()
