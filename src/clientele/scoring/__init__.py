"""Score customers within a second of their order: what a build would say, without one."""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock
from zoneinfo import ZoneInfo

from clientele.scoring.engine import Scorer, Scores

__all__ = ["Scores", "score"]
_lock = Lock()
_scorers: dict[Path, tuple[tuple, Scorer]] = {}


def score(lines, *, warehouse: str | Path | None = None, as_of: date | str | None = None) -> Scores:
    """Score the customers of some order lines, which are added to what the warehouse has of them.

    Nothing is written to the warehouse, and its file is held only during a call. The first call
    reads what the build knows of the shop and plans its SQL; later calls are faster, until another
    build has replaced it. Calls on one warehouse wait for each other.

    Args:
        lines: Lines in the columns of the source: a list of dictionaries, the path of a CSV,
            JSON-lines or Parquet file, or ``-`` for standard input.
        warehouse: The DuckDB file of a build that passed; otherwise CLIENTELE_DB
            (clientele.duckdb).
        as_of: The day for which the scores hold; otherwise that of the build, or of the last line
            that counts if it is later.

    Returns:
        A dictionary per customer and what was left out; docs/score.md describes them.

    Raises:
        ValueError: lines that cannot be read or lack a column of the source; no warehouse, no build
            that passed, or one that is running; a day before the build's.

    Example::

        import clientele

        line = {"order_id": "10248", "customer_id": "C7", "product_id": "P1",
                "ordered_at": "2026-01-02 10:15:00", "quantity": 2, "unit_price": 9.5, ...}
        clientele.score([line]).customers[0]["rfm"]["rfm_group"]
    """
    place = Path(warehouse or os.environ.get("CLIENTELE_DB") or "clientele.duckdb").absolute()
    if isinstance(as_of, str):
        try:
            as_of = date.fromisoformat(as_of)
        except ValueError:
            raise ValueError(f"'{as_of}' is no day; write it as YYYY-MM-DD") from None
    return _scorer(place).score(lines, as_of)


def _scorer(place):
    """Return a scorer for the file as it is now, and for today."""
    with _lock:
        known, scorer = _scorers.get(place, (None, None))
        if scorer is None or known != _state(place, scorer.kept.source):
            scorer = Scorer(place, _today({}))
            scorer.today = _today(scorer.kept.source)
            _scorers[place] = _state(place, scorer.kept.source), scorer
        return scorer


def _state(place, source):
    stat = place.stat() if place.is_file() else None
    return stat and (stat.st_mtime_ns, stat.st_size, stat.st_ino, _today(source))


def _today(source):
    """Return today in the source's time zone, after which lines are taken for mistakes."""
    return (
        datetime.now(UTC).astimezone(ZoneInfo(source.get("timezone") or "UTC")).date().isoformat()
    )
