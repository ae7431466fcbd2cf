"""Read texts as numbers, times and keys, in one way for a whole column.

How a column is written (its decimal mark, the order of day and month) is decided from all of its
values, never value by value. Where two readings fit all values and differ, the source must say
which.
"""

import re

import duckdb

from clientele.sources.common import UnreadableSource, literal

NULL_VALUES = [
    "", "NULL", "null", "Null", "nan", "NaN", "NAN", "None", "none", "N/A", "n/a", "#N/A", "NA",
    "-", "--", "\\N",
]  # fmt: skip
# Any kind of blank: also the no-break and thin ones that spreadsheets and French exports write.
BLANK = r"[\s\x{00A0}\x{2007}\x{2009}\x{202F}\x{FEFF}]"
CURRENCY = r"(?:[A-Z]{3}|[A-Z]{0,3}\p{Sc}|\p{Sc}[A-Z]{0,3}|[Kk]r\.?|z[łl]|K[čc]|Ft|lei|Fr\.?|R)"
MINUS = r"[-\x{2212}]"
# (decimal mark, thousands mark), the likelier first.
MARKS = [
    (".", ""),
    (".", ","),
    (",", ""),
    (",", "."),
    (",", " "),
    (".", " "),
    (".", "'"),
    (",", "'"),
]

ISO = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}"
# Minutes east of UTC of the zone names that exports write after a time.
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "MEZ": 60,
    "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "EST": -300, "EDT": -240, "CST": -360,
    "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AEST": 600, "AEDT": 660,
    "NZST": 720, "NZDT": 780, "JST": 540, "SGT": 480, "HKT": 480, "SAST": 120,
}  # fmt: skip
_DAYS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%b %d, %Y", "%B %d, %Y",
    "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b-%d-%y", "%b-%d-%Y", "%b %d %Y",
    "%d. %B %Y", "%Y%m%d",
]  # fmt: skip
_TIMES = [
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%g", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S",
    ", %I:%M %p", ", %I:%M:%S %p", "T%H:%M:%S", " %H.%M", " %H:%M:%S.%f", " at %I:%M %p",
    " at %I:%M:%S %p", " %I:%M%p",
]  # fmt: skip


def trimmed(value: str) -> str:
    """Return SQL of a text without the blanks around it, and of texts that mean nothing as null."""
    return f"regexp_replace({value}, '^{BLANK}+|{BLANK}+$', '', 'g')"


def meaningful(value: str, null_values: list[str] | None = None) -> str:
    """Return SQL of a text, trimmed, with texts that mean nothing as null."""
    words = NULL_VALUES if null_values is None else ["", *null_values]
    listed = ", ".join(literal(word) for word in dict.fromkeys(words))
    return f"case when {trimmed(value)} in ({listed}) then null else {trimmed(value)} end"


# ---------------------------------------------------------------------------------------- numbers


def number(value: str, decimal: str, thousands: str, sql_type: str) -> str:
    """Return SQL of a text as a number; null if it is none in that notation.

    Currency signs and codes, blanks, a leading or trailing minus and (12.00) are understood.
    """
    return _number(value, _core(value), _negative(value), decimal, thousands, sql_type)


def _core(value):
    """Return SQL of a number's text without blanks, currency, brackets and plus around it."""
    unsigned = f"regexp_replace({trimmed(value)}, '^\\(|\\)$|^{MINUS}|{MINUS}$|^\\+', '', 'g')"
    return (
        f"regexp_replace(regexp_replace({unsigned}, '^{CURRENCY}?{BLANK}*({MINUS}?)', '\\1'), "
        f"'{BLANK}*{CURRENCY}?$', '')"
    )


def _negative(value):
    return (
        f"regexp_matches({trimmed(value)}, "
        f"'^\\(.*\\)$|^{MINUS}|{MINUS}$|^{CURRENCY}{BLANK}*{MINUS}')"
    )


