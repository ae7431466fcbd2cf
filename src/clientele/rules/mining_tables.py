"""Temporary tables of one mining, with the same interface on DuckDB and Spark.

Queries name tables ``held``, ``items``, ...; in the session each mining adds its own prefix, so
that two minings at the same time do not conflict.
"""

import re
from itertools import count

import duckdb
import pandas as pd

_NUMBERS = count(1)


def working_tables(session, **relations):
    """Return tables of ``session`` under the names of ``relations``.

    ``relations`` are data frames (then ``session`` may be None), or relations of DuckDB or frames
    of Spark. ``columns`` of the result are those of the relation ``baskets``, if there is one.

    Example:
        >>> tables = working_tables(None, baskets=pd.DataFrame({"basket_id": [1, 1, 2]}))
        >>> tables.row_count("baskets")
        3
        >>> tables.drop()
    """
    is_spark = hasattr(next(iter(relations.values())), "toPandas")
    return (SparkTables if is_spark else DuckDBTables)(session, relations)


class _Tables:
    def __init__(self, relations: dict) -> None:
        self.prefix = f"mining_{next(_NUMBERS)}_"
        self.names = {}
        self.columns = set(relations["baskets"].columns) if "baskets" in relations else set()
        for name, relation in relations.items():
            self._name(name, relation)

    def _own(self, query: str) -> str:
        """Replace our names by those of the session."""
        return re.sub(r"\b[a-z_0-9]+\b", lambda m: self.names.get(m[0], m[0]), query)

    def row_count(self, name: str) -> int:
        """Return how many rows a table has."""
        return int(self.rows(f"select count(*) as n from {name}")["n"].iloc[0])


class DuckDBTables(_Tables):
    """Temporary tables of a DuckDB connection."""

    is_spark = False
    text = "varchar"

    def __init__(self, session, relations: dict) -> None:
        """Take relations of ``session``, or data frames for a connection of our own."""
        # Opening a connection takes longer than mining a small frame, which may not need one.
        self._session, self._waiting, self.registered = session, {}, {}
        super().__init__(relations)

    @property
    def session(self):
        """The connection, opened by the first query."""
        if self._session is None:
            self._session = duckdb.connect()
            for own, frame in self._waiting.items():
                self._session.register(own, frame)
            self._waiting = {}
        return self._session

    def _name(self, name: str, frame) -> None:
        own = f"{self.prefix}{name}"
        if self._session is None:
            self._waiting[own] = frame
        else:
            if self.registered.get(name) == own:
                self.session.unregister(own)
            self.session.register(own, frame)
        self.names[name] = self.registered[name] = own

    def row_count(self, name: str) -> int:
        """Return how many rows a table has."""
        frame = self._waiting.get(self.names[name])
        return super().row_count(name) if frame is None else len(frame)

    def put(self, name: str, frame: pd.DataFrame) -> None:
        """Make a data frame a table; its numbers must fit in 32 bits."""
        # Shorter keys make joins and groups faster.
        self._name(name, frame.astype(dict.fromkeys(frame.select_dtypes("int64"), "int32")))

    def keep(self, name: str, query: str) -> None:
        """Store a query's rows under a name."""
        query, own = self._own(query), f"{self.prefix}{name}_kept"
        self.session.sql(f"create or replace temp table {own} as {query}")
        if self.names.get(name) != own:
            self._forget(name)
        self.names[name] = own

    def rows(self, query: str) -> pd.DataFrame:
        """Return a query's rows."""
        return self.session.sql(self._own(query)).df()

    def drop(self, *names: str) -> None:
        """Drop the tables named, all without a name."""
        for name in names or tuple(self.names):
            self._forget(name)

    def _forget(self, name: str) -> None:
        own = self.names.pop(name, None)
        if own is None or self._waiting.pop(own, None) is not None:
            return
        if self.registered.get(name) == own:
            self.session.unregister(self.registered.pop(name))
        else:
            self.session.sql(f"drop table if exists temp.{own}")


class SparkTables(_Tables):
    """Views of a Spark session on rows that its executors keep, on disk if memory is full."""

    is_spark = True
    text = "string"

    def __init__(self, session, relations: dict) -> None:
        """Take data frames of ``session``."""
        self.session = session
        super().__init__(relations)

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
        """Store a query's rows under a name."""
        # Cut from their lineage, because each level reads the last one several times.
        self._name(name, self.session.sql(self._own(query)).localCheckpoint())

    def rows(self, query: str) -> pd.DataFrame:
        """Return a query's rows."""
        return self.session.sql(self._own(query)).toPandas()

    def drop(self, *names: str) -> None:
        """Drop the tables named, all without a name."""
        for name in names or tuple(self.names):
            self.session.catalog.dropTempView(self.names.pop(name))
