"""Write `sources/<name>.yml` from an export: look, recognise or guess, try, say what is unsure."""

import glob
import re
import shlex
import sys
from pathlib import Path

import duckdb

from clientele.sources.broken import CUT_OFF
from clientele.sources.checking import source_problems
from clientele.sources.columns import COLUMNS
from clientele.sources.common import UnreadableSource, counted, format_of, literal
from clientele.sources.counting import ABSURD, doubt_rejected, is_counted_in
from clientele.sources.describing import page, yaml_text
from clientele.sources.footers import leave_out_footers
from clientele.sources.guessing import guess
from clientele.sources.importing import import_source
from clientele.sources.leftovers import refuse_drift
from clientele.sources.mapping import MAX_UNREADABLE_SHARE
from clientele.sources.placing import currency_of, zone_of
from clientele.sources.readable import currency_problem, format_problem, zone_problem
from clientele.sources.recognising import headers, recognise
from clientele.sources.repeats import REAL, REPEATED_FILE, UNDECIDED
from clientele.sources.sniffing import look, temporary_folder
from clientele.sources.totals import DifferingTotals, remap
from clientele.sources.versions import REPLACED, SHARED

# A reading that fits all values as another one does, and the setting that decides.
CHOICES = {
    "date_format": re.compile(r'`date_format: "([^"]+)"` or `date_format: "([^"]+)"`'),
    "decimal": re.compile(r'`decimal: "(.)"` or `decimal: "(.)"`'),
}


