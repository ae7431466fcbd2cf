"""Move tables between the warehouse and pandas."""

from decimal import Decimal

import pandas as pd
from pandas.api.types import is_object_dtype


def collect(relation, key: str | list[str], *, max_rows: int = 5_000_000) -> pd.DataFrame:
    """Return a relation of ``dbt.ref``, DuckDB's or Spark's, as a frame indexed by ``key``.

    Rows are sorted by the key: a database returns them in any order, and a seeded algorithm is
    reproducible only if its input is. Decimals become floats.

    Raises ``ValueError`` if there are more than ``max_rows`` rows (they are counted before any
    is fetched), or if the key is null or not unique.
    """
    # Testing for `df` is not enough: a Spark Connect frame returns any attribute, as a column.
    is_duckdb = not hasattr(relation, "toPandas")
    row_count = len(relation) if is_duckdb else relation.count()
    if row_count > max_rows:
        raise ValueError(
            f"{row_count:,} rows are more than the {max_rows:,} that fit in memory: "
            "lower the sample size of this model (vars ending in `_sample_size`)"
        )
    frame = relation.df() if is_duckdb else relation.toPandas()
    for name, column in frame.items():
        if is_object_dtype(column) and any(isinstance(value, Decimal) for value in column):
            frame[name] = column.astype(float)

    keys = [key] if isinstance(key, str) else list(key)
    null_count = int(frame[keys].isna().any(axis=1).sum())
    if null_count:
        raise ValueError(f"key {', '.join(keys)} is null in {null_count:,} rows: filter them out")
    duplicate_count = int(frame.duplicated(keys).sum())
    if duplicate_count:
        raise ValueError(
            f"key {', '.join(keys)} repeats in {duplicate_count:,} rows: "
            "the model must have one row per key"
        )
    return frame.sort_values(keys, ignore_index=True).set_index(key)


def as_table(session, frame: pd.DataFrame, types: dict[str, str]):
    """Return ``frame`` as a relation of the engine behind ``session``, with the given types.

    ``types`` maps columns, in order, to names of types that both engines read. Without them an
    empty frame would have no types, and a date would become a timestamp. NaN becomes null.
    """
    frame = frame.reindex(columns=list(types))
    if hasattr(session, "createDataFrame"):
        casts = {"int": int, "double": float, "boolean": bool, "string": str}
        columns = []
        for name, kind in types.items():
            cast = casts.get(kind) or (lambda value: pd.Timestamp(value).date())
            columns.append([None if pd.isna(value) else cast(value) for value in frame[name]])
        schema = ", ".join(f"{name} {kind}" for name, kind in types.items())
        return session.createDataFrame(list(zip(*columns, strict=True)), schema)
    columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
    return session.from_df(frame).project(columns)


def stored_versions(dbt, session) -> set[int]:
    """Return the versions that an append-only model holds already, none on its first run."""
    if not dbt.is_incremental:
        return set()
    found = session.sql(f"select distinct version from {dbt.this}")
    rows = found.collect() if hasattr(found, "collect") else found.fetchall()
    return {int(row[0]) for row in rows}