def _number(value, core, negative, decimal, thousands, sql_type):
    mark = re.escape(decimal)
    group = BLANK if thousands == " " else re.escape(thousands)
    whole = (
        f"(?:[1-9]\\d{{0,2}}(?:{group}\\d{{2,3}})*{group}\\d{{3}}|\\d+)" if thousands else "\\d+"
    )
    pattern = f"{MINUS}?(?:{whole}(?:{mark}\\d*)?|{mark}\\d+)(?:[eE][-+]?\\d+)?"
    marks = literal(f"^{MINUS}|{group}" if thousands else f"^{MINUS}")
    bare = f"regexp_replace({core}, {marks}, '', 'g')"
    plain = f"replace({bare}, {literal(decimal)}, '.')" if decimal != "." else bare
    parsed = f"try_cast({plain} as {sql_type})"
    if sql_type != "double":
        # A double knows exponents, which a decimal refuses.
        parsed = f"coalesce({parsed}, try_cast(try_cast({plain} as double) as {sql_type}))"
    # Most texts are digits with a mark, and need none of that.
    simple = f"try_cast(replace({value}, {literal(decimal)}, '.') as {sql_type})"
    return (
        f"case when regexp_full_match({value}, '-?\\d+(?:{mark}\\d+)?') then {simple} "
        f"when regexp_full_match({core}, {literal(pattern)}) then "
        f"{parsed} * case when {negative} then -1 else 1 end end"
    )


def decide_marks(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str], table: dict
) -> tuple[str, str]:
    """Return the decimal and thousands mark of a table's number columns.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        columns: Canonical number columns, as SQL of their texts.
        table: The table's YAML; `decimal` and `thousands` decide if they are there.

    Raises:
        UnreadableSource: two notations read all values, and differently.
    """
    given = table.get("decimal"), table.get("thousands")
    candidates = [
        (d, t) for d, t in MARKS
        if given[0] in (None, d) and given[1] in (None, t)
    ]  # fmt: skip
    if given[0] and given[1] is None:
        return given[0], "," if given[0] == "." else "."
    if not columns or len(candidates) == 1:
        return candidates[0] if candidates else (given[0] or ".", given[1] or "")
    texts = " union all ".join(
        f"select distinct {value} as text from {relation}" for value in columns.values()
    )
    # Step by step, because planning each expression takes longer than most tables do.
    reads = ", ".join(
        f"{_number('text', 'core', 'negative', d, t, 'decimal(38, 6)')} as r{i}"
        for i, (d, t) in enumerate(candidates)
    )
    row = connection.execute(
        f"select {', '.join(f'count(r{i}), sum(r{i})' for i in range(len(candidates)))}, "
        "any_value(text) filter (where regexp_matches(text, '\\d[.,]\\d{3}$')) "
        f"from (select text, {reads} from (select text, {_core('text')} as core, "
        f"{_negative('text')} as negative from ({texts}) where text is not null))"
    ).fetchone()
    best = max(row[0:-1:2])
    winners = [i for i in range(len(candidates)) if row[2 * i] == best]
    sums = {row[2 * i + 1] for i in winners}
    if best and len(sums) > 1:
        decimal, thousands = candidates[winners[0]]
        raise UnreadableSource(
            f"numbers such as '{row[-1]}' can be read in two ways in "
            f'{", ".join(f"`{name}`" for name in columns)}; write `decimal: "."` or '
            '`decimal: ","` under the table'
        )
    return candidates[winners[0]]


# ------------------------------------------------------------------------------------------ times


