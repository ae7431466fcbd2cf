"""The baskets that are mined together: cells, scopes of cells, and the views of a mining."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

LABELS = ("segment", "earlier_segment", "is_holdout")


@dataclass(frozen=True)
class View:
    """One way to mine the same baskets.

    ``segment`` names the label that holds the segment. ``has_holdout`` states whether baskets with
    ``is_holdout`` are left out of the mining and only counted.
    """

    segment: str = "segment"
    has_holdout: bool = False

    def cells(self, cells: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Return this view's cells, and which of the finer ``cells`` each is made of (0 or 1).

        The view's cells have ``segment``, ``is_holdout`` and ``basket_count``, sorted by both; the
        matrix is finer cells x view's cells.
        """
        segment = cells[self.segment] if self.segment in cells else ""
        holdout = cells["is_holdout"] if self.has_holdout and "is_holdout" in cells else False
        labels = pd.DataFrame({"segment": segment, "is_holdout": holdout}, index=cells.index)
        labels = labels.assign(basket_count=cells["basket_count"])
        group = labels.groupby(["is_holdout", "segment"], sort=True).ngroup().to_numpy()
        grouped = labels.groupby(["is_holdout", "segment"], sort=True, as_index=False)
        own = grouped["basket_count"].sum()[["segment", "is_holdout", "basket_count"]]
        own = own.astype({"segment": str, "is_holdout": bool, "basket_count": "int64"})
        matrix = np.zeros((len(cells), len(own)), dtype=np.int64)
        matrix[np.arange(len(cells)), group] = 1
        return own, matrix


ONE_VIEW = View(has_holdout=True)


def members(cells: pd.DataFrame, segment: str | None, holdout: bool) -> np.ndarray:
    """Return the cells of a scope; ``segment`` None is all baskets."""
    chosen = cells["is_holdout"].eq(holdout)
    if segment is not None:
        chosen &= cells["segment"].eq(segment)
    return chosen.to_numpy(dtype=bool)


def scopes_of(cells: pd.DataFrame, min_support: float, min_count: int) -> pd.DataFrame:
    """Return the scopes of a view: all baskets, and those of each segment.

    A row per scope: ``segment`` (null for all baskets), ``basket_count``, and ``min_count``, the
    smallest number of baskets of a frequent set.
    """
    mined = cells[~cells["is_holdout"]]
    rows = [(None, int(mined["basket_count"].sum()))]
    rows += [(cell.segment, int(cell.basket_count)) for cell in mined.itertuples() if cell.segment]
    rows = [(segment, n) for segment, n in rows if n]
    return pd.DataFrame(
        {
            # An array of objects, because None would become NaN among texts.
            "segment": pd.Series([segment for segment, _ in rows], dtype=object),
            "basket_count": [n for _, n in rows],
            "min_count": [max(min_count, fewest_baskets(min_support, n)) for _, n in rows],
        }
    )


def fewest_baskets(min_support: float, basket_count: int) -> int:
    """Return the smallest number of baskets that is at least ``min_support`` of all.

    >>> fewest_baskets(0.07, 100)  # although 0.07 * 100 is a little more than 7
    7
    """
    count = math.ceil(min_support * basket_count)
    if count > 1 and (count - 1) / basket_count >= min_support:
        count -= 1
    return max(1, count)
