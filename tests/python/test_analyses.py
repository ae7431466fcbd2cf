"""Every analysis, as an analyst would run it, against pandas over the same marts."""

import pandas as pd
import pytest
from conftest import PROJECT

NAMES = sorted(path.stem for path in (PROJECT / "analyses").glob("*.sql"))


@pytest.fixture(scope="module")
def analyses(sample, sample_copy):
    """The result of each analysis on the sample."""
    sample_copy.dbt("compile", "--select", "resource_type:analysis")
    assert sample_copy.exit_code == 0, sample_copy.output
    folder = sample_copy.folder / "target/compiled/clientele/analyses"
    return {name: sample.frame((folder / f"{name}.sql").read_text()) for name in NAMES}


@pytest.fixture(scope="module")
def marts(sample):
    return lambda name: sample.frame(f"from marts.{name}").convert_dtypes(dtype_backend="pyarrow")


def test_every_analysis_answers_with_rows(analyses):
    assert len(analyses) == 10
    assert all(len(result) > 0 for result in analyses.values())


def test_the_best_customers_are_those_of_the_highest_value(analyses, marts):
    values = marts("fct_customer_values").query("horizon_days == 365")
    best = values.sort_values(["clv", "customer_id"], ascending=[False, True]).head(50)
    result = analyses["best_customers"]
    assert result["customer_id"].tolist() == best["customer_id"].tolist()
    assert result["clv"].tolist() == best["clv"].tolist()
    assert result["recommended_action"].notna().all()


def test_a_customer_has_moved_only_if_the_group_changed(analyses, marts):
    rfm = marts("fct_customer_rfm")
    before = rfm["previous_rfm_group"].fillna("(not yet a customer)")
    moved = rfm[before != rfm["rfm_group"]]
    expected = moved.groupby([before, "rfm_group"])["monetary"].agg(["size", "sum"])
    result = analyses["who_moved_between_groups"].set_index(["from_group", "to_group"])
    assert len(result) == len(expected) > 10
    found = result.loc[expected.index.tolist()]
    assert found["customer_count"].tolist() == expected["size"].tolist()
    assert found["net_amount"].tolist() == pytest.approx(expected["sum"].astype(float).tolist())


def test_moves_between_segments_are_those_of_the_memberships(analyses, sample):
    moved, fresh = sample.query(
        """
        select
            count_if(earlier.segment_key <> later.segment_key),
            count_if(earlier.customer_id is null)
        from (from marts.fct_segment_memberships where is_current) as later
        left join (
            from marts.fct_segment_memberships
            where as_of_date = (
                select max(as_of_date) from marts.fct_segment_memberships where not is_current
            )
        ) as earlier using (customer_id, segmentation)
        where segmentation = 'behaviour'
        """
    )[0]
    result = analyses["who_moved_between_segments"]
    newcomers = result["from_segment"] == "(not yet a customer)"
    assert result[newcomers]["customer_count"].sum() == fresh > 100
    gone = result["to_segment"] == "(no longer a customer)"
    assert result[~newcomers & ~gone]["customer_count"].sum() == moved > 20


def test_category_indexes_compare_a_segment_s_share_with_everybody_s(analyses, marts):
    spent = marts("fct_customer_category_shares").merge(
        marts("dim_customers")[["customer_id", "segment_name"]], on="customer_id"
    )
    spent["category_net_amount"] = spent["category_net_amount"].astype(float)
    table = spent.pivot_table(
        index="segment_name",
        columns="category",
        values="category_net_amount",
        aggfunc="sum",
        fill_value=0,
    )
    shares = table.div(table.sum(axis=1), axis=0)
    indexes = shares / (table.sum() / table.to_numpy().sum())
    for row in analyses["what_segments_buy"].itertuples():
        assert row.segment_share == pytest.approx(shares.loc[row.segment_name, row.category])
        assert row.category_index == pytest.approx(indexes.loc[row.segment_name, row.category])
    assert len(analyses["what_segments_buy"]) == (table > 0).to_numpy().sum()


