"""Find the sets of items that occur together in many baskets, with one of several engines.

Every engine finds the same sets with the same counts. This module decides which items are frequent
before it calls an engine.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from clientele.rules.basket_data import in_memory, in_warehouse
from clientele.rules.limits import MAX_CANDIDATE_PAIRS, Explosion, refuse_too_many_pairs, round_up
from clientele.rules.mining_tables import working_tables
from clientele.rules.scopes import ONE_VIEW, View, members, scopes_of

# Measured: docs/methods/rules.md, "What is refused".
MAX_ITEMSETS = 3_000_000
MAX_ROWS_IN_MEMORY = 120_000_000

ENGINES = ("auto", "sql", "bitmap", "fpgrowth", "apriori")


@dataclass
class Itemsets:
    """The sets that are frequent in at least one scope, counted in every cell of baskets.

    ``labels`` (n) are the items, rare ones first; ``sets[k]`` (m x k+1) the sets of k + 1 items as
    ascending positions in ``labels``, in lexical order; ``counts[k]`` (m x cells) the baskets of
    each cell that hold them. ``cells`` describes the baskets of each cell (``segment``, "" for
    baskets without a segment; ``is_holdout``; ``basket_count``). ``scopes`` describes what was
    mined (``segment``, null for all baskets), with the number of baskets and the smallest number
    of baskets of a frequent set (``min_count``).
    """

    labels: np.ndarray
    sets: list[np.ndarray]
    counts: list[np.ndarray]
    cells: pd.DataFrame
    scopes: pd.DataFrame
    min_support: float
    engine: str
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of sets."""
        return sum(map(len, self.sets))

    @property
    def basket_count(self) -> int:
        """Baskets that were mined."""
        return int(self.cells.loc[~self.cells["is_holdout"], "basket_count"].sum())

    def members(self, segment: str | None, *, holdout: bool = False) -> np.ndarray:
        """Return the cells of a scope: the mined ones, or those held out."""
        return members(self.cells, segment, holdout)

    def subsets(self) -> list[np.ndarray]:
        """Return, per length from 2, the shorter set that each set is without its j-th item."""
        positions = []
        keys = [np.arange(len(self.labels), dtype=np.int64)]
        for k, sets in enumerate(self.sets[1:], start=1):
            less = np.empty(sets.shape, dtype=np.int64)
            for j in range(k + 1):
                others = np.delete(sets, j, axis=1)
                at = others[:, 0].astype(np.int64)
                for level in range(1, k):
                    at = np.searchsorted(keys[level], at * len(self.labels) + others[:, level])
                less[:, j] = at
            positions.append(less)
            keys.append(less[:, k] * len(self.labels) + sets[:, k])
        return positions


def find_itemsets(
    baskets,
    *,
    min_support: float,
    max_length: int | None,
    min_count: int = 1,
    engine: str = "auto",
    session=None,
    ancestors: pd.DataFrame | None = None,
    max_candidate_pairs: int = MAX_CANDIDATE_PAIRS,
    on_explosion: str = "fail",
) -> Itemsets:
    """Return the sets of up to ``max_length`` items that occur in enough baskets.

    ``baskets`` has a row per ``basket_id`` and ``item``: a data frame (where repeats count once),
    or a relation of DuckDB or Spark (which must not repeat); ``session`` is then its connection
    or session. Two more columns are used if they exist, each the same in all rows of a basket:
    ``segment`` (null for none): the baskets of each segment are a scope besides all baskets;
    and ``is_holdout``: such baskets are not mined, but the sets of the other baskets are counted
    in them.

    In each scope a set is frequent if ``min_support`` of the scope's baskets hold it, a share in
    (0, 1], and at least ``min_count`` baskets do. To use the count alone, set the support near 0.
    ``ancestors`` has a row per ``item`` and ``ancestor``, which never occur in one set.

    ``engine`` is one of:

    - ``auto``: bitmap if the baskets fit in memory, else sql; the ``notes`` state the choice;
    - ``sql``: Apriori in the warehouse, level by level, in pieces, so that it can exceed memory;
    - ``bitmap``: Eclat on packed bitmaps, in memory;
    - ``fpgrowth``, ``apriori``: mlxtend's, in memory; for comparison.

    More than ``max_candidate_pairs`` pairs of frequent items in a scope, or more sets than fit in
    memory, end the mining (``on_explosion="fail"``) or raise ``min_support`` until it fits
    (``"raise_support"``). The result's ``min_support`` and notes then state it.

    Raises:
        ValueError: null items or baskets, a knob out of range, or (`Explosion`) more sets than
            fit; the message says what to change.

    Example:
        >>> frame = pd.DataFrame({"basket_id": [1, 1, 2, 2, 3], "item": list("ababc")})
        >>> found = find_itemsets(frame, min_support=0.5, max_length=2)
        >>> [found.labels[items].tolist() for sets in found.sets for items in sets]
        [['a'], ['b'], ['a', 'b']]
    """
    check_knobs(engine, min_support, min_count, max_length, on_explosion)
    tables = working_tables(session, baskets=baskets)
    try:
        engine, notes = choose_engine(engine, tables, "baskets")
        data = (in_warehouse if engine == "sql" else in_memory)(tables, baskets)
        return mine(
            data, [ONE_VIEW], engine=engine, notes=notes, min_support=min_support,
            min_count=min_count, max_length=max_length, ancestors=ancestors,
            max_candidate_pairs=max_candidate_pairs, on_explosion=on_explosion,
        )[0]  # fmt: skip
    finally:
        tables.drop()


