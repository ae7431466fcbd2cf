import json
import re
from fractions import Fraction
from itertools import combinations

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, fisher_exact, hypergeom

from clientele.rules import itemsets, mlxtend_engines
from clientele.rules import mining as rules
from clientele.rules.mining import (
    adjusted,
    fisher_p_values,
    frequent_itemsets,
    lift_interval,
    mine_rules,
    rule_differences,
)

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
        leverage = both / n - a / n * c / n
        zhang = leverage / max(both / n * (1 - a / n), a / n * (c / n - both / n))
        assert rule.zhang == pytest.approx(zhang, rel=1e-9)
        assert rule.jaccard == both / len(with_left | with_right)
        assert rule.kulczynski == pytest.approx((both / a + both / c) / 2, rel=1e-14)
        chance = hypergeom.sf(both - 1, n, a, c)
        assert rule.p_value == pytest.approx(chance, rel=1e-8)
        shorter = [
            len(set.intersection(*baskets[list(part)]) & with_right)
            / len(set.intersection(*baskets[list(part)]))
            for length in range(1, len(left))
            for part in combinations(left, length)
        ]
        assert rule.is_redundant == (max(shorter, default=0) >= both / a)
        best = max([c / n, *shorter])
        assert rule.improvement == pytest.approx(both / a - best, abs=1e-12)


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
    assert lengths == [2, 3, 4, 5, 6, 7, 12]


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


def test_fishers_p_values_are_scipys_on_both_sides_of_the_mean():
    rng = np.random.default_rng(1)
    n = rng.integers(2, 400, 300)
    left, right = rng.integers(0, n + 1), rng.integers(0, n + 1)
    both = rng.integers(np.maximum(0, left + right - n), np.minimum(left, right) + 1)
    found = fisher_p_values(both, left, right, n)
    for p, b, a, c, total in zip(found, both, left, right, n, strict=True):
        table = [[b, a - b], [c - b, total - a - c + b]]
        assert p == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-9)
    # Far out, and at the size of a large shop.
    p = fisher_p_values([20_300], [200_000], [1_000_000], 10_000_000)[0]
    assert p == pytest.approx(hypergeom.sf(20_299, 10_000_000, 200_000, 1_000_000), rel=1e-6)
    assert fisher_p_values([500], [500], [500], 100_000)[0] == 0.0


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg():
    # Their own example: 15 tests, of which four are significant at 0.05.
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
                 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    found = adjusted(np.array(published), 15)
    assert (found <= 0.05).sum() == 4
    np.testing.assert_allclose(found[:4], [0.0015, 0.003, 0.0095, 0.035625])
    # What was tested and is not here counts.
    np.testing.assert_allclose(
        adjusted(np.array(published[:4]), 15), [0.0015, 0.003, 0.0095, 0.035625]
    )
    assert adjusted(np.array([0.04, 0.03]), 2).tolist() == [0.04, 0.04]
    # None is ever below what it was made of, in any digit.
    drawn = np.random.default_rng(1).random(1000)
    assert all((adjusted(drawn[:n], n) >= drawn[:n]).all() for n in range(1, 1000))


def independent_baskets(rng, basket_count, item_count):
    share = rng.uniform(0.02, 0.2, item_count)
    row, item = np.nonzero(rng.random((basket_count, item_count)) < share)
    return pd.DataFrame({"basket_id": row, "item": [f"i{i}" for i in item]})


def test_where_nothing_belongs_together_hardly_any_shop_has_a_significant_rule():
    """All being chance, a false discovery rate of 5 % is one shop in twenty with any discovery."""
    rng = np.random.default_rng(11)
    shops = 200
    discovering = 0
    for _ in range(shops):
        found = mine_rules(
            independent_baskets(rng, 500, 20), min_support=0.004, min_confidence=0.01, max_length=3
        )
        assert len(found) > 100
        discovering += (found["p_value_adjusted"] <= 0.05).any()
    assert discovering <= 17  # 10 are expected at most, 17 have a chance of 2 %
    # Unadjusted, every shop has some.
    assert (found["p_value"] <= 0.05).any()


def test_planted_pairs_are_discovered_among_many_that_are_not_at_the_stated_rate():
    rng = np.random.default_rng(12)
    true, false = 0, 0
    for _ in range(40):
        baskets = independent_baskets(rng, 800, 20)
        for k in range(0, 6, 2):  # i0 draws i1, i2 draws i3, i4 draws i5
            holders = baskets.loc[baskets["item"] == f"i{k}", "basket_id"].unique()
            drawn = holders[rng.random(len(holders)) < 0.5]
            extra = pd.DataFrame({"basket_id": drawn, "item": f"i{k + 1}"})
            baskets = pd.concat([baskets, extra])
        found = mine_rules(baskets, min_support=0.004, min_confidence=0.01, max_length=2)
        significant = found[found["p_value_adjusted"] <= 0.05]
        for rule in significant.itertuples():
            a, b = sorted((int(rule.antecedent[1:]), int(rule.consequent[1:])))
            if a % 2 == 0 and b == a + 1 and a < 6:
                true += 1
            else:
                false += 1
    assert true > 0.9 * 40 * 6
    assert false / (true + false) <= 0.05


