"""Read JSON and Parquet as text, and unpack cells that hold several lines."""

import json
import re

from clientele.sources.common import UnreadableSource, counted, file_literal, literal, quoted
from clientele.sources.delimited import as_utf8

LARGEST_JSON = 512 * 1024 * 1024
# Fields of an object that only wraps records, such as the number of a page.
MOST_BESIDE = 6


def read_parquet(connection, file, table, wanted, part, notes, copy) -> list[str]:
    """Read a Parquet file as text, as `read_csv` reads a file."""
    columns = [
        row[0]
        for row in connection.execute(
            f"describe select * from read_parquet({file_literal(file)})"
        ).fetchall()
    ]
    kept = [column for column in wanted if column in columns]
    connection.execute(
        f"""
        create or replace table {part} as
        select {
            ", ".join(
                [f"cast({quoted(c)} as varchar) as {quoted(c)}" for c in kept]
                + ["file_row_number as _row", "cast(null as varchar) as _problem"]
            )
        }
        from read_parquet({file_literal(file)}, file_row_number = true)
        """
    )
    return columns


def read_json(connection, file, table, wanted, part, notes, copy) -> list[str]:
    """Read JSON records, one of each or one of each element, as `read_csv` reads a file.

    Nested fields are columns with dots in their names. Fields in another list are such columns,
    too: each is the sum of the list's numbers. With the table's ``counts_broken``, a line of JSON
    lines that cannot be read is a row with a problem; else the file is refused.
    """
    text = as_utf8(file, table, copy)
    is_lenient = table.get("counts_broken") and _begins_with_object(text)
    form = "'newline_delimited', ignore_errors = true" if is_lenient else "'auto'"
    source = (
        f"read_json_objects({file_literal(text)}, format = {form}, compression = 'none', "
        f"maximum_object_size = {LARGEST_JSON})"
    )
    connection.execute(
        f"create or replace temp table {part}_json as "
        f"select cast(row_number() over () as bigint) as _row, json as record from {source}"
    )
    parent, unnest = table.get("parent_key"), table.get("unnest")
    _unwrap(connection, part, unnest)
    if parent:
        child_of = f"(record ->> {literal(_path(parent))})"
        connection.execute(
            f"""
            create or replace temp table {part}_json as
            select child._row as _row, parent.record as record, child.record as line
            from {part}_json as parent
            join {part}_json as child
                on child.record ->> {literal(_path(parent))} = parent.record ->> '$."id"'
            union all
            select _row, record, null as line from {part}_json as alone
            where {child_of} is null and not exists (
                select 1 from {part}_json as child
                where child.record ->> {literal(_path(parent))} = alone.record ->> '$."id"'
            )
            """
        )
        prefix = "line"
    elif unnest:
        connection.execute(
            f"""
            create or replace temp table {part}_json as
            select cast(row_number() over (order by _row, position) as bigint) as _row, record, line
            from (
                select _row, record, unnest(elements) as line,
                    generate_subscripts(elements, 1) as position
                from (
                    select *, case when json_array_length(record, {literal(_path(unnest))}) > 0
                        then json_extract(record, {literal(_path(unnest) + "[*]")})
                        else [null] end as elements
                    from {part}_json
                )
            )
            """
        )
        prefix = unnest
    else:
        prefix = None
    columns = _json_columns(connection, part, "record", "", prefix)
    if prefix:
        columns |= _json_columns(connection, part, "line", f"{prefix}.")

    def value(name):
        if lists := columns[name]:
            record = "line" if prefix and name.startswith(f"{prefix}.") else "record"
            elements = f"json_extract({record}, {literal(lists)})"
            number = "try_cast(element ->> '$' as decimal(18, 4))"
            numbers = f"list_transform({elements}, lambda element: {number})"
            return f"cast(list_sum({numbers}) as varchar)"
        if prefix and name.startswith(f"{prefix}."):
            inner = name.removeprefix(f"{prefix}.")
            return f"coalesce(line ->> {literal(_key(inner))}, line ->> {literal(_path(inner))})"
        return f"coalesce(record ->> {literal(_key(name))}, record ->> {literal(_path(name))})"

    kept = [column for column in wanted if column in columns]
    _refuse_lists(connection, part, kept, file)
    connection.execute(
        f"""
        create or replace table {part} as
        select {
            ", ".join(
                [f"{value(c)} as {quoted(c)}" for c in kept]
                + ["_row", "case when record is null then 'no JSON' end as _problem"]
            )
        }
        from {part}_json order by _row
        """
    )
    connection.execute(f"drop table {part}_json")
    broken = connection.execute(f"select count(_problem) from {part}").fetchone()[0]
    if broken:
        notes.append(
            f"{file}: {counted(broken, 'line')} that cannot be read as JSON: rejected as "
            "`unreadable_line`."
        )
    if connection.execute(f"select count(*) from {part}").fetchone()[0] == 0:
        raise UnreadableSource(
            f"{file} has no rows; an empty source is refused because it would empty the marts"
        )
    return list(columns)


