"""The frequent sets of one scope, with the counts of all their parts."""

import numpy as np

from clientele.rules.significance import adjusted, fisher_p_values


class Family:
    """The sets that are frequent in one scope, with the counts of all their parts.

    ``counts[k - 1][i, mask]`` is the number of baskets with those items of the i-th set of k items
    that have a bit in ``mask``: 0 counts every basket, 2^k - 1 the set itself.
    """

    def __init__(self, mined, subsets, mined_cells, held_out, min_count) -> None:
        """Take `Itemsets` with their subsets, the scope's cells (mined, held out) and threshold."""
        total = int(mined.cells["basket_count"].to_numpy()[mined_cells].sum())
        later = int(mined.cells["basket_count"].to_numpy()[held_out].sum())
        self.sets, self.less, self.counts, self.holdouts, self.best = [], [], [], [], []
        place = None
        for k, (sets, counts) in enumerate(zip(mined.sets, mined.counts, strict=True), start=1):
            held = counts[:, mined_cells].sum(axis=1)
            kept = np.flatnonzero(held >= min_count)
            if not len(kept):
                break
            less = subsets[k - 2][kept] if k > 1 else np.empty((len(kept), 0), dtype=np.int64)
            less = place[less] if k > 1 else less
            place = np.full(len(sets), -1, dtype=np.int64)
            place[kept] = np.arange(len(kept))
            self.sets.append(sets[kept])
            self.less.append(less)
            whole = counts[kept]
            self.counts.append(self._parts(self.counts, k, less, held[kept], total))
            after = whole[:, held_out].sum(axis=1)
            self.holdouts.append(self._parts(self.holdouts, k, less, after, later))
            self.best.append(self._best(k, less))

    def __len__(self) -> int:
        """Return the number of sets."""
        return sum(map(len, self.sets))

    def levels(self):
        """Return the lengths from 2 with their sets."""
        return list(enumerate(self.sets, start=1))[1:]

    @staticmethod
    def _parts(shorter, k, less, held, total) -> np.ndarray:
        counts = np.empty((len(held), 2**k), dtype=np.int64)
        counts[:, 0], counts[:, -1] = total, held
        for mask in range(1, 2**k - 1):
            absent = next(j for j in range(k) if not mask >> j & 1)
            counts[:, mask] = shorter[k - 2][less[:, absent], _without(mask, absent)]
        return counts

    def _best(self, k: int, less: np.ndarray) -> np.ndarray:
        """Return, per mask, the highest confidence with fewer items to the left, but not none.

        The right side of a mask stays the same; -inf if the mask is one item.
        """
        best = np.full((len(less), 2**k), -np.inf)
        for mask in range(1, 2**k - 1):
            for j in range(k):
                part = _without(mask & ~(1 << j), j)
                if mask >> j & 1 and part:
                    rows, counts = less[:, j], self.counts[k - 2]
                    confidence = counts[rows, -1] / counts[rows, part]
                    shorter = np.maximum(confidence, self.best[k - 2][rows, part])
                    best[:, mask] = np.maximum(best[:, mask], shorter)
        return best

    def closed_and_maximal(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which sets of k have no larger set of equal count, and which no larger set."""
        closed = np.ones(len(self.sets[k - 1]), dtype=bool)
        maximal = closed.copy()
        if k < len(self.sets):
            for rows in self.less[k].T:
                same = self.counts[k - 1][rows, -1] == self.counts[k][:, -1]
                closed[rows[same]] = False
                maximal[rows] = False
        return closed, maximal

    def adjusted_p_values(self, n: int) -> dict:
        """Return Fisher's p-values of each split of each set, raw and adjusted.

        Keys are a length and the smaller mask of the two sides, which the test treats as equal.
        """
        raw = {}
        for k, _ in self.levels():
            full, counts = 2**k - 1, self.counts[k - 1]
            for mask in range(1, 2 ** (k - 1)):
                raw[k, mask] = fisher_p_values(
                    counts[:, full], counts[:, mask], counts[:, full ^ mask], n
                )
        longest = len(self.sets)
        sizes = [len(sets) for sets in self.sets]
        tested = 0
        for left in range(1, longest):
            for right in range(left, longest - left + 1):
                a, b = sizes[left - 1], sizes[right - 1]
                tested += a * (a - 1) // 2 if left == right else a * b
        if not raw:
            return {}
        corrected = adjusted(np.concatenate(list(raw.values())), tested)
        ends = np.cumsum([len(values) for values in raw.values()])[:-1]
        return {
            key: (values, part)
            for (key, values), part in zip(raw.items(), np.split(corrected, ends), strict=True)
        }


def _without(mask: int, j: int) -> int:
    """Return ``mask`` with bit ``j`` taken out and the higher ones moved down."""
    low = (1 << j) - 1
    return mask & low | mask >> 1 & ~low
