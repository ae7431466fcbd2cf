"""Figures for the dashboard: read from one publication, small cells hidden, written as JSON.

A page's loader names its tables in SQL; this module sees to it that no figure of fewer customers
than the publication's ``min_cell`` leaves it, nor one that could be had by subtraction.
"""

import datetime
import decimal
import json
import math
import os
import sys
from pathlib import Path
from typing import TextIO

import duckdb
import numpy as np
import pandas as pd

ALL = "All countries"
OTHER = "Other countries"
# Beyond so many a list of countries is no filter any more.
PLACES_SHOWN = 12


def small_cells(
    frame: pd.DataFrame,
    customers: str,
    min_cell: int,
    *,
    margins: list[list[str]] = (),
    total: tuple[str, str] | None = None,
) -> pd.Series:
    """Say which rows must not be shown.

    A row of 1 to ``min_cell`` - 1 customers is hidden (primary suppression). Where the hidden rows
    of a sum that can be known hold fewer than ``min_cell`` customers together, the sum less the
    rows shown would tell them: the next smallest row is hidden too, until nothing changes
    (secondary suppression; Hundepool et al., Statistical Disclosure Control, 2012, chapter 4).

    Args:
        frame: One row per cell.
        customers: Column with the cell's number of customers; null is none.
        min_cell: Fewest customers that may be shown.
        margins: Each a list of columns: rows equal in them add up to a figure that can be known.
        total: A column and its value in the rows that are sums of the others, equal in every
            other key; such sums are not added to their parts, and parts of a hidden sum are
            hidden. The other keys are the columns of the margins.

    Returns:
        Booleans in the frame's index, true where hidden.
    """
    count = frame[customers].fillna(0).to_numpy(dtype=float)
    hidden = (count > 0) & (count < min_cell)
    is_total = np.zeros(len(frame), dtype=bool)
    families = []
    if total:
        column, value = total
        is_total = (frame[column] == value).to_numpy()
        keys = sorted({name for margin in margins for name in margin} - {column})
        families = _groups(frame, keys, np.ones(len(frame), dtype=bool))
    groups = [rows for margin in margins for rows in _groups(frame, margin, ~is_total)]
    if total:
        groups += [rows for margin in margins for rows in _groups(frame, margin, is_total)]
        groups += _groups(frame, keys, ~is_total)
    while True:
        before = hidden.sum()
        for rows in families:
            if (hidden & is_total)[rows].any():
                hidden[rows] |= count[rows] > 0
        for rows in groups:
            left = count[rows][hidden[rows]].sum()
            shown = rows[~hidden[rows] & (count[rows] > 0)]
            if 0 < left < min_cell and len(shown):
                hidden[shown[np.argmin(count[shown])]] = True
        if hidden.sum() == before:
            return pd.Series(hidden, index=frame.index)


def _groups(frame: pd.DataFrame, columns: list[str], chosen: np.ndarray) -> list[np.ndarray]:
    """Return the positions of the chosen rows, in groups that are equal in ``columns``."""
    positions = np.flatnonzero(chosen)
    if not len(positions) or not columns:
        return [positions] if len(positions) else []
    labels = frame.iloc[positions].groupby(columns, dropna=False).ngroup().to_numpy()
    order = np.argsort(labels, kind="stable")
    return np.split(positions[order], np.flatnonzero(np.diff(labels[order])) + 1)


class Page:
    """The tables of one page of the dashboard, from one publication."""

    def __init__(self, folder: Path):
        """Open the publication in ``folder``, which holds ``clientele.duckdb``.

        Raises:
            ValueError: There is none in it.
        """
        file = folder / "clientele.duckdb"
        if not file.is_file():
            raise ValueError(f"no publication in {folder}; `make run` builds and publishes one")
        self.folder = folder
        limit = {"memory_limit": os.environ.get("CLIENTELE_MEMORY_LIMIT", "4GB")}
        self.connection = duckdb.connect(str(file), read_only=True, config=limit)
        self.about = self.frame("from marts.publications").iloc[0].to_dict()
        self.min_cell = int(self.about["min_cell"])
        self.tables: dict[str, dict] = {}
        self.lists: dict[str, object] = {}
        self.connection.execute(
            f"""
            create temp table known_customers as
            with placed as (
                select customer_id, coalesce(country, 'Unknown country') as country
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
                    when ranked.customer_count >= {self.min_cell}
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

    def earlier(self) -> "Page | None":
        """Return the publication that this one replaced, or nothing where it is not kept."""
        name = self.about["previous_build_id"]
        folder = self.folder.parent / name if isinstance(name, str) else None
        # A restored publication may be of another source; it is then nothing to compare with.
        if folder is None or not (folder / "clientele.duckdb").is_file():
            return None
        page = Page(folder)
        return page if page.about["source_name"] == self.about["source_name"] else None

    def add(
        self,
        name: str,
        rows: str | pd.DataFrame,
        *,
        keys: list[str],
        margins: list[list[str]] = (),
        by_place: bool = False,
        customers: str = "customer_count",
        parts: dict[str, list[str]] | None = None,
    ) -> None:
        """Add a table; all its columns but the keys are figures, null where they are hidden.

        Args:
            name: What the page calls it.
            rows: SQL on the publication, or a frame.
            keys: Columns that may be seen of every row.
            margins: As in ``small_cells``.
            by_place: Whether a column ``place`` holds countries and all of them.
            customers: The column with each row's number of customers.
            parts: Columns that count some of a row's customers, and for each the figures that tell
                its share: all are null where the part, or the rest of the row, is of too few.
        """
        frame = self.frame(rows) if isinstance(rows, str) else rows
        sums = {"margins": margins, "total": ("place", ALL) if by_place else None}
        hidden = small_cells(frame, customers, self.min_cell, **sums)
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

    def add_facts(self, name: str, sql: str) -> None:
        """Add a table that tells nothing of customers: of models, versions, thresholds."""
        self.tables[name] = {"customers": None, "figures": [], "rows": _records(self.frame(sql))}

    def add_list(self, name: str, content: object) -> None:
        """Add keys and names of customers or products, without any figure."""
        self.lists[name] = content

    def write(self, stream: TextIO = sys.stdout) -> None:
        """Write what the page needs, as one JSON document."""
        about = {key: _plain(value) for key, value in self.about.items()}
        document = {"about": about, "tables": self.tables, "lists": self.lists}
        json.dump(document, stream, separators=(",", ":"), allow_nan=False)


def open_page() -> Page:
    """Open the publication that the site is built from: CLIENTELE_PUBLICATION names its folder."""
    return Page(Path(os.environ["CLIENTELE_PUBLICATION"]))


def _records(frame: pd.DataFrame) -> list[dict]:
    columns = [[_plain(value) for value in frame[name]] for name in frame.columns]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: object) -> object:
    """Return a value that JSON has: dates as text, money and numbers as they are, else null."""
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
