"""What is mined where: scopes, baskets held out, ancestors, thresholds, the guard."""

from itertools import combinations

import duckdb
import numpy as np
import pandas as pd
import pytest

from clientele.rules import itemsets
from clientele.rules.itemsets import find_itemsets

ENGINES = ["sql", "bitmap", "fpgrowth", "apriori"]
SEGMENTS = ["a", "b", None]


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def baskets():
    """Baskets of two segments and of no one, a third held out, with a bundle that only b buys."""
    rng = np.random.default_rng(3)
    rows = []
    for number in range(240):
        segment = SEGMENTS[rng.integers(3)]
        items = {f"i{item}" for item in np.flatnonzero(rng.random(12) < 0.2)}
        if segment == "b" and rng.random() < 0.5:
            items |= {"i1", "i5", "i9"}
        rows += [(number, item, segment, number % 3 == 0) for item in items or {"i0"}]
    return pd.DataFrame(rows, columns=["basket_id", "item", "segment", "is_holdout"])


def as_dict(found):
    """Return {items: counts per cell} of all sets."""
    return {
        tuple(sorted(found.labels[items])): tuple(counts)
        for sets, held in zip(found.sets, found.counts, strict=True)
        for items, counts in zip(sets, held.tolist(), strict=True)
    }


def brute_force(baskets, min_support, min_count, max_length, forbidden=()):
    """Count every set in every cell, and keep what is frequent in everyone's or a segment's."""
    held = baskets.fillna({"segment": ""}).groupby(["is_holdout", "segment", "basket_id"])["item"]
    held = held.agg(set)
    cells = sorted({key[:2] for key in held.index})
    by_cell = {cell: list(held.loc[cell]) for cell in cells}
    mined = [cell for cell in cells if not cell[0]]
    scopes = [mined] + [[cell] for cell in mined if cell[1]]
    sizes = [sum(len(by_cell[cell]) for cell in scope) for scope in scopes]
    found = {}
    for length in range(1, max_length + 1):
        for items in combinations(sorted(baskets["item"].unique()), length):
            if any({a, b} <= set(items) for a, b in forbidden):
                continue
            counts = {c: sum(set(items) <= basket for basket in by_cell[c]) for c in cells}
            for scope, size in zip(scopes, sizes, strict=True):
                number = sum(counts[cell] for cell in scope)
                if number >= min_count and number / size >= min_support:
                    found[items] = tuple(counts[cell] for cell in cells)
    return found


@pytest.mark.parametrize(("min_support", "min_count"), [(0.05, 1), (0.1, 9), (0.001, 12)])
def test_a_set_is_frequent_in_any_scope_and_counted_in_every_cell(
    engine, baskets, min_support, min_count
):
    found = find_itemsets(
        baskets, min_support=min_support, min_count=min_count, max_length=4, engine=engine
    )
    expected = brute_force(baskets, min_support, min_count, 4)
    assert as_dict(found) == expected
    assert {len(items) for items in expected} >= {1, 2, 3}
    # The bundle of b is frequent there, and there only.
    assert found.scopes["segment"].tolist() == [None, "a", "b"]


def test_baskets_held_out_are_counted_and_not_mined(engine, baskets):
    knobs = {"min_support": 0.1, "max_length": 3, "engine": engine}
    found = find_itemsets(baskets, **knobs)
    mined_alone = find_itemsets(baskets[~baskets["is_holdout"]], **knobs)
    assert as_dict(found).keys() == as_dict(mined_alone).keys()
    assert found.cells["is_holdout"].tolist() == [False] * 3 + [True] * 3
    assert found.basket_count == mined_alone.basket_count == 160
    assert sum(found.counts[1][:, 3:].sum(axis=1)) > 0


def test_relations_of_the_warehouse_give_what_frames_give(engine, baskets):
    knobs = {"min_support": 0.1, "max_length": 3, "engine": engine}
    expected = as_dict(find_itemsets(baskets, **knobs))
    with duckdb.connect() as connection:
        connection.register("lines", baskets)
        relation = connection.sql("select * from lines")
        assert as_dict(find_itemsets(relation, session=connection, **knobs)) == expected
        left = connection.sql("select count(*) from duckdb_tables()").fetchall()
        views = connection.sql("select view_name from duckdb_views() where not internal").fetchall()
    assert left == [(0,)] and views == [("lines",)]


def test_an_item_never_stands_with_its_ancestor(engine, baskets):
    # i0 and i1 are of the category i2, i5 of i3: any two of them may well meet.
    ancestors = pd.DataFrame(
        [("i0", "i2"), ("i1", "i2"), ("i5", "i3"), ("gone", "i3")], columns=["item", "ancestor"]
    )
    found = find_itemsets(
        baskets, min_support=0.02, max_length=4, engine=engine, ancestors=ancestors
    )
    pairs = [("i0", "i2"), ("i1", "i2"), ("i5", "i3")]
    assert as_dict(found) == brute_force(baskets, 0.02, 1, 4, forbidden=pairs)
    assert ("i1", "i3", "i9") in as_dict(found)


