"""Turn a table's mapping into SQL: texts, then typed canonical columns, and what does not read."""

import calendar
import re

import duckdb

from clientele.sources.columns import COLUMNS, columns_for, with_attributes
from clientele.sources.common import UnreadableSource, counted, first_sentence, literal, quoted
from clientele.sources.currencies import MONEY, refuse_other_currencies
from clientele.sources.expressions import column_names
from clientele.sources.values import (
    decide_formats,
    decide_marks,
    float_like,
    key,
    meaningful,
    number,
    split_zone,
    timestamp,
)  # fmt: skip

# Share of a column's values that may be unreadable, if the source has no `max_unreadable_share`.
MAX_UNREADABLE_SHARE = 0.05
# Names of months that strptime reads.
MONTHS = {n.lower() for n in [*calendar.month_abbr, *calendar.month_name]}


def columns_of(connection, mapped) -> list[str]:
    """Return the source's columns that a mapping names."""
    if isinstance(mapped, dict):
        return column_names(connection, mapped["expression"])
    return list(mapped) if isinstance(mapped, list) else [mapped]


def value_of(connection, relation: str, mapped, name: str, table: dict) -> str:
    """Return the SQL of what a mapping names: a column, the first filled one, or an expression.

    Raises:
        UnreadableSource: an expression that cannot be computed.
    """
    if isinstance(mapped, dict):
        return _bound(connection, relation, mapped["expression"], name, table)
    if isinstance(mapped, list):
        return f"coalesce({', '.join(meaningful(quoted(part)) for part in mapped)})"
    return quoted(mapped)


class Texts(dict):
    """SQL of a table's columns as texts, by canonical name.

    Attributes:
        computed: Columns whose texts are numbers as SQL writes them, whatever the marks of the
            files: an expression has computed them.
    """

    def __init__(self):
        """Start without columns."""
        super().__init__()
        self.computed = set()

    def add(self, connection, relation: str, ours: str, mapped, name: str, table: dict):
        """Add what a column is mapped to; ``name`` is what messages call it."""
        value = value_of(connection, relation, mapped, name, table)
        if isinstance(mapped, dict):
            found = connection.execute(f"select typeof({value}) from {relation} limit 1").fetchone()
            if found and re.match("U?(TINY|SMALL|BIG|HUGE)?INT|DOUBLE|FLOAT|DECIMAL", found[0]):
                self.computed.add(ours)
        self[ours] = meaningful(f"cast({value} as varchar)", table.get("null_values"))

    def number(self, ours: str, text: str, marks: tuple[str, str], sql_type: str) -> str:
        """Return the SQL of a column's text as a number."""
        return number(text, *((".", "") if ours in self.computed else marks), sql_type)


def texts_of(connection, relation, table, name):
    """Return the SQL of each mapped column as text, with an expression bound to its columns."""
    texts, mapping = Texts(), with_attributes(table)["columns"]
    for column in columns_for(name, table):
        mapped = mapping.get(column.name)
        if mapped is None:
            continue
        texts.add(connection, relation, column.name, mapped, column.name, table)
    return texts


def _with_dotted_names(expression: str, columns: list[str]) -> str:
    """Quote the names of nested fields, which SQL would take for columns of a table."""
    for name in (column for column in columns if "." in column):
        expression = re.sub(rf'(?<!["\w.]){re.escape(name)}(?![\w"])', quoted(name), expression)
    return expression


