"""Itemsets as rows of a table, and the rules and differences computed from them."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest

from clientele.frames import as_table
from clientele.rules.itemsets import find_itemsets
from clientele.rules.mining import rules
from clientele.rules.rule_tables import (
    DIFFERENCE_TABLE_TYPES,
    ITEMSET_TABLE_TYPES,
    RULE_TABLE_TYPES,
    difference_table,
    itemset_table,
    rule_table,
)

KNOBS = {"min_support": 0.05, "min_count": 5, "max_length": 3}


@pytest.fixture(scope="module")
def lines():
    rng = np.random.default_rng(8)
    rows = []
    for number in range(400):
        segment = ["s1", "s2", None][rng.integers(3)]
        earlier = segment if rng.random() < 0.8 else None
        items = {f"p{i}" for i in np.flatnonzero(rng.random(8) < 0.25)}
        if segment == "s1" and "p1" in items:
            items |= {"p2"}
        rows += [
            ("product", number, item, segment, earlier, number % 4 == 0) for item in items or {"p0"}
        ]
    columns = "item_level basket_id item segment_key earlier_segment_key is_holdout".split()
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="module")
def catalogue():
    rows = [("product", f"p{i}", f"p{i}", f"p{i}", False) for i in range(8)]
    return pd.DataFrame(
        rows, columns="item_level product_id product_label item is_category".split()
    )


def mined(lines, catalogue, levels=("product",), **knobs):
    """Return the tables as the models get them: through the warehouse."""
    notes = []
    with duckdb.connect() as connection:
        connection.register("lines", lines)
        connection.register("catalogue", catalogue)
        found = itemset_table(
            connection.sql("select * from lines"),
            connection.sql("select * from catalogue"),
            item_levels=list(levels), session=connection, say=notes.append, **KNOBS | knobs,
        )  # fmt: skip
        table = as_table(connection, found, ITEMSET_TABLE_TYPES).df()
    return table.sample(frac=1, random_state=1), notes


def test_rules_from_rows_are_the_rules_of_what_was_mined(lines, catalogue):
    rows, notes = mined(lines, catalogue)
    found = rule_table(rows, min_confidence=0.3, min_count=5)
    assert list(found) == list(RULE_TABLE_TYPES)
    for period, segment in [("whole", "segment_key"), ("earlier", "earlier_segment_key")]:
        baskets = lines.rename(columns={segment: "segment"})
        if period == "whole":
            baskets = baskets.drop(columns="is_holdout")
        expected = rules(find_itemsets(baskets, **KNOBS), min_confidence=0.3)
        ours = found[found["period"] == period].reset_index(drop=True)
        pd.testing.assert_frame_equal(ours[list(expected)], expected, check_exact=True)
        assert set(expected["scope"]) == {"all", "s1", "s2"}
    assert not found.duplicated(["period", "rule_key"]).any()
    assert "engine bitmap" in notes[0] and "whole period" in notes[0]


def test_what_is_mined_earlier_is_that_of_the_segments_known_then(lines, catalogue):
    rows, _ = mined(lines, catalogue)
    changed = lines.assign(segment_key="s1")
    later_hidden = lines.assign(
        segment_key=None, item=lines["item"].where(~lines["is_holdout"], "p7")
    ).drop_duplicates()
    earlier = rows[rows["period"].eq("earlier") & ~rows["is_holdout"]]
    for other in (changed, later_hidden):
        again, _ = mined(other, catalogue)
        again = again[again["period"].eq("earlier") & ~again["is_holdout"]]
        key = ["items", "segment_key"]
        pd.testing.assert_frame_equal(
            earlier.sort_values(key, ignore_index=True), again.sort_values(key, ignore_index=True)
        )


def test_a_rule_found_in_one_segment_is_counted_in_all(lines, catalogue):
    rows, _ = mined(lines, catalogue)
    found = rule_table(rows, min_confidence=0.3, min_count=5)
    compared = difference_table(rows, found)
    assert list(compared) == list(DIFFERENCE_TABLE_TYPES)
    rule = compared[compared["antecedent"].eq("p1") & compared["consequent"].eq("p2")]
    assert rule["segment_key"].tolist() == ["s1", "s2"]
    baskets = lines.groupby(["segment_key", "basket_id"])["item"].agg(set)
    for row in compared.itertuples():
        left, right = set(json.loads(row.antecedent_items)), set(json.loads(row.consequent_items))
        held = baskets.loc[row.segment_key]
        counts = [sum(held.map(lambda b, s=s: s <= b)) for s in (left | right, left, right)]
        assert [row.order_count, row.antecedent_count, row.consequent_count] == counts
        assert row.basket_count == len(held)
    assert rule["p_value_adjusted"].iloc[0] < 0.001
    assert (compared["p_value_adjusted"] <= 0.05).mean() < 0.5


def test_a_mixed_rule_never_holds_a_product_and_its_own_category(lines, catalogue):
    above = catalogue.assign(
        item="any " + (catalogue["product_id"].str[1:].astype(int) // 4).astype(str),
        is_category=True,
    )
    both = pd.concat([catalogue, above]).assign(item_level="mixed")
    of = lines.merge(both[["product_label", "item"]], left_on="item", right_on="product_label")
    of = of.assign(item=of["item_y"], item_level="mixed")[list(lines)].drop_duplicates()
    found = rule_table(mined(of, both, ["mixed"])[0], min_confidence=0.1, min_count=5)
    sides = found["antecedent_items"].map(json.loads) + found["consequent_items"].map(json.loads)
    for items in sides:
        assert not any(
            f"any {int(item[1:]) // 4}" in items for item in items if not item.startswith("any")
        )
    text = found["antecedent"] + found["consequent"]
    assert (text.str.contains("any") & text.str.contains("p")).any()


def test_nothing_gives_empty_tables(lines, catalogue):
    rows, _ = mined(lines.head(0), catalogue)
    assert rows.empty
    found = rule_table(rows, min_confidence=0.3, min_count=5)
    assert found.empty and list(found) == list(RULE_TABLE_TYPES)
    assert list(difference_table(rows, found)) == list(DIFFERENCE_TABLE_TYPES)
    # One basket of one item has no rule either.
    rows, _ = mined(lines.head(1), catalogue, min_count=1)
    found = rule_table(rows, min_confidence=0.3, min_count=1)
    assert found.empty and difference_table(rows, found).empty
