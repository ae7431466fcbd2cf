"""Query the marts on the engine that built them."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientele.places import warehouse_file


def reader_limits() -> dict[str, str]:
    """Return DuckDB's settings for readers of a publication: its memory, and where it spills to.

    It does not spill next to the file, because a publication must never change.
    """
    return {
        "memory_limit": os.environ.get("CLIENTELE_MEMORY_LIMIT", "1400MB"),
        "temp_directory": os.environ.get("CLIENTELE_TEMP", tempfile.gettempdir()),
    }


@dataclass
class Warehouse:
    """Built marts: ``query`` takes SQL that both engines read and returns rows as tuples."""

    query: Callable[[str], list[tuple]]
    place: str

    def marts(self) -> set[str]:
        """Return the names of the marts; not every source has all of them."""
        # Spark names the schema with each table.
        return {str(value) for row in self.query("show tables from marts") for value in row}


@contextmanager
def warehouse(target: str, project: Path) -> Iterator[Warehouse]:
    """Open the marts that a build with ``target`` left: `duckdb`, or a Spark target.

    Raises:
        ValueError: marts are missing; the message states how to build them.
    """
    remedy = "run `clientele build` (or `dbt build`) first"
    if target != "duckdb":
        from pyspark.errors import AnalysisException

        from dbt_spark_python import spark_session

        with spark_session("session" if target == "spark" else "thrift") as spark:
            folder = spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")
            try:
                yield Warehouse(
                    query=lambda sql: [tuple(row) for row in spark.sql(sql).collect()],
                    place=f"{folder}/marts.db",
                )
            except AnalysisException as error:
                reason = str(error).splitlines()[0]
                raise ValueError(f"no complete marts in {folder} ({reason}); {remedy}") from None
        return
    database = warehouse_file(project)
    if not database.is_file():
        raise ValueError(f"no warehouse at {database}; {remedy}")
    with duckdb.connect(str(database), read_only=True) as connection:
        try:
            yield Warehouse(
                query=lambda sql: connection.execute(sql).fetchall(), place=str(database)
            )
        except duckdb.CatalogException as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{database} does not hold all marts ({reason}); {remedy}") from None
