"""Baskets as arrays of numbers, which the engines in memory read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse


@dataclass
class Lists:
    """The items of each basket: ``items[starts[b]:starts[b + 1]]``, ascending, each once.

    Baskets are sorted by cell: those of cell c are ``cell_starts[c] <= b < cell_starts[c + 1]``.
    """

    items: np.ndarray
    starts: np.ndarray
    cell_starts: np.ndarray

    def __len__(self) -> int:
        """Return the number of baskets."""
        return len(self.starts) - 1

    def basket_of_item(self) -> np.ndarray:
        """Return the basket of each entry of ``items``."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))

    def cell_of_basket(self) -> np.ndarray:
        """Return the cell of each basket."""
        return np.repeat(np.arange(len(self.cell_starts) - 1), np.diff(self.cell_starts))

    def counts(self, item_count: int) -> np.ndarray:
        """Return how many baskets of each cell hold each item: items x cells."""
        edges = self.starts[self.cell_starts]
        parts = [
            np.bincount(self.items[a:b], minlength=item_count)
            for a, b in zip(edges[:-1], edges[1:], strict=True)
        ]
        return np.column_stack(parts or [np.zeros((item_count, 0), dtype=np.int64)])

    def renumbered(self, *number_of: np.ndarray) -> "Lists":
        """Return the baskets with ``number_of[item]`` in place of each item; -1 drops it.

        Two arrays give each item two numbers. Numbers may repeat; a number that then occurs
        twice in a basket counts once. Baskets stay, even those without any item left.
        """
        basket = self.basket_of_item()
        items = np.concatenate([numbers[self.items] for numbers in number_of])
        basket = np.concatenate([basket] * len(number_of)) if len(number_of) > 1 else basket
        kept = items >= 0
        return _lists(basket[kept], items[kept], len(self), self.cell_starts)

    def without_empty(self) -> tuple["Lists", np.ndarray]:
        """Return the baskets with items, and their number in each cell."""
        size = np.diff(self.starts)
        cells = np.bincount(self.cell_of_basket()[size > 0], minlength=len(self.cell_starts) - 1)
        starts = np.concatenate([[0], np.cumsum(size[size > 0])]).astype(self.starts.dtype)
        return Lists(self.items, starts, np.concatenate([[0], np.cumsum(cells)])), cells


def lists_of_rows(basket, item: np.ndarray, cell: np.ndarray, cell_count: int) -> Lists:
    """Return the baskets of rows of basket, item and cell, in any order.

    ``basket`` holds any keys, numbers being faster; ``item`` and ``cell`` are numbers from 0. All
    rows of a basket have one cell.
    """
    basket = _dense(basket)
    basket_count = int(basket.max()) + 1 if len(basket) else 0
    cell_of_basket = np.zeros(basket_count, dtype=np.uint16)
    cell_of_basket[basket] = cell
    # Renumber the baskets, cell after cell.
    order = np.argsort(cell_of_basket, kind="stable")
    number = np.empty(basket_count, dtype=np.int32)
    number[order] = np.arange(basket_count, dtype=np.int32)
    sizes = np.bincount(cell_of_basket, minlength=cell_count)
    cell_starts = np.concatenate([[0], np.cumsum(sizes)])
    return _lists(number[basket], item, basket_count, cell_starts)


def _dense(keys) -> np.ndarray:
    """Return numbers from 0, without gaps, in place of keys."""
    keys = np.asarray(keys)
    if not len(keys) or keys.dtype.kind not in "iu":
        return pd.factorize(keys)[0]
    lowest, highest = int(keys.min()), int(keys.max())
    if highest - lowest > 8 * len(keys) + 1000:
        return pd.factorize(keys)[0]
    used = np.zeros(highest - lowest + 1, dtype=bool)
    used[keys - lowest] = True
    return (np.cumsum(used, dtype=np.int32) - 1)[keys - lowest]


def _lists(basket, item, basket_count: int, cell_starts: np.ndarray) -> Lists:
    item_count = int(item.max()) + 1 if len(item) else 1
    # Sorted by item, then by basket, so that the items of each basket ascend. Repeats are merged.
    table = sparse.coo_array(
        (np.ones(len(item), dtype=np.int8), (basket.astype(np.int32), item.astype(np.int32))),
        shape=(basket_count, item_count),
    )
    table = table.tocsc(copy=False).tocsr()
    items, starts = table.indices, table.indptr
    small = np.uint16 if item_count <= 2**16 else np.int32
    return Lists(items.astype(small), starts.astype(np.int32), cell_starts)
