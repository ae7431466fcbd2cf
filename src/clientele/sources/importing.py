"""Import the text files of a source: once into Parquet, in the canonical columns, for both engines."""

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientele.sources import shaping
from clientele.sources.columns import (
    COLUMNS, IN_SQL, ORDER_AMOUNTS, READING, SHAPE,
)  # fmt: skip
from clientele.sources.reading import (
    UnreadableSource, find_files, format_of, literal, quoted, read_table,
)  # fmt: skip
from clientele.sources.values import (
    column_names, decide_formats, decide_marks, float_like, key, meaningful, number, split_zone,
    timestamp,
)  # fmt: skip

# The share of a column's values that may be unreadable; a source's `max_unreadable_share` changes it.
MAX_UNREADABLE_SHARE = 0.05
KEPT = 6


@dataclass(frozen=True)
class Imported:
    """A source's imported tables.

    Attributes:
        folder: Where `order_lines.parquet` and the others are.
        notes: What the import noticed, in sentences.
    """

    folder: Path
    notes: list[str]


def needs_import(table: dict, path: str | None) -> bool:
    """Return whether a raw table is imported: text files, or settings that SQL does not know."""
    if path is None:
        return False
    kind = table.get("format") or format_of(path)
    if not kind and Path(path).is_dir():
        kind = format_of(find_files(path)[0])
    if kind != "parquet":
        return True
    own = [name for name in READING + SHAPE if name not in IN_SQL]
    return any(name in table for name in own) or _is_awkward(path, table)


def _is_awkward(path: str, table: dict) -> bool:
    """Return whether Parquet keeps keys as fractions or numbers and times as text.

    Files that cannot be inspected here, such as those of an object store, are not.
    """
    if "://" in path:
        return False
    kinds = {c.name: c.kind for c in COLUMNS["order_lines"]}
    try:
        with duckdb.connect() as connection:
            types = dict(
                row[:2]
                for row in connection.execute(
                    f"describe select * from read_parquet({literal(path)}, union_by_name = true)"
                ).fetchall()
            )
    except duckdb.Error:
        return False
    awkward = {
        "key": ("DOUBLE", "FLOAT"),
        "number": ("VARCHAR",),
        "timestamp": ("VARCHAR", "TIMESTAMP WITH TIME ZONE"),
    }
    return any(
        isinstance(theirs, str) and types.get(theirs) in awkward.get(kinds.get(ours), ())
        for ours, theirs in (table.get("columns") or {}).items()
    )


def path_of(table: dict, data: str | None, source: dict) -> str | None:
    """Return a raw table's path with `{data}` replaced; None if it is a table of the database."""
    if "path" not in table:
        return None
    return str(table["path"]).replace("{data}", str(data or source.get("data") or ""))


def import_source(source: dict, data: str | None, root: Path) -> Imported | None:
    """Import the raw tables of a source that are text files, unless that is done already.

    Args:
        source: The content of `source:` in the source's YAML.
        data: What replaces `{data}`; without it the source's own `data`.
        root: Folder of all imports; each has a folder of its own, named after what it was made of.

    Returns:
        The import, or None if SQL reads all tables where they are.

    Raises:
        UnreadableSource: data that cannot be read as the YAML says; the message names the remedy.
    """
    tables = source["tables"]
    paths = {name: path_of(table or {}, data, source) for name, table in tables.items()}
    joined = [name for name in ("orders", "customers") if tables.get(name)]
    if not joined and not any(needs_import(tables[name] or {}, paths[name]) for name in tables):
        return None
    for name in ["order_lines", *joined]:
        if paths.get(name) is None:
            raise UnreadableSource(
                f"`{name}` is a table of the database, and tables joined by `orders:` or "
                "`customers:` must be files; join them in a view, and name that as `table:`"
            )
    stamp = _fingerprint(source, paths)
    folder = root / f"{source['name']}-{stamp}"
    notes = folder / "notes.json"
    if notes.is_file():
        os.utime(folder)
        return Imported(folder, json.loads(notes.read_text(encoding="utf-8")))
    made = root / f".{source['name']}-{stamp}-{os.getpid()}"
    made.mkdir(parents=True, exist_ok=True)
    try:
        with duckdb.connect(config={"temp_directory": str(made / "spill")}) as connection:
            connection.execute("set timezone = 'UTC'")
            found = _import_lines(connection, source, paths, made)
            if tables.get("products") and needs_import(tables["products"], paths["products"]):
                _import_products(connection, tables["products"], paths["products"], made)
        (made / "notes.json").write_text(json.dumps(found), encoding="utf-8")
        if not notes.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    _forget_old(root, source["name"])
    return Imported(folder, found)


