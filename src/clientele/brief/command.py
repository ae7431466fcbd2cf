"""`clientele brief`: the command, and the only place of the page where the clock is read."""

import argparse
import datetime
import os
from pathlib import Path

from clientele.places import project_folder, publications_folder

STALE = 3


def add_parser(commands) -> None:
    """Add the command to the subparsers of `clientele`."""
    parser = commands.add_parser(
        "brief",
        help="write the page of this week: what changed, what to do, what is stale",
        description="Compare the current publication with an earlier one, and print a page: at "
        "most five changes that are larger than such periods usually have, who is behind them, "
        "what to do, and what is stale or failed.",
    )
    parser.add_argument(
        "--to",
        type=Path,
        action="append",
        metavar="FILE",
        help="write FILE.html, .md or .txt instead of printing text; may be repeated",
    )
    parser.add_argument(
        "--since",
        metavar="BUILD_ID|DATE",
        help="compare with this publication, or with the newest as of DATE or before; the default "
        "is the newest that is a week older",
    )
    parser.add_argument(
        "--today", type=datetime.date.fromisoformat, metavar="DATE", help="instead of the clock"
    )
    parser.add_argument(
        "--fail-on-stale",
        action="store_true",
        help=f"exit with code {STALE} if the data are old; the page is still written",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, _) -> int:
    from clientele.brief.page import brief
    from clientele.brief.writing import WRITERS, as_text

    files = options.to or []
    for file in files:
        if file.suffix not in WRITERS:
            raise ValueError(f"{file} must end with {', '.join(WRITERS)}")
        if not file.absolute().parent.is_dir():
            raise ValueError(f"there is no folder {file.parent} for {file.name}; make it first")
    today = options.today or datetime.date.today()
    page = brief(publications_folder(project_folder()), today, options.since)
    for file in files:
        _write(file, WRITERS[file.suffix](page))
        print(file)
    if not files:
        print(as_text(page), end="")
    return STALE if options.fail_on_stale and page.is_stale else 0


def _write(file: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
