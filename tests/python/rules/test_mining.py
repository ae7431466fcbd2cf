"""Itemsets and rules of small baskets, on every engine, against counts made by brute force."""

import json
from fractions import Fraction
from itertools import combinations

import duckdb
import numpy as np
import pandas as pd
import pytest
from baskets_by_hand import (
    ENGINES,
    TEXTBOOK,
    brute_force_itemsets,
    by_items,
    count,
    long_form,
    random_baskets,
)

from clientele.rules.mining import frequent_itemsets, mine_rules


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


def test_the_textbook_example_has_three_rules_and_two_of_them_mislead(engine):
    found = mine_rules(long_form(TEXTBOOK), min_support=0.4, min_confidence=0.7, engine=engine)
    # Counted by hand: 0 is in 6 baskets, 1 in 7, 2 in 9, 3 in 5; 0 and 2 meet in 5, 1 and 2
    # in 6, 2 and 3 in 5. Every basket but one holds 2, whatever else it holds.
    by_hand = {("3", "2"): (5, 5), ("1", "2"): (6, 7), ("0", "2"): (5, 6)}
    assert len(found) == len(by_hand)
    for rule in found.itertuples():
        both, left = by_hand[rule.antecedent, rule.consequent]
        assert (rule.order_count, rule.antecedent_count) == (both, left)
        assert (rule.consequent_count, rule.basket_count) == (9, 10)
        assert rule.confidence == both / left
        assert rule.lift == pytest.approx((both / left) / (9 / 10), rel=1e-15)
    assert found.loc[found["lift"] < 1, "antecedent"].tolist() == ["1", "0"]
    assert (found["confidence"] > 0.8).all()


@pytest.mark.parametrize("min_support", [0.1, 0.3, 0.55])
@pytest.mark.parametrize(("seed", "basket_count"), [(1, 20), (2, 30), (3, 61)])
def test_itemsets_are_those_of_brute_force(engine, seed, basket_count, min_support):
    baskets = random_baskets(seed, basket_count=basket_count, item_count=10)
    for max_length in (1, 2, 3, 10):
        expected = brute_force_itemsets(baskets, min_support, max_length)
        found = frequent_itemsets(
            long_form(baskets), min_support=min_support, max_length=max_length, engine=engine
        )
        assert by_items(found) == expected
    unlimited = frequent_itemsets(long_form(baskets), min_support=min_support, engine=engine)
    assert by_items(unlimited) == expected


@pytest.mark.parametrize("min_confidence", [0, 0.6, 0.75, 1])
def test_rules_are_all_splits_of_frequent_itemsets_that_are_confident_enough(
    engine, min_confidence
):
    baskets = random_baskets(4, basket_count=40, item_count=9)
    expected = {}
    for items, both in brute_force_itemsets(baskets, 0.2, 9).items():
        for length in range(1, len(items)):
            for antecedent in combinations(items, length):
                if Fraction(both, count(baskets, set(antecedent))) >= Fraction(str(min_confidence)):
                    consequent = tuple(sorted(set(items) - set(antecedent)))
                    expected[antecedent, consequent] = both
    found = mine_rules(
        long_form(baskets), min_support=0.2, min_confidence=min_confidence, engine=engine
    )
    sides = zip(found["antecedent_items"], found["consequent_items"], strict=True)
    keys = [(tuple(json.loads(left)), tuple(json.loads(right))) for left, right in sides]
    assert dict(zip(keys, found["order_count"], strict=True)) == expected
    assert len(keys) == len(expected) > 0


def test_repeats_of_an_item_in_a_basket_count_once(engine):
    baskets = long_form(TEXTBOOK)
    knobs = {"min_support": 0.4, "min_confidence": 0.7}
    pd.testing.assert_frame_equal(
        mine_rules(pd.concat([baskets, baskets]), **knobs, engine=engine),
        mine_rules(baskets, **knobs, engine=engine),
    )


def test_a_share_that_is_met_exactly_is_met_whatever_floats_make_of_it(engine):
    # 0.07 * 100 is a little more than 7, and (3 / 5) / (4 / 5) a little less than 0.75.
    sevens = long_form([["a"]] * 7 + [["b"]] * 93)
    assert len(frequent_itemsets(sevens, min_support=0.07, engine=engine)) == 2
    assert len(frequent_itemsets(sevens, min_support=0.0701, engine=engine)) == 1
    quarters = long_form([["a", "b"]] * 3 + [["a"], ["c"]])
    for min_confidence, antecedents in [(0.75, ["a", "b"]), (0.75 + 1e-10, ["b"])]:
        found = mine_rules(quarters, min_support=0.6, min_confidence=min_confidence, engine=engine)
        assert sorted(found["antecedent"]) == antecedents


