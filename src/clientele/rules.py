"""Find items that are bought together: frequent itemsets and association rules by Apriori."""

import json
import math

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import apriori, association_rules
from scipy import sparse

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
MAX_CANDIDATE_PAIRS = 5_000_000
MAX_CELLS = 1_000_000_000
MAX_ITEMSETS = 3_000_000
MAX_CANDIDATE_RULES = 2_000_000


def apriori_rules(
    baskets: pd.DataFrame,
    *,
    min_support: float,
    min_confidence: float,
    max_length: int | None = None,
    max_candidate_pairs: int = MAX_CANDIDATE_PAIRS,
) -> pd.DataFrame:
    """Return the association rules between the items of ``baskets``.

    ``baskets`` holds a row per ``basket_id`` and ``item`` (repeats count once).
    ``min_support`` is the share of baskets, in (0, 1], that must hold all items of a rule,
    ``min_confidence`` the share of the antecedent's baskets that must hold the consequent too,
    ``max_length`` the most items in a rule, both sides together.

    Returns a row per rule, highest lift first. ``antecedent`` and ``consequent`` are the sorted
    items joined by ", " to be read, ``antecedent_items`` and ``consequent_items`` the same as
    JSON arrays, which hold even for items with a comma in their name. ``order_count``,
    ``antecedent_count`` and ``consequent_count`` are exact numbers of baskets out of
    ``basket_count``; the measures are computed from them. ``conviction`` is null where no basket
    contradicts the rule (it would be infinite).

    Raises ``ValueError`` as `frequent_itemsets` does.
    """
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence={min_confidence} is no share: give one in [0, 1]")
    if max_length is not None and max_length < 2:
        raise ValueError(f"max_length={max_length} leaves no rule, which has two sides: give >= 2")
    labels, itemsets, basket_count = _mine(baskets, min_support, max_length, max_candidate_pairs)
    lengths = itemsets["itemsets"].map(len).to_numpy(dtype=int)
    if not (lengths > 1).any():
        return pd.DataFrame(columns=list(RULE_DTYPES)).astype(RULE_DTYPES)
    # mlxtend tries every way to split every itemset in two.
    candidate_count = int((2.0**lengths - 2).sum())
    if candidate_count > MAX_CANDIDATE_RULES:
        raise ValueError(
            f"{len(itemsets):,} frequent itemsets of up to {lengths.max()} items give "
            f"{candidate_count:,} candidate rules, more than {MAX_CANDIDATE_RULES:,}: "
            "lower max_length or raise min_support"
        )
    found = association_rules(
        itemsets,
        metric="confidence",
        # Shares of shares are off by rounding: the counts decide below.
        min_threshold=min_confidence - 1e-9,
        return_metrics=["support", "antecedent support", "consequent support"],
    )
    n = basket_count
    both = (found["support"] * n).round().astype("int64")
    left = (found["antecedent support"] * n).round().astype("int64")
    right = (found["consequent support"] * n).round().astype("int64")
    antecedents = [sorted(labels[i] for i in items) for items in found["antecedents"]]
    consequents = [sorted(labels[i] for i in items) for items in found["consequents"]]
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
    baskets: pd.DataFrame,
    *,
    min_support: float,
    max_length: int | None = None,
    max_candidate_pairs: int = MAX_CANDIDATE_PAIRS,
) -> pd.DataFrame:
    """Return the sets of items that at least ``min_support`` of the baskets hold together.

    Arguments as in `apriori_rules`. Returns a row per itemset: ``items`` (JSON array, sorted),
    ``length``, ``order_count`` (baskets with all of them), ``basket_count``, ``support``; short
    and frequent ones first.

    Raises ``ValueError`` on null items or baskets, on knobs out of range, and where the mining
    would take too much time or memory, naming a support that would fit.
    """
    labels, itemsets, basket_count = _mine(baskets, min_support, max_length, max_candidate_pairs)
    counts = (itemsets["support"] * basket_count).round().astype("int64")
    found = pd.DataFrame(
        {
            "items": [_json(sorted(labels[i] for i in items)) for items in itemsets["itemsets"]],
            "length": itemsets["itemsets"].map(len),
            "order_count": counts,
            "basket_count": basket_count,
            "support": counts / max(basket_count, 1),
        }
    )
    found = found.sort_values(
        ["length", "order_count", "items"], ascending=[True, False, True], ignore_index=True
    )
    return found.astype(ITEMSET_DTYPES)


def _json(items: list[str]) -> str:
    return json.dumps(items, ensure_ascii=False)