def split_zone(value: str) -> tuple[str, str]:
    """Return SQL of a time's text without its zone, and of the zone's minutes east of UTC.

    The minutes are null for a time without a zone.
    """
    text = trimmed(value)
    names = "|".join(sorted((zone for zone in ZONES if zone != "Z"), key=len, reverse=True))
    offset = "(?:UTC|GMT)?[-+]\\d{2}:?(?:\\d{2})?"
    suffix = f"(?:\\d{BLANK}*Z|{BLANK}(?:{names})|:\\d{{2}}(?:\\.\\d+)?{BLANK}*{offset})$"
    zone = f"regexp_extract({text}, '(Z|{names}|[-+]\\d{{2}}:?(?:\\d{{2}})?)$', 1)"
    cases = " ".join(f"when '{name}' then {minutes}" for name, minutes in ZONES.items())
    digits = f"replace({zone}, ':', '')"
    minutes = (
        f"case when not regexp_matches({text}, '{suffix}') then null "
        f"else case {zone} {cases} else (case when starts_with({zone}, '-') then -1 else 1 end) * "
        f"(try_cast(substr({digits}, 2, 2) as int) * 60 "
        f"+ coalesce(try_cast(nullif(substr({digits}, 4, 2), '') as int), 0)) end end"
    )
    base = (
        f"case when regexp_matches({text}, '{suffix}') then regexp_replace({text}, "
        f"'{BLANK}*(?:UTC|GMT)?(?:Z|{names}|[-+]\\d{{2}}:?(?:\\d{{2}})?)$', '') else {text} end"
    )
    return base, minutes


def timestamp(
    base: str, minutes: str, formats: list[str], timezone: str, assumed: str | None = None
) -> str:
    """Return SQL of a time as a local time in ``timezone``; null if no format reads it.

    Args:
        base: SQL of the text without its zone; see ``split_zone``.
        minutes: SQL of its zone's minutes east of UTC, or null.
        formats: strptime codes, `iso`, `excel` (days since 1899-12-30), `epoch` or `epoch_ms`.
        timezone: IANA name; instants become local times there.
        assumed: Zone of times that name none; ``timezone`` without it.
    """
    reads = []
    for form in formats:
        if form == "iso":
            # Only year first: a cast of other texts could exchange day and month.
            reads.append(
                f"case when regexp_matches({base}, {literal(ISO)}) "
                f"then try_cast(replace({base}, '/', '-') as timestamp) end"
            )
        elif form == "excel":
            reads.append(
                "timestamp '1899-12-30' + to_seconds(cast(round(try_cast("
                f"replace({base}, ',', '.') as double) * 86400) as bigint))"
            )
        elif form in ("epoch", "epoch_ms"):
            scale = 1 if form == "epoch_ms" else 1000
            reads.append(f"make_timestamp_ms(cast(try_cast({base} as double) * {scale} as bigint))")
    if strptime := [form for form in formats if "%" in form]:
        reads.append(f"try_strptime({base}, [{', '.join(map(literal, strptime))}])")
    local = f"coalesce({', '.join(reads)})"
    if set(formats) & {"epoch", "epoch_ms"}:
        minutes = "0"
    instant = f"timezone({literal(timezone)}, timezone('UTC', {local} - to_minutes({minutes})))"
    without = (
        f"timezone({literal(timezone)}, timezone({literal(assumed)}, {local}))"
        if assumed and assumed != timezone
        else local
    )
    return f"cast(case when {minutes} is not null then {instant} else {without} end as timestamp)"


