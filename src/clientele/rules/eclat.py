"""Frequent itemsets in memory: Eclat on packed bitmaps.

Eclat (M. J. Zaki: Scalable Algorithms for Association Mining. IEEE TKDE 12, 2000) visits the sets
depth first and keeps the baskets of each set. Here these are bits, 64 per word, over the baskets
with the set's first item only. Adding an item to a set is an AND, and its count is a count of bits.
One NumPy call does this for all items that may be added to a set.
"""

import numpy as np
from scipy import sparse

from clientele.rules.baskets import Lists

WORD = 64
# Maximum number of bits that are unpacked to bytes at a time.
BLOCK = 2**26


def eclat(
    lists: Lists,
    *,
    item_count: int,
    in_scope: np.ndarray,
    members: np.ndarray,
    fewest: np.ndarray,
    max_length: float,
    max_itemsets: int,
    forbidden: set[tuple[int, int]] = frozenset(),
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the frequent sets of two and more items with their counts in each cell of baskets.

    ``lists`` hold numbers below ``item_count``. The rest is as in
    `clientele.rules.apriori_sql.mine_levels`, except that ``in_scope`` is not used, because all
    parts of a frequent set are frequent.

    Returns an entry for each length from 2: sets (m x length, ascending items) and counts (m x
    cells).

    Raises:
        OverflowError: more than ``max_itemsets`` are frequent.
    """
    search = _Search(members, fewest, max_length, max_itemsets, forbidden)
    rows = _Rows(lists, item_count)
    for first in range(item_count):
        rest = rows.after(first)
        if rest is None:
            continue
        counts = rest.counts()
        candidates = np.flatnonzero(counts.any(axis=1))
        chosen = candidates[search.keeps(first, candidates, counts[candidates])]
        if not len(chosen):
            continue
        search.emit((first,), chosen, counts[chosen])
        if len(chosen) > 1 and max_length > 2:
            bits, edges = rest.bitmaps(chosen)
            search.grow((first,), chosen, bits, edges)
    return search.results()


class _Rows:
    """The baskets, and for each item its positions in them."""

    def __init__(self, lists: Lists, item_count: int) -> None:
        self.items, self.item_count = lists.items, item_count
        self.cell_starts = lists.cell_starts
        position = np.arange(len(lists.items), dtype=np.int32)
        by_item = sparse.csr_array(
            (position, lists.items.astype(np.int32), lists.starts), shape=(len(lists), item_count)
        ).tocsc()
        self.position, self.basket, self.first = by_item.data, by_item.indices, by_item.indptr
        self.end = lists.starts[1:]

    def after(self, item: int):
        """Return the items after ``item`` in its baskets; None without any."""
        span = slice(self.first[item], self.first[item + 1])
        baskets = self.basket[span]
        begin = self.position[span] + 1
        length = self.end[baskets] - begin
        holds_more = length > 0
        if not holds_more.any():
            return None
        return _Rest(self, baskets[holds_more], begin[holds_more], length[holds_more])


class _Rest:
    """The larger items of the baskets that hold one item."""

    def __init__(self, rows, baskets, begin, length) -> None:
        ends = np.cumsum(length)
        where = np.repeat(begin - (ends - length), length)
        where += np.arange(len(where))
        # No index needs clipping, but `clip` is the mode without a check of the range.
        self.items = rows.items.take(where, mode="clip")
        self.length, self.ends, self.item_count = length, ends, rows.item_count
        # Number of these baskets before each cell.
        self.cells = np.searchsorted(baskets, rows.cell_starts)

    def counts(self) -> np.ndarray:
        """Return how many of the baskets of each cell hold each item: items x cells."""
        edges = np.append(0, self.ends)[self.cells]
        counts = np.zeros((self.item_count, len(edges) - 1), dtype=np.int64)
        for cell in np.flatnonzero(np.diff(edges)):
            items = self.items[edges[cell] : edges[cell + 1]]
            counts[:, cell] = np.bincount(items, minlength=self.item_count)
        return counts

    def bitmaps(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a row of bits for each of the ``chosen`` items, and where each cell begins."""
        sizes = np.diff(self.cells)
        words = -(-sizes // WORD)
        edges = np.concatenate([[0], np.cumsum(words)])
        # Each cell starts at a word boundary, so that its bits can be counted separately.
        place = np.arange(len(self.length)) + np.repeat(edges[:-1] * WORD - self.cells[:-1], sizes)
        row_of = np.full(self.item_count, -1, dtype=np.int32)
        row_of[chosen] = np.arange(len(chosen))
        row = row_of[self.items]
        kept = row >= 0
        row, bit = row[kept], np.repeat(place, self.length)[kept]
        width = int(edges[-1]) * WORD
        bits = np.empty((len(chosen), width // WORD), dtype=np.uint64)
        height = max(1, BLOCK // width)
        for top in range(0, len(chosen), height):
            inside = slice(None)
            if len(chosen) > height:
                inside = (row >= top) & (row < top + height)
            dense = np.zeros((min(height, len(chosen) - top), width), dtype=bool)
            dense[row[inside] - top, bit[inside]] = True
            bits[top : top + height] = np.packbits(dense, axis=1).view(np.uint64)
        return bits, edges


class _Search:
    """The search through the sets that begin with one item, and its results."""

    def __init__(self, members, fewest, max_length, max_itemsets, forbidden) -> None:
        # Floats represent these counts exactly and multiply many times faster than integers.
        self.members, self.fewest = members.astype(float), fewest
        self.max_length, self.max_itemsets = max_length, max_itemsets
        self.forbidden, self.cell_count = forbidden, len(members)
        self.sets, self.counts, self.count = {}, {}, 0

    def keeps(self, item: int, candidates: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return which ``candidates`` may be added to a set that ends with ``item``."""
        kept = (counts @ self.members >= self.fewest).any(axis=1)
        if self.forbidden:
            kept &= [(item, int(other)) not in self.forbidden for other in candidates]
        return kept

    def emit(self, prefix: tuple, last: np.ndarray, counts: np.ndarray) -> None:
        self.count += len(last)
        if self.count > self.max_itemsets:
            raise OverflowError(
                f"more than {self.max_itemsets:,} sets are frequent, which is what fits in memory: "
                "set a smaller max_length or raise min_support"
            )
        sets = np.empty((len(last), len(prefix) + 1), dtype=np.int32)
        sets[:, :-1], sets[:, -1] = prefix, last
        self.sets.setdefault(len(prefix) + 1, []).append(sets)
        self.counts.setdefault(len(prefix) + 1, []).append(counts)

    def grow(self, prefix: tuple, items: np.ndarray, bits: np.ndarray, edges: np.ndarray) -> None:
        """Extend ``prefix`` by two of ``items``; the rows of ``bits`` are the items' baskets."""
        for i in range(len(items) - 1):
            both = bits[i] & bits[i + 1 :]
            counts = self._count(both, edges)
            kept = np.flatnonzero(self.keeps(int(items[i]), items[i + 1 :], counts))
            if not len(kept):
                continue
            longer = (*prefix, int(items[i]))
            last = items[i + 1 :][kept]
            self.emit(longer, last, counts[kept])
            if len(kept) > 1 and len(longer) + 1 < self.max_length:
                self.grow(longer, last, both[kept], edges)

    def _count(self, bits: np.ndarray, edges: np.ndarray) -> np.ndarray:
        ones = np.bitwise_count(bits)
        if self.cell_count == 1:
            return ones.sum(axis=1, dtype=np.int64)[:, None]
        counts = np.zeros((len(bits), self.cell_count), dtype=np.int64)
        filled = np.flatnonzero(np.diff(edges))
        counts[:, filled] = np.add.reduceat(ones, edges[filled], axis=1, dtype=np.int64)
        return counts

    def results(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return [
            (np.concatenate(self.sets[length]), np.concatenate(self.counts[length]))
            for length in sorted(self.sets)
        ]