def init(
    path: str, name: str, folder: Path, *, yes: bool = False, force: bool = False, ask=None, **given
) -> str:
    """Write the YAML of a source, and return the page that says what was understood.

    Args:
        path: A file, a folder, or a glob.
        name: Name of the source.
        folder: The project's folder `sources`.
        yes: Ask nothing.
        force: Replace the YAML if it is there.
        ask: A function from a question and choices to one of them; None if no one can be asked.
        given: `timezone`, `currency`, `date_format`, `decimal`, where the user states them.

    Raises:
        ValueError: nothing can be written; the message names the remedy.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(
            f"the name '{name}' must consist of small letters, digits and _; choose one with --name"
        )
    _refuse_bad(path, given)
    target = folder / f"{name}.yml"
    if target.exists() and not force:
        raise ValueError(f"{target} exists; choose another --name, or replace it with --force")
    with temporary_folder() as temporary, duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = look(connection, path, Path(temporary), headers())
        preset, first = recognise(connection, found.columns), []
        if preset:
            table, platform = preset["table"], preset["platform"]
            why = dict.fromkeys(table["columns"], "the platform's layout")
            doubts, rules = list(preset.get("notes", [])), preset.get("rules") or {}
        else:
            refuse_drift(found.columns, found.lacking)
            guessed = guess(
                connection, found.relation, found.columns, found.settings, None if yes else ask
            )
            table, platform, rules = guessed.table, None, {}
            why, doubts, first = guessed.why, guessed.doubts, guessed.first
        table = {"path": "{data}", **found.settings, **table}
        table |= {key: given[key] for key in ("date_format", "decimal") if given.get(key)}
        source = {"name": name, "data": str(Path(path)), "tables": {"order_lines": table}}
        source["rules"] = rules
        doubts = first + _place(connection, found, table, source, given, doubts)
        leave_out_footers(connection, found, table)
        tried = str(found.sample or path)
        ask = None if yes else ask
        imported = _try(source, tried, Path(temporary), doubts, ask=ask, is_known=bool(preset))
        _keep_real_lines(table, imported)
        doubts += [note for note in imported.notes if UNDECIDED in note]
        rows, figures = _describe(connection, found, source, imported, why)
        _doubt_absurd(connection, imported, doubts)
        share = _doubt_broken_lines(connection, imported, doubts)
        lacking, count = doubt_rejected(connection, imported, source, doubts)
        # A platform's layout says itself which lines hold no money.
        share += 0 if preset else lacking
        for word in (SHARED, REPLACED, REPEATED_FILE, CUT_OFF):
            doubts[:0] = [note for note in imported.notes if word in note]
        # What was broken when looking may be a footer.
        told = ("`unreadable_line`", CUT_OFF)
        noticed = [note for note in found.notes if not any(part in note for part in told)][:3]
        figures += [f"Noticed: {note}" for note in [*noticed, *imported.notes]]
    if problems := source_problems(source):
        raise ValueError("; ".join(problems))
    folder.mkdir(exist_ok=True)
    target.write_text(yaml_text(source, platform, doubts), encoding="utf-8")
    told = page(Path(path), platform, rows, figures, doubts)
    if share > MAX_UNREADABLE_SHARE or not count:
        lost = f"{share:.0%} of the lines are lost" if count else "no line counts"
        return (
            f"{told}\n\nWritten to {target}, but not ready: {lost}. "
            "Export the file again, or correct its YAML, before you build."
        )
    return f"{told}\n\nWritten to {target}. Next:\n{_next_commands(folder.parent, name, path)}"


def _refuse_bad(path, given):
    """Refuse a path without files, and options that no source may have, before anything is read."""
    place = Path(path)
    if not place.exists() and not glob.glob(path):
        raise ValueError(f"there is no file {path}")
    if place.is_dir() and not any(map(format_of, place.iterdir())):
        raise ValueError(f"the folder {path} holds no CSV, workbook, JSON or Parquet file")
    checks = {"date_format": format_problem, "currency": currency_problem, "timezone": zone_problem}
    for key, problem in checks.items():
        if given.get(key) and (why := problem(given[key])):
            raise ValueError(f"--{key.replace('_', '-')} '{given[key]}' {why}")


def _doubt_broken_lines(connection, imported, doubts) -> float:
    """Put lines that cannot be read first among the doubts, and return their share."""
    lines, broken = connection.execute(
        "select count(*), count(*) filter (where reject_reason = 'unreadable_line') "
        f"from read_parquet({literal(imported.folder / 'order_lines.parquet')})"
    ).fetchone()
    if not broken:
        return 0.0
    told = [note for note in imported.notes if "`unreadable_line`" in note]
    doubts.insert(
        0, f"{broken:,} of {counted(lines, 'line')} ({broken / lines:.1%}) cannot be read and "
        f"{'does' if broken == 1 else 'do'} not count. "
        f"{' '.join(told[:1])}"
    )  # fmt: skip
    return broken / lines


def _doubt_absurd(connection, imported, doubts):
    """Doubt quantities and prices that a build rejects, because no shop has them."""
    lines, example = connection.execute(
        "select count(*), min(case when abs(coalesce(quantity, 0)) > 1e9 then quantity "
        "else unit_price end) "
        f"from read_parquet({literal(imported.folder / 'order_lines.parquet')}) "
        f"where reject_reason is null and {ABSURD}"
    ).fetchone()
    if lines:
        doubts.insert(
            0, f"{counted(lines, 'line', 'has/have')} a quantity or price that no shop has, such "
            f"as {int(example)}, perhaps a barcode, and {'does' if lines == 1 else 'do'} not count."
        )  # fmt: skip


def _next_commands(project, name, path):
    """Return the commands that build the source: make's in a clone, else our own."""
    path = shlex.quote(path)
    if (project / "Makefile").is_file():
        return f"  make run SOURCE={name} DATA={path}\n  make dashboard"
    return (
        f"  clientele build --source {name} --data {path}\n  clientele publish\n"
        "  clientele dashboard"
    )


def _place(connection, found, table, source, given, doubts):
    """Set time zone and currency, and return the doubts with those about them."""
    zone = given.get("timezone") or zone_of(connection, found.relation, table)
    currency, others = currency_of(connection, found.relation, table, found.columns)
    currency = (given.get("currency") or currency or "").upper()
    first = []
    if not currency:
        first.append("Nothing tells the currency; EUR is written. Correct `currency`.")
    if others:
        first.append(
            f"There are amounts in {', '.join([currency, *others])}. Lines in other currencies "
            f"than {currency} are rejected until `currencies` states their rates: "
            f"currencies: {{{', '.join(f'{code}: <rate>' for code in others)}}}."
        )
    if not zone:
        first.append("Nothing tells the time zone of the shop; UTC is written. Correct `timezone`.")
    source |= {"timezone": zone or "UTC", "currency": currency or "EUR"}
    return [*first, *doubts]