def wrapper_of(record: dict) -> str | None:
    """Return the key of the list that records stand in, as in {"orders": [...]}.

    It is an object's only list of objects, next to single values; elements have lists themselves.
    """
    keys = [
        key for key, value in record.items()
        if isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
    ]  # fmt: skip
    is_order = len(record) > MOST_BESIDE or any(isinstance(v, dict) for v in record.values())
    if len(keys) != 1 or is_order:
        return None
    has_lists = any(isinstance(v, list) for inner in record[keys[0]] for v in inner.values())
    return keys[0] if has_lists else None


def _unwrap(connection, part, unnest):
    """Replace an object that wraps records by the records, unless they are the lines themselves."""
    found = connection.execute(f"select record from {part}_json limit 2").fetchall()
    record = json.loads(found[0][0]) if len(found) == 1 else None
    key = wrapper_of(record) if isinstance(record, dict) else None
    if key is None or (unnest and unnest.split(".")[0] in record):
        return
    connection.execute(
        f"""
        create or replace temp table {part}_json as
        select cast(row_number() over () as bigint) as _row, record
        from (
            select unnest(json_extract(record, {literal(_key(key) + "[*]")})) as record
            from {part}_json
        )
        """
    )


def _begins_with_object(text):
    """Return whether a file of JSON begins with an object: lines of them, and no list."""
    with open(text, encoding="utf-8-sig") as file:
        return next((line for line in file if line.strip()), "").lstrip().startswith("{")


def _refuse_lists(connection, part, names, file):
    for name in names:
        found = connection.execute(
            f"select count(*) from {part}_json "
            f"where json_type(record, {literal(_path(name))}) = 'ARRAY'"
        ).fetchone()[0]
        if found:
            raise UnreadableSource(
                f"'{name}' is a list in {file}: write `unnest: {name}` under the table, and map "
                f"the fields of its elements, such as `product_id: {name}.sku`"
            )


def _key(name: str) -> str:
    return '$."' + name.replace('"', '\\"') + '"'


def _path(name: str) -> str:
    if not all(name.split(".")):
        # The dot is part of a key, such as "Order no."; there is no nested field of that name.
        return _key(name)
    return "$" + "".join('."' + part.replace('"', '\\"') + '"' for part in name.split("."))


def _json_columns(connection, part, column, prefix, unnested=None):
    """Return the names of the scalar fields of JSON records, nested ones with dots.

    A field in a list has the path to its values, any other has none. The list ``unnested`` is left
    out.
    """
    text = connection.execute(
        f"select json_group_structure({column}) from "
        f"(select {column} from {part}_json where {column} is not null using sample 20000 rows)"
    ).fetchone()[0]

    def fields(structure, prefix, path, is_listed):
        for key, inner in structure.items():
            if not key or (prefix == "" and key == unnested):
                # An index that some program wrote; no path names it.
                continue
            own = path + '."' + key.replace('"', '\\"') + '"'
            yield f"{prefix}{key}", own if is_listed else None
            if isinstance(inner, dict):
                yield from fields(inner, f"{prefix}{key}.", own, is_listed)
            elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
                yield from fields(inner[0], f"{prefix}{key}.", f"{own}[*]", True)

    structure = json.loads(text) if text else {}
    return dict(fields(structure, prefix, "$", False)) if isinstance(structure, dict) else {}


def unpack_cells(connection, name, unpack):
    """Give each match of a pattern in a cell a row of its own."""
    pattern, column = re.compile(unpack["pattern"]), unpack["column"]
    groups = list(pattern.groupindex)
    cells = connection.execute(
        f"select distinct {quoted(column)} from {name} where {quoted(column)} is not null"
    ).fetchall()
    rows = [
        (cell, position, *(match.group(group) for group in groups))
        for (cell,) in cells
        for position, match in enumerate(pattern.finditer(cell))
    ]
    connection.execute(
        "create or replace temp table unpacked (_cell varchar, _position int, "
        + ", ".join(f"{quoted(f'{column}.{group}')} varchar" for group in groups)
        + ")"
    )
    if rows:
        import pandas as pd

        frame = pd.DataFrame(rows, dtype=object)  # noqa: F841 - DuckDB reads it by name
        connection.execute("insert into unpacked select * from frame")
    connection.execute(
        f"""
        create or replace table {name} as
        select lines._file, lines.* exclude (_file, _row), unpacked.* exclude (_cell, _position),
            lines._row * 10000 + coalesce(unpacked._position, 0) as _row
        from {name} as lines left join unpacked on lines.{quoted(column)} = unpacked._cell
        """
    )