def decide_formats(
    connection: duckdb.DuckDBPyConnection, relation: str, value: str, name: str, table: dict
) -> list[str]:
    """Return the formats in which a column's times are written.

    Raises:
        UnreadableSource: day and month can be exchanged in all values, and give other days.
    """
    given = table.get("date_format")
    if given:
        return [given] if isinstance(given, str) else list(given)
    base, _ = split_zone("text")
    connection.execute(
        f"create or replace temp table times as select text, {base} as base, n from "
        f"(select {value} as text, count(*) as n from {relation} group by 1) where text is not null"
    )
    total, iso, serial, epoch, epoch_ms = connection.execute(
        f"""
        select coalesce(sum(n), 0),
            coalesce(sum(n) filter (where regexp_matches(base, {literal(ISO)})
                and try_cast(replace(base, '/', '-') as timestamp) is not null), 0),
            coalesce(sum(n) filter (where try_cast(replace(base, ',', '.') as double)
                between 20000 and 80000), 0),
            coalesce(sum(n) filter (where try_cast(base as double) between 5e8 and 5e9), 0),
            coalesce(sum(n) filter (where try_cast(base as double) between 5e11 and 5e12), 0)
        from times
        """
    ).fetchone()
    known = {"iso": iso, "excel": serial, "epoch": epoch, "epoch_ms": epoch_ms}
    best = max(known, key=known.get)
    if total == 0 or known[best] > 0.5 * total:
        return [best] if total else ["iso"]
    forms = [day + time for day in _DAYS for time in _TIMES]
    found = connection.execute(
        f"select {', '.join(f'count(try_strptime(base, {literal(form)}))' for form in forms)} "
        "from (from times limit 300)"
    ).fetchone()
    reads, counts = {form for form, count in zip(forms, found, strict=True) if count}, {}
    for day in _DAYS:
        reading = [day + time for time in _TIMES if day + time in reads]
        # A two-digit year must not be read as the year 24.
        if reading:
            read = f"try_strptime(base, [{', '.join(map(literal, reading))}])"
            count, days = connection.execute(
                f"select coalesce(sum(n) filter (where year({read}) between 1970 and 2100), 0), "
                f"sum(n * epoch({read})) from times"
            ).fetchone()
            counts[day] = (count, days, reading)
    best = max((count for count, _, _ in counts.values()), default=0)
    if best == 0:
        return ["iso"]
    winners = {day: entry for day, entry in counts.items() if entry[0] == best}
    if len({days for _, days, _ in winners.values()}) > 1:
        example = connection.execute("select text from times order by text limit 1").fetchone()[0]
        choices = " or ".join(f'`date_format: "{e[2][0]}"`' for e in list(winners.values())[:2])
        raise UnreadableSource(
            f"times such as '{example}' for `{name}` can be read in two ways; write {choices} "
            "under the table"
        )
    return next(iter(winners.values()))[2]


# ------------------------------------------------------------------------------------------- keys


def key(value: str, is_float_like: bool) -> str:
    """Return SQL of a key's text in NFC, with `12013.0` as `12013` where it holds numbers."""
    text = f"nfc_normalize({value})"
    return f"regexp_replace({text}, '^(-?\\d+)\\.0+$', '\\1')" if is_float_like else text


def float_like(connection: duckdb.DuckDBPyConnection, relation: str, value: str, name: str) -> bool:
    """Return whether a key column holds whole numbers that some program wrote as `12013.0`.

    Raises:
        UnreadableSource: keys such as `1.23E+11`, whose digits are lost.
    """
    total, floats, fractions, scientific, example = connection.execute(
        f"""
        select count(text),
            count(*) filter (where regexp_full_match(text, '-?\\d+\\.0+')),
            count(*) filter (where regexp_full_match(text, '-?\\d+\\.\\d*[1-9]\\d*')),
            count(*) filter (where regexp_full_match(text, '\\d(\\.\\d+)?[eE]\\+?\\d+')),
            min(text) filter (where regexp_full_match(text, '\\d(\\.\\d+)?[eE]\\+?\\d+'))
        from (select {value} as text from {relation})
        """
    ).fetchone()
    if scientific and scientific >= 0.01 * total:
        raise UnreadableSource(
            f"{scientific:,} of {total:,} values for `{name}` look like '{example}': a spreadsheet "
            "rounded the number, and its digits are lost. Export again with that column as text"
        )
    return bool(floats) and not fractions


def same_person(value: str) -> str:
    """Return SQL of what two spellings of a customer's id have in common: case and inner blanks."""
    return f"lower(regexp_replace({value}, '{BLANK}+', ' ', 'g'))"
