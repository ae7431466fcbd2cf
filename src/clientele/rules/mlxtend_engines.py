"""Frequent itemsets by mlxtend, to compare the other engines with."""

import math

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import apriori, fpgrowth
from scipy import sparse

from clientele.rules.baskets import Lists

# Measured: docs/methods/rules.md, "What is refused".
MAX_CELLS = 1_000_000_000
CHUNK = 20_000


def mine_scopes(
    engine: str,
    lists: Lists,
    *,
    in_scope: np.ndarray,
    members: np.ndarray,
    fewest: np.ndarray,
    max_length: float,
    max_itemsets: int,
    forbidden: set[tuple[int, int]],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what `clientele.rules.apriori_sql.mine_levels` does.

    ``engine`` is apriori or fpgrowth; ``lists`` are the baskets' items.

    Raises:
        OverflowError: there may be more than ``max_itemsets`` sets.
        ValueError: the table of baskets times items does not fit in memory.
    """
    basket_count, item_count = len(lists), len(in_scope)
    if basket_count * item_count > MAX_CELLS:
        raise ValueError(
            f"{basket_count:,} baskets x {item_count:,} items are more than the {MAX_CELLS:,} "
            f"cells that fit in memory for engine {engine}: "
            "take sql or bitmap, or raise min_support"
        )
    holds = np.zeros((basket_count, item_count), dtype=bool)
    holds[lists.basket_of_item(), lists.items] = True
    cell_of_basket = lists.cell_of_basket()
    frequent = set()
    for scope in range(len(fewest)):
        mined = np.isin(cell_of_basket, np.flatnonzero(members[:, scope]))
        items = np.flatnonzero(in_scope[:, scope])
        table = holds[np.ix_(mined, items)]
        for items_of_set in _mine(engine, table, items, fewest[scope], max_length, max_itemsets):
            pairs = {(a, b) for a in items_of_set for b in items_of_set if a < b}
            if not pairs & forbidden:
                frequent.add(items_of_set)
    by_length = {}
    for items_of_set in frequent:
        by_length.setdefault(len(items_of_set), []).append(items_of_set)
    return [
        (sets, _count(holds, sets, lists.cell_starts))
        for sets in (np.array(by_length[length]) for length in sorted(by_length))
    ]


def _mine(engine, holds, items, fewest, max_length, max_itemsets) -> list[tuple[int, ...]]:
    """Return the frequent sets of two and more, mined length by length if they may explode."""
    # Baskets with one item are left out; they may be the majority.
    n = len(holds)
    if n < fewest or len(items) < 2:
        return []
    if engine == "fpgrowth":
        mine, options = fpgrowth, {}
        # pandas 2 fills booleans with 0, and warns of it.
        table = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(holds, dtype=np.uint8))
        table = table.astype(pd.SparseDtype(bool, False))
    else:
        mine, options = apriori, {"low_memory": True}
        table = pd.DataFrame(holds, copy=False)
    longest, length = int(min(max_length, len(items))), 1
    sets, mined = np.arange(len(items))[:, None], []
    while length < longest:
        # Sets of the next length extend a prefix they share with another; `_bound` counts the
        # most there can be of any length.
        _, sharing = np.unique(sets[:, :-1], axis=0, return_counts=True)
        if _bound(sharing, 1, max_itemsets) > max_itemsets and length > 1:
            raise OverflowError(
                f"{len(sets):,} frequent itemsets of {length} items give more than "
                f"{max_itemsets:,} candidates of {length + 1}: set max_length to {length} or "
                "raise min_support"
            )
        safe = _bound(sharing, longest - length, max_itemsets) <= max_itemsets
        length = longest if safe else length + 1
        frame = mine(
            table, min_support=(fewest - 0.5) / n, use_colnames=True, max_len=length, **options
        )
        mined = [tuple(sorted(map(int, set_))) for set_ in frame["itemsets"] if len(set_) > 1]
        sets = np.array([set_ for set_ in mined if len(set_) == length])
        if not len(sets):
            break
    return [tuple(items[list(set_)].tolist()) for set_ in mined]


def _bound(sharing: np.ndarray, steps: int, enough: int) -> int:
    """Return the largest possible number of itemsets that are 1 to ``steps`` items longer.

    Counting stops beyond ``enough``, because the number may have hundreds of digits.
    """
    total = 0
    for size, times in zip(*np.unique(sharing, return_counts=True), strict=True):
        for chosen in range(2, min(int(size), steps + 1) + 1):
            total += int(times) * math.comb(int(size), chosen)
            if total > enough:
                return total
    return total


def _count(holds: np.ndarray, sets: np.ndarray, cell_starts: np.ndarray) -> np.ndarray:
    """Return how many rows of each cell hold each of ``sets``: sets x cells."""
    counts = np.zeros((len(sets), len(cell_starts) - 1), dtype=np.int64)
    for cell, (a, b) in enumerate(zip(cell_starts[:-1], cell_starts[1:], strict=True)):
        bits = np.packbits(holds[a:b], axis=0).T
        for first in range(0, len(sets), CHUNK):
            chunk = sets[first : first + CHUNK]
            both = bits[chunk[:, 0]]
            for column in chunk.T[1:]:
                both &= bits[column]
            counts[first : first + CHUNK, cell] = np.bitwise_count(both).sum(axis=1)
    return counts
