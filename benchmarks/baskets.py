"""Write simulated baskets after IBM's Quest generator, at any size.

Baskets are put together from patterns that recur: a pattern shares items with the one before it, is
drawn by a weight of its own, and loses some of its items each time. One item in ten is any of all.
(R. Agrawal, R. Srikant: Fast Algorithms for Mining Association Rules. VLDB 1994, section 4.1; in
simplified form.)
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PATTERNS = 2_000
PATTERN_SIZE = 4
NOISE = 0.1
CHUNK = 250_000


def write_baskets(
    path: Path, *, baskets: int, items: int = 10_000, size: float = 10, seed: int = 1
) -> None:
    """Write ``baskets`` baskets of about ``size`` of ``items`` items: basket_id and item, int32."""
    rng = np.random.default_rng(seed)
    patterns = _patterns(rng, items)
    lengths = np.array([len(pattern) for pattern in patterns])
    starts = np.cumsum(lengths) - lengths
    members = np.concatenate(patterns)
    weight = rng.exponential(size=PATTERNS)
    cumulative = np.cumsum(weight / weight.sum())
    kept_share = np.clip(rng.normal(0.5, 0.3, PATTERNS), 0.1, 1.0)
    mean_kept = float((weight / weight.sum() * kept_share * lengths).sum())
    schema = pa.schema({"basket_id": pa.int32(), "item": pa.int32()})
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, baskets, CHUNK):
            count = min(CHUNK, baskets - first)
            drawn = 1 + rng.poisson(size / mean_kept - 1, count)
            basket = np.repeat(np.arange(count), drawn)
            pattern = np.searchsorted(cumulative, rng.random(len(basket)))
            length = lengths[pattern]
            offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
            item = members[np.repeat(starts[pattern], length) + offset]
            kept = rng.random(len(item)) < np.repeat(kept_share[pattern], length)
            noise = rng.random(len(item)) < NOISE
            item[noise] = rng.integers(0, items, noise.sum())
            pairs = np.unique(np.repeat(basket, length)[kept] * np.int64(items) + item[kept])
            found, item = np.divmod(pairs, items)
            columns = {
                "basket_id": pa.array((first + found).astype("int32")),
                "item": pa.array(item.astype("int32")),
            }
            writer.write_table(pa.table(columns, schema=schema))


def _patterns(rng: np.random.Generator, items: int) -> list[np.ndarray]:
    patterns = []
    previous = np.empty(0, dtype=np.int64)
    for _ in range(PATTERNS):
        size = max(1, rng.poisson(PATTERN_SIZE))
        shared = min(len(previous), int(rng.exponential(0.5) * size), size)
        old = rng.choice(previous, shared, replace=False) if shared else previous[:0]
        pattern = np.unique(np.concatenate([old, rng.integers(0, items, size - shared)]))
        patterns.append(pattern)
        previous = pattern
    return patterns
