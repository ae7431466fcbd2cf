"""Columns and files of the simulator."""

from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

FORMATS = ("parquet", "jsonl", "csv")
NULL = np.iinfo(np.int64).min


def ids(prefix, numbers: np.ndarray) -> pa.Array:
    """Join a prefix and a number; a negative number gives null."""
    texts = pa.array(numbers, mask=numbers < 0).cast(pa.string())
    return pc.binary_join_element_wise(prefix, texts, "")


def money(pence: np.ndarray) -> pa.Array:
    """Turn whole pence into decimals of two places."""
    known = pa.array(pence, mask=pence == NULL).cast(pa.decimal128(19, 0))
    scaled = pc.multiply(known, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2)))
    return scaled.cast(pa.decimal128(18, 2))


def write(table: pa.Table, path: Path, file_format: str) -> None:
    """Write a table in one of the formats; the same table gives the same bytes."""
    if file_format == "parquet":
        pa.parquet.write_table(table, path, compression="zstd")
        return
    options = "format csv, header" if file_format == "csv" else "format json"
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.register("simulated", table)
        connection.execute(f"copy simulated to '{path}' ({options})")
