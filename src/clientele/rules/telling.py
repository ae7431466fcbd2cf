"""The itemsets that customers are compared by in the segmentation `baskets`."""

import numpy as np
import pandas as pd

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
    baskets, *, count: int, min_support: float, max_length: int = 3, engine="auto", session=None
) -> pd.DataFrame:
    """Return the ``count`` frequent itemsets that hang together most, a row per item of each.

    Of all itemsets of two to ``max_length`` items that ``min_support`` of the baskets hold
    (`find_itemsets`), those with the highest leverage: the share of baskets that hold them beyond
    what independent items would give. ``itemset`` is `itemset_01` and on, ``label`` its items
    joined by " + ".
    """
    if count < 1:
        return pd.DataFrame(columns=list(BASKET_ITEMSET_TYPES)[1:])
    mined = find_itemsets(
        baskets, min_support=min_support, max_length=max_length, engine=engine, session=session
    )
    n = mined.basket_count
    share = mined.counts[0].sum(axis=1) / n
    ranked = []
    for sets, counts in zip(mined.sets[1:], mined.counts[1:], strict=True):
        for items, held in zip(sets, counts.sum(axis=1), strict=True):
            expected = float(np.prod(share[items]))
            names = sorted(str(mined.labels[item]) for item in items)
            ranked.append((round(expected - held / n, 12), names, int(held), held / n / expected))
    rows = []
    for number, (_, names, held, lift) in enumerate(sorted(ranked)[:count], start=1):
        for name in names:
            rows.append((f"itemset_{number:02}", " + ".join(names), name, len(names), held, lift))
    return pd.DataFrame(rows, columns=list(BASKET_ITEMSET_TYPES)[1:])
