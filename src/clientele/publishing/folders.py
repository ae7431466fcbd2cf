"""Keep publications in a folder, and switch readers from one to the next.

A publication is a folder named after its build, and it never changes once it has that name.
``current`` is a link to one of them, switched by one rename. It always leads to a complete
publication, even if the publisher is killed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientele.locks import exclusive
from clientele.publishing.builds import Build, whole
from clientele.publishing.copies import (
    net_amount,
    record_of,
    refuse_if_changed,
    row_counts,
    sync,
    write,
)

CURRENT = "current"
# The mart whose rows tell whether a source has lost its data.
ORDERS = "fct_orders"


@dataclass(frozen=True)
class Outcome:
    """What `publish` did: the publication, and whether it is new or was current already."""

    build_id: str
    is_new: bool
    was_current: bool


def publish(
    build: Build,
    database: Path,
    folder: Path,
    *,
    kept: int,
    git_commit: str | None = None,
    min_share: float = 0.0,
) -> Outcome:
    """Publish the marts of ``build``, which are in ``database``, in ``folder``.

    The ``kept`` latest publications stay, including this one; this one and the one it replaces
    always stay. A build that has been published already only becomes current again.

    Above 0, ``min_share`` is the least share of the orders of the current publication that a new
    one of the same source may have; a publication without orders is then refused too.

    Raises:
        ValueError: the database has changed since the build, a copy differs from the original, or
            there are too few orders.
        OSError: another publisher is at work, or a file cannot be written. ``current`` is then as
            before, or leads to this build if only that name could not be flushed.
    """
    whole("publications_kept", kept)
    refuse_if_changed(build, database)
    with _lock(folder):
        _clear_up(folder)
        previous, final = current_build(folder), folder / build.build_id
        is_new = not final.exists()
        if is_new:
            temporary = folder / f".{build.build_id}.tmp"
            try:
                write(build, database, temporary, previous, git_commit)
                if min_share > 0:
                    _refuse_loss(temporary, folder / previous if previous else None, min_share)
                os.rename(temporary, final)
                sync(folder)
            except BaseException as error:
                # The next publisher removes what cannot be removed now.
                with suppress(OSError):
                    _remove(temporary)
                if isinstance(error, duckdb.Error):
                    raise OSError(f"could not publish {database}: {error}") from error
                raise
        if previous != build.build_id:
            _switch(folder, build.build_id)
        stay = {build.build_id, previous, record_of(final)["previous_build_id"]}
        for old in sorted(_build_ids(folder), reverse=True)[kept:]:
            if old not in stay:
                # Renamed first, so that no half-removed publication has its name.
                with suppress(OSError):
                    os.rename(folder / old, folder / f".{old}.tmp")
        _clear_up(folder)
        return Outcome(build.build_id, is_new, previous == build.build_id)


def roll_back(folder: Path, build_id: str | None = None) -> str:
    """Make ``build_id`` current, by default what the current publication replaced; return its id.

    Raises:
        ValueError: there is no such publication.
        OSError: another publisher is at work.
    """
    if not _build_ids(folder):
        raise ValueError(f"nothing has been published in {folder}")
    with _lock(folder):
        kept = sorted(_build_ids(folder))
        known = f"kept are {', '.join(kept) or 'none'}"
        if build_id is None:
            current = current_build(folder)
            if current is None:
                raise ValueError(f"nothing is current in {folder}; {known}")
            build_id = record_of(folder / current)["previous_build_id"]
            if build_id is None:
                raise ValueError(f"{current} replaced no other publication; {known}")
        if build_id not in kept:
            raise ValueError(f"no publication {build_id} in {folder}; {known}")
        _switch(folder, build_id)
        return build_id


def publications(folder: Path) -> list[dict]:
    """Return the row of ``publications`` of each one in ``folder``, the latest build first.

    Raises:
        ValueError: there is none.
    """
    if not _build_ids(folder):
        raise ValueError(f"nothing has been published in {folder}")
    return [record_of(folder / build_id) for build_id in sorted(_build_ids(folder), reverse=True)]


def current_build(folder: Path) -> str | None:
    """Return the build that ``current`` leads to, or None before the first publication."""
    link = folder / CURRENT
    if not link.is_symlink():
        if link.exists():
            raise ValueError(f"{link} is not a link that a publisher made; move it away")
        return None
    build_id = os.readlink(link)
    if build_id not in _build_ids(folder):
        raise ValueError(f"{link} leads to {build_id}, which is not there; remove the link")
    return build_id


def _refuse_loss(new: Path, previous: Path | None, min_share: float) -> None:
    """Raise ``ValueError`` if a publication has no orders, or far fewer than the one before."""
    orders = row_counts(new).get(ORDERS, 0)
    remedy = (
        "look at `marts.rpt_data_quality`, correct the source and build again, or run "
        "`clientele publish --allow-fewer-orders`"
    )
    if orders == 0:
        raise ValueError(f"the build has no orders, and replaces no publication: {remedy}")
    if (net := net_amount(new)) is not None and net <= 0:
        raise ValueError(f"the build's orders give {net:,.2f} net, no money is left: {remedy}")
    if previous is None or record_of(previous)["source_name"] != record_of(new)["source_name"]:
        return
    before = row_counts(previous).get(ORDERS, 0)
    if orders < min_share * before:
        raise ValueError(
            f"the build has {orders:,} orders and the current publication {before:,}; "
            f"less than {min_share:.0%} (publications_min_share) looks like a loss: {remedy}"
        )


def _clear_up(folder: Path) -> None:
    """Remove unfinished publications and those renamed for removal, as far as possible."""
    for leftover in [*folder.glob(".[0-9]*T[0-9]*Z-*.tmp"), folder / f".{CURRENT}.tmp"]:
        with suppress(OSError):
            _remove(leftover)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Lock the folder against other publishers; the lock ends with the process at the latest."""
    folder.mkdir(parents=True, exist_ok=True)
    refusal = f"another publisher is at work in {folder}; try again later"
    with exclusive(folder / ".lock", refusal):
        yield


def _build_ids(folder: Path) -> set[str]:
    """Return the publications in ``folder``; only complete ones have such a name."""
    return {
        entry.name
        for entry in folder.glob("[0-9]*T[0-9]*Z-*")
        if entry.is_dir() and not entry.is_symlink()
    }


def _switch(folder: Path, build_id: str) -> None:
    """Switch ``current`` to another publication, in one step."""
    link = folder / f".{CURRENT}.tmp"
    _remove(link)
    # Relative, so that the folder can be moved or mounted elsewhere.
    os.symlink(build_id, link)
    os.replace(link, folder / CURRENT)
    sync(folder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
