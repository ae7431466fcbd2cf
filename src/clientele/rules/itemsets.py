"""Find the sets of items that many baskets hold together, on one of several engines.

Every engine finds the same sets with the same counts. What is frequent is decided here, from counts
of single items, before an engine is asked.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from clientele.rules.apriori_sql import mine_levels
from clientele.rules.eclat import eclat
from clientele.rules.mining_tables import DuckDBTables, SparkTables

# Measured: docs/methods/rules.md, "What is refused".
MAX_CANDIDATE_PAIRS = 100_000_000
MAX_ITEMSETS = 3_000_000
MAX_ROWS_IN_MEMORY = 120_000_000

ENGINES = ("auto", "sql", "bitmap", "fpgrowth", "apriori")


class Explosion(ValueError):
    """More sets than fit; ``fitting`` is a support that would, as far as can be told."""

    def __init__(self, message: str, fitting: float) -> None:
        """Keep the support beside the words."""
        super().__init__(message)
        self.fitting = fitting


@dataclass
class Itemsets:
    """The sets that are frequent in at least one scope, counted in every cell of baskets.

    ``labels`` (n) are the items, rare ones first; ``sets[k]`` (m x k+1) the sets of k + 1 items as
    ascending positions in ``labels``, in lexical order; ``counts[k]`` (m x cells) the baskets of
    each cell that hold them. ``cells`` says whose baskets a cell holds (``segment``, "" for
    nobody's; ``is_holdout``) and how many (``basket_count``); ``scopes`` what was mined
    (``segment``, null for everybody), how many baskets that is, and how many make a set frequent
    (``min_count``).
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
        """Return how many sets there are."""
        return sum(map(len, self.sets))

    @property
    def basket_count(self) -> int:
        """Baskets that were mined."""
        return int(self.cells.loc[~self.cells["is_holdout"], "basket_count"].sum())

    def members(self, segment: str | None, *, holdout: bool = False) -> np.ndarray:
        """Return which cells make up a scope, those that were mined or those held out."""
        return _members(self.cells, segment, holdout)

    def subsets(self) -> list[np.ndarray]:
        """Return, per length from 2, where each set less its j-th item is in the shorter sets."""
        found = []
        keys = [np.arange(len(self.labels), dtype=np.int64)]
        for k, sets in enumerate(self.sets[1:], start=1):
            less = np.empty(sets.shape, dtype=np.int64)
            for j in range(k + 1):
                others = np.delete(sets, j, axis=1)
                at = others[:, 0].astype(np.int64)
                for level in range(1, k):
                    at = np.searchsorted(keys[level], at * len(self.labels) + others[:, level])
                less[:, j] = at
            found.append(less)
            keys.append(less[:, k] * len(self.labels) + sets[:, k])
        return found


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
    """Return the sets of up to ``max_length`` items that enough baskets hold.

    ``baskets`` has a row per ``basket_id`` and ``item``: a data frame (where repeats count once),
    or a relation of DuckDB or Spark (which must not repeat), and then ``session`` is the
    connection or session it is of. Two more columns, each the same in all rows of a basket, are
    used where they exist: ``segment`` (null for none), whose baskets are then a scope of their own
    beside everybody's; ``is_holdout``, baskets that are not mined, but in which what is found in
    the others is counted.

    In each scope a set is frequent when ``min_support`` of the scope's baskets hold it, a share in
    (0, 1], and at least ``min_count`` do; to go by count alone, give a share that is next to
    nothing. ``ancestors`` has a row per ``item`` and ``ancestor``, which never stand in one set.

    ``engine`` is one of:

    - ``auto``: bitmap for what fits in memory, else sql; the choice is among the ``notes``;
    - ``sql``: Apriori in the warehouse, level by level, in pieces that need not fit in memory;
    - ``bitmap``: Eclat on packed bitmaps, in memory;
    - ``fpgrowth``, ``apriori``: mlxtend's, in memory; for comparison.

    More than ``max_candidate_pairs`` pairs of frequent items in a scope, or more sets than fit in
    memory, end the mining (``on_explosion="fail"``) or raise ``min_support`` until it fits
    (``"raise_support"``), which ``min_support`` of the result and its notes then say.

    Raises:
        ValueError: null items or baskets, a knob out of range, or (`Explosion`) more than fits;
            says what to change.
    """
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
    if isinstance(baskets, pd.DataFrame):
        _refuse_nulls(baskets[["basket_id", "item"]].isna().sum().to_dict())
        baskets = baskets.astype({"item": str}).drop_duplicates(["basket_id", "item"])
        tables = DuckDBTables(baskets, None)
    else:
        is_spark = hasattr(baskets, "toPandas")
        tables = (SparkTables if is_spark else DuckDBTables)(baskets, session)
    try:
        data = _Data(tables, ancestors)
        engine, notes = _choose(engine, data)
        while True:
            try:
                knobs = min_support, min_count, max_length or math.inf, max_candidate_pairs
                found = _mine(data, engine, *knobs)
                break
            except Explosion as explosion:
                if on_explosion == "fail":
                    raise
                notes.append(f"{explosion}; min_support was raised to {explosion.fitting}")
                min_support = explosion.fitting
        found.notes = notes
        return found
    finally:
        tables.drop()


def fewest_baskets(min_support: float, basket_count: int) -> int:
    """Return the fewest baskets that are ``min_support`` of all; 7% of 100 is 7, not 8."""
    count = math.ceil(min_support * basket_count)
    if count > 1 and (count - 1) / basket_count >= min_support:
        count -= 1
    return max(1, count)


class _Data:
    """What is known of the baskets before they are mined: cells, and counts of single items."""

    def __init__(self, tables, ancestors: pd.DataFrame | None) -> None:
        self.tables, self.ancestors = tables, ancestors
        segment = "coalesce(segment, '')" if "segment" in tables.columns else "''"
        holdout = "is_holdout" if "is_holdout" in tables.columns else "false"
        labels = f"{segment} as segment, {holdout} as is_holdout"
        expressions = {"segment": segment, "is_holdout": holdout}
        keys = [key for column, key in expressions.items() if column in tables.columns]
        # Grouping by constants costs, too.
        by_cell = f"group by {', '.join(keys)}" if keys else "having count(*) > 0"
        self.cells = tables.rows(
            f"""
            select {labels}, count(distinct basket_id) as basket_count,
                count(*) as row_count, count(*) - count(basket_id) as basket_id,
                count(*) - count(item) as item
            from baskets {by_cell} order by is_holdout, segment
            """
        ).astype({"segment": str, "is_holdout": bool})
        _refuse_nulls({column: int(self.cells[column].sum()) for column in ("basket_id", "item")})
        self.row_count = int(self.cells["row_count"].sum())
        self.cells = self.cells[["segment", "is_holdout", "basket_count"]]
        # Named so that a query which joins the baskets to their cell can tell the two apart.
        named = {"segment": "cell_segment", "is_holdout": "cell_is_holdout"}
        numbered = self.cells.rename(columns=named).assign(cell_id=range(len(self.cells)))
        tables.put("cells", numbered[[*named.values(), "cell_id"]])
        singles = tables.rows(
            f"""
            select counted.item, cells.cell_id, counted.order_count
            from (
                select item, {labels}, count(*) as order_count
                from baskets group by {", ".join(["item", *keys])}
            ) as counted
            inner join cells
                on counted.segment = cells.cell_segment
                and counted.is_holdout = cells.cell_is_holdout
            """
        )
        self.items, code = np.unique(singles["item"].to_numpy(dtype=object), return_inverse=True)
        self.counts = np.zeros((len(self.items), len(self.cells)), dtype=np.int64)
        self.counts[code, singles["cell_id"]] = singles["order_count"]
        # What joins `baskets` to `cells`.
        self.cell_of_row = f"{segment} = cells.cell_segment and {holdout} = cells.cell_is_holdout"


def _members(cells: pd.DataFrame, segment: str | None, holdout: bool) -> np.ndarray:
    chosen = cells["is_holdout"].eq(holdout)
    if segment is not None:
        chosen &= cells["segment"].eq(segment)
    return chosen.to_numpy(dtype=bool)


def _refuse_nulls(null_counts: dict[str, int]) -> None:
    for column, null_count in null_counts.items():
        if null_count:
            raise ValueError(f"{column} is null in {null_count:,} rows: filter them out")


def _choose(engine: str, data: _Data) -> tuple[str, list[str]]:
    if engine != "auto":
        return engine, [f"engine {engine}, as asked for"]
    if data.tables.is_spark:
        return "sql", ["engine sql: the baskets are Spark's"]
    fits = data.row_count <= MAX_ROWS_IN_MEMORY
    return "bitmap" if fits else "sql", [
        f"engine {'bitmap' if fits else 'sql'}: {data.row_count:,} rows, "
        f"{MAX_ROWS_IN_MEMORY:,} fit in memory"
    ]


def scopes_of(cells: pd.DataFrame, min_support: float, min_count: int) -> pd.DataFrame:
    """Return everybody's baskets and each segment's: how many, and how many make a set frequent.

    ``cells`` and the result as in `Itemsets`.
    """
    mined = cells[~cells["is_holdout"]]
    rows = [(None, int(mined["basket_count"].sum()))]
    rows += [(cell.segment, int(cell.basket_count)) for cell in mined.itertuples() if cell.segment]
    rows = [(segment, n) for segment, n in rows if n]
    return pd.DataFrame(
        {
            # Of objects: None would become NaN among texts.
            "segment": pd.Series([segment for segment, _ in rows], dtype=object),
            "basket_count": [n for _, n in rows],
            "min_count": [max(min_count, fewest_baskets(min_support, n)) for _, n in rows],
        }
    )


def _mine(
    data: _Data, engine: str, min_support: float, min_count: int, max_length: float, max_pairs: int
) -> Itemsets:
    scopes = scopes_of(data.cells, min_support, min_count)
    members = np.column_stack(
        [_members(data.cells, segment, False) for segment in scopes["segment"]]
        or [np.zeros((len(data.cells), 0))]
    ).astype(np.int64)
    fewest = scopes["min_count"].to_numpy()

    def is_frequent(counts: np.ndarray) -> np.ndarray:
        return (counts @ members >= fewest).any(axis=1)

    in_scope = data.counts @ members >= fewest
    _refuse_too_many_pairs(data.counts @ members, scopes, min_support, max_pairs)
    kept = np.flatnonzero(in_scope.any(axis=1))
    # Rare items first, which keeps what the search carries along small.
    kept = kept[np.lexsort((data.items[kept].astype(str), data.counts[kept].sum(axis=1)))]
    found = Itemsets(
        labels=data.items[kept],
        sets=[np.arange(len(kept), dtype=np.int32)[:, None]],
        counts=[data.counts[kept]],
        cells=data.cells,
        scopes=scopes,
        min_support=min_support,
        engine=engine,
    )
    if max_length < 2 or len(kept) < 2:
        return found
    forbidden = _forbidden(found.labels, data.ancestors)
    tables = data.tables
    tables.put("items", pd.DataFrame({"item": found.labels, "item_id": range(len(kept))}))
    try:
        if engine == "sql":
            tables.keep(
                "held",
                f"""
                select baskets.basket_id, items.item_id, cells.cell_id
                from baskets inner join items on baskets.item = items.item
                inner join cells on {data.cell_of_row}
                """,
            )
            larger = mine_levels(
                tables, in_scope[kept], members, fewest, max_length, MAX_ITEMSETS, forbidden
            )
        else:
            rows = tables.lists(data.cell_of_row)
            cell_starts = np.searchsorted(rows.cell, np.arange(len(data.cells) + 1))
            if engine == "bitmap":
                larger = eclat(
                    rows.items,
                    rows.starts,
                    cell_starts,
                    item_count=len(kept),
                    is_frequent=is_frequent,
                    max_length=max_length,
                    max_itemsets=MAX_ITEMSETS,
                    forbidden=forbidden,
                )
            else:
                from clientele.rules.mlxtend_engines import mine_scopes

                larger = mine_scopes(
                    engine, rows, cell_starts, in_scope[kept], members, fewest, max_length,
                    MAX_ITEMSETS, forbidden,
                )  # fmt: skip
    except OverflowError as error:
        # How many sets a support leaves is not known before they are mined.
        fitting = _round_up(min(1.0, min_support * 1.5))
        raise Explosion(f"min_support={min_support}: {error}", fitting=fitting) from None
    for sets, counts in larger:
        order = np.lexsort(sets.T[::-1])
        kept_sets = order[is_frequent(counts[order])]
        if len(kept_sets):
            found.sets.append(sets[kept_sets].astype(np.int32))
            found.counts.append(counts[kept_sets])
    return found


def _refuse_too_many_pairs(
    counts: np.ndarray, scopes: pd.DataFrame, min_support: float, max_pairs: int
) -> None:
    """Bound the candidate pairs of each scope, which are all pairs of its frequent items."""
    for scope, held in zip(scopes.itertuples(), counts.T, strict=True):
        item_count = int((held >= scope.min_count).sum())
        pair_count = math.comb(item_count, 2)
        if pair_count > max_pairs:
            room = (1 + math.isqrt(1 + 8 * max_pairs)) // 2
            fitting = _round_up((int(np.sort(held)[::-1][room]) + 1) / scope.basket_count)
            whose = f" of {scope.segment}" if scope.segment else ""
            raise Explosion(
                f"min_support={min_support} ({scope.min_count:,} of {scope.basket_count:,} "
                f"baskets{whose}) leaves {item_count:,} frequent items, {pair_count:,} candidate "
                f"pairs, more than {max_pairs:,}: raise min_support to {fitting}",
                fitting=fitting,
            )


def _round_up(share: float) -> float:
    digits = 2 - math.floor(math.log10(share))
    return min(1.0, math.ceil(round(share * 10**digits, 6)) / 10**digits)


def _forbidden(labels: np.ndarray, ancestors: pd.DataFrame | None) -> set[tuple[int, int]]:
    if ancestors is None:
        return set()
    position = {label: i for i, label in enumerate(labels)}
    pairs = ancestors[["item", "ancestor"]].itertuples(index=False)
    found = ((position.get(str(item)), position.get(str(above))) for item, above in pairs)
    return {(min(pair), max(pair)) for pair in found if None not in pair}


BASKET_ITEMSET_TYPES = {
    "version": "int",
    "itemset": "string",
    "label": "string",
    "item": "string",
    "item_count": "int",
    "basket_count": "int",
    "lift": "double",
}


def telling_itemsets(
    baskets, *, count: int, min_support: float, max_length: int = 3, engine="auto", session=None
) -> pd.DataFrame:
    """Return the ``count`` frequent itemsets that hang together most, a row per item of each.

    Of all itemsets of two to ``max_length`` items that ``min_support`` of the baskets hold
    (`find_itemsets`), those with the highest leverage: the share of baskets that hold them beyond
    what independent items would give. ``itemset`` is `itemset_01` and on, ``label`` its items
    joined by " + ".
    """
    if count < 1:
        return pd.DataFrame(columns=list(BASKET_ITEMSET_TYPES)[1:])
    mined = find_itemsets(
        baskets, min_support=min_support, max_length=max_length, engine=engine, session=session
    )
    n = mined.basket_count
    share = mined.counts[0].sum(axis=1) / n
    ranked = []
    for sets, counts in zip(mined.sets[1:], mined.counts[1:], strict=True):
        for items, held in zip(sets, counts.sum(axis=1), strict=True):
            expected = float(np.prod(share[items]))
            names = sorted(str(mined.labels[item]) for item in items)
            ranked.append((round(expected - held / n, 12), names, int(held), held / n / expected))
    rows = []
    for number, (_, names, held, lift) in enumerate(sorted(ranked)[:count], start=1):
        for name in names:
            rows.append((f"itemset_{number:02}", " + ".join(names), name, len(names), held, lift))
    return pd.DataFrame(rows, columns=list(BASKET_ITEMSET_TYPES)[1:])