def check_knobs(engine, min_support, min_count, max_length, on_explosion) -> None:
    """Raise ``ValueError`` for arguments of `find_itemsets` that are out of range."""
    if engine not in ENGINES:
        raise ValueError(f"engine={engine!r} is unknown: give one of {', '.join(ENGINES)}")
    if not 0 < min_support <= 1:
        raise ValueError(f"min_support={min_support} is no share: give one in (0, 1]")
    if min_count < 1:
        raise ValueError(f"min_count={min_count} must be at least 1")
    if max_length is not None and max_length < 1:
        raise ValueError(f"max_length={max_length} must be at least 1")
    if on_explosion not in ("fail", "raise_support"):
        raise ValueError(f"on_explosion={on_explosion!r} is unknown: give fail or raise_support")


def choose_engine(engine: str, tables, name: str) -> tuple[str, list[str]]:
    """Return the engine that mines the baskets in the table ``name`` of ``tables``, and why."""
    if engine != "auto":
        return engine, [f"engine {engine}, as set"]
    if tables.is_spark:
        return "sql", ["engine sql: the baskets are in Spark"]
    row_count = tables.row_count(name)
    chosen = "bitmap" if row_count <= MAX_ROWS_IN_MEMORY else "sql"
    reason = f"engine {chosen}: {row_count:,} rows, {MAX_ROWS_IN_MEMORY:,} fit in memory"
    return chosen, [reason]


def mine(
    data,
    views: list[View],
    *,
    engine: str,
    notes: list[str],
    min_support: float,
    min_count: int,
    max_length: int | None,
    ancestors: pd.DataFrame | None = None,
    max_candidate_pairs: int = MAX_CANDIDATE_PAIRS,
    on_explosion: str = "fail",
) -> list[Itemsets]:
    """Return the itemsets of each of ``views`` on the baskets ``data``, found in one search.

    A view states which baskets are mined and in which segments (`clientele.rules.scopes.View`);
    ``data`` is what `clientele.rules.basket_data` makes. The other arguments are those of
    `find_itemsets`. Sets are searched that are frequent in any scope of any view; each view then
    keeps its own.
    """
    while True:
        try:
            return _mine(
                data, views, engine, notes, min_support, min_count, max_length or math.inf,
                ancestors, max_candidate_pairs,
            )  # fmt: skip
        except Explosion as explosion:
            if on_explosion == "fail":
                raise
            notes.append(f"{explosion}; min_support was raised to {explosion.fitting}")
            min_support = explosion.fitting


def _mine(
    data, views, engine, notes, min_support, min_count, max_length, ancestors, max_pairs
) -> list[Itemsets]:
    grouped = [view.cells(data.cells) for view in views]
    scopes = [scopes_of(cells, min_support, min_count) for cells, _ in grouped]
    columns = [
        groups @ members(cells, segment, False)
        for (cells, groups), own in zip(grouped, scopes, strict=True)
        for segment in own["segment"]
    ]
    in_scopes = np.column_stack(columns or [np.zeros((len(data.cells), 0), dtype=np.int64)])
    fewest = np.concatenate([own["min_count"].to_numpy(dtype=np.int64) for own in scopes])
    # Floats represent these counts exactly and multiply many times faster than integers.
    weights = in_scopes.astype(float)
    held = (data.counts @ weights).astype(np.int64)
    refuse_too_many_pairs(held, pd.concat(scopes), min_support, max_pairs)
    in_scope = held >= fewest
    kept = np.flatnonzero(in_scope.any(axis=1))
    # Rare items first, which keeps the intermediate results of the search small.
    kept = kept[np.lexsort((data.items[kept].astype(str), data.counts[kept].sum(axis=1)))]
    labels = data.items[kept]
    sets, counts = [np.arange(len(kept), dtype=np.int32)[:, None]], [data.counts[kept]]
    if max_length > 1 and len(kept) > 1:
        search = {
            "in_scope": in_scope[kept],
            "members": in_scopes,
            "fewest": fewest,
            "max_length": max_length,
            "max_itemsets": MAX_ITEMSETS,
            "forbidden": _forbidden(labels, ancestors),
        }
        try:
            larger = data.larger(engine, kept, search)
        except OverflowError as error:
            # The number of sets at a support is only known after mining.
            fitting = round_up(min(1.0, min_support * 1.5))
            raise Explosion(f"min_support={min_support}: {error}", fitting=fitting) from None
        for more_sets, more_counts in larger:
            order = np.lexsort(more_sets.T[::-1])
            sets.append(more_sets[order].astype(np.int32))
            counts.append(more_counts[order])
    all_of_view = np.cumsum([0, *map(len, scopes)])
    results = []
    for (cells, groups), own, first, end in zip(
        grouped, scopes, all_of_view[:-1], all_of_view[1:], strict=True
    ):
        frequent = [
            (held @ weights[:, first:end] >= fewest[first:end]).any(axis=1) for held in counts
        ]
        number = np.cumsum(frequent[0]) - 1
        own_sets = [number[s[f]].astype(np.int32) for s, f in zip(sets, frequent, strict=True)]
        own_counts = [held[f] @ groups for held, f in zip(counts, frequent, strict=True)]
        longest = max([1, *(k + 1 for k, s in enumerate(own_sets) if len(s))])
        results.append(
            Itemsets(
                labels=labels[frequent[0]],
                sets=own_sets[:longest],
                counts=own_counts[:longest],
                cells=cells,
                scopes=own,
                min_support=min_support,
                engine=engine,
                notes=notes,
            )
        )
    return results


def _forbidden(labels: np.ndarray, ancestors: pd.DataFrame | None) -> set[tuple[int, int]]:
    if ancestors is None:
        return set()
    position = {label: i for i, label in enumerate(labels)}
    rows = ancestors[["item", "ancestor"]].itertuples(index=False)
    pairs = ((position.get(str(item)), position.get(str(above))) for item, above in rows)
    return {(min(pair), max(pair)) for pair in pairs if None not in pair}
