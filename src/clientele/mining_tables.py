"""Working tables of the warehouse that last as long as a mining, alike on DuckDB and Spark.

Queries name tables as ``held``, ``items``, ...; in the session they carry a prefix of their own, so
that minings at the same time do not meet.
"""

import re
from dataclasses import dataclass
from itertools import count

import duckdb
import numpy as np
import pandas as pd

from clientele.frames import collect

ROWS_AT_A_TIME = 10_000_000
_NUMBERS = count(1)


@dataclass
class Lists:
    """The items of each basket: ``items[starts[b]:starts[b + 1]]``, ascending, and its cell."""

    items: np.ndarray
    starts: np.ndarray
    cell: np.ndarray


class _Tables:
    def __init__(self, columns) -> None:
        self.columns = set(columns)
        self.prefix = f"mining_{next(_NUMBERS)}_"
        self.names = {}

    def _own(self, query: str) -> str:
        """Put the session's names in place of ours."""
        return re.sub(r"\b[a-z_0-9]+\b", lambda m: self.names.get(m[0], m[0]), query)


class DuckDBTables(_Tables):
    """Temporary tables of a DuckDB connection."""

    is_spark = False

    def __init__(self, baskets, session) -> None:
        super().__init__(baskets.columns)
        self.session, self.baskets = session or duckdb.connect(), baskets
        self.registered = set()

    def put(self, name: str, frame: pd.DataFrame) -> None:
        """Make a data frame a table."""
        self.names[name] = f"{self.prefix}{name}"
        self.session.register(self.names[name], frame)
        self.registered.add(name)

    def keep(self, name: str, query: str) -> None:
        """Store a query's rows."""
        baskets = self.baskets  # noqa: F841 (DuckDB finds it by its name)
        query = self._own(query)
        self.names[name] = f"{self.prefix}{name}"
        self.session.sql(f"create or replace temp table {self.names[name]} as {query}")

    def rows(self, query: str) -> pd.DataFrame:
        """Return a query's rows."""
        baskets = self.baskets  # noqa: F841
        return self.session.sql(self._own(query)).df()

    def lists(self, cell_of_row: str) -> Lists:
        """Return the baskets with two or more ``items`` as lists, cell after cell."""
        baskets = self.baskets  # noqa: F841
        counts = "select (select count(*) from items) as items, (select count(*) from baskets) as n"
        item_count, row_count = self.rows(counts).iloc[0]
        kind = np.uint16 if item_count <= 2**16 else np.int32
        items, lengths, cells = [], [], []
        # In parts: DuckDB keeps the lists that it is making in memory.
        part_count = -(-int(row_count) // ROWS_AT_A_TIME)
        for part in range(part_count):
            query = f"""
                select cells.cell_id, list_sort(list(items.item_id::int)) as item_ids
                from baskets inner join items on baskets.item = items.item
                inner join cells on {cell_of_row}
                where hash(baskets.basket_id) % {part_count} = {part}
                group by baskets.basket_id, cells.cell_id having count(*) > 1
            """
            for batch in self.session.sql(self._own(query)).to_arrow_reader(500_000):
                lists = batch.column("item_ids")
                items.append(lists.flatten().to_numpy(zero_copy_only=False).astype(kind))
                lengths.append(np.diff(lists.offsets.to_numpy()).astype(np.int32))
                cell = batch.column("cell_id").to_numpy(zero_copy_only=False)
                cells.append(cell.astype(np.int32))
        return _by_cell(_join(items, kind), _join(lengths, np.int32), _join(cells, np.int32))

    def drop(self, *names: str) -> None:
        """Drop the tables named, all without a name."""
        for name in names or tuple(self.names):
            own = self.names.pop(name)
            if name in self.registered:
                self.session.unregister(own)
            else:
                self.session.sql(f"drop table if exists temp.{own}")


def _join(parts: list[np.ndarray], kind) -> np.ndarray:
    joined = np.concatenate(parts) if parts else np.empty(0)
    parts.clear()
    return joined.astype(kind, copy=False)


def _by_cell(items: np.ndarray, lengths: np.ndarray, cells: np.ndarray) -> Lists:
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    if len(cells) and (cells[:-1] > cells[1:]).any():
        order = np.argsort(cells, kind="stable")
        moved = lengths[order]
        new_starts = np.concatenate([[0], np.cumsum(moved, dtype=np.int64)])
        where = np.repeat((starts[:-1][order] - new_starts[:-1]).astype(np.int32), moved)
        where += np.arange(len(items), dtype=np.int32)
        items, starts, cells = items[where], new_starts, cells[order]
    return Lists(items, starts.astype(np.int32), cells)


class SparkTables(_Tables):
    """Views of a Spark session on rows kept by its executors, on disk where memory ends."""

    is_spark = True

    def __init__(self, baskets, session) -> None:
        super().__init__(baskets.columns)
        self.session, self.baskets = session, baskets
        self._name("baskets", baskets)

    def _name(self, name: str, frame) -> None:
        self.names[name] = f"{self.prefix}{name}"
        frame.createOrReplaceTempView(self.names[name])

    def put(self, name: str, frame: pd.DataFrame) -> None:
        """Make a data frame a table."""
        types = {"O": "string", "i": "bigint", "b": "boolean"}
        kinds = {c: types.get(frame[c].to_numpy().dtype.kind, "string") for c in frame}
        schema = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
        rows = [tuple(row) for row in frame.astype(object).to_numpy().tolist()]
        self._name(name, self.session.createDataFrame(rows, schema))

    def keep(self, name: str, query: str) -> None:
        """Store a query's rows."""
        # Without what they were made of: each level reads the last one several times over.
        self._name(name, self.session.sql(self._own(query)).localCheckpoint())

    def rows(self, query: str) -> pd.DataFrame:
        """Return a query's rows."""
        return self.session.sql(self._own(query)).toPandas()

    def lists(self, cell_of_row: str) -> Lists:
        """Return the baskets with two or more ``items`` as lists, cell after cell."""
        query = f"""
            select baskets.basket_id, items.item_id, cells.cell_id
            from baskets inner join items on baskets.item = items.item
            inner join cells on {cell_of_row}
        """
        rows = collect(self.session.sql(self._own(query)), key=["cell_id", "basket_id", "item_id"])
        rows = rows.reset_index()
        new = rows["basket_id"].ne(rows["basket_id"].shift())
        starts = np.flatnonzero(new.to_numpy())
        return Lists(
            rows["item_id"].to_numpy(dtype=np.int32),
            np.append(starts, len(rows)).astype(np.int32),
            rows["cell_id"].to_numpy(dtype=np.int32)[starts],
        )

    def drop(self, *names: str) -> None:
        """Drop the tables named, all without a name."""
        for name in names or tuple(self.names):
            self.session.catalog.dropTempView(self.names.pop(name))
