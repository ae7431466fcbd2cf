"""Association rules: what else is in the baskets that hold certain items."""

import json

import pandas as pd
from mlxtend.frequent_patterns import association_rules

from clientele.itemsets import Itemsets, find_itemsets

ITEMSET_DTYPES = {
    "items": "str",
    "length": "int64",
    "order_count": "int64",
    "basket_count": "int64",
    "support": "float64",
}
RULE_DTYPES = {
    "antecedent": "str",
    "consequent": "str",
    "antecedent_items": "str",
    "consequent_items": "str",
    "antecedent_length": "int64",
    "consequent_length": "int64",
    "order_count": "int64",
    "antecedent_count": "int64",
    "consequent_count": "int64",
    "basket_count": "int64",
    "support": "float64",
    "confidence": "float64",
    "lift": "float64",
    "leverage": "float64",
    "conviction": "float64",
}
# Measured: docs/methods/rules.md, "What is refused".
MAX_CANDIDATE_RULES = 2_000_000


def mine_rules(
    baskets,
    *,
    min_support: float,
    min_confidence: float,
    max_length: int | None = None,
    engine: str = "sql",
    session=None,
) -> pd.DataFrame:
    """Return the association rules between the items of ``baskets``.

    ``baskets``, ``min_support``, ``engine`` and ``session`` as in `find_itemsets`;
    ``min_confidence`` is the share, in [0, 1], of the antecedent's baskets that must hold the
    consequent too, ``max_length`` the most items in a rule, both sides together.

    Returns a row per rule, highest lift first. ``antecedent`` and ``consequent`` are the sorted
    items joined by ", " to be read, ``antecedent_items`` and ``consequent_items`` the same as
    JSON arrays, which hold even for items with a comma in their name. ``order_count``,
    ``antecedent_count`` and ``consequent_count`` are exact numbers of baskets out of
    ``basket_count``; the measures are computed from them. ``conviction`` is null where no basket
    contradicts the rule (it would be infinite).

    Raises ``ValueError`` as `find_itemsets` does.
    """
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence={min_confidence} is no share: give one in [0, 1]")
    if max_length is not None and max_length < 2:
        raise ValueError(f"max_length={max_length} leaves no rule, which has two sides: give >= 2")
    mined = find_itemsets(
        baskets, min_support=min_support, max_length=max_length, engine=engine, session=session
    )
    lengths = pd.Series(map(len, mined.items), dtype="int64")
    if not (lengths > 1).any():
        return pd.DataFrame(columns=list(RULE_DTYPES)).astype(RULE_DTYPES)
    # mlxtend tries every way to split every itemset in two.
    candidate_count = int((2.0**lengths - 2).sum())
    if candidate_count > MAX_CANDIDATE_RULES:
        raise ValueError(
            f"{len(mined.items):,} frequent itemsets of up to {lengths.max()} items give "
            f"{candidate_count:,} candidate rules, more than {MAX_CANDIDATE_RULES:,}: "
            "lower max_length or raise min_support"
        )
    n = mined.basket_count
    found = association_rules(
        pd.DataFrame({"support": mined.counts / n, "itemsets": map(frozenset, mined.items)}),
        metric="confidence",
        # Shares of shares are off by rounding: the counts decide below.
        min_threshold=min_confidence - 1e-9,
        return_metrics=["support", "antecedent support", "consequent support"],
    )
    both = (found["support"] * n).round().astype("int64")
    left = (found["antecedent support"] * n).round().astype("int64")
    right = (found["consequent support"] * n).round().astype("int64")
    antecedents = [_names(mined, items) for items in found["antecedents"]]
    consequents = [_names(mined, items) for items in found["consequents"]]
    rules = pd.DataFrame(
        {
            "antecedent": [", ".join(items) for items in antecedents],
            "consequent": [", ".join(items) for items in consequents],
            "antecedent_items": [_json(items) for items in antecedents],
            "consequent_items": [_json(items) for items in consequents],
            "antecedent_length": [len(items) for items in antecedents],
            "consequent_length": [len(items) for items in consequents],
            "order_count": both,
            "antecedent_count": left,
            "consequent_count": right,
            "basket_count": n,
            "support": both / n,
            "confidence": both / left,
            "lift": both * n / (left * right),
            "leverage": (both * n - left * right) / n**2,
            # 0 / 0 where nothing contradicts a consequent that every basket holds.
            "conviction": (n - right) * left / (n * (left - both)).where(both < left),
        }
    )
    rules = rules[rules["confidence"] >= min_confidence].sort_values(
        ["lift", "confidence", "order_count", "antecedent_items", "consequent_items"],
        ascending=[False, False, False, True, True],
        ignore_index=True,
    )
    return rules.astype(RULE_DTYPES)


def frequent_itemsets(
    baskets,
    *,
    min_support: float,
    max_length: int | None = None,
    engine: str = "sql",
    session=None,
) -> pd.DataFrame:
    """Return the sets of items that at least ``min_support`` of the baskets hold together.

    Arguments and errors as in `find_itemsets`. Returns a row per itemset: ``items`` (JSON array,
    sorted), ``length``, ``order_count`` (baskets with all of them), ``basket_count``, ``support``;
    short and frequent ones first.
    """
    mined = find_itemsets(
        baskets, min_support=min_support, max_length=max_length, engine=engine, session=session
    )
    found = pd.DataFrame(
        {
            "items": [_json(_names(mined, items)) for items in mined.items],
            "length": [len(items) for items in mined.items],
            "order_count": mined.counts,
            "basket_count": mined.basket_count,
            "support": mined.counts / max(mined.basket_count, 1),
        }
    )
    found = found.sort_values(
        ["length", "order_count", "items"], ascending=[True, False, True], ignore_index=True
    )
    return found.astype(ITEMSET_DTYPES)


def _names(mined: Itemsets, items) -> list[str]:
    return sorted(mined.labels[position] for position in items)


def _json(items: list[str]) -> str:
    return json.dumps(items, ensure_ascii=False)
