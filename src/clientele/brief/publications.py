"""Choose the two publications of a page, and read them together, read-only."""

import datetime
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientele.publishing import copies, folders
from clientele.warehouse import reader_limits

# The publication before is this much older by default, so that a page covers whole weeks.
MIN_DAYS = 7


@dataclass(frozen=True)
class Pair:
    """The rows of ``publications`` of the current and of an earlier one, if there is one."""

    folder: Path
    now: dict
    before: dict | None


def choose(folder: Path, since: str | None = None) -> Pair:
    """Return the current publication and the one that it is compared with.

    By default that is the newest of the same source whose as-of date is at least a week earlier,
    else the newest of any earlier day. One of the same day is taken only if ``since`` names it.

    Args:
        folder: The folder of publications.
        since: A build id, or a day (YYYY-MM-DD): the newest publication as of that day or before.

    Raises:
        ValueError: Nothing is published, or nothing fits ``since``.
    """
    current = folders.current_build(folder)
    if current is None:
        raise ValueError(
            f"nothing is published in {folder}; `clientele build` and `clientele publish` do that"
        )
    kept = folders.publications(folder)
    now = next(row for row in kept if row["build_id"] == current)
    others = [
        row
        for row in kept
        if row["build_id"] != current and row["source_name"] == now["source_name"]
    ]
    if since is None:
        return Pair(folder, now, _default(others, now))
    known = ", ".join(f"{row['build_id']} (as of {row['as_of_date']})" for row in others)
    found = [row for row in others if row["build_id"] == since]
    if not found and (day := _day(since)):
        found = sorted(
            (row for row in others if row["as_of_date"] <= day),
            key=lambda row: (row["as_of_date"], row["build_id"]),
            reverse=True,
        )
    if not found:
        raise ValueError(f"no publication {since} of this source; there are: {known or 'none'}")
    return Pair(folder, now, found[0])


def _default(others: list[dict], now: dict) -> dict | None:
    def age(row):
        return (now["as_of_date"] - row["as_of_date"]).days

    for fits in (lambda row: age(row) >= MIN_DAYS, lambda row: age(row) > 0):
        if found := [row for row in others if fits(row)]:
            return max(found, key=lambda row: (row["as_of_date"], row["build_id"]))
    return None


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


class Reader:
    """Queries on both publications: catalogs ``now`` and, if ``has_before``, ``before``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, pair: Pair):
        """Read which marts there are; the connection has the publications attached."""
        self.connection, self.pair = connection, pair
        self.has_before = pair.before is not None
        self.columns: dict[tuple[str, str], set[str]] = {}
        for catalog, table, column in self.rows(
            "select database_name, table_name, column_name from duckdb_columns() "
            "where schema_name = 'marts'"
        ):
            self.columns.setdefault((catalog, table), set()).add(column)

    def has(self, table: str, *columns: str, catalog: str = "now") -> bool:
        """Return whether a publication has the mart, with these columns."""
        return set(columns) <= self.columns.get((catalog, table), set()) and (
            (catalog, table) in self.columns
        )

    def rows(self, sql: str, parameters: dict | None = None) -> list[tuple]:
        """Return the rows of a query."""
        return self.connection.execute(sql, parameters or {}).fetchall()

    def frame(self, sql: str, parameters: dict | None = None):
        """Return the rows of a query as a data frame."""
        return self.connection.execute(sql, parameters or {}).df()


@contextmanager
def reader(pair: Pair):
    """Open the publications of a pair."""
    with duckdb.connect(config=reader_limits()) as connection:
        for catalog, record in (("now", pair.now), ("before", pair.before)):
            if record is not None:
                file = str(pair.folder / record["build_id"] / copies.DATABASE).replace("'", "''")
                connection.execute(f"attach '{file}' as {catalog} (read_only)")
        yield Reader(connection, pair)
