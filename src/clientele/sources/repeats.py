"""Describe lines that equal another line, and files that hold lines of another file."""

from pathlib import Path

import duckdb

from clientele.sources.common import counted
from clientele.sources.shaping import AMOUNT

# Share of a file's lines that another file has too, above which the file repeats the other.
MOST_SHARED = 0.5
REPEATED_FILE = "lines of the file are in"
# Parts of the sentences about equal lines: nothing tells what they are, or they are real.
UNDECIDED = "If a till writes each piece on a line of its own"
REAL = "totals hold each of them: they are real"
# Totals do not judge equal lines for fewer orders, nor unless that many times more agree.
FEWEST, CLEARLY = 3, 4


def set_copies_aside(connection: duckdb.DuckDBPyConnection, content: list[str]) -> None:
    """Move lines that equal one of an earlier file out of `lines`: they are none of their order."""
    connection.execute(
        f"""
        create or replace temp table copies as
        select _file, _row, first_value(_file) over same as first_file,
            first_value(_row) over same as first_row
        from lines where reject_reason is null and order_id is not null
        window same as (partition by {", ".join(content)} order by _file, _row)
        qualify _file > first_file;
        delete from lines using copies
        where lines._file = copies._file and lines._row = copies._row
        """
    )


def put_copies_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the lines of `set_copies_aside` back, with what their first ones have by now."""
    connection.execute(
        """
        insert into lines
        select lines.* replace (copies._file as _file, copies._row as _row)
        from copies inner join lines
            on copies.first_file = lines._file and copies.first_row = lines._row;
        drop table copies
        """
    )


def describe_repeats(
    connection: duckdb.DuckDBPyConnection, content: list[str], each: int, once: int
) -> list[str]:
    """Return a sentence about lines that equal another in every column, if there are any.

    Args:
        connection: Where the lines are.
        content: The columns of a line.
        each: Orders whose stated total agrees if all of their equal lines count.
        once: Orders whose stated total agrees if equal lines count once.
    """
    rows, extra, money, lost = connection.execute(
        f"""
        select sum(n), sum(n - 1), sum(n * amount), sum((n - 1) * amount)
        from (
            select count(*) as n, coalesce(any_value({AMOUNT}), 0) as amount
            from lines where reject_reason is null and order_id is not null
            group by {", ".join(content)}
        )
        """
    ).fetchone()
    if not extra:
        return []
    share, worth = extra / rows, float(lost / money) if money else 0.0
    said = (
        f"{counted(extra, 'line')} ({share:.1%} of the lines, {worth:.1%} of the money) "
        f"{'equals' if extra == 1 else 'equal'} another line in every column"
    )
    left_out = f"left out as {'a duplicate' if extra == 1 else 'duplicates'}"
    if each >= FEWEST and each >= CLEARLY * once:
        return [
            f"{said}, and {each:,} of the orders' {REAL}. With `repeated_lines: keep` they count; "
            f"without it, they are {left_out}."
        ]
    if once >= FEWEST and once >= CLEARLY * each:
        return [f"{said}: {left_out}, which {once:,} totals of their orders confirm."]
    return [
        f"{said}: {left_out}. {UNDECIDED}, they are real: write `repeated_lines: keep`, or map "
        "`line_id`."
    ]


def describe_repeated_files(
    connection: duckdb.DuckDBPyConnection, content: list[str], files: list[Path], *, is_kept: bool
) -> list[str]:
    """Return a sentence for each file of which most lines are in an earlier one, or most of its.

    Args:
        connection: Where the lines are.
        content: The columns of a line.
        files: The files of the lines, by `_file`.
        is_kept: Equal lines count, each.
    """
    if len(files) < 2:
        return []
    counted = "lines where reject_reason is null and order_id is not null"
    sizes = dict(connection.execute(f"select _file, count(*) from {counted} group by 1").fetchall())
    # By a hash, which takes a fifth of the time and is exact enough for a sentence.
    shared = connection.execute(
        f"""
        with hashed as (select _file, hash({", ".join(content)}) as content from {counted}),
        several as (
            select content, min(_file) as first from hashed group by content
            having max(_file) > min(_file)
        )
        select first, _file, count(*)
        from hashed inner join several using (content)
        where _file > first group by all order by all
        """
    ).fetchall()
    fate = "count twice" if is_kept else "count once"
    return [
        f"{files[file].name}: {n:,} of {sizes[file]:,} {REPEATED_FILE} {files[first].name}, too, "
        f"and {fate}. If it is the same export twice, take one of the two files away."
        for first, file, n in shared
        if n > MOST_SHARED * min(sizes[first], sizes[file])
    ]
