"""Import the optional raw tables: `products`, `campaigns`, `customers`, `events`, `reviews`."""

import duckdb

from clientele.sources.columns import OF_LINES, columns_for
from clientele.sources.common import UnreadableSource, counted, literal
from clientele.sources.mapping import MAX_UNREADABLE_SHARE, texts_of
from clientele.sources.values import (
    decide_formats,
    decide_marks,
    float_like,
    key,
    same_person,
    split_zone,
    timestamp,
)  # fmt: skip


def import_table(
    connection: duckdb.DuckDBPyConnection,
    source: dict,
    name: str,
    relation: str,
    target: str,
    *,
    has_lines: bool = True,
) -> list[str]:
    """Write a raw table in canonical columns, typed, to the Parquet file ``target``.

    Customers take the spelling that they have in the table `lines`. Without it, SQL settles them.

    Args:
        connection: Where the relation is.
        source: The content of `source:`.
        name: Canonical name of the table.
        relation: The raw table, in texts.
        target: Path of the file.
        has_lines: The order lines are imported, too, and are in `lines`.

    Returns:
        Sentences about what was noticed.

    Raises:
        UnreadableSource: a column of which too much does not read.
    """
    table = source["tables"][name]
    texts = texts_of(connection, relation, table, name)
    columns = [c for c in columns_for(name, table) if c.name not in OF_LINES]
    if name == "customers" and "person_id" in texts:
        texts["customer_id"] = f"coalesce({texts.pop('person_id')}, {texts['customer_id']})"
    numbers = {c.name: texts[c.name] for c in columns
               if c.kind == "number" and c.name in set(texts) - texts.computed}  # fmt: skip
    marks = decide_marks(connection, relation, numbers, table)
    selected = {}
    for column in columns:
        text = texts.get(column.name)
        if text is None:
            selected[column.name] = f"cast(null as {column.type})"
        elif column.kind == "number":
            kind = "double" if column.type == "varchar" else column.type
            selected[column.name] = texts.number(column.name, text, marks, kind)
        elif column.kind == "timestamp":
            formats = decide_formats(connection, relation, text, column.name, table)
            zone, assumed = str(source["timezone"]), table.get("timestamps_in")
            selected[column.name] = timestamp(*split_zone(text), formats, zone, assumed)
        elif column.kind == "key":
            is_number = float_like(connection, relation, text, column.name)
            selected[column.name] = key(text, is_number)
        else:
            selected[column.name] = text
    notes = (
        _report(connection, source, name, columns, relation, texts, selected)
        if name != "products"
        else []
    )
    selected |= {
        column.name: _as_text(selected[column.name], texts[column.name], column.kind)
        for column in columns
        if column.type == "varchar" and column.kind in ("number", "timestamp")
    }
    if name == "events":
        # Events have no money; the line of a file that cannot be read still counts as one.
        selected["reject_reason"] = "case when _problem is not null then 'unreadable_line' end"
    values = ", ".join(f"{value} as {ours}" for ours, value in selected.items())
    query = f"select {values} from {relation} order by _file, _row"
    settled = source["tables"]["order_lines"].get("customer_ids") != "as_written"
    if "customer_id" in selected and settled and has_lines:
        query = f"""
            select typed.* replace (coalesce(persons.customer_id, typed.customer_id) as customer_id)
            from (select {values}, _file, _row from {relation}) as typed
            left join (
                select {same_person("customer_id")} as person, min(customer_id) as customer_id
                from lines where customer_id is not null group by 1
            ) as persons on {same_person("typed.customer_id")} = persons.person
            order by _file, _row
        """
        query = f"select * exclude (_file, _row) from ({query})"
    connection.execute(f"copy ({query}) to {literal(target)} (format parquet)")
    return notes


def _as_text(value, text, kind):
    """Return SQL of an attribute's value as SQL reads it; of one that does not read, words.

    A text that does not read must not be taken for another number later: 1.5 with decimal commas.
    """
    shown = f"strftime({value}, '%Y-%m-%d')" if kind == "timestamp" else f"cast({value} as varchar)"
    return f"coalesce({shown}, 'unreadable: ' || {text})"


def _report(connection, source, name, columns, relation, texts, selected):
    """Refuse columns of which too much does not read; return sentences about the others."""
    most = float(source.get("max_unreadable_share", MAX_UNREADABLE_SHARE))
    notes = []
    for column in columns:
        if column.kind not in ("number", "timestamp") or column.name not in texts:
            continue
        text, value = texts[column.name], selected[column.name]
        bad = f"{text} is not null and {value} is null"
        given, unread, examples = connection.execute(
            f"select count({text}), count(*) filter (where {bad}), "
            f"list(distinct {text}) filter (where {bad}) from {relation}"
        ).fetchone()
        if not unread:
            continue
        values = ", ".join(f"'{example}'" for example in sorted(examples)[:3])
        sentence = (
            f"`{name}`: {unread:,} of {counted(given, 'value')} for `{column.name}` "
            f"{'does' if unread == 1 else 'do'} not read as a "
            f"{column.kind}, such as {values}"
        )
        if unread > most * given:
            raise UnreadableSource(sentence)
        notes.append(f"{sentence}; {'it counts' if unread == 1 else 'they count'} as missing.")
    return notes