def _bound(connection, relation, expression, name, table):
    """Return an expression that runs on text columns: as it stands, or with its numbers cast.

    An expression sees text. One that computes with columns, such as `total / nullif(qty, 0)`, is
    given the numbers that they hold; a column that holds none stays text.
    """
    columns = column_names(connection, expression)
    expression = _with_dotted_names(expression, columns)
    try:
        connection.execute(
            f"select max(cast(({expression}) as varchar)) from {relation}"
        ).fetchall()
        return f"({expression})"
    except duckdb.Error as error:
        failure = error
    # Qualified, because the cast columns bear the same names.
    values = {c: meaningful(f"{relation}.{quoted(c)}", table.get("null_values")) for c in columns}
    marks = decide_marks(connection, relation, values, table)
    numbers = {c: number(values[c], *marks, "double") for c in columns}
    counted = ", ".join(f"count({text})" for text in numbers.values()) or "0"
    read = connection.execute(f"select {counted} from {relation}").fetchone()
    casts = ", ".join(
        f"{numbers[c] if count else values[c]} as {quoted(c)}"
        for c, count in zip(columns, read, strict=False)
    )
    inner = f"(select ({expression}) as value from (select {casts or 1}))"
    try:
        connection.execute(f"select max(cast({inner} as varchar)) from {relation}").fetchall()
    except duckdb.Error:
        examples = connection.execute(
            f"select {', '.join(map(quoted, columns)) or '1'} from {relation} limit 3"
        ).fetchall()
        shown = "; ".join(", ".join(map(repr, row)) for row in examples)
        reason = first_sentence(failure)
        column = quoted(columns[0]) if columns else "amount"
        raise UnreadableSource(
            f"the expression `{expression}` for `{name}` cannot be computed ({reason}); "
            f"its columns are text, such as {shown}. Map the column itself (numbers and dates are "
            f"read in most notations), or convert it: `try_cast({column} as double)`, "
            f"`try_strptime({column}, '%d/%m/%Y')`"
        ) from None
    return inner


def text_column(name: str) -> str:
    """Return the name of the column that keeps a canonical column's text."""
    return f"_text_{name.removeprefix('_')}"


def type_lines(connection, source, table, names):
    """Make the table `lines` of typed canonical columns and order amounts out of `texts`."""
    columns = columns_for("order_lines", table)
    money = [name for name in names if name.startswith("_")]
    numbers = [c.name for c in columns if c.kind == "number" and c.name in names] + money
    if "currency" not in names:
        paid = {name: text_column(name) for name in numbers if name in MONEY or name in money}
        refuse_other_currencies(connection, paid, table, str(source["currency"]))
    written = {n: text_column(n) for n in sorted(numbers) if n not in names.computed}
    marks = decide_marks(connection, "texts", written, table)
    base, minutes = split_zone(text_column("ordered_at"))
    selected = {}
    for column in columns:
        text = text_column(column.name)
        if column.name not in names:
            default = "1" if column.name == "quantity" else "null"
            selected[column.name] = f"cast({default} as {column.type})"
        elif column.kind == "number":
            selected[column.name] = names.number(column.name, text, marks, column.type)
        elif column.kind == "timestamp":
            formats = decide_formats(connection, "texts", text, column.name, table)
            zone, assumed = str(source["timezone"]), table.get("timestamps_in")
            selected[column.name] = timestamp("_base", "_minutes", formats, zone, assumed)
        elif column.kind == "key":
            selected[column.name] = key(text, float_like(connection, "texts", text, column.name))
        else:
            selected[column.name] = f"upper({text})" if column.name == "currency" else text
    if "unit_price" in names and "line_amount" not in names:
        # A price with more decimals than are kept would not give the line's amount.
        price = names.number("unit_price", text_column("unit_price"), marks, "decimal(30, 12)")
        quantity = "1"
        if "quantity" in names:
            quantity = names.number("quantity", text_column("quantity"), marks, "double")
        selected["line_amount"] = (
            f"case when {price} <> cast({price} as decimal(18, 4)) then "
            f"try_cast({quantity} * cast({price} as double) as decimal(18, 4)) end"
        )
    selected |= {n: names.number(n, text_column(n), marks, "decimal(18, 4)") for n in money}
    kept = ", ".join(f"{value} as {name}" for name, value in selected.items())
    connection.execute(
        f"""
        create or replace temp table lines as
        select _file, _row, _problem, exclude_reason,
            case when _problem is not null then 'unreadable_line'
                when exclude_reason is not null then 'excluded' end as reject_reason,
            {kept}, {", ".join(text_column(name) for name in names)}
        from (select *, {base} as _base, {minutes} as _minutes from texts)
        """
    )


