import json
import re
from fractions import Fraction
from itertools import combinations

import duckdb
import numpy as np
import pandas as pd
import pytest

from clientele import itemsets, mlxtend_engines, rules
from clientele.rules import frequent_itemsets, mine_rules

TEXTBOOK = [
    [0, 1, 2],
    [0, 2],
    [1, 2],
    [0, 1, 2, 3],
    [0, 2, 3],
    [1, 2, 3],
    [0, 1],
    [1, 2],
    [2, 3],
    [0, 1, 2, 3],
]


def long_form(baskets):
    rows = [(number, item) for number, basket in enumerate(baskets) for item in basket]
    return pd.DataFrame(rows, columns=["basket_id", "item"])


def random_baskets(seed, *, basket_count, item_count):
    """Baskets with more structure than chance: half of them extend one of two bundles."""
    rng = np.random.default_rng(seed)
    bundles = [set(range(4)), set(range(3, 8))]
    baskets = []
    for number in range(basket_count):
        basket = set(np.flatnonzero(rng.random(item_count) < 0.25).tolist())
        baskets.append(basket | bundles[number % 2] if rng.random() < 0.5 else basket | {9})
    return [{f"i{item}" for item in basket} for basket in baskets]


def count(baskets, items):
    return sum(items <= basket for basket in baskets)


def brute_force_itemsets(baskets, min_support, max_length):
    universe = sorted(set().union(*baskets))
    threshold = Fraction(str(min_support)) * len(baskets)
    return {
        items: found
        for length in range(1, max_length + 1)
        for items in combinations(universe, length)
        if (found := count(baskets, set(items))) >= threshold
    }


def as_dict(found):
    return {
        tuple(json.loads(items)): held
        for items, held in zip(found["items"], found["order_count"], strict=True)
    }


@pytest.fixture(params=["sql", "bitmap", "fpgrowth", "apriori"])
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def groceries(real_data):
    frame = pd.read_parquet(real_data("groceries/groceries.parquet"))
    return frame.rename(columns={"transaction_id": "basket_id"})[["basket_id", "item"]]


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
        assert as_dict(found) == expected
    unlimited = frequent_itemsets(long_form(baskets), min_support=min_support, engine=engine)
    assert as_dict(unlimited) == expected


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


def test_every_measure_follows_from_counts_made_without_apriori(engine, groceries):
    found = mine_rules(groceries, min_support=0.005, min_confidence=0.3, engine=engine)
    baskets = groceries.groupby("item")["basket_id"].agg(set)
    n = groceries["basket_id"].nunique()
    assert len(found) > 100
    for rule in found.itertuples():
        left, right = json.loads(rule.antecedent_items), json.loads(rule.consequent_items)
        with_left = set.intersection(*baskets[left])
        with_right = set.intersection(*baskets[right])
        a, c, both = len(with_left), len(with_right), len(with_left & with_right)
        assert (rule.antecedent_length, rule.consequent_length) == (len(left), len(right))
        assert (rule.antecedent_count, rule.consequent_count) == (a, c)
        assert (rule.order_count, rule.basket_count) == (both, n)
        assert rule.support == both / n
        assert rule.confidence == both / a
        assert rule.lift == pytest.approx((both / a) / (c / n), rel=1e-14)
        assert rule.leverage == pytest.approx(both / n - a / n * c / n, rel=1e-9)
        assert rule.conviction == pytest.approx((1 - c / n) / (1 - both / a), rel=1e-9)


def test_groceries_gives_the_published_rules(engine, groceries):
    found = mine_rules(groceries, min_support=0.001, min_confidence=0.5, engine=engine)
    # The published ones have one item to the right.
    single = found[found["consequent_length"] == 1]
    sizes = (single["antecedent_length"] + 1).value_counts().to_dict()
    assert sizes == {2: 11, 3: 1461, 4: 3211, 5: 939, 6: 46}
    assert len(single) == 5668
    confident = single[single["confidence"] >= 0.8]
    assert len(confident) == 410
    top = confident.iloc[0]
    assert top["antecedent"] == "liquor, red/blush wine"
    assert top["consequent"] == "bottled beer"
    assert top["order_count"] == 19
    assert round(top["confidence"], 4) == 0.9048
    assert round(top["lift"], 4) == 11.2353


def test_t10i4d100k_gives_the_published_itemsets(engine, real_data):
    frame = pd.read_parquet(real_data("t10i4d100k/T10I4D100K.parquet"))
    found = frequent_itemsets(
        frame.rename(columns={"tid": "basket_id"}), min_support=0.01, engine=engine
    )
    assert found["length"].value_counts().to_dict() == {1: 375, 2: 9, 3: 1}
    assert json.loads(found["items"].iloc[-1]) == ["39", "704", "825"]
    assert found["basket_count"].eq(100_000).all()


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