def test_too_many_pairs_raise_the_support_where_that_is_asked_for(engine, baskets):
    knobs = {"min_support": 0.01, "max_length": 2, "engine": engine, "max_candidate_pairs": 30}
    with pytest.raises(ValueError, match=r"66 candidate pairs, more than 30: raise min_support to"):
        find_itemsets(baskets, **knobs)
    found = find_itemsets(baskets, **knobs, on_explosion="raise_support")
    assert found.min_support > 0.01
    assert any(f"min_support was raised to {found.min_support}" in note for note in found.notes)
    expected = find_itemsets(baskets, **knobs | {"min_support": found.min_support})
    assert as_dict(found) == as_dict(expected)
    # And by no more than it takes: two baskets fewer, and there are too many again.
    alone = baskets[["basket_id", "item"]]
    found = find_itemsets(alone, **knobs, on_explosion="raise_support")
    fewer = found.scopes["min_count"].iloc[0] - 2
    with pytest.raises(ValueError, match="candidate pairs"):
        find_itemsets(alone, **knobs | {"min_support": fewer / found.basket_count})


def test_too_many_sets_raise_the_support_where_that_is_asked_for(monkeypatch, engine):
    together = pd.DataFrame(
        [(n, f"i{item}") for n in range(20) for item in range(10) if n % 10 != item or n < 10],
        columns=["basket_id", "item"],
    )
    monkeypatch.setattr(itemsets, "MAX_ITEMSETS", 150)
    knobs = {"min_support": 0.05, "max_length": None, "engine": engine}
    with pytest.raises(ValueError, match="min_support=0.05: .* raise min_support"):
        find_itemsets(together, **knobs)
    found = find_itemsets(together, **knobs, on_explosion="raise_support")
    assert 0.05 < found.min_support < 1 and len(found) > 0
    assert "min_support was raised" in found.notes[-1]


def test_auto_takes_the_bitmaps_until_the_baskets_do_not_fit(monkeypatch, baskets):
    knobs = {"min_support": 0.1, "max_length": 3}
    small = find_itemsets(baskets, **knobs)
    assert small.engine == "bitmap"
    assert small.notes == [f"engine bitmap: {len(baskets)} rows, 120,000,000 fit in memory"]
    monkeypatch.setattr(itemsets, "MAX_ROWS_IN_MEMORY", 100)
    large = find_itemsets(baskets, **knobs)
    assert large.engine == "sql" and as_dict(large) == as_dict(small)


def test_bitmaps_written_in_blocks_are_the_same(monkeypatch, baskets):
    knobs = {"min_support": 0.1, "max_length": 3, "engine": "bitmap"}
    whole = as_dict(find_itemsets(baskets, **knobs))
    monkeypatch.setattr("clientele.rules.eclat.BLOCK", 1)
    assert as_dict(find_itemsets(baskets, **knobs)) == whole


def test_nothing_to_mine_gives_nothing(engine):
    empty = pd.DataFrame({"basket_id": [], "item": [], "segment": [], "is_holdout": []})
    found = find_itemsets(empty.astype(object), min_support=0.1, max_length=3, engine=engine)
    assert len(found) == 0 and found.basket_count == 0
    later = pd.DataFrame({"basket_id": [1, 1], "item": ["x", "y"], "is_holdout": [True, True]})
    found = find_itemsets(later, min_support=0.1, max_length=3, engine=engine)
    assert len(found) == 0 and found.basket_count == 0


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"min_count": 0}, "min_count=0 must be at least 1"),
        ({"max_length": 0}, "max_length=0 must be at least 1"),
        ({"on_explosion": "hope"}, "on_explosion='hope' is unknown: give fail or raise_support"),
    ],
)
def test_knobs_out_of_range_are_refused(baskets, knobs, message):
    with pytest.raises(ValueError, match=message):
        find_itemsets(baskets, **{"min_support": 0.1, "max_length": 3} | knobs)


@pytest.fixture(scope="module")
def online_retail_baskets(real_data):
    """Return a function from an engine and a support to the itemsets of Online Retail II."""
    path = real_data("online_retail_ii/online_retail_ii.parquet")
    with duckdb.connect() as connection:
        connection.sql(
            f"create table baskets as select distinct Invoice as basket_id, StockCode as item "
            f"from '{path}' where Quantity > 0 and Price > 0 and Invoice not like 'C%'"
        )

        def mined(engine, min_support):
            knobs = {"min_support": min_support, "max_length": None, "engine": engine}
            return as_dict(find_itemsets(connection.table("baskets"), session=connection, **knobs))

        yield mined


def test_engines_agree_with_fpgrowth_on_online_retail(online_retail_baskets):
    expected = online_retail_baskets("fpgrowth", 0.02)
    assert len(expected) > 300
    for engine in ("bitmap", "sql"):
        assert online_retail_baskets(engine, 0.02) == expected


@pytest.mark.parametrize(
    ("min_support", "lengths"),
    [(0.01, [701, 527, 104, 6]), (0.005, [1436, 4191, 1854, 382, 50, 1])],
)
def test_engines_agree_where_fpgrowth_takes_long(online_retail_baskets, min_support, lengths):
    """FP-Growth, which takes a minute at the lower support, gave the same, so many by length."""
    bitmap = online_retail_baskets("bitmap", min_support)
    assert online_retail_baskets("sql", min_support) == bitmap
    assert np.bincount([len(items) for items in bitmap])[1:].tolist() == lengths
