"""Read the records of exported audiences: Parquet files in a folder, each of one campaign."""

from pathlib import Path

import duckdb

PLANNED = "planned_holdout_share"


def planned_shares(folder: Path) -> dict[str, dict[str, float]]:
    """Return the planned share of each arm by campaign, as the var `campaigns_shares` has it.

    Records of earlier versions keep no plan, and a campaign without a holdout has no arms to
    compare; they are left out.

    Raises:
        ValueError: a file is no record; the message names it.
    """
    shares = {}
    with duckdb.connect() as connection:
        for record in sorted(folder.glob("*.parquet")):
            try:
                rows = connection.from_parquet(str(record))
                if PLANNED not in rows.columns:
                    continue
                planned = rows.aggregate(f"campaign_id, min({PLANNED})").fetchall()
            except duckdb.Error:
                raise ValueError(no_record(record)) from None
            for campaign, share in planned:
                if share:
                    shares[campaign] = {"treated": 1 - share, "control": share}
    return shares


def not_started(connection: duckdb.DuckDBPyConnection, folder: Path, as_of_date) -> list[tuple]:
    """Return the campaigns that begin after ``as_of_date``, which no mart has yet.

    Returns:
        Of each its name, its first day, and its customers that are treated and held out.
    """
    if not any(folder.glob("*.parquet")):
        return []
    return connection.execute(
        """
        select
            campaign_id, cast(min(assigned_at) as date) as first_date,
            count(*) filter (arm = 'treated'), count(*) filter (arm = 'control')
        from read_parquet($files, union_by_name = true)
        group by campaign_id
        having first_date > $day
        order by first_date, campaign_id
        """,
        {"files": str(folder / "*.parquet"), "day": as_of_date},
    ).fetchall()


def no_record(file: Path) -> str:
    """Return what to tell about a file that is no record."""
    return f"{file} is no record of an export; restore it, or move it away if it is none"
