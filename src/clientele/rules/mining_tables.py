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
import pyarrow.compute as pc

from clientele.frames import collect

ROWS_AT_A_TIME = 1_000_000
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
        """Take a relation of ``session``, or a data frame and a connection of our own."""
        super().__init__(baskets.columns)
        self.session = session or duckdb.connect()
        self.registered = set()
        self._name("baskets", baskets)

    def _name(self, name: str, frame) -> None:
        self.names[name] = f"{self.prefix}{name}"
        self.session.register(self.names[name], frame)
        self.registered.add(name)

    def put(self, name: str, frame: pd.DataFrame) -> None:
        """Make a data frame a table; its numbers must fit in 32 bits."""
        # Keys half as long are joined and grouped faster.
        self._name(name, frame.astype(dict.fromkeys(frame.select_dtypes("int64"), "int32")))

    def keep(self, name: str, query: str) -> None:
        """Store a query's rows."""
        query = self._own(query)
        self.names[name] = f"{self.prefix}{name}"
        self.session.sql(f"create or replace temp table {self.names[name]} as {query}")

    def rows(self, query: str) -> pd.DataFrame:
        """Return a query's rows."""
        return self.session.sql(self._own(query)).df()

    def lists(self, cell_of_row: str) -> Lists:
        """Return the ``items`` of the baskets as lists, cell after cell."""
        counts = "select (select count(*) from items) as items, (select count(*) from cells) as n"
        item_count, cell_count = self.rows(counts).iloc[0]
        # Short keys are sorted faster.
        cell, item = ("usmallint" if n <= 2**16 else "int" for n in (cell_count, item_count))
        query = f"""
            select
                cells.cell_id::{cell} as cell_id, baskets.basket_id,
                items.item_id::{item} as item_id
            from baskets inner join items on baskets.item = items.item
            inner join cells on {cell_of_row}
            order by cell_id, baskets.basket_id, item_id
        """
        items, starts, cells, row_count, last = [], [], [], 0, None
        # DuckDB sorts on disk what is too much for memory, and here are only pieces of it.
        for batch in self.session.sql(self._own(query)).to_arrow_reader(ROWS_AT_A_TIME):
            begins = np.zeros(len(batch), dtype=bool)
            for name in ("cell_id", "basket_id"):
                column = batch.column(name)
                begins[1:] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
            first = (batch.column("cell_id")[0], batch.column("basket_id")[0])
            begins[0] = first != last
            last = (batch.column("cell_id")[-1], batch.column("basket_id")[-1])
            # Copied, or the batch would stay.
            items.append(batch.column("item_id").to_numpy().copy())
            starts.append(np.flatnonzero(begins) + row_count)
            cells.append(batch.column("cell_id").to_numpy()[begins])
            row_count += len(batch)
        return Lists(
            np.concatenate(items or [np.empty(0, dtype=np.uint16)]),
            np.concatenate([*starts, [row_count]]).astype(np.int32),
            np.concatenate(cells or [np.empty(0)]).astype(np.int32),
        )

    def drop(self, *names: str) -> None:
        """Drop the tables named, all without a name."""
        for name in names or tuple(self.names):
            own = self.names.pop(name)
            if name in self.registered:
                self.session.unregister(own)
            else:
                self.session.sql(f"drop table if exists temp.{own}")


class SparkTables(_Tables):
    """Views of a Spark session on rows kept by its executors, on disk where memory ends."""

    is_spark = True

    def __init__(self, baskets, session) -> None:
        """Take a data frame of ``session``."""
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