def test_the_interval_holds_the_true_lift_as_often_as_it_says():
    rng = np.random.default_rng(2)
    n, cells = 2000, np.array([0.03, 0.07, 0.12, 0.78])
    drawn = rng.multinomial(n, cells, 4000)
    both, left, right = drawn[:, 0], drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2]
    truth = 0.03 / (0.10 * 0.15)
    for interval in (0.5, 0.9, 0.95):
        lower, upper = lift_interval(both, left, right, n, interval=interval)
        covered = ((lower <= truth) & (truth <= upper)).mean()
        assert covered == pytest.approx(interval, abs=3 * (interval * (1 - interval) / 4000) ** 0.5)
    lower, upper = lift_interval([0, 5], [5, 5], [5, 5], 5)
    assert lower.tolist() == [0, 1] and upper.tolist() == [np.inf, 1]


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


def stratum(both, left, right, n):
    return {"order_count": both, "antecedent_count": left, "consequent_count": right,
            "basket_count": n}  # fmt: skip


def differences(strata):
    rows = [
        {"antecedent_items": '["a"]', "consequent_items": '["c"]', "segment_key": f"s{i}"} | counts
        for i, counts in enumerate(strata)
    ]
    return rule_differences(pd.DataFrame(rows))


def test_the_test_of_differences_solves_its_own_definition():
    """The statistic by hand: expected counts by bisection, variance, and Tarone's correction."""
    tables = [(30, 60, 90, 400), (12, 50, 70, 300), (44, 80, 100, 350)]
    found = differences([stratum(*table) for table in tables])
    top = sum(b * (n - a - c + b) / n for b, a, c, n in tables)
    common = top / sum((a - b) * (c - b) / n for b, a, c, n in tables)
    squares, excess, variances = 0, 0, 0
    for b, a, c, n in tables:
        low, high = max(0, a + c - n), min(a, c)
        for _ in range(200):
            x = (low + high) / 2
            if x * (n - a - c + x) < common * (a - x) * (c - x):
                low = x
            else:
                high = x
        variance = 1 / (1 / x + 1 / (a - x) + 1 / (c - x) + 1 / (n - a - c + x))
        squares, excess = squares + (b - x) ** 2 / variance, excess + b - x
        variances += variance
    row = found.iloc[0]
    assert row["common_odds_ratio"] == pytest.approx(common, rel=1e-12)
    assert row["chi_square"] == pytest.approx(squares - excess**2 / variances, rel=1e-9)
    assert row["p_value"] == pytest.approx(chi2.sf(row["chi_square"], 2), rel=1e-12)
    assert found["compared_segment_count"].eq(3).all()


def test_equal_strength_is_not_called_different_at_more_than_the_stated_rate():
    rng = np.random.default_rng(5)
    rows = []
    for rule in range(2000):
        # The same odds ratio of 3 in segments where both sides are popular or rare.
        for segment, (a, c) in enumerate([(0.1, 0.1), (0.3, 0.2), (0.05, 0.4)]):
            n = 800
            left = rng.random(n) < a
            odds = c / (1 - c) * np.where(left, 3, 1)
            right = rng.random(n) < odds / (1 + odds)
            rows.append({"antecedent_items": f'["a{rule}"]', "consequent_items": f'["c{rule}"]',
                         "segment_key": f"s{segment}"}
                        | stratum((left & right).sum(), left.sum(), right.sum(), n))  # fmt: skip
    found = rule_differences(pd.DataFrame(rows)).drop_duplicates("antecedent_items")
    share = (found["p_value"] <= 0.05).mean()
    assert share == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / 2000) ** 0.5)
    assert (found["p_value_adjusted"] <= 0.05).sum() <= 3


def test_a_rule_of_one_segment_only_is_different_and_segments_too_small_are_left_out():
    found = differences(
        [stratum(60, 100, 100, 1000), stratum(10, 100, 100, 1000), stratum(1, 9, 20, 90)]
    )
    assert found["p_value"].iloc[0] < 1e-9
    assert found["is_compared"].tolist() == [True, True, False]
    assert found["lift"].tolist()[:2] == [6.0, 1.0]
    lone = differences([stratum(60, 100, 100, 1000), stratum(0, 0, 20, 90)])
    assert lone["p_value"].isna().all() and lone["compared_segment_count"].eq(1).all()
    assert np.isnan(lone["confidence"].iloc[1])


def test_a_rule_and_its_converse_are_one_test():
    rows = []
    for left, right in ("ac", "ca", "bd"):
        for segment, table in enumerate([stratum(60, 100, 150, 1000), stratum(20, 150, 100, 1000)]):
            if (left, right) == ("c", "a"):
                table = table | {
                    "antecedent_count": table["consequent_count"],
                    "consequent_count": table["antecedent_count"],
                }
            if left == "b":
                table = stratum(15, 100, 150, 1000)
            rows.append({"antecedent_items": left, "consequent_items": right,
                         "segment_key": f"s{segment}"} | table)  # fmt: skip
    found = rule_differences(pd.DataFrame(rows)).drop_duplicates(["antecedent_items"])
    found = found.set_index("antecedent_items")
    assert found.loc["a", "p_value_adjusted"] == found.loc["c", "p_value_adjusted"]
    # Of two tests, not of three.
    assert found.loc["a", "p_value_adjusted"] == pytest.approx(2 * found.loc["a", "p_value"])


def test_no_rules_have_no_differences():
    columns = ["antecedent_items", "consequent_items", "segment_key", *stratum(0, 0, 0, 0)]
    assert rule_differences(pd.DataFrame(columns=columns)).empty