def test_items_are_sorted_and_told_apart_even_if_their_names_hold_commas_and_quotes(engine):
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


@pytest.mark.parametrize("column", ["basket_id", "item"])
def test_nulls_are_refused_by_column(engine, column):
    baskets = long_form([["a", "b"], ["a", "b"]])
    baskets.loc[2, column] = None
    with pytest.raises(ValueError, match=f"{column} is null in 1 rows"):
        mine_rules(baskets, min_support=0.5, min_confidence=0.5, engine=engine)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"min_support": 0}, "min_support=0 is no share"),
        ({"min_support": 20}, "min_support=20 is no share"),
        ({"min_confidence": 70}, "min_confidence=70 is no share"),
        ({"max_length": 1}, "max_length=1 leaves no rule"),
    ],
)
def test_knobs_out_of_range_are_refused(engine, knobs, message):
    with pytest.raises(ValueError, match=message):
        mine_rules(
            long_form(TEXTBOOK),
            **({"min_support": 0.4, "min_confidence": 0.7} | knobs),
            engine=engine,
        )


def test_too_many_pairs_are_refused_with_a_support_that_fits(engine):
    baskets = long_form(random_baskets(7, basket_count=200, item_count=40))
    limit = {"max_candidate_pairs": 50, "engine": engine}
    with pytest.raises(ValueError, match="40 frequent items, 780 candidate pairs") as refusal:
        frequent_itemsets(baskets, min_support=0.05, **limit)
    fitting = float(re.search(r"raise min_support to ([\d.]+)$", str(refusal.value))[1])
    found = frequent_itemsets(baskets, min_support=fitting, **limit)
    assert (found["length"] == 1).sum() * ((found["length"] == 1).sum() - 1) / 2 <= 50
    assert len(found) > 0


def test_where_sets_could_explode_they_are_mined_length_by_length(monkeypatch):
    together = long_form([range(12)] * 4)
    lengths, mine = [], mlxtend_engines.apriori

    def watched(table, **knobs):
        lengths.append(knobs["max_len"])
        return mine(table, **knobs)

    monkeypatch.setattr(mlxtend_engines, "apriori", watched)
    assert len(frequent_itemsets(together, min_support=0.5, engine="apriori")) == 2**12 - 1
    assert lengths == [12]
    # No length has more than 924 sets. Those longer than 7 are 794, so that the rest is safe.
    monkeypatch.setattr(itemsets, "MAX_ITEMSETS", 1000)
    lengths.clear()
    assert len(frequent_itemsets(together, min_support=0.5, engine="apriori")) == 2**12 - 1
    assert lengths == [3, 4, 5, 6, 7, 12]


def test_sets_that_do_explode_are_refused_before_they_are_mined(monkeypatch):
    together = long_form([range(25)] * 4)
    monkeypatch.setattr(itemsets, "MAX_ITEMSETS", 3000)
    with pytest.raises(ValueError, match="2,300 frequent itemsets of 3 .* set max_length to 3"):
        frequent_itemsets(together, min_support=0.5, engine="apriori")
    assert (
        len(frequent_itemsets(together, min_support=0.5, max_length=3, engine="apriori"))
        == 25 + 300 + 2300
    )


def test_too_many_candidate_rules_are_refused(engine, monkeypatch):
    monkeypatch.setattr(rules, "MAX_CANDIDATE_RULES", 251)
    with pytest.raises(ValueError, match="give 252 candidate rules"):
        mine_rules(
            long_form([range(7)] * 4),
            min_support=0.5,
            min_confidence=0.5,
            max_length=3,
            engine=engine,
        )


def test_a_table_of_too_many_baskets_is_refused(monkeypatch):
    monkeypatch.setattr(mlxtend_engines, "MAX_CELLS", 39)
    with pytest.raises(ValueError, match="10 baskets x 4 items .* take sql or bitmap"):
        frequent_itemsets(long_form(TEXTBOOK), min_support=0.4, engine="apriori")


def test_too_many_sets_are_refused_with_a_length_that_fits(monkeypatch):
    together = long_form([range(25)] * 4)
    monkeypatch.setattr(itemsets, "MAX_ITEMSETS", 1000)
    with pytest.raises(ValueError, match="2,300 sets of 3 items .* set max_length to 2"):
        frequent_itemsets(together, min_support=0.5, engine="sql")
    with pytest.raises(ValueError, match="more than 1,000 sets are .* set a smaller max_length"):
        frequent_itemsets(together, min_support=0.5, engine="bitmap")
    for engine in ("sql", "bitmap"):
        found = frequent_itemsets(together, min_support=0.5, max_length=2, engine=engine)
        assert len(found) == 25 + 300


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'eclat' is unknown: give one of auto, sql, bitmap, fp"):
        frequent_itemsets(long_form(TEXTBOOK), min_support=0.4, engine="eclat")


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
