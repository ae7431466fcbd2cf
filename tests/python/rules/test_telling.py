"""The itemsets that customers are compared by: those with the highest leverage, by name."""

import duckdb
import pandas as pd
import pytest

from clientele.rules.telling import BASKET_ITEMSET_TYPES, basket_itemsets


@pytest.fixture(scope="module")
def told():
    """Ten orders: mug and cup meet in four, pen and ink in three, pen and mug once."""
    orders = [[1, 2]] * 4 + [[3, 4]] * 2 + [[3, 4, 1]] + [[1], [5], [5]]
    rows = [(number, product) for number, order in enumerate(orders) for product in order]
    names = ["Mug", "Cup", "Pen", "Ink", "Box"]
    items = [("product", i, name) for i, name in enumerate(names, 1)] + [("category", 1, "Pots")]
    with duckdb.connect() as connection:
        purchased = pd.DataFrame(rows, columns=["order_number", "product_number"])
        items = pd.DataFrame(items, columns=["item_level", "product_number", "item"])
        yield basket_itemsets(
            connection.from_df(purchased), connection.from_df(items), count=2, min_support=0.1,
            max_length=2, session=connection,
        )  # fmt: skip


def test_the_itemsets_furthest_above_chance_come_first(told):
    assert list(told) == list(BASKET_ITEMSET_TYPES)[1:]
    # Leverage: 3/10 - 3/10 * 3/10 is 0.21, 4/10 - 6/10 * 4/10 is 0.16.
    assert told[["itemset", "label", "item"]].to_numpy().tolist() == [
        ["itemset_01", "Ink + Pen", "Ink"],
        ["itemset_01", "Ink + Pen", "Pen"],
        ["itemset_02", "Cup + Mug", "Cup"],
        ["itemset_02", "Cup + Mug", "Mug"],
    ]


def test_an_itemset_stands_with_its_counts_and_lift(told):
    second = told[told["itemset"] == "itemset_02"]
    assert second["item_count"].tolist() == [2, 2] and second["basket_count"].tolist() == [4, 4]
    assert second["lift"].tolist() == pytest.approx([0.4 / (0.6 * 0.4)] * 2)