def _try(source, path, temporary, doubts, *, ask, is_known):
    """Import with the YAML, and settle what can be read in two ways by asking, if one can.

    Where the totals that orders state fit another mapping than the guessed one, that is taken.
    """
    table = source["tables"]["order_lines"]
    for _ in range(5):
        try:
            return import_source(source, path, temporary / "imports", always=True)
        except DifferingTotals as error:
            said = str(error).split("; or allow")[0]
            choices = ["the other mapping", "as it is"]
            if is_known:
                raise
            if ask is None and not error.is_certain:
                raise ValueError(
                    f"{said}. Or else the totals are before discounts. Run `clientele init` in a "
                    "terminal, without --yes, to decide"
                ) from None
            if error.is_certain or ask(f"{said}. Which is right?", choices) == choices[0]:
                remap(table, error.other)
                doubts.insert(0, f"Changed, because stated totals fit: {said}.")
            else:
                source["max_differing_totals"] = 1
        except UnreadableSource as error:
            for setting, pattern in CHOICES.items():
                choices = pattern.search(str(error))
                if choices and setting not in table:
                    break
            else:
                raise
            option = f"--{setting.replace('_', '-')}"
            if ask is None:
                raise ValueError(
                    f"{str(error).split(';')[0]}. Say {option} '{choices[1]}' or "
                    f"{option} '{choices[2]}'"
                ) from None
            table[setting] = ask(str(error).split(";")[0], [choices[1], choices[2]])
    raise ValueError("the file can be read in too many ways; write its YAML by hand")


def _keep_real_lines(table, imported):
    """Let equal lines count, each, if the totals of their orders hold each of them.

    Not if another file has them too: that one may be the same export twice.
    """
    real = [note for note in imported.notes if REAL in note]
    if real and not any(REPEATED_FILE in note for note in imported.notes):
        table["repeated_lines"] = "keep"
        said = f"{real[0].split(' With ')[0]} They count: `repeated_lines: keep`."
        imported.notes[imported.notes.index(real[0])] = said


def _describe(connection, found, source, imported, why):
    """Return the rows of the mapping with values as read, and sentences with the totals."""
    table, is_counted = source["tables"]["order_lines"], is_counted_in(source)
    lines = f"read_parquet('{imported.folder}/order_lines.parquet')"
    rows = []
    for column in COLUMNS["order_lines"]:
        theirs = table["columns"].get(column.name)
        if theirs is None:
            continue
        values, filled, count = connection.execute(
            f"""
            select list(distinct cast({column.name} as varchar))
                    filter (where {column.name} is not null),
                count({column.name}), count(*) from {lines}
            """
        ).fetchone()
        shown = theirs["expression"] if isinstance(theirs, dict) else theirs
        shown = " or ".join(shown) if isinstance(shown, list) else shown
        examples = ", ".join(sorted(values or [])[:3])
        rows.append(
            (column.name, shown, why.get(column.name, "by its name"), examples,
             f"{filled / max(count, 1):.0%}")
        )  # fmt: skip
    # As a build counts: equal lines once.
    distinct = "" if table.get("repeated_lines") == "keep" else "distinct"
    total = connection.execute(
        f"""
        select count(*), count(distinct order_id) filter (where {is_counted}),
            count(distinct customer_id) filter (where {is_counted}),
            (
                select sum(coalesce(line_amount, try_cast(quantity as double) * unit_price)
                    - coalesce(discount_amount, 0) - coalesce(refunded_amount, 0))
                from (select {distinct} * from {lines} where {is_counted})
            ),
            min(ordered_at), max(ordered_at), count(*) filter (where reject_reason is not null)
        from {lines}
        """
    ).fetchone()
    part = ""
    if found.sample:
        part = "In the parts of the file that were looked at, whose edges cut orders: "
    figures = [
        f"{part}{counted(total[0], 'line')}, {counted(total[1], 'order')}, "
        f"{counted(total[2], 'customer')}, "
        f"{total[3] or 0:,.2f} net of discounts and refunds, from {total[4]:%Y-%m-%d} to "
        f"{total[5]:%Y-%m-%d}."
        if total[4]
        else f"{part}{counted(total[0], 'line')} without a time."
    ]
    if total[6]:
        figures.append(
            f"{counted(total[6], 'line', 'is/are')} left out (`exclude`, or unreadable)."
        )
    return rows, figures


def ask_in_terminal(question: str, choices: list[str]) -> str:
    """Ask a person which of two readings is right.

    Raises:
        ValueError: the input ended without an answer.
    """
    print(f"\n{question}", file=sys.stderr)
    for number, choice in enumerate(choices, start=1):
        print(f"  {number}: {choice}", file=sys.stderr)
    while True:
        print("Which one? ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise ValueError(f"no answer to: {question}")
        if answer.strip().isdigit() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]