def test_every_rule_is_read_by_its_lift(analyses, marts):
    rules = marts("fct_association_rules").query("item_level == 'product'")
    result = analyses["what_sells_together"]
    assert len(result) == len(rules)
    assert result["lift"].is_monotonic_decreasing
    assert (result["reading"].str.contains("less often") == (result["lift"] < 1)).all()
    chance = (rules["lift"] >= 1) & ~rules["is_significant"]
    assert (result["reading"] == "may be chance").sum() == chance.sum() > 0


def test_a_rule_that_differs_is_shown_where_it_is_strongest(analyses, marts):
    differences = marts("fct_association_rule_differences").query(
        "is_different and is_compared and order_count > 0"
    )
    result = analyses["where_rules_differ"]
    rule = ["item_level", "antecedent_items", "consequent_items"]
    strongest = differences.groupby(rule)["odds_ratio"].max()
    assert len(result) == len(strongest) > 0
    assert sorted(result["odds_ratio"].dropna()) == sorted(strongest.dropna())


def test_the_best_customers_are_offered_their_first_three(analyses, marts):
    lists = marts("fct_product_recommendations").query("rank <= 3")
    values = marts("fct_customer_values").query("horizon_days == 365")
    best = values.sort_values(["clv", "customer_id"], ascending=[False, True]).head(50)
    result = analyses["what_to_offer"]
    assert result["customer_id"].unique().tolist() == best["customer_id"].tolist()
    expected = lists.set_index(["customer_id", "rank"])["reason"]
    keys = list(zip(result["customer_id"], result["rank"], strict=True))
    assert result["reason"].tolist() == expected.loc[keys].tolist()


def test_what_follows_is_read_by_both_directions(analyses, marts):
    result, rules = analyses["what_follows_what"], marts("fct_sequential_rules")
    assert len(result) == len(rules)
    again = result["direction"] == "bought again"
    assert again.sum() == rules["is_repurchase"].sum() > 5
    assert (result["antecedent"] == result["consequent"]).tolist() == again.tolist()
    forward = result[result["direction"] == "mostly in this direction"]
    assert len(forward) > 0 and (forward["lift"] > 1.5 * forward["reverse_lift"]).all()


def test_value_at_risk_is_the_money_of_the_probably_gone(analyses, marts):
    values = marts("fct_customer_values").query("horizon_days == 365")
    customers = marts("dim_customers").merge(values, on="customer_id", suffixes=("", "_365"))
    customers["customer_net_amount"] = customers["customer_net_amount"].astype(float)
    result = analyses["value_at_risk"].set_index("segment_name")
    assert result["customer_count"].sum() == len(customers)
    gone = (
        customers[customers["p_alive"] < 0.5].groupby("segment_name")["customer_net_amount"].sum()
    )
    assert gone.sum() > 0
    at_risk = result["net_amount_at_risk"].astype(float)
    assert at_risk.to_dict() == pytest.approx(gone.reindex(at_risk.index).fillna(0).to_dict())


def test_a_newcomer_counts_once_90_days_have_passed(analyses, marts):
    orders = marts("fct_orders")
    orders = orders[orders["is_purchase"] & orders["customer_id"].notna()]
    orders["order_date"] = pd.to_datetime(orders["order_date"])
    today = pd.Timestamp(marts("fct_customer_features")["as_of_date"].max())
    first = orders.groupby("customer_id")["order_date"].min().rename("first_date").reset_index()
    later = orders.merge(first, on="customer_id")
    days = (later["order_date"] - later["first_date"]).dt.days
    returned = set(later[days.between(1, 90)]["customer_id"])
    old_enough = first[(today - first["first_date"]).dt.days >= 90]
    result = analyses["second_order"]
    assert result["customer_count"].sum() == len(old_enough) < len(first)
    assert result["returning_count"].sum() == len(returned & set(old_enough["customer_id"]))
    shares = result["returning_count"] / result["customer_count"]
    assert result["returning_share"].tolist() == shares.tolist()
