"""Find the sets of items that many baskets hold together, on one of several engines.

Every engine finds the same sets with the same counts. An engine is a function from baskets, the
warehouse's session, the fewest baskets and the most items of a set to the `Itemsets` there are.
"""

import math
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import apriori
from scipy import sparse

from clientele.frames import collect

# Measured: docs/methods/rules.md, "What is refused".
MAX_CANDIDATE_PAIRS = 5_000_000
MAX_CELLS = 1_000_000_000
MAX_ITEMSETS = 3_000_000


@dataclass
class Itemsets:
    """The frequent sets of items among ``basket_count`` baskets.

    ``items`` holds the sets as sorted tuples of positions in ``labels``, ``counts`` the number of
    baskets that hold each.
    """

    labels: np.ndarray
    items: list[tuple[int, ...]]
    counts: np.ndarray
    basket_count: int


def find_itemsets(
    baskets, *, min_support: float, max_length: int | None, engine: str, session=None
) -> Itemsets:
    """Return the sets of up to ``max_length`` items that ``min_support`` of the baskets hold.

    ``baskets`` has a row per ``basket_id`` and ``item``: a data frame (where repeats count once),
    or a relation of DuckDB or Spark (which must not repeat), and then ``session`` is the
    connection or session it is of. ``min_support`` is a share in (0, 1]. ``engine`` is one of:

    - ``sql``: counts in the warehouse, in pieces that need not fit in memory;
    - ``apriori``: mlxtend's, on a table in memory;
    - ``mllib``: Spark's parallel FP-Growth, where ``baskets`` is of Spark.

    Raises:
        ValueError: null items or baskets, a knob out of range, or more itemsets than would fit;
            says what to change.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine={engine!r} is unknown: give one of {', '.join(ENGINES)}")
    if not 0 < min_support <= 1:
        raise ValueError(f"min_support={min_support} is no share: give one in (0, 1]")
    if max_length is not None and max_length < 1:
        raise ValueError(f"max_length={max_length} must be at least 1")
    return ENGINES[engine](baskets, session, min_support, max_length or math.inf)


def min_count(min_support: float, basket_count: int) -> int:
    """Return the fewest baskets that are ``min_support`` of all; 7% of 100 is 7, not 8."""
    count = math.ceil(min_support * basket_count)
    return max(1, count - 1 if (count - 1) / basket_count >= min_support else count)


def _refuse_nulls(null_counts: dict[str, int]) -> None:
    for column, null_count in null_counts.items():
        if null_count:
            raise ValueError(f"{column} is null in {null_count:,} rows: filter them out")


# -- sql


class _DuckDB:
    """Tables of a DuckDB connection that last as long as the mining."""

    def __init__(self, baskets, session) -> None:
        self.baskets = baskets
        self.session = session or duckdb.connect()
        self.names = []

    def keep(self, name: str, query: str) -> None:
        baskets = self.baskets  # noqa: F841 (DuckDB finds it by its name)
        self.session.sql(f"create or replace temp table {name} as {query}")
        self.names.append(name)

    def rows(self, query: str) -> pd.DataFrame:
        baskets = self.baskets  # noqa: F841
        return self.session.sql(query).df()

    def drop(self, *names: str) -> None:
        for name in names or tuple(self.names):
            self.session.sql(f"drop table if exists temp.{name}")


class _Spark:
    """Views of a Spark session on rows kept by its executors, on disk where memory ends."""

    def __init__(self, baskets, session) -> None:
        self.session = session
        self.names = ["baskets"]
        baskets.createOrReplaceTempView("baskets")

    def keep(self, name: str, query: str) -> None:
        # Without what they were made of: each level reads the last one several times over.
        self.session.sql(query).localCheckpoint().createOrReplaceTempView(name)
        self.names.append(name)

    def rows(self, query: str) -> pd.DataFrame:
        return self.session.sql(query).toPandas()

    def drop(self, *names: str) -> None:
        for name in names or tuple(self.names):
            self.session.catalog.dropTempView(name)


def _sql(baskets, session, min_support: float, max_length: float) -> Itemsets:
    """Count level by level (Apriori), each level's sets grouped by all items but the last.

    Two sets of one group that a basket holds make one set of the next level, so a set is counted
    in every basket that holds it, once, and nothing else is. Items are numbered from rare to
    frequent, which keeps the groups small.
    """
    if isinstance(baskets, pd.DataFrame):
        _refuse_nulls(baskets[["basket_id", "item"]].isna().sum().to_dict())
        baskets = baskets[["basket_id", "item"]].astype({"item": str}).drop_duplicates()
        tables = _DuckDB(baskets, None)
    else:
        tables = (_Spark if hasattr(baskets, "toPandas") else _DuckDB)(baskets, session)
    try:
        return _count_levels(tables, min_support, max_length)
    finally:
        tables.drop()


def _count_levels(tables, min_support: float, max_length: float) -> Itemsets:
    totals = tables.rows(
        """
        select
            count(distinct basket_id) as basket_count,
            count(*) - count(basket_id) as basket_id,
            count(*) - count(item) as item
        from baskets
        """
    ).iloc[0]
    _refuse_nulls({"basket_id": int(totals["basket_id"]), "item": int(totals["item"])})
    basket_count = int(totals["basket_count"])
    if basket_count == 0:
        return Itemsets(np.array([], dtype=object), [], np.array([], dtype="int64"), 0)
    fewest = min_count(min_support, basket_count)

    tables.keep(
        "itemsets_items",
        f"""
        select item, order_count, row_number() over (order by order_count, item) - 1 as item_id
        from (select item, count(*) as order_count from baskets group by item) as counted
        where order_count >= {fewest}
        """,
    )
    singles = tables.rows("select item, order_count from itemsets_items order by item_id")
    items = [(position,) for position in range(len(singles))]
    counts = [singles["order_count"].to_numpy(dtype="int64")]

    tables.keep(
        "itemsets_held_1",
        """
        select baskets.basket_id, 0 as group_id, itemsets_items.item_id
        from baskets inner join itemsets_items on baskets.item = itemsets_items.item
        """,
    )
    prefixes, length, found_count = {0: ()}, 1, len(items)
    while length < max_length and found_count > 1:
        held = f"itemsets_held_{length}"
        together = f"""
            {held} as a inner join {held} as b
            on a.basket_id = b.basket_id and a.group_id = b.group_id and a.item_id < b.item_id
        """
        tables.keep(
            "itemsets_found",
            f"""
            select
                a.group_id, a.item_id as first_id, b.item_id as second_id, count(*) as order_count
            from {together} group by a.group_id, a.item_id, b.item_id having count(*) >= {fewest}
            """,
        )
        found_count = int(tables.rows("select count(*) as n from itemsets_found")["n"].iloc[0])
        length += 1
        if found_count > MAX_ITEMSETS:
            raise ValueError(
                f"{found_count:,} sets of {length} items are in {fewest:,} baskets or more, beyond "
                f"the {MAX_ITEMSETS:,} that fit in memory: "
                f"set max_length to {length - 1} or raise min_support"
            )
        found = tables.rows("select * from itemsets_found order by group_id, first_id, second_id")
        rows = found[["group_id", "first_id", "second_id"]].itertuples(index=False)
        items += [(*prefixes[group], first, second) for group, first, second in rows]
        counts.append(found["order_count"].to_numpy(dtype="int64"))
        if length >= max_length or found_count < 2:
            break

        # A set that shares its beginning with no other cannot grow.
        tables.keep(
            "itemsets_groups",
            """
            select group_id, first_id, row_number() over (order by group_id, first_id) as next_id
            from itemsets_found group by group_id, first_id having count(*) > 1
            """,
        )
        groups = tables.rows("select group_id, first_id, next_id from itemsets_groups")
        prefixes = {
            next_id: (*prefixes[group], first)
            for group, first, next_id in groups.itertuples(index=False)
        }
        tables.keep(
            f"itemsets_held_{length}",
            f"""
            select a.basket_id, itemsets_groups.next_id as group_id, b.item_id
            from {together}
            inner join itemsets_found
                on a.group_id = itemsets_found.group_id
                and a.item_id = itemsets_found.first_id and b.item_id = itemsets_found.second_id
            inner join itemsets_groups
                on a.group_id = itemsets_groups.group_id and a.item_id = itemsets_groups.first_id
            """,
        )
        tables.drop(held)
    return Itemsets(
        labels=singles["item"].to_numpy(dtype=object),
        items=[tuple(int(position) for position in positions) for positions in items],
        counts=np.concatenate(counts),
        basket_count=basket_count,
    )


# -- apriori


def _apriori(baskets, session, min_support: float, max_length: float) -> Itemsets:
    """Let mlxtend count, after dropping every item that is in no frequent pair."""
    if not isinstance(baskets, pd.DataFrame):
        baskets = collect(baskets, key=["basket_id", "item"]).reset_index()
    _refuse_nulls(baskets[["basket_id", "item"]].isna().sum().to_dict())
    if baskets.empty:
        return Itemsets(np.array([], dtype=object), [], np.array([], dtype="int64"), 0)

    basket, basket_labels = pd.factorize(baskets["basket_id"])
    item, labels = pd.factorize(baskets["item"].astype(str), sort=True)
    n = len(basket_labels)
    holds = sparse.csc_array(
        (np.ones(len(item), dtype=np.int32), (basket, item)), shape=(n, len(labels))
    )
    holds.data[:] = 1  # repeats were added up
    fewest = min_count(min_support, n)

    # Infrequent items first: what they are in cannot be frequent. Rare items to the left keep
    # the candidates few.
    counts = holds.sum(axis=0)
    frequent = np.flatnonzero(counts >= fewest)
    frequent = frequent[np.argsort(counts[frequent], kind="stable")]
    pair_count = math.comb(len(frequent), 2)
    if pair_count > MAX_CANDIDATE_PAIRS:
        room = (1 + math.isqrt(1 + 8 * MAX_CANDIDATE_PAIRS)) // 2
        fitting = int(np.sort(counts)[::-1][room]) + 1
        raise ValueError(
            f"min_support={min_support} ({fewest:,} of {n:,} baskets) leaves {len(frequent):,} "
            f"frequent items, {pair_count:,} candidate pairs, more than {MAX_CANDIDATE_PAIRS:,}: "
            f"raise min_support to {_round_up(fitting / n)}"
        )
    holds, labels = holds[:, frequent], np.asarray(labels, dtype=object)[frequent]
    singles = Itemsets(labels, [(i,) for i in range(len(frequent))], counts[frequent], n)
    if max_length == 1 or len(frequent) < 2:
        return singles

    # Nor can an item without a frequent partner be in any larger set.
    together = sparse.triu(holds.T @ holds, k=1, format="coo")
    is_frequent = together.data >= fewest
    pairs = np.column_stack([together.row[is_frequent], together.col[is_frequent]])
    paired = np.unique(pairs)
    if len(paired) == 0:
        return singles
    if n * len(paired) > MAX_CELLS:
        raise ValueError(
            f"{n:,} baskets x {len(paired):,} items are more than the {MAX_CELLS:,} cells that "
            "fit in memory: lower the number of baskets (rules_sample_size), raise min_support, "
            "or take the engine `sql`"
        )
    # mlxtend copies rows: they must lie in one piece.
    cells = holds[:, paired].astype(bool).toarray(order="C")
    table = pd.DataFrame(cells, columns=paired, copy=False)

    longest = int(min(max_length, len(paired)))
    itemsets, length = pairs, 2
    found = None
    while found is None or length < longest:
        # Sets of the next length extend a prefix they share with another; `_bound` counts the
        # most there can be of any length.
        _, sharing = np.unique(itemsets[:, :-1], axis=0, return_counts=True)
        if _bound(sharing, min(1, longest - length)) > MAX_ITEMSETS:
            raise ValueError(
                f"{len(itemsets):,} frequent itemsets of {length} items give more than "
                f"{MAX_ITEMSETS:,} candidates of {length + 1}: set max_length to {length} "
                "or raise min_support"
            )
        safe = _bound(sharing, longest - length) <= MAX_ITEMSETS
        length = longest if safe else length + 1
        found = apriori(
            table,
            min_support=(fewest - 0.5) / n,
            use_colnames=True,
            max_len=length,
            low_memory=True,
        )
        itemsets = found["itemsets"][found["itemsets"].map(len) == length]
        if itemsets.empty:
            break
        itemsets = np.sort(np.array([list(items) for items in itemsets]), axis=1)
    larger = found[found["itemsets"].map(len) > 1]
    return Itemsets(
        labels=labels,
        items=singles.items + [tuple(sorted(map(int, items))) for items in larger["itemsets"]],
        counts=np.concatenate(
            [singles.counts, (larger["support"] * n).round().to_numpy(dtype="int64")]
        ),
        basket_count=n,
    )


def _bound(sharing: np.ndarray, steps: int) -> int:
    """Most itemsets that are 1 to ``steps`` items longer, given how many share each prefix.

    Stops counting beyond ``MAX_ITEMSETS``: the whole number may have hundreds of digits.
    """
    total = 0
    for size, times in zip(*np.unique(sharing, return_counts=True), strict=True):
        for chosen in range(2, min(int(size), steps + 1) + 1):
            total += int(times) * math.comb(int(size), chosen)
            if total > MAX_ITEMSETS:
                return total
    return total


def _round_up(share: float) -> float:
    digits = 2 - math.floor(math.log10(share))
    return min(1.0, math.ceil(share * 10**digits) / 10**digits)


# -- mllib


def _mllib(baskets, session, min_support: float, max_length: float) -> Itemsets:
    """Let Spark's FP-Growth count; it knows no longest set, so longer ones are dropped after."""
    if not hasattr(baskets, "toPandas"):
        raise ValueError("engine='mllib' is Spark's: take sql, or build on a Spark target")
    from pyspark.ml.fpm import FPGrowth
    from pyspark.sql import functions

    _refuse_nulls({c: baskets.filter(f"{c} is null").count() for c in ("basket_id", "item")})
    grouped = baskets.groupBy("basket_id").agg(functions.collect_set("item").alias("items"))
    basket_count = grouped.count()
    if basket_count == 0:
        return Itemsets(np.array([], dtype=object), [], np.array([], dtype="int64"), 0)
    share = (min_count(min_support, basket_count) - 0.5) / basket_count
    found = FPGrowth(itemsCol="items", minSupport=share).fit(grouped).freqItemsets
    if math.isfinite(max_length):
        found = found.filter(functions.size("items") <= int(max_length))
    itemset_count = found.count()
    if itemset_count > MAX_ITEMSETS:
        raise ValueError(
            f"{itemset_count:,} frequent itemsets, more than {MAX_ITEMSETS:,}: "
            "lower max_length or raise min_support"
        )
    rows = found.toPandas()
    labels = np.array(sorted({item for items in rows["items"] for item in items}), dtype=object)
    position = {label: i for i, label in enumerate(labels)}
    return Itemsets(
        labels=labels,
        items=[tuple(sorted(position[item] for item in items)) for items in rows["items"]],
        counts=rows["freq"].to_numpy(dtype="int64"),
        basket_count=basket_count,
    )


ENGINES = {"sql": _sql, "apriori": _apriori, "mllib": _mllib}


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
    baskets, *, count: int, min_support: float, max_length: int = 3, engine="sql", session=None
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
    share = {items[0]: c / n for items, c in zip(mined.items, mined.counts, strict=True)
             if len(items) == 1}  # fmt: skip
    ranked = []
    for items, held in zip(mined.items, mined.counts, strict=True):
        if len(items) > 1:
            expected = float(np.prod([share[item] for item in items]))
            names = sorted(str(mined.labels[item]) for item in items)
            ranked.append((round(expected - held / n, 12), names, int(held), held / n / expected))
    rows = []
    for number, (_, names, held, lift) in enumerate(sorted(ranked)[:count], start=1):
        for name in names:
            rows.append((f"itemset_{number:02}", " + ".join(names), name, len(names), held, lift))
    return pd.DataFrame(rows, columns=list(BASKET_ITEMSET_TYPES)[1:])
