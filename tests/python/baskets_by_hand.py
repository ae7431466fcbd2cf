"""Small baskets, counted by brute force: what tests of rules compare with."""

import json
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd

ENGINES = ["sql", "bitmap", "fpgrowth", "apriori"]
# The baskets of the textbooks' worked example.
TEXTBOOK = [
    [0, 1, 2],
    [0, 2],
    [1, 2],
    [0, 1, 2, 3],
    [0, 2, 3],
    [1, 2, 3],
    [0, 1],
    [1, 2],
    [2, 3],
    [0, 1, 2, 3],
]


def long_form(baskets):
    rows = [(number, item) for number, basket in enumerate(baskets) for item in basket]
    return pd.DataFrame(rows, columns=["basket_id", "item"])


def random_baskets(seed, *, basket_count, item_count):
    """Baskets with more structure than chance: half of them extend one of two bundles."""
    rng = np.random.default_rng(seed)
    bundles = [set(range(4)), set(range(3, 8))]
    baskets = []
    for number in range(basket_count):
        basket = set(np.flatnonzero(rng.random(item_count) < 0.25).tolist())
        baskets.append(basket | bundles[number % 2] if rng.random() < 0.5 else basket | {9})
    return [{f"i{item}" for item in basket} for basket in baskets]


def count(baskets, items):
    return sum(items <= basket for basket in baskets)


def brute_force_itemsets(baskets, min_support, max_length):
    universe = sorted(set().union(*baskets))
    threshold = Fraction(str(min_support)) * len(baskets)
    return {
        items: held
        for length in range(1, max_length + 1)
        for items in combinations(universe, length)
        if (held := count(baskets, set(items))) >= threshold
    }


def by_items(frequent):
    return {
        tuple(json.loads(items)): held
        for items, held in zip(frequent["items"], frequent["order_count"], strict=True)
    }
