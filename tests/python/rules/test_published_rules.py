"""Rules and itemsets of published data, on every engine."""

import json
from itertools import combinations

import pandas as pd
import pytest
from baskets_by_hand import ENGINES
from scipy.stats import hypergeom

from clientele.rules.mining import frequent_itemsets, mine_rules


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def groceries(real_data):
    frame = pd.read_parquet(real_data("groceries/groceries.parquet"))
    return frame.rename(columns={"transaction_id": "basket_id"})[["basket_id", "item"]]


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


@pytest.mark.parametrize("engine", ["sql", "bitmap", "apriori"])
def test_t10i4d100k_gives_the_published_itemsets(engine, real_data):
    """FP-Growth takes long here; it is held to Groceries."""
    frame = pd.read_parquet(real_data("t10i4d100k/T10I4D100K.parquet"))
    found = frequent_itemsets(
        frame.rename(columns={"tid": "basket_id"}), min_support=0.01, engine=engine
    )
    assert found["length"].value_counts().to_dict() == {1: 375, 2: 9, 3: 1}
    assert json.loads(found["items"].iloc[-1]) == ["39", "704", "825"]
    assert found["basket_count"].eq(100_000).all()