def test_baskets_without_a_frequent_item_still_count_as_baskets(engine):
    found = frequent_itemsets(
        long_form([["a"], ["a"], ["b"], ["c"]]), min_support=0.5, engine=engine
    )
    assert found.iloc[0].to_dict() == {
        "items": '["a"]',
        "length": 1,
        "order_count": 2,
        "basket_count": 4,
        "support": 0.5,
    }
    assert len(found) == 1


def test_the_order_of_rows_and_the_numbering_of_baskets_change_nothing(engine):
    baskets = long_form(random_baskets(5, basket_count=50, item_count=10))
    knobs = {"min_support": 0.2, "min_confidence": 0.3}
    shuffled = baskets.sample(frac=1, random_state=1)
    shuffled["basket_id"] = "b" + (100 - shuffled["basket_id"]).astype(str)
    pd.testing.assert_frame_equal(
        mine_rules(shuffled, **knobs, engine=engine),
        mine_rules(baskets, **knobs, engine=engine),
        check_exact=True,
    )


def test_rules_stand_in_the_order_of_lift_then_confidence_then_count_then_name(engine):
    baskets = long_form(random_baskets(6, basket_count=50, item_count=10))
    found = mine_rules(baskets, min_support=0.2, min_confidence=0.3, engine=engine)
    order = [
        (-rule.lift, -rule.confidence, -rule.order_count, rule.antecedent_items)
        for rule in found.itertuples()
    ]
    assert order == sorted(order)


def test_items_are_sorted_and_distinct_even_if_their_names_hold_commas_and_quotes(engine):
    tins, doily = 'SET OF 3 CAKE TINS, "PANTRY"', "DOILY É"
    found = mine_rules(
        long_form([[tins, doily, "CUP"], [tins, doily, "CUP"], ["BOX"]]),
        min_support=0.5,
        min_confidence=0.5,
        engine=engine,
    )
    rule = found[found["antecedent_length"].eq(2) & found["consequent"].eq("CUP")].iloc[0]
    assert rule["antecedent"] == 'DOILY É, SET OF 3 CAKE TINS, "PANTRY"'
    assert json.loads(rule["antecedent_items"]) == [doily, tins]
    assert "DOILY É" in rule["antecedent_items"]

    ambiguous = mine_rules(
        long_form([["A", "B, C", "D"], ["A, B", "C", "D"], ["E"]]),
        min_support=0.3,
        min_confidence=1,
        engine=engine,
    )
    same = ambiguous[ambiguous["antecedent"].eq("A, B, C") & ambiguous["consequent"].eq("D")]
    assert sorted(same["antecedent_items"]) == ['["A", "B, C"]', '["A, B", "C"]']


def test_conviction_of_a_rule_without_exception_is_null_in_the_warehouse(engine):
    found = mine_rules(long_form(TEXTBOOK), min_support=0.4, min_confidence=0.7, engine=engine)
    with duckdb.connect() as connection:
        connection.register("found", found)
        in_sql = connection.sql("select antecedent from found where conviction is null").fetchall()
    assert in_sql == [("3",)]
    assert found["conviction"].tolist()[1:] == pytest.approx([0.1 / (1 / 7), 0.1 / (1 / 6)])


def test_no_baskets_and_no_rules_give_empty_tables_with_the_same_columns_and_types(engine):
    baskets = long_form(TEXTBOOK)
    knobs = {"min_support": 0.4, "min_confidence": 0.7}
    expected = mine_rules(baskets, **knobs, engine=engine).dtypes
    nothing_in_common = long_form([["a"], ["b"], ["c"]])
    for nothing in (baskets.head(0), nothing_in_common, baskets[baskets["item"] == 2]):
        found = mine_rules(nothing, **knobs, engine=engine)
        assert found.empty
        pd.testing.assert_series_equal(found.dtypes, expected)
    sets = frequent_itemsets(baskets.head(0), min_support=0.4, engine=engine)
    assert sets.empty
    expected = frequent_itemsets(baskets, min_support=0.4, engine=engine).dtypes
    pd.testing.assert_series_equal(sets.dtypes, expected)