def _mine(
    baskets: pd.DataFrame, min_support: float, max_length: int | None, max_candidate_pairs: int
) -> tuple[np.ndarray, pd.DataFrame, int]:
    """Return item labels, mlxtend's itemsets over positions in them, and the basket count."""
    if not 0 < min_support <= 1:
        raise ValueError(f"min_support={min_support} is no share: give one in (0, 1]")
    if max_length is not None and max_length < 1:
        raise ValueError(f"max_length={max_length} must be at least 1")
    for column in ("basket_id", "item"):
        null_count = int(baskets[column].isna().sum())
        if null_count:
            raise ValueError(f"{column} is null in {null_count:,} rows: filter them out")
    none_found = pd.DataFrame({"support": pd.Series(dtype=float), "itemsets": []})
    if baskets.empty:
        return np.array([]), none_found, 0

    basket, basket_labels = pd.factorize(baskets["basket_id"])
    item, labels = pd.factorize(baskets["item"].astype(str), sort=True)
    n = len(basket_labels)
    holds = sparse.csc_array(
        (np.ones(len(item), dtype=np.int32), (basket, item)), shape=(n, len(labels))
    )
    holds.data[:] = 1  # repeats were added up
    min_count = _min_count(min_support, n)

    # Infrequent items first: what they are in cannot be frequent. Rare items to the left keep
    # the candidates few.
    counts = holds.sum(axis=0)
    frequent = np.flatnonzero(counts >= min_count)
    frequent = frequent[np.argsort(counts[frequent], kind="stable")]
    pair_count = math.comb(len(frequent), 2)
    if pair_count > max_candidate_pairs:
        room = (1 + math.isqrt(1 + 8 * max_candidate_pairs)) // 2
        fitting = int(np.sort(counts)[::-1][room]) + 1
        raise ValueError(
            f"min_support={min_support} ({min_count:,} of {n:,} baskets) leaves {len(frequent):,} "
            f"frequent items, {pair_count:,} candidate pairs, more than {max_candidate_pairs:,}: "
            f"raise min_support to {_round_up(fitting / n)}"
        )
    holds, labels = holds[:, frequent], np.asarray(labels, dtype=object)[frequent]
    singles = pd.DataFrame(
        {
            "support": counts[frequent] / n,
            "itemsets": [frozenset([i]) for i in range(len(frequent))],
        }
    )
    if max_length == 1 or len(frequent) < 2:
        return labels, singles, n

    # Nor can an item without a frequent partner be in any larger set.
    together = sparse.triu(holds.T @ holds, k=1, format="coo")
    is_frequent = together.data >= min_count
    pairs = np.column_stack([together.row[is_frequent], together.col[is_frequent]])
    paired = np.unique(pairs)
    if len(paired) == 0:
        return labels, singles, n
    if n * len(paired) > MAX_CELLS:
        raise ValueError(
            f"{n:,} baskets x {len(paired):,} items are more than the {MAX_CELLS:,} cells that "
            "fit in memory: lower the number of baskets (rules_sample_size) or raise min_support"
        )
    # mlxtend copies rows: they must lie in one piece.
    cells = holds[:, paired].astype(bool).toarray(order="C")
    table = pd.DataFrame(cells, columns=paired, copy=False)

    longest = max_length or len(paired)
    itemsets, length = pairs, 2
    found = None
    while found is None or length < longest:
        # Sets of the next length extend a prefix they share with another; `_bound` counts the
        # most there can be of any length.
        _, sharing = np.unique(itemsets[:, :-1], axis=0, return_counts=True)
        if _bound(sharing, min(1, longest - length)) > MAX_ITEMSETS:
            raise ValueError(
                f"{len(itemsets):,} frequent itemsets of {length} items give more than "
                f"{MAX_ITEMSETS:,} candidates of {length + 1}: set max_length to {length} "
                "or raise min_support"
            )
        safe = _bound(sharing, longest - length) <= MAX_ITEMSETS
        length = longest if safe else length + 1
        found = apriori(
            table,
            min_support=(min_count - 0.5) / n,
            use_colnames=True,
            max_len=length,
            low_memory=True,
        )
        itemsets = found["itemsets"][found["itemsets"].map(len) == length]
        if itemsets.empty:
            break
        itemsets = np.sort(np.array([list(items) for items in itemsets]), axis=1)
    found = found[found["itemsets"].map(len) > 1]
    return labels, pd.concat([singles, found], ignore_index=True), n


def _bound(sharing: np.ndarray, steps: int) -> int:
    """Most itemsets that are 1 to ``steps`` items longer, given how many share each prefix.

    Stops counting beyond ``MAX_ITEMSETS``: the whole number may have hundreds of digits.
    """
    total = 0
    for size, times in zip(*np.unique(sharing, return_counts=True), strict=True):
        for chosen in range(2, min(int(size), steps + 1) + 1):
            total += int(times) * math.comb(int(size), chosen)
            if total > MAX_ITEMSETS:
                return total
    return total


def _min_count(min_support: float, n: int) -> int:
    """Fewest baskets that are ``min_support`` of ``n``; 7% of 100 is 7, not 8."""
    count = math.ceil(min_support * n)
    return max(1, count - 1 if (count - 1) / n >= min_support else count)


def _round_up(share: float) -> float:
    digits = 2 - math.floor(math.log10(share))
    return min(1.0, math.ceil(share * 10**digits) / 10**digits)
