"""The itemsets that customers are compared by in the segmentation `baskets`."""

import numpy as np
import pandas as pd

from clientele.frames import collect
from clientele.rules.itemsets import find_itemsets

BASKET_ITEMSET_TYPES = {
    "version": "int",
    "itemset": "string",
    "label": "string",
    "item": "string",
    "item_count": "int",
    "basket_count": "int",
    "lift": "double",
}


def telling_itemsets(
    baskets,
    names: dict | None = None,
    *,
    count: int,
    min_support: float,
    max_length: int = 3,
    engine: str = "auto",
    session=None,
) -> pd.DataFrame:
    """Return the ``count`` frequent itemsets with the highest leverage, a row per item of each.

    They are taken from all itemsets of two to ``max_length`` items that ``min_support`` of the
    baskets hold (`find_itemsets`). Leverage is the share of baskets that hold the set beyond what
    independent items would give. ``names`` maps the items of ``baskets`` to their names;
    without it the items are the names. Columns are `BASKET_ITEMSET_TYPES` without ``version``:
    ``itemset`` is `itemset_01` and on, ``label`` its items joined by " + ".
    """
    if count < 1:
        return pd.DataFrame(columns=list(BASKET_ITEMSET_TYPES)[1:])
    mined = find_itemsets(
        baskets, min_support=min_support, max_length=max_length, engine=engine, session=session
    )
    labels = [names[item] if names else item for item in mined.labels]
    n = mined.basket_count
    share = mined.counts[0].sum(axis=1) / n
    ranked = []
    for sets, counts in zip(mined.sets[1:], mined.counts[1:], strict=True):
        for items, held in zip(sets, counts.sum(axis=1), strict=True):
            expected = float(np.prod(share[items]))
            items = sorted(labels[item] for item in items)
            ranked.append((round(expected - held / n, 12), items, int(held), held / n / expected))
    rows = []
    for number, (_, items, held, lift) in enumerate(sorted(ranked)[:count], start=1):
        for item in items:
            rows.append((f"itemset_{number:02}", " + ".join(items), item, len(items), held, lift))
    return pd.DataFrame(rows, columns=list(BASKET_ITEMSET_TYPES)[1:])


def basket_itemsets(purchased, items, **knobs) -> pd.DataFrame:
    """Return `telling_itemsets` of the relations `feat_baskets` and `feat_items`, by product label.

    ``knobs`` are its keyword arguments.
    """
    products = collect(
        items.filter("item_level = 'product'"), key=["product_number", "item"]
    ).reset_index()
    names = dict(zip(products["product_number"].astype(str), products["item"], strict=True))
    columns = ("order_number as basket_id", "product_number as item")
    if hasattr(purchased, "selectExpr"):
        baskets = purchased.selectExpr(*columns)
    else:
        baskets = purchased.project(", ".join(columns))
    return telling_itemsets(baskets, names, **knobs)
