"""The baskets of a mining, in memory or in the warehouse: cells, counts of items, larger sets."""

import numpy as np
import pandas as pd

from clientele.rules.apriori_sql import mine_levels
from clientele.rules.baskets import Lists, lists_of_rows
from clientele.rules.eclat import eclat
from clientele.rules.scopes import LABELS


class MemoryBaskets:
    """Baskets as arrays, for the engines bitmap, fpgrowth and apriori.

    ``cells`` has the labels of each cell and its ``basket_count``, ``items`` the items, ``counts``
    (items x cells) the baskets of each cell that hold each item.
    """

    def __init__(self, lists: Lists, cells: pd.DataFrame, items: np.ndarray) -> None:
        """Take ``lists`` of positions in ``items``, whose cells are the rows of ``cells``."""
        # Baskets without any of the items and cells without baskets are dropped.
        self.lists, basket_counts = lists.without_empty()
        self.cells = cells.assign(basket_count=basket_counts)
        self.items = items
        self.counts = self.lists.counts(len(items))

    def larger(self, engine: str, kept: np.ndarray, search: dict) -> list:
        """Return the frequent sets of two and more of the items ``kept``: sets and counts.

        ``search`` has in_scope, members, fewest, max_length, max_itemsets and forbidden, as
        `clientele.rules.apriori_sql.mine_levels` takes them.
        """
        number = np.full(len(self.items), -1, dtype=np.int32)
        number[kept] = np.arange(len(kept))
        lists = self.lists.renumbered(number)
        if engine == "bitmap":
            return eclat(lists, item_count=len(kept), **search)
        # Imported here, because few calls need it and the import takes a second.
        from clientele.rules.mlxtend_engines import mine_scopes

        return mine_scopes(engine, lists.without_empty()[0], **search)


class WarehouseBaskets:
    """Baskets as the table ``baskets`` (basket_id, item, cell_id), for the engine sql.

    Attributes as of `MemoryBaskets`.
    """

    def __init__(self, tables, cells: pd.DataFrame) -> None:
        """Take `clientele.rules.mining_tables` and the labels of the cells, in order of number."""
        self.tables = tables
        sizes = tables.rows(
            "select cell_id, count(distinct basket_id) as n from baskets group by cell_id"
        )
        basket_counts = np.zeros(len(cells), dtype=np.int64)
        basket_counts[sizes["cell_id"]] = sizes["n"]
        self.cells = cells.assign(basket_count=basket_counts)
        singles = tables.rows(
            "select item, cell_id, count(*) as order_count from baskets group by item, cell_id"
        )
        self.items, code = np.unique(singles["item"].to_numpy(dtype=object), return_inverse=True)
        self.counts = np.zeros((len(self.items), len(cells)), dtype=np.int64)
        self.counts[code, singles["cell_id"]] = singles["order_count"]

    def larger(self, engine: str, kept: np.ndarray, search: dict) -> list:
        """Return the frequent sets of two and more of the items ``kept``: sets and counts."""
        labels = self.items[kept]
        self.tables.put("items", pd.DataFrame({"item": labels, "item_id": range(len(kept))}))
        self.tables.keep(
            "held",
            """
            select baskets.basket_id, items.item_id, baskets.cell_id
            from baskets inner join items on baskets.item = items.item
            """,
        )
        return mine_levels(self.tables, **search)


def in_memory(tables, baskets) -> MemoryBaskets:
    """Return a frame or relation of baskets (as of `find_itemsets`) as arrays."""
    frame = baskets
    if not isinstance(frame, pd.DataFrame):
        columns = ["basket_id", "item", *(name for name in LABELS if name in tables.columns)]
        frame = tables.rows(f"select {', '.join(columns)} from baskets")
    _refuse_nulls(frame[["basket_id", "item"]].isna().sum().to_dict())
    labels = {name: frame[name] for name in LABELS if name in frame}
    labels = {
        name: values.astype(bool) if name == "is_holdout" else values.fillna("").astype(str)
        for name, values in labels.items()
    }
    if labels:
        labels = pd.DataFrame(labels)
        cells = labels.drop_duplicates().sort_values(list(labels), ignore_index=True)
        cell = pd.MultiIndex.from_frame(cells).get_indexer(pd.MultiIndex.from_frame(labels))
    else:
        cells, cell = pd.DataFrame(index=range(min(1, len(frame)))), np.zeros(len(frame), np.uint16)
    item, items = pd.factorize(frame["item"])
    # Texts are made and sorted per distinct value, not per row.
    number, labels = pd.factorize(pd.Series(items).astype(str).to_numpy(dtype=object), sort=True)
    lists = lists_of_rows(frame["basket_id"].to_numpy(), number[item], cell, len(cells))
    return MemoryBaskets(lists, cells, np.asarray(labels, dtype=object))


def in_warehouse(tables, baskets) -> WarehouseBaskets:
    """Return a frame or relation of baskets (as of `find_itemsets`) as tables of the warehouse."""
    nulls = tables.rows(
        """
        select count(*) - count(basket_id) as basket_id, count(*) - count(item) as item
        from baskets
        """
    )
    _refuse_nulls(nulls.iloc[0].to_dict())
    names = [name for name in LABELS if name in tables.columns]
    values = {name: f"coalesce({name}, '')" for name in names} | {"is_holdout": "is_holdout"}
    if names:
        labels = ", ".join(f"{values[name]} as {name}" for name in names)
        order = ", ".join(map(str, range(1, len(names) + 1)))
        cells = tables.rows(f"select distinct {labels} from baskets order by {order}")
    else:
        count = tables.row_count("baskets")
        cells = pd.DataFrame(index=range(min(1, count)))
    # Renamed, so that a query that joins baskets and cells can distinguish the columns.
    numbered = cells.add_prefix("cell_").assign(cell_id=range(len(cells)))
    tables.put("cells", numbered)
    same = " and ".join(f"{values[name]} = cells.cell_{name}" for name in names) or "true"
    # A frame may repeat an item of a basket.
    distinct = "distinct" if isinstance(baskets, pd.DataFrame) else ""
    tables.keep(
        "baskets",
        f"select {distinct} basket_id, cast(item as {tables.text}) as item, cells.cell_id "
        f"from baskets inner join cells on {same}",
    )
    return WarehouseBaskets(tables, cells)


def _refuse_nulls(null_counts: dict[str, int]) -> None:
    for column, null_count in null_counts.items():
        if null_count:
            raise ValueError(f"{column} is null in {int(null_count):,} rows: filter them out")
