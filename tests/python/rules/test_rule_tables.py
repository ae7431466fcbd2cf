"""Itemsets as rows of a table, and the rules and differences computed from them."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
from baskets_by_hand import ENGINES

from clientele.frames import as_table
from clientele.rules.itemsets import find_itemsets
from clientele.rules.mining import association_rules
from clientele.rules.rule_tables import (
    DIFFERENCE_TABLE_TYPES,
    ITEMSET_TABLE_TYPES,
    RULE_TABLE_TYPES,
    difference_table,
    itemset_table,
    rule_table,
)

KNOBS = {
    "engine": "auto",
    "min_support": 0.05,
    "min_count": 5,
    "max_length": 3,
    "max_candidate_pairs": 1000,
    "on_explosion": "fail",
}


@pytest.fixture(scope="module")
def shop():
    """Purchased products and orders, as `feat_baskets` and `ml_rules__baskets` hold them."""
    rng = np.random.default_rng(8)
    purchased, orders = [], []
    for number in range(400):
        segment = ["s1", "s2", None][rng.integers(3)]
        earlier = segment if rng.random() < 0.8 else None
        products = set(np.flatnonzero(rng.random(8) < 0.25).tolist())
        if segment == "s1" and 1 in products:
            products |= {2}
        # Only today's mining has the last product among its items, and the rarest one at that.
        if number % 4 == 0 and rng.random() < 0.3:
            products |= {8}
        purchased += [(number, product) for product in products or {0}]
        orders.append((number, number, segment, earlier, number % 4 == 0))
    columns = "order_number basket_number segment_key earlier_segment_key is_holdout".split()
    return (
        pd.DataFrame(purchased, columns=["order_number", "product_number"]),
        pd.DataFrame(orders, columns=columns),
    )


@pytest.fixture(scope="module")
def catalogue():
    rows = [("product", i, f"p{i}", False) for i in range(9)]
    return pd.DataFrame(rows, columns="item_level product_number item is_category".split())


def mined(shop, catalogue, levels=("product",), **knobs):
    """Return the tables as the models get them: through the warehouse."""
    notes = []
    with duckdb.connect() as connection:
        relations = []
        for name, frame in zip(
            ("purchased", "orders", "catalogue"), (*shop, catalogue), strict=True
        ):
            connection.register(name, frame)
            relations.append(connection.sql(f"select * from {name}"))
        itemsets = itemset_table(
            *relations, item_levels=list(levels), session=connection, say=notes.append,
            **KNOBS | knobs,
        )  # fmt: skip
        table = as_table(connection, itemsets, ITEMSET_TABLE_TYPES).df()
        left = connection.sql("select count(*) from duckdb_tables()").fetchall()
    assert left == [(0,)]
    return table.sample(frac=1, random_state=1), notes


def baskets_of(shop, catalogue):
    """Return the baskets as `find_itemsets` takes them, with both labels of their segments."""
    purchased, orders = shop
    rows = purchased.merge(orders, on="order_number").merge(catalogue, on="product_number")
    return rows.rename(columns={"basket_number": "basket_id"})


@pytest.mark.parametrize("engine", ENGINES)
def test_rules_from_rows_are_the_rules_of_what_was_mined(shop, catalogue, engine):
    rows, notes = mined(shop, catalogue, engine=engine)
    rules = rule_table(rows, min_confidence=0.3, min_count=5)
    assert list(rules) == list(RULE_TABLE_TYPES)
    knobs = {name: KNOBS[name] for name in ("min_support", "min_count", "max_length")}
    for period_number, segment in [(0, "segment_key"), (1, "earlier_segment_key")]:
        baskets = baskets_of(shop, catalogue).rename(columns={segment: "segment"})
        if period_number == 0:
            baskets = baskets.drop(columns="is_holdout")
        expected = association_rules(find_itemsets(baskets, **knobs), min_confidence=0.3)
        ours = rules[rules["period_number"] == period_number].reset_index(drop=True)
        pd.testing.assert_frame_equal(ours[list(expected)], expected, check_exact=True)
        assert set(expected["scope"]) == {"all", "s1", "s2"}
    assert not rules.duplicated(["period_number", "rule_key"]).any()
    held = rows.loc[rows["items"] == '["p8"]', "period_number"]
    assert set(held) == {0}
    assert f"engine {engine}" in notes[0]


@pytest.mark.parametrize("engine", ["bitmap", "sql"])
def test_orders_of_one_basket_and_products_of_one_category_count_once(catalogue, engine):
    """Four baskets of two orders each, of which three hold the first category and two both."""
    above = catalogue.assign(item=["x"] * 4 + ["y"] * 2 + [None] * 3, item_level="category")
    above = above.dropna().assign(is_category=True)
    baskets = [([0, 1], [4]), ([2], [3, 5, 6]), ([0], [0, 1]), ([6], [7])]
    purchased, orders = [], []
    for number, parts in enumerate(baskets):
        for part, products in enumerate(parts):
            order = 2 * number + part
            purchased += [(order, product) for product in products]
            orders.append((order, 2 * number, None, None, False))
    shop = (
        pd.DataFrame(purchased, columns=["order_number", "product_number"]),
        pd.DataFrame(
            orders,
            columns="order_number basket_number segment_key earlier_segment_key is_holdout".split(),
        ).astype({"segment_key": str, "earlier_segment_key": str}),
    )
    catalogue = pd.concat([catalogue, above])
    rows, _ = mined(shop, catalogue, ["category", "product"], engine=engine, min_count=1)
    held = rows[rows["period_number"].eq(0)].set_index(["item_level", "items"])["order_count"]
    of_categories = held.loc["category"].to_dict()
    # The basket without a category is none at that level.
    assert of_categories == {"[]": 3, '["x"]': 3, '["y"]': 2, '["x", "y"]': 2}
    of_products = held.loc["product"]
    assert (
        of_products["[]"] == 4 and of_products['["p0"]'] == 2 and of_products['["p0", "p1"]'] == 2
    )


def test_rules_as_of_the_day_of_comparison_know_nothing_of_later(shop, catalogue):
    rows, _ = mined(shop, catalogue)
    purchased, orders = shop
    changed = purchased, orders.assign(segment_key="s1")
    later = set(orders.loc[orders["is_holdout"], "order_number"])
    kept = ~purchased["order_number"].isin(later) | (purchased["product_number"] == 7)
    later_hidden = purchased[kept], orders.assign(segment_key="none")
    earlier = rows[rows["period_number"].eq(1) & ~rows["is_holdout"]]
    for other in (changed, later_hidden):
        again, _ = mined(other, catalogue)
        again = again[again["period_number"].eq(1) & ~again["is_holdout"]]
        key = ["items", "segment_key"]
        pd.testing.assert_frame_equal(
            earlier.sort_values(key, ignore_index=True), again.sort_values(key, ignore_index=True)
        )


def test_a_rule_of_one_segment_is_counted_in_all(shop, catalogue):
    rows, _ = mined(shop, catalogue)
    rules = rule_table(rows, min_confidence=0.3, min_count=5)
    compared = difference_table(rows, rules)
    assert list(compared) == list(DIFFERENCE_TABLE_TYPES)
    rule = compared[compared["antecedent"].eq("p1") & compared["consequent"].eq("p2")]
    assert rule["segment_key"].tolist() == ["s1", "s2"]
    baskets = baskets_of(shop, catalogue).groupby(["segment_key", "basket_id"])["item"].agg(set)
    for row in compared.itertuples():
        left, right = set(json.loads(row.antecedent_items)), set(json.loads(row.consequent_items))
        held = baskets.loc[row.segment_key]
        counts = [sum(held.map(lambda b, s=s: s <= b)) for s in (left | right, left, right)]
        assert [row.order_count, row.antecedent_count, row.consequent_count] == counts
        assert row.basket_count == len(held)
    assert rule["p_value_adjusted"].iloc[0] < 0.001
    assert (compared["p_value_adjusted"] <= 0.05).mean() < 0.5


@pytest.mark.parametrize("engine", ["bitmap", "sql"])
def test_a_mixed_rule_never_holds_a_product_and_its_own_category(shop, catalogue, engine):
    above = catalogue.assign(
        item="any " + (catalogue["product_number"] // 4).astype(str), is_category=True
    )
    both = pd.concat([catalogue, above]).assign(item_level="mixed")
    rows, _ = mined(shop, both, ["mixed"], engine=engine)
    rules = rule_table(rows, min_confidence=0.1, min_count=5)
    sides = rules["antecedent_items"].map(json.loads) + rules["consequent_items"].map(json.loads)
    for items in sides:
        assert not any(
            f"any {int(item[1:]) // 4}" in items for item in items if not item.startswith("any")
        )
    text = rules["antecedent"] + rules["consequent"]
    assert (text.str.contains("any") & text.str.contains("p")).any()


def test_nothing_gives_empty_tables(shop, catalogue):
    purchased, orders = shop
    rows, _ = mined((purchased.head(0), orders.head(0)), catalogue)
    assert rows.empty
    rules = rule_table(rows, min_confidence=0.3, min_count=5)
    assert rules.empty and list(rules) == list(RULE_TABLE_TYPES)
    assert list(difference_table(rows, rules)) == list(DIFFERENCE_TABLE_TYPES)
    # One basket of one item has no rule either, and no products have no baskets.
    rows, _ = mined((purchased.head(1), orders), catalogue, min_count=1)
    rules = rule_table(rows, min_confidence=0.3, min_count=1)
    assert rules.empty and difference_table(rows, rules).empty
    assert mined(shop, catalogue.head(0))[0].empty
