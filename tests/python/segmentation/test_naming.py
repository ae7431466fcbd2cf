"""A word in a segment's name is true of most of its customers, and names distinguish segments."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT
from versions_of_segments import (
    as_reference,
    first_version,
    fitted,
    next_version,
    three_kinds_of_customers,
)

from clientele.segmentation.clustering import assign, candidates
from clientele.segmentation.naming import basket_names, behaviour_names, words
from clientele.simulation.generating import generate

LIMITS = {"new_days": 90, "active_days": 90, "lapsed_days": 270}
VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
PLAIN = ["recency_days", "frequency", "monetary", "tenure_days", "unit_price_mean"]
PLAIN += ["basket_unit_count", "basket_product_count", "discount_share", "return_share"]
PLAIN += ["weekend_share", "evening_share"]
# What each word claims, in SQL on the marts. Money words compare with all customers.
CLAIMS = {
    "high value": "value_tier = 'high'",
    "middle value": "value_tier = 'middle'",
    "low value": "value_tier = 'low'",
    "upper half by value": "monetary >= quantile_disc(monetary, 0.5) over ()",
    "lower half by value": "monetary <= quantile_disc(monetary, 0.5) over ()",
    "active": "recency_days <= 90",
    "cooling": "recency_days between 91 and 270",
    "lapsed": "recency_days > 270",
    "one order": "frequency = 1",
    "one or two orders": "frequency <= 2",
    "last order within two weeks": "recency_days <= 14",
    "last order within a month": "recency_days <= 30",
    "last order over half a year ago": "recency_days > 183",
    "last order over a year ago": "recency_days > 365",
    "new customers": "tenure_days <= 90",
    "customers for under a year": "tenure_days <= 365",
    "customers for over a year": "tenure_days > 365",
    "customers for over two years": "tenure_days > 730",
    "high prices": "unit_price_mean >= quantile_cont(unit_price_mean, 0.8) over ()",
    "low prices": "unit_price_mean <= quantile_cont(unit_price_mean, 0.2) over ()",
    "many units per order": "basket_unit_count >= quantile_cont(basket_unit_count, 0.8) over ()",
    "few units per order": "basket_unit_count <= 2",
    "many products per order": (
        "basket_product_count >= quantile_cont(basket_product_count, 0.8) over ()"
    ),
    "one product per order": "basket_product_count = 1",
    "few products per order": "basket_product_count <= 2",
    "with discounts": "discount_share >= 0.1",
    "hardly any discount": "discount_share < 0.01",
    "many returns": "return_share >= 0.1",
    "hardly any return": "return_share < 0.01",
    "at weekends": "weekend_share >= 0.5",
    "rarely at weekends": "weekend_share < 0.1",
    "in the evening": "evening_share >= 0.5",
    "rarely in the evening": "evening_share < 0.1",
}


def claim(word):
    orders = re.fullmatch(r"(\d+)\+ orders", word)
    return f"frequency >= {orders[1]}" if orders else CLAIMS[word]


def words_of(name):
    return re.sub(r" \(\d+\)$", "", name).lower().split(", ")


def names(frame, clusters):
    return behaviour_names(frame, pd.Series(clusters), **LIMITS)[0]


def plain(count, **columns):
    return pd.DataFrame(dict.fromkeys(PLAIN, 1.0) | columns, index=range(count))


def test_every_word_has_a_claim():
    said = words(plain(3), **LIMITS)
    assert all(claim(word) for subject in said.values() for word in subject)


@pytest.mark.parametrize("source", ["sample", "online_retail"])
def test_each_word_is_true_of_most_customers_in_the_marts(source, request):
    """In absolute terms, on every customer, not only on those that the fit saw."""
    warehouse = request.getfixturevalue(source)
    found = warehouse.query(
        "select segment_key, segment_name from marts.dim_segments "
        "where segmentation = 'behaviour' and customer_count > 0 and made_by <> 'noise'"
    )
    assert len(found) > 3 and len({name for _, name in found}) == len(found)
    for key, name in found:
        for word in words_of(name):
            (share,) = warehouse.query(
                f"""
                with said as (
                    select d.segment_key, {claim(word)} as is_true
                    from marts.fct_customer_features
                    join marts.fct_customer_actions using (customer_id)
                    join marts.dim_customers as d using (customer_id)
                )
                select avg(is_true::int) from said where segment_key = '{key}'
                """
            )[0]
            assert share > 0.5, (name, word)
    # Each differs from each other by a word that is not a number.
    assert not any(name.endswith(")") or name == "All kinds" for _, name in found)


def simulated(folder, seed):
    """The measures of simulated customers, counted from the lines that are not defective."""
    generate(folder, customers=1_500, seed=seed, progress=False)
    lines = pd.read_parquet(folder / "order_lines").drop_duplicates()
    lines = lines.assign(**{c: pd.to_numeric(lines[c]) for c in ["quantity", "unit_price"]})
    lines["at"] = pd.to_datetime(lines["ordered_at"], errors="coerce")
    lines = lines[lines["customer_id"].notna() & lines["at"].between("2024-01-01", "2025-12-31")]
    lines = lines[(lines["quantity"] > 0) & (lines["unit_price"] > 0)]
    lines["gross"] = lines["quantity"] * lines["unit_price"]
    lines["discount"] = pd.to_numeric(lines["discount_amount"]).fillna(0)
    orders = lines.groupby(["customer_id", "order_id"]).agg(
        at=("at", "min"),
        gross=("gross", "sum"),
        discount=("discount", "sum"),
        units=("quantity", "sum"),
        products=("product_id", "nunique"),
    )
    orders["weekend"] = orders["at"].dt.day_of_week >= 5
    orders["evening"] = orders["at"].dt.hour >= 18
    each = orders.groupby("customer_id")
    today = orders["at"].max()
    return pd.DataFrame(
        {
            "recency_days": (today - each["at"].max()).dt.days,
            "tenure_days": (today - each["at"].min()).dt.days,
            "frequency": each.size(),
            "monetary": each["gross"].sum() - each["discount"].sum(),
            "unit_price_mean": each["gross"].sum() / each["units"].sum(),
            "basket_unit_count": each["units"].mean(),
            "basket_product_count": each["products"].mean(),
            "discount_share": each["discount"].sum() / each["gross"].sum(),
            "return_share": 0.0,
            "weekend_share": each["weekend"].mean(),
            "evening_share": each["evening"].mean(),
        }
    )


def marketplace():
    """Everyone buys rarely: a simulated marketplace in which all segments are cooling."""
    rng = np.random.default_rng(3)
    count = 3_000
    frequency = 1.0 + rng.poisson(rng.gamma(0.5, 1.0, count))
    recency = rng.integers(95, 265, count).astype(float)
    return pd.DataFrame(
        {
            "recency_days": recency,
            "tenure_days": recency + rng.integers(0, 400, count) * (frequency > 1),
            "frequency": frequency,
            "monetary": rng.lognormal(4, 1, count) * frequency,
            "unit_price_mean": rng.lognormal(3, 1, count),
            "basket_unit_count": 1.0 + rng.poisson(0.6, count),
            "basket_product_count": 1.0 + rng.poisson(0.3, count),
            "discount_share": rng.beta(0.3, 1, count),
            "return_share": 0.0,
            "weekend_share": rng.binomial(1, 0.3, count).astype(float),
            "evening_share": rng.binomial(1, 0.4, count).astype(float),
        }
    )


@pytest.mark.parametrize("shop", [3, 5, 7, "marketplace"])
@pytest.mark.parametrize("count", [5, 8])
def test_each_word_is_true_of_most_simulated_customers(tmp_path, shop, count):
    frame = marketplace() if shop == "marketplace" else simulated(tmp_path / "shop", shop)
    fit = candidates(
        frame,
        method="kmeans",
        feature_sets={"behaviour": VARS["segmentation_feature_sets"]["behaviour"]},
        scaling="log1p",
        cluster_counts=[count],
        random_seed=1,
        starts=3,
    )
    clusters = assign(frame, fit)["cluster_id"]
    found, holds = behaviour_names(frame, clusters, **LIMITS)
    said = words(frame, **LIMITS)
    for cluster, name in found.items():
        members = (clusters == cluster).to_numpy()
        for word in words_of(name):
            (true,) = (subject[word] for subject in said.values() if word in subject)
            assert true[members].mean() >= 0.6
        assert holds(cluster, name)
    assert len({re.sub(r" \(\d+\)$", "", name) for name in found.values()}) == len(found)
    states = [word for name in found.values() for word in words_of(name) if word == "cooling"]
    assert len(states) < len(found)


def test_a_name_says_value_state_and_what_stands_out():
    frame = plain(
        20,
        monetary=[150] * 4 + [90] * 8 + [40] * 8,
        recency_days=[90] * 4 + [91] * 4 + [270] * 4 + [271] * 8,
        discount_share=[0] * 4 + [0.2] * 8 + [0] * 8,
    )
    assert names(frame, [0] * 4 + [1] * 8 + [2] * 8) == {
        0: "High value, active",
        1: "Middle value, cooling, with discounts",
        2: "Low value, lapsed",
    }


def test_a_word_that_is_true_of_few_is_not_said():
    """The means are those of active customers who spend much; most are neither."""
    frame = plain(
        20,
        monetary=[10_000] * 2 + [1] * 8 + [50] * 10,
        recency_days=[0.0] * 5 + [200] * 5 + [300] * 10,
    )
    assert names(frame, [0] * 10 + [1] * 10)[0] == "Low value"


def test_a_state_that_all_segments_share_is_left_out():
    frame = plain(20, monetary=[10.0] * 10 + [1.0] * 10, recency_days=200.0)
    assert names(frame, [0] * 10 + [1] * 10) == {0: "Middle value", 1: "Low value"}


def test_equal_names_get_words_for_what_differs_between_them():
    """Most of both buy in the evening; only one buys at weekends, and a third does neither."""
    evening = [1.0] * 20 + [0.3] * 80
    weekend = [0.3] * 10 + [1.0] * 10 + [0.3] * 80
    frame = plain(100, evening_share=evening, weekend_share=weekend)
    found = names(frame, [0] * 10 + [1] * 10 + [2] * 80)
    assert "in the evening" in found[0].lower() and "at weekends" not in found[0].lower()
    assert "at weekends" in found[1].lower()
    assert len(set(found.values())) == 3


def test_noise_gets_no_name_and_customers_alike_get_a_number():
    frame = plain(30)
    assert -1 not in names(frame, [0] * 15 + [-1] * 15)
    assert len(set(names(frame, [0] * 15 + [1] * 15).values())) == 2


def test_a_refit_keeps_a_name_only_while_it_is_true():
    customers = three_kinds_of_customers()
    reference = as_reference(first_version(customers))
    fit = fitted(customers, 3)

    def is_true(cluster, name):
        return name != "name 1"

    version = next_version(customers, reference, fit, is_true).drop_duplicates("segment_key")
    kept = dict(zip(version["segment_key"], version["segment_name"], strict=True))
    before = reference.drop_duplicates("segment_key")
    for key, name in zip(before["segment_key"], before["segment_name"], strict=True):
        assert kept[key] == name if name != "name 1" else kept[key].startswith("new name")


def test_a_name_holds_while_each_of_its_words_does():
    frame = plain(20, monetary=[10.0] * 10 + [1.0] * 10, recency_days=[80.0] * 14 + [200] * 6)
    _, holds = behaviour_names(frame, pd.Series([0] * 10 + [1] * 10), **LIMITS)
    assert holds(0, "Upper half by value, active (2)") and holds(1, "Low value, cooling")
    assert not holds(1, "Low value, active") and not holds(0, "Low value, active")
    assert not holds(0, "Mid value, newer customers")


def test_baskets_are_named_after_what_most_have_bought_more_than_the_others():
    shares = pd.DataFrame(
        {
            "itemset_01": [0.9, 0.8, 0.0, 0.05, 0.0],
            "itemset_02": [0.1, 0.1, 0.0, 0.05, 0.0],
            # A few buy it always, most never.
            "itemset_03": [0.0, 0.0, 1.0, 0.0, 0.0],
        }
    )
    labels = {"itemset_01": "Ring + Box (1)", "itemset_02": "Mug + Tea", "itemset_03": "Pen"}
    found, holds = basket_names(shares, pd.Series([1, 1, 0, 0, 0]), labels)
    assert found == {1: "Buys Ring + Box (1)", 0: "No typical basket"}
    assert holds(1, "Buys Mug + Tea") and not holds(0, "Buys Pen")
    assert holds(0, "No typical basket") and not holds(1, "No typical basket")
    found, _ = basket_names(shares, pd.Series([0, 0, 1, 2, 2]), labels)
    assert found == {0: "Buys Ring + Box (1)", 1: "Buys Pen", 2: "No typical basket"}
