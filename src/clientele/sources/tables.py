"""Import the optional raw tables: `products`, `campaigns` and `events`."""

import duckdb

from clientele.sources.columns import COLUMNS
from clientele.sources.common import UnreadableSource, counted, literal
from clientele.sources.mapping import MAX_UNREADABLE_SHARE, texts_of
from clientele.sources.values import (
    decide_formats,
    decide_marks,
    float_like,
    key,
    number,
    same_person,
    split_zone,
    timestamp,
)  # fmt: skip


def import_table(
    connection: duckdb.DuckDBPyConnection, source: dict, name: str, relation: str, target: str
) -> list[str]:
    """Write a raw table in canonical columns, typed, to the Parquet file ``target``.

    Customers take the spelling that they have in the table `lines`, which is made before.

    Args:
        connection: Where the relation is.
        source: The content of `source:`.
        name: Canonical name of the table.
        relation: The raw table, in texts.
        target: Path of the file.

    Returns:
        Sentences about what was noticed.

    Raises:
        UnreadableSource: a column of which too much does not read.
    """
    table = source["tables"][name]
    texts = texts_of(connection, relation, table, name)
    numbers = {c.name: texts[c.name] for c in COLUMNS[name]
               if c.kind == "number" and c.name in texts}  # fmt: skip
    marks = decide_marks(connection, relation, numbers, table)
    selected = {}
    for column in COLUMNS[name]:
        text = texts.get(column.name)
        if text is None:
            selected[column.name] = f"cast(null as {column.type})"
        elif column.kind == "number":
            selected[column.name] = number(text, *marks, column.type)
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
        _report(connection, source, name, relation, texts, selected) if name != "products" else []
    )
    if name == "events":
        # Events have no money; the line of a file that cannot be read still counts as one.
        selected["reject_reason"] = "case when _problem is not null then 'unreadable_line' end"
    values = ", ".join(f"{value} as {ours}" for ours, value in selected.items())
    query = f"select {values} from {relation} order by _file, _row"
    settled = source["tables"]["order_lines"].get("customer_ids") != "as_written"
    if "customer_id" in selected and settled:
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


def _report(connection, source, name, relation, texts, selected):
    """Refuse columns of which too much does not read; return sentences about the others."""
    most = float(source.get("max_unreadable_share", MAX_UNREADABLE_SHARE))
    notes = []
    for column in COLUMNS[name]:
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