def exclude_reason(connection, relation, table):
    """Return the SQL of why a raw line is excluded, or null.

    Raises:
        UnreadableSource: a condition that cannot be computed.
    """
    rules = table.get("exclude") or []
    cases = []
    for rule in rules:
        condition = _with_dotted_names(rule["when"], column_names(connection, rule["when"]))
        try:
            connection.execute(f"select count(*) from {relation} where {condition}").fetchall()
        except duckdb.Error as error:
            raise UnreadableSource(
                _why_no_condition(connection, relation, rule["when"], first_sentence(error))
            ) from None
        cases.append(f"when ({condition}) then {literal(rule.get('reason') or rule['when'])}")
    return f"case {' '.join(cases)} end" if cases else "cast(null as varchar)"


def _why_no_condition(connection, relation, condition, reason):
    """Return why a condition cannot be computed, with one to write that can, if there is one."""
    columns, number = column_names(connection, condition), r"[-+]?\d"
    meant = condition
    for name in columns:
        own = rf'(?<![\w"\'.])(?:{re.escape(quoted(name))}|{re.escape(name)}(?![\w"\'(]))'
        compared = r"\s*(?:[<>=!+*/%-]+|(?i:(?:not\s+)?between|(?:not\s+)?in\s*\())\s*"
        for before, after in (
            (own, rf"(?={compared}{number})"),
            (rf"({number}\S*{compared}){own}", ""),
        ):
            meant = re.sub(
                before + after,
                lambda m, name=name: (
                    f"{m[1] if m.lastindex else ''}try_cast("
                    f"{m[0][len(m[1]) :] if m.lastindex else m[0]} as double)"
                ),
                meant,
            )
    try:
        sound = _with_dotted_names(meant, columns)
        connection.execute(f"select count(*) from {relation} where {sound}").fetchall()
        return (
            f"the condition `{condition}` of `exclude` compares text with a number, because its "
            f"columns are text; write `{meant}`"
        )
    except duckdb.Error:
        column = quoted(columns[0]) if columns else "amount"
        return (
            f"the condition `{condition}` of `exclude` cannot be computed: its columns are text. "
            f"Convert numbers, such as `try_cast({column} as double) < 0`, and times, such as "
            f"`try_strptime({column}, '%d/%m/%Y') < date '2024-01-01'` ({reason})"
        )


def report_unreadable(connection, source, names):
    """Refuse columns of which too much does not read, and return sentences about the others."""
    most = float(source.get("max_unreadable_share", MAX_UNREADABLE_SHARE))
    kinds = {c.name: c for c in COLUMNS["order_lines"] if c.kind in ("number", "timestamp")}
    targets = [name for name in names if name in kinds or name.startswith("_")]
    notes, problems = [], []
    for name in targets:
        text = text_column(name)
        bad = f"{name} is null and {text} is not null"
        if name == "ordered_at":
            bad = f"({bad} or year({name}) not between 1900 and 2200)"
        given, unread, examples, rows = connection.execute(
            f"""
            select count({text}), count(*) filter (where {bad}),
                list(distinct {text}) filter (where {bad}), list(_row) filter (where {bad})
            from lines where _problem is null
            """
        ).fetchone()
        shown = name.removeprefix("_")
        if not given and name in kinds and kinds[name].required:
            problems.append(f"the column for `{shown}` is empty")
        if not unread:
            continue
        kind = "timestamp" if name == "ordered_at" else "number"
        values = ", ".join(f"'{value}'" for value in sorted(examples)[:3])
        remedy = "say how they are written with `decimal` and `thousands`"
        if kind == "timestamp":
            words = re.findall(r"\d\W*([^\W\d_]{3,})\W*\d", " ".join(examples).lower())
            remedy = "say how they are written with `date_format`"
            if set(words) - MONTHS:
                remedy = "names of months are read in English only; write times as 2024-01-03"
        sentence = (
            f"{unread:,} of {counted(given, 'value')} for `{shown}` "
            f"{'does' if unread == 1 else 'do'} not read as a {kind}, such as "
            f"{values} (row {min(rows):,} of the data)"
        )
        if unread > most * given:
            problems.append(
                f"{sentence}; {remedy}, or allow it with "
                f"`max_unreadable_share: {round(unread / given + 0.005, 2)}`"
            )
        else:
            notes.append(f"{sentence}; {'it counts' if unread == 1 else 'they count'} as missing.")
    if problems:
        raise UnreadableSource("; ".join(problems))
    return notes