def test_a_relation_of_the_warehouse_is_mined_where_it_is():
    baskets = long_form(random_baskets(8, basket_count=50, item_count=10))
    knobs = {"min_support": 0.2, "min_confidence": 0.3}
    with duckdb.connect() as connection:
        connection.register("lines", baskets)
        relation = connection.sql("select * from lines")
        found = mine_rules(relation, **knobs, session=connection)
        left = connection.sql("select count(*) from duckdb_tables()").fetchall()
    pd.testing.assert_frame_equal(found, mine_rules(baskets, **knobs, engine="apriori"))
    assert left == [(0,)]


def test_a_rule_is_redundant_only_where_a_shorter_left_side_does_as_well():
    # "umbrella" adds nothing to "bread => butter"; "jam" does.
    baskets = long_form(
        [["bread", "butter"]] * 4
        + [["bread", "butter", "umbrella"]] * 4
        + [["bread", "umbrella"], ["bread"]] * 2
        + [["bread", "jam", "butter"]] * 3
        + [["milk"]] * 9
    )
    found = mine_rules(baskets, min_support=0.01, min_confidence=0.1)
    rule = found.set_index(["antecedent", "consequent"])
    assert rule.loc[("bread, umbrella", "butter"), "is_redundant"]
    assert rule.loc[("bread, umbrella", "butter"), "improvement"] == pytest.approx(4 / 6 - 11 / 15)
    assert not rule.loc[("bread, jam", "butter"), "is_redundant"] or (
        rule.loc[("jam", "butter"), "confidence"] == 1
    )
    assert not rule.loc[("bread", "butter"), "is_redundant"]
    assert rule.loc[("bread", "butter"), "improvement"] == pytest.approx(11 / 15 - 11 / 24)


@pytest.mark.parametrize("seed", [1, 2])
def test_closed_and_maximal_are_those_of_brute_force(engine, seed):
    baskets = random_baskets(seed, basket_count=30, item_count=9)
    sets = brute_force_itemsets(baskets, 0.3, 9)
    found = mine_rules(long_form(baskets), min_support=0.3, min_confidence=0, engine=engine)
    assert len(found) > 10 and found["is_closed"].nunique() == found["is_maximal"].nunique() == 2
    for rule in found.itertuples():
        items = set(json.loads(rule.antecedent_items)) | set(json.loads(rule.consequent_items))
        larger = [held for other, held in sets.items() if items < set(other)]
        assert rule.is_maximal == (not larger)
        assert rule.is_closed == (rule.order_count not in larger)


def test_rules_stand_by_scope_with_what_became_of_them_in_the_baskets_held_out(engine):
    baskets = long_form([["x", "y"]] * 6 + [["x"]] * 2 + [["z"]] * 4 + [["x", "y"]] + [["x"]] * 3
                        + [["y", "z"]] * 2 + [["z"]] * 2)  # fmt: skip
    baskets["is_holdout"] = baskets["basket_id"] >= 12
    baskets["segment"] = np.where(baskets["basket_id"] % 2 == 0, "even", None)
    found = mine_rules(baskets, min_support=0.2, min_confidence=0.5, engine=engine)
    rule = found.set_index(["scope", "antecedent"]).loc[("all", "x")]
    mined = ["order_count", "antecedent_count", "consequent_count", "basket_count"]
    assert rule[mined].tolist() == [6, 8, 6, 12]
    later = ["holdout_order_count", "holdout_antecedent_count", "holdout_consequent_count"]
    assert rule[[*later, "holdout_basket_count"]].tolist() == [1, 4, 3, 8]
    assert rule["holdout_lift"] == pytest.approx(1 * 8 / (4 * 3))
    even = found.set_index(["scope", "antecedent"]).loc[("even", "x")]
    assert (even["order_count"], even["basket_count"], even["holdout_basket_count"]) == (3, 6, 4)
    # A third column of the same scope holds what was mined without the rest.
    alone = mine_rules(
        baskets[~baskets["is_holdout"]].drop(columns="is_holdout"),
        min_support=0.2, min_confidence=0.5, engine=engine,
    )  # fmt: skip
    same = [column for column in found if not column.startswith("holdout")]
    pd.testing.assert_frame_equal(found[same], alone[same])
    assert alone["holdout_lift"].isna().all()
