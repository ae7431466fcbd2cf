"""Figures for the dashboard: read from one publication, small cells hidden.

A page's module names its tables in SQL. No figure of fewer customers than the publication's
``min_cell`` is written, and none that could be derived by subtraction: see `clientele.disclosure`.
"""

import datetime
import decimal
import math
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from clientele.disclosure import small_cells
from clientele.warehouse import reader_limits

ALL = "All countries"
OVER_PLACES = ("place", ALL)
OTHER = "Other countries"
# A filter with more countries would be too long to use.
PLACES_SHOWN = 12


class Page:
    """The tables of one page of the dashboard, from one publication."""

    def __init__(self, folder: Path, *, place_cells: int = 20):
        """Open the publication in ``folder``, which holds ``clientele.duckdb``.

        A country is one of ``Other countries`` where it has fewer than ``place_cells`` smallest
        cells of customers: most of its figures would be hidden, and some of others with them.

        Raises:
            ValueError: There is no publication in it.
        """
        file = folder / "clientele.duckdb"
        if not file.is_file():
            raise ValueError(f"no publication in {folder}; `clientele publish` makes one")
        self.folder = folder
        self.connection = duckdb.connect(str(file), read_only=True, config=reader_limits())
        self.about = self.frame("from marts.publications").iloc[0].to_dict()
        self.min_cell = int(self.about["min_cell"])
        self.tables: dict[str, dict] = {}
        self.connection.execute(
            f"""
            create temp table known_customers as
            with placed as (
                select customer_id, coalesce(acquisition_country, 'Unknown country') as country
                from marts.dim_customers
                where customer_id in (select customer_id from marts.fct_customer_features)
            ),
            ranked as (
                select country, count(*) as customer_count,
                    row_number() over (order by count(*) desc, country) as place_rank
                from placed group by country
            )
            select
                placed.customer_id,
                case
                    when ranked.customer_count >= {place_cells * self.min_cell}
                        and ranked.place_rank <= {PLACES_SHOWN} then placed.country
                    else '{OTHER}'
                end as place
            from placed join ranked using (country);

            -- Every customer twice, in the country and in all; once where there is but one.
            create temp table placed_customers as
            select customer_id, '{ALL}' as place from known_customers
            union all
            select customer_id, place from known_customers
            where (select count(distinct place) from known_customers) > 1;
            """
        )

    def frame(self, sql: str) -> pd.DataFrame:
        """Return the rows of a query on the publication."""
        return self.connection.execute(sql).df()

    def has(self, mart: str) -> bool:
        """Return whether the publication has a mart; some exist only if the source brings them."""
        return bool(
            self.connection.execute(
                "select 1 from duckdb_tables() where schema_name = 'marts' and table_name = ? "
                "union all "
                "select 1 from duckdb_views() where schema_name = 'marts' and view_name = ?",
                [mart, mart],
            ).fetchall()
        )

    def attach_earlier(self) -> bool:
        """Attach the publication that this one replaced as ``earlier``; false if it is not kept."""
        name = self.about["previous_build_id"]
        file = self.folder.parent / str(name) / "clientele.duckdb"
        if not isinstance(name, str) or not file.is_file():
            return False
        self.connection.execute("attach ? as earlier (read_only)", [str(file)])
        (source,) = self.connection.execute(
            "select source_name from earlier.marts.publications"
        ).fetchone()
        # The previous publication may be of another source; then they cannot be compared.
        return source == self.about["source_name"]

    def add(
        self,
        name: str,
        rows: str | pd.DataFrame,
        *,
        keys: list[str],
        margins: list[list[str]] = (),
        total: tuple[str, str] | None = None,
        also: pd.Series | None = None,
        customers: str = "customer_count",
        parts: dict[str, list[str]] | None = None,
    ) -> pd.Series:
        """Add a table; all its columns but the keys are figures, null where they are hidden.

        Args:
            name: Name of the table on the page.
            rows: SQL on the publication, or a frame.
            keys: Columns that are shown for every row.
            margins, total, also: As in ``small_cells``.
            customers: The column with each row's number of customers.
            parts: Columns that count some of a row's customers, and for each the figures that
                reveal its share: all are null if the part, or the rest of the row, is too small.

        Returns:
            Booleans, true for hidden rows.
        """
        frame = self.frame(rows) if isinstance(rows, str) else rows
        sums = {"margins": margins, "total": total}
        if total:
            sums["cell"] = [key for key in keys if key != total[0]]
        hidden = small_cells(frame, customers, self.min_cell, **sums, also=also)
        for part, told in (parts or {}).items():
            sides = frame.assign(rest=frame[customers] - frame[part].fillna(0))
            few = small_cells(sides, part, self.min_cell, **sums)
            few |= small_cells(sides, "rest", self.min_cell, **sums) & frame[part].notna()
            frame = frame.astype(dict.fromkeys([part, *told], object))
            frame.loc[few, [part, *told]] = None
        figures = [column for column in frame.columns if column not in keys]
        records = []
        for record, is_hidden in zip(_records(frame), hidden, strict=True):
            if is_hidden:
                record |= dict.fromkeys(figures)
            records.append(record | {"is_hidden": bool(is_hidden)})
        self.tables[name] = {"customers": customers, "figures": figures, "rows": records}
        return hidden

    def add_facts(self, name: str, sql: str) -> None:
        """Add a table without data on customers: models, versions, thresholds."""
        self.tables[name] = {"customers": None, "figures": [], "rows": _records(self.frame(sql))}

    def about_page(self) -> dict:
        """Return what a page says about its publication, and segments' names and colour places."""
        segments = self.frame(
            "select segment_key, segment_name, row_number() over (partition by segmentation "
            "order by length(segment_key), segment_key) - 1 as place from marts.dim_segments"
        )
        known = {
            row.segment_key: {"name": row.segment_name, "place": int(row.place)}
            for row in segments.itertuples()
        }
        return {key: _plain(value) for key, value in self.about.items()} | {"segments": known}

    def packed(self) -> dict[str, dict]:
        """Return the tables, the names of columns once and each row as a list."""
        return {
            name: {
                "columns": list(rows[0]) if (rows := table["rows"]) else [],
                "rows": [list(row.values()) for row in rows],
            }
            for name, table in self.tables.items()
        }


def _records(frame: pd.DataFrame) -> list[dict]:
    columns = [[_plain(value) for value in frame[name]] for name in frame.columns]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: object) -> object:
    """Return a value that JSON can hold: dates as text, money and numbers as numbers, or null."""
    if isinstance(value, np.ndarray | list):
        return [_plain(item) for item in value]
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, pd.Timestamp | datetime.datetime | datetime.date):
        text = value.isoformat()
        return text.removesuffix("T00:00:00")
    return value
