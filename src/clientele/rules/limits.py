"""Refuse to mine what would explode, and name a support that would fit."""

import math

import numpy as np
import pandas as pd

# Measured: docs/methods/rules.md, "What is refused".
MAX_CANDIDATE_PAIRS = 100_000_000


class Explosion(ValueError):
    """More sets than fit; ``fitting`` is a support that would, as far as is known."""

    def __init__(self, message: str, fitting: float) -> None:
        """Keep the support with the message."""
        super().__init__(message)
        self.fitting = fitting


def refuse_too_many_pairs(
    counts: np.ndarray, scopes: pd.DataFrame, min_support: float, max_pairs: int
) -> None:
    """Limit the candidate pairs of each scope: all pairs of its frequent items.

    ``counts`` (items x scopes) are the baskets of each scope that hold each item.

    Raises:
        Explosion: a scope has more than ``max_pairs``; the message names a support that fits.
    """
    for scope, held in zip(scopes.itertuples(), counts.T, strict=True):
        item_count = int((held >= scope.min_count).sum())
        pair_count = math.comb(item_count, 2)
        if pair_count > max_pairs:
            room = (1 + math.isqrt(1 + 8 * max_pairs)) // 2
            fitting = round_up((int(np.sort(held)[::-1][room]) + 1) / scope.basket_count)
            whose = f" of {scope.segment}" if scope.segment else ""
            raise Explosion(
                f"min_support={min_support} ({scope.min_count:,} of {scope.basket_count:,} "
                f"baskets{whose}) leaves {item_count:,} frequent items, {pair_count:,} candidate "
                f"pairs, more than {max_pairs:,}: raise min_support to {fitting}",
                fitting=fitting,
            )


def round_up(share: float) -> float:
    """Return the share rounded up to three significant digits, at most 1."""
    digits = 2 - math.floor(math.log10(share))
    return min(1.0, math.ceil(round(share * 10**digits, 6)) / 10**digits)