def _fingerprint(source, paths) -> str:
    """Return a hash of the YAML, the files' names, sizes and times, and of this package."""
    digest = hashlib.sha256(json.dumps(source, sort_keys=True, default=str).encode())
    for path in paths.values():
        for file in find_files(path) if path else []:
            stat = file.stat()
            digest.update(f"{file.absolute()} {stat.st_size} {stat.st_mtime_ns}".encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


def _forget_old(root: Path, name: str) -> None:
    made = sorted(root.glob(f"{name}-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in made[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------------------- the lines


def _import_lines(connection, source, paths, folder):
    table = source["tables"]["order_lines"]
    raw = _read(connection, table, paths["order_lines"], "raw_lines")
    notes = list(raw.notes)
    texts = _texts(connection, raw.relation, table, "order_lines")
    amounts = {name: _mapped(mapped) for name, mapped in (table.get("order_amounts") or {}).items()}
    for name in ("orders", "customers"):
        if source["tables"].get(name):
            notes += _join(connection, source["tables"][name], paths[name], name, texts)
    _fill_down(connection, raw.relation, table, texts)
    for name, value in amounts.items():
        texts[f"_{name}"] = meaningful(f"cast({value} as varchar)", table.get("null_values"))
    listed = ", ".join(f"{text} as {_text(name)}" for name, text in texts.items())
    connection.execute(
        "create or replace temp table texts as select _file, _row, _problem, "
        f"{_excludes(table)} as exclude_reason, {listed} from {raw.relation}"
    )
    _type_lines(connection, source, table, set(texts))
    notes += _report_unreadable(connection, source, texts)
    notes += shaping.turn_discounts(connection)
    notes += shaping.fill_orders(connection, set(texts))
    if table.get("customer_ids") != "as_written" and "customer_id" in texts:
        notes += shaping.name_persons(connection)
    if "customer_id" in texts:
        notes += shaping.split_shared_orders(connection)
    shaping.order_totals(connection, [name for name in ORDER_AMOUNTS if name in amounts])
    if "discount" in amounts:
        shaping.allot_discounts(connection)
    if "refund" in amounts:
        shaping.allot_refunds(connection)
    names = [column.name for column in COLUMNS["order_lines"]]
    if table.get("repeated_lines") != "keep" and "line_id" not in texts:
        notes += shaping.describe_repeats(connection, names)
    notes += shaping.describe_last_day(connection)
    selected = ", ".join([*names, "reject_reason", "exclude_reason"])
    for made, query in {
        "order_lines": f"select {selected} from lines order by _file, _row",
        "order_totals": "select * from order_totals order by order_id",
    }.items():
        connection.execute(
            f"copy ({query}) to {literal(folder / f'{made}.parquet')} (format parquet)"
        )
    return notes


def _read(connection, table, path, name):
    unpacked = (table.get("unpack") or {}).get("column")
    wanted = []
    for mapped in [
        *(table.get("columns") or {}).values(),
        *(table.get("order_amounts") or {}).values(),
    ]:
        wanted += _columns_of(connection, mapped)
    wanted += table.get("fill_down") or []
    for rule in table.get("exclude") or []:
        wanted += column_names(connection, rule["when"])
    wanted = [c for c in dict.fromkeys(wanted) if not (unpacked and c.startswith(f"{unpacked}."))]
    if unpacked and unpacked not in wanted:
        wanted.append(unpacked)
    return read_table(connection, path, table, wanted, name=name)


def _columns_of(connection, mapped):
    if isinstance(mapped, dict):
        return column_names(connection, mapped["expression"])
    return list(mapped) if isinstance(mapped, list) else [mapped]


def _mapped(mapped) -> str:
    """Return the SQL of what a mapping names: a column, the first filled one, or an expression."""
    if isinstance(mapped, dict):
        return f"({mapped['expression']})"
    if isinstance(mapped, list):
        return f"coalesce({', '.join(meaningful(quoted(name)) for name in mapped)})"
    return quoted(mapped)


def _texts(connection, relation, table, name):
    """Return the SQL of each mapped column as text, with an expression bound to its columns."""
    texts = {}
    for column in COLUMNS[name]:
        mapped = (table.get("columns") or {}).get(column.name)
        if mapped is None:
            continue
        value = _mapped(mapped)
        if isinstance(mapped, dict):
            value = _bound(connection, relation, mapped["expression"], column.name, table)
        texts[column.name] = meaningful(f"cast({value} as varchar)", table.get("null_values"))
    return texts


def _bound(connection, relation, expression, name, table):
    """Return an expression that runs on text columns: as it stands, or with its numbers cast.

    An expression sees text. One that computes with columns, such as `total / nullif(qty, 0)`, is
    given the numbers that they hold.
    """
    columns = column_names(connection, expression)
    for dotted in (column for column in columns if "." in column):
        expression = re.sub(rf'(?<!["\w.]){re.escape(dotted)}(?![\w"])', quoted(dotted), expression)
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
    casts = ", ".join(f"{number(values[c], *marks, 'double')} as {quoted(c)}" for c in columns)
    inner = f"(select ({expression}) as value from (select {casts}))"
    try:
        connection.execute(f"select max(cast({inner} as varchar)) from {relation}").fetchall()
    except duckdb.Error:
        examples = connection.execute(
            f"select {', '.join(map(quoted, columns)) or '1'} from {relation} limit 3"
        ).fetchall()
        shown = "; ".join(", ".join(map(repr, row)) for row in examples)
        reason = str(failure).split("\n")[0].partition(": ")[2]
        raise UnreadableSource(
            f"the expression `{expression}` for `{name}` cannot be computed ({reason}); "
            f"its columns are text, such as {shown}. Map the column itself (numbers and dates are "
            "read in most notations), or use try_cast and try_strptime"
        ) from None
    return inner


def _text(name: str) -> str:
    """Return the name of the column that keeps a canonical column's text."""
    return f"_text_{name.removeprefix('_')}"


def _type_lines(connection, source, table, names):
    """Make the table `lines` of typed canonical columns and order amounts out of `texts`."""
    columns = COLUMNS["order_lines"]
    money = [name for name in names if name.startswith("_")]
    numbers = [c.name for c in columns if c.kind == "number" and c.name in names] + money
    marks = decide_marks(connection, "texts", {n: _text(n) for n in sorted(numbers)}, table)
    base, minutes = split_zone(_text("ordered_at"))
    selected = {}
    for column in columns:
        text = _text(column.name)
        if column.name not in names:
            default = "1" if column.name == "quantity" else "null"
            selected[column.name] = f"cast({default} as {column.type})"
        elif column.kind == "number":
            selected[column.name] = number(text, *marks, column.type)
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
        price = number(_text("unit_price"), *marks, "decimal(30, 12)")
        quantity = number(_text("quantity"), *marks, "double") if "quantity" in names else "1"
        selected["line_amount"] = (
            f"case when {price} <> cast({price} as decimal(18, 4)) then "
            f"try_cast({quantity} * cast({price} as double) as decimal(18, 4)) end"
        )
    selected |= {name: number(_text(name), *marks, "decimal(18, 4)") for name in money}
    kept = ", ".join(f"{value} as {name}" for name, value in selected.items())
    connection.execute(
        f"""
        create or replace temp table lines as
        select _file, _row, _problem, exclude_reason,
            case when _problem is not null then 'unreadable_line'
                when exclude_reason is not null then 'excluded' end as reject_reason,
            {kept}, {", ".join(_text(name) for name in names)}
        from (select *, {base} as _base, {minutes} as _minutes from texts)
        """
    )


def _excludes(table):
    rules = table.get("exclude") or []
    if not rules:
        return "cast(null as varchar)"
    cases = " ".join(
        f"when ({rule['when']}) then {literal(rule.get('reason') or rule['when'])}"
        for rule in rules
    )
    return f"case {cases} end"


def _fill_down(connection, relation, table, texts):
    """Give empty cells of `fill_down` columns the value above them in the same order."""
    names = table.get("fill_down") or []
    if not names:
        return
    window = f"over (partition by {texts['order_id']} order by _file, _row)"
    filled = ", ".join(
        f"coalesce(nullif({quoted(n)}, ''), last_value(nullif({quoted(n)}, '') ignore nulls) "
        f"{window}) as {quoted(n)}"
        for n in names
    )
    connection.execute(
        f"create or replace table filled as select * replace ({filled}) from {relation}; "
        f"drop table {relation}; alter table filled rename to {relation}"
    )


def _join(connection, table, path, name, texts):
    """Add the columns of `orders` or `customers` to the lines' raw columns, by their key."""
    raw = _read(connection, table, path, f"raw_{name}")
    theirs = _texts(connection, raw.relation, table, name)
    by = "order_id" if name == "orders" else "customer_id"
    if by not in theirs or by not in texts:
        raise UnreadableSource(f"`{name}` is joined by `{by}`, which must be mapped in both tables")
    selected = ", ".join(f"any_value({text}) as _{name}_{ours}" for ours, text in theirs.items())
    connection.execute(
        f"""
        create or replace temp table keyed as
        select {selected} from {raw.relation} group by {theirs[by]};
        create or replace table joined as
        select lines.*, keyed.* from raw_lines as lines
        left join keyed on {texts[by]} = keyed._{name}_{by};
        drop table raw_lines; alter table joined rename to raw_lines
        """
    )
    unmatched = connection.execute(
        f"select count(*) from raw_lines where {texts[by]} is not null and _{name}_{by} is null"
    ).fetchone()[0]
    for ours in theirs:
        target = "customer_id" if ours == "person_id" else ours
        own = f"_{name}_{ours}"
        if target == by and ours != "person_id":
            continue
        texts[target] = f"coalesce({own}, {texts[target]})" if target in texts else own
    if not unmatched:
        return raw.notes
    return [*raw.notes, f"{unmatched:,} lines have no row in `{name}` for their `{by}`."]


def _report_unreadable(connection, source, names):
    """Refuse columns of which too much does not read, and return sentences about the others."""
    most = float(source.get("max_unreadable_share", MAX_UNREADABLE_SHARE))
    kinds = {c.name: c for c in COLUMNS["order_lines"] if c.kind in ("number", "timestamp")}
    targets = [name for name in names if name in kinds or name.startswith("_")]
    notes, problems = [], []
    for name in targets:
        text = _text(name)
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
        remedy = "`date_format`" if kind == "timestamp" else "`decimal` and `thousands`"
        sentence = (
            f"{unread:,} of {given:,} values for `{shown}` do not read as a {kind}, such as {values} "
            f"(row {min(rows):,} of the data)"
        )
        if unread > most * given:
            problems.append(
                f"{sentence}; say how they are written with {remedy}, or allow it with "
                f"`max_unreadable_share: {round(unread / given + 0.005, 2)}`"
            )
        else:
            notes.append(f"{sentence}; they count as missing.")
    if problems:
        raise UnreadableSource("; ".join(problems))
    return notes


def _import_products(connection, table, path, folder):
    raw = _read(connection, table, path, "raw_products")
    texts = _texts(connection, raw.relation, table, "products")
    numbers = {c.name: texts[c.name] for c in COLUMNS["products"]
               if c.kind == "number" and c.name in texts}  # fmt: skip
    marks = decide_marks(connection, raw.relation, numbers, table)
    selected = []
    for column in COLUMNS["products"]:
        text = texts.get(column.name)
        if text is None:
            value = f"cast(null as {column.type})"
        elif column.kind == "number":
            value = number(text, *marks, column.type)
        elif column.kind == "key":
            value = key(text, float_like(connection, raw.relation, text, column.name))
        else:
            value = text
        selected.append(f"{value} as {column.name}")
    connection.execute(
        f"copy (select {', '.join(selected)} from {raw.relation} order by _file, _row) "
        f"to {literal(folder / 'products.parquet')} (format parquet)"
    )
