"""Input and minings that are refused, and what the message says to change."""

import re

import pytest
from baskets_by_hand import ENGINES, TEXTBOOK, long_form, random_baskets

from clientele.rules import itemsets, mining, mlxtend_engines
from clientele.rules.mining import frequent_itemsets, mine_rules


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


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


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'eclat' is unknown: give one of auto, sql, bitmap, fp"):
        frequent_itemsets(long_form(TEXTBOOK), min_support=0.4, engine="eclat")


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
    monkeypatch.setattr(mining, "MAX_CANDIDATE_RULES", 251)
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
