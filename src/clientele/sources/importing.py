"""Import the text files of a source: once into Parquet, in canonical columns, for both engines."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientele.sources import shaping
from clientele.sources.columns import ORDER_AMOUNTS, columns_for, describes_customers
from clientele.sources.common import UnreadableSource, literal, quoted, stamp
from clientele.sources.guests import describe_guests
from clientele.sources.in_place import check_columns, needs_import, wanted_columns
from clientele.sources.joining import gives_to_lines, join
from clientele.sources.mapping import (
    exclude_reason,
    report_unreadable,
    text_column,
    texts_of,
    type_lines,
)  # fmt: skip
from clientele.sources.reading import find_files, read_table
from clientele.sources.repeats import (
    describe_repeated_files,
    describe_repeats,
    put_copies_back,
    set_copies_aside,
)  # fmt: skip
from clientele.sources.tables import import_table
from clientele.sources.totals import MAX_DIFFERING_TOTALS, compare_totals, count_repeats
from clientele.sources.versions import (
    describe_shared_numbers,
    put_versions_back,
    set_versions_aside,
)  # fmt: skip

# Imports of a source that are kept, newest first.
KEPT = 6
WITHOUT = {
    "customer_id": "`customer_id` is not mapped: every order counts as a guest's.",
    "product_id": "`product_id` is not mapped: what is about products stays empty.",
}


@dataclass(frozen=True)
class Imported:
    """A source's imported tables.

    Attributes:
        folder: Where `order_lines.parquet` and the others are.
        notes: What the import noticed, in sentences.
    """

    folder: Path
    notes: list[str]


def path_of(table: dict, data: str | None, source: dict) -> str | None:
    """Return a raw table's path with `{data}` replaced; None if it is a table of the database."""
    if "path" not in table:
        return None
    return str(table["path"]).replace("{data}", str(data or source.get("data") or ""))


def import_source(
    source: dict,
    data: str | None,
    root: Path,
    tell: Callable[[str], None] = lambda step: None,
    *,
    always: bool = False,
) -> Imported | None:
    """Import the raw tables of a source that are text files, unless that is done already.

    Args:
        source: The content of `source:` in the source's YAML.
        data: What replaces `{data}`; without it the source's own `data`.
        root: Folder of all imports; each has a folder of its own, named after what it was made of.
        tell: Called with the name of each step.
        always: Import tables also where SQL could read them in place.

    Returns:
        The import, or None if SQL reads all tables where they are.

    Raises:
        UnreadableSource: data that cannot be read as the YAML says; the message names the remedy.
    """
    tables = source["tables"]
    paths = {name: path_of(table or {}, data, source) for name, table in tables.items()}
    joined = [name for name in ("orders", "customers") if gives_to_lines(name, tables.get(name))]
    needed = {name for name in tables if needs_import(tables[name] or {}, paths[name], name)}
    if always or joined:
        needed |= {"order_lines", *joined}
    check_columns(tables, {name: paths[name] for name in tables if name not in needed})
    if not needed:
        return None
    for name in ["order_lines", *joined] if "order_lines" in needed else []:
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
            # Small tables first, so that what is wrong with them is told at once. A broken line of
            # events costs one event; of the others, a customer's history.
            others = {
                name: _read(
                    connection,
                    tables[name] | {"counts_broken": name == "events"},
                    paths[name],
                    f"rows_{name}",
                    tell,
                )
                for name in ("products", "campaigns", "customers", "reviews", "events")
                if name in needed and (name != "customers" or describes_customers(tables[name]))
            }
            has_lines = "order_lines" in needed
            found = _import_lines(connection, source, paths, made, tell) if has_lines else []
            for name, raw in others.items():
                found += raw.notes if name == "events" else []
                target = str(made / f"{name}.parquet")
                found += import_table(
                    connection, source, name, raw.relation, target, has_lines=has_lines
                )
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
            digest.update(stamp(file).encode())
    for module in sorted(
        [*Path(__file__).parent.glob("*.py"), *Path(__file__).parent.glob("*.yml")]
    ):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


def _forget_old(root: Path, name: str) -> None:
    made = sorted(root.glob(f"{name}-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in made[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------------------- the lines


def _import_lines(connection, source, paths, folder, tell):
    table = source["tables"]["order_lines"]
    raw = _read(connection, table, paths["order_lines"], "raw_lines", tell)
    notes = list(raw.notes)
    texts = texts_of(connection, raw.relation, table, "order_lines")
    amounts = table.get("order_amounts") or {}
    own = [_as_sql(table["columns"].get(name), name) for name in ("order_id", "ordered_at")]
    for name in ("orders", "customers"):
        if gives_to_lines(name, source["tables"].get(name)):
            joined = source["tables"][name]
            rows = _read(connection, joined, paths[name], f"raw_{name}", tell)
            notes += [*rows.notes, *join(connection, joined, name, rows.relation, texts)]
    tell("numbers and times")
    _fill_down(connection, raw.relation, table, texts)
    for name, mapped in amounts.items():
        texts.add(connection, raw.relation, f"_{name}", mapped, f"order_amounts: {name}", table)
    listed = ", ".join(f"{text} as {text_column(name)}" for name, text in texts.items())
    connection.execute(
        "create or replace temp table texts as select _file, _row, _problem, "
        f"{exclude_reason(connection, raw.relation, table)} as exclude_reason, {listed} "
        f"from {raw.relation}"
    )
    type_lines(connection, source, table, texts)
    notes += report_unreadable(connection, source, texts)
    tell("orders and customers")
    notes += shaping.turn_discounts(connection)
    notes += shaping.fill_orders(connection, set(texts))
    if table.get("customer_ids") != "as_written" and "customer_id" in texts:
        notes += shaping.name_persons(connection)
    names = [column.name for column in columns_for("order_lines", table)]
    notes += set_versions_aside(connection, names, raw.files)
    if "customer_id" in texts:
        notes += shaping.split_shared_orders(connection, *own)
        notes += describe_guests(connection)
    is_kept = table.get("repeated_lines") == "keep"
    has_copies = bool(amounts) and len(raw.files) > 1 and not is_kept
    if has_copies:
        set_copies_aside(connection, names)
    shaping.order_totals(connection, [name for name in ORDER_AMOUNTS if name in amounts])
    notes += compare_totals(
        connection, set(texts), list(amounts),
        float(source.get("max_differing_totals", MAX_DIFFERING_TOTALS)),
    )  # fmt: skip
    judged = not is_kept and "line_id" not in texts
    totals = count_repeats(connection, names, set(texts), list(amounts)) if judged else (0, 0)
    if "discount" in amounts:
        shaping.allot_discounts(connection)
    if "refund" in amounts:
        shaping.allot_refunds(connection)
    if has_copies:
        put_copies_back(connection)
    twice = describe_repeated_files(connection, names, raw.files, is_kept=is_kept)
    notes += twice
    if judged:
        # Lines of a repeated file are told already.
        notes += describe_repeats(connection, [*names, *["_file"][: len(twice)]], *totals)
    notes += shaping.describe_last_day(connection, own[0])
    notes += [sentence for name, sentence in WITHOUT.items() if name not in texts]
    if len(raw.files) > 1:
        notes += describe_shared_numbers(connection)
        put_versions_back(connection)
    tell("writing")
    selected = ", ".join([*names, "reject_reason", "exclude_reason"])
    for made, query in {
        "order_lines": f"select {selected} from lines order by _file, _row",
        "order_totals": "select * from order_totals order by order_id",
    }.items():
        connection.execute(
            f"copy ({query}) to {literal(folder / f'{made}.parquet')} (format parquet)"
        )
    return notes


def _as_sql(mapped, name):
    """Return what a user would write for a mapped column in an expression."""
    if isinstance(mapped, dict):
        return f"({mapped['expression']})"
    return quoted(mapped or name)


def _read(connection, table, path, name, tell=lambda step: None):
    wanted, unpacked = wanted_columns(connection, table), (table.get("unpack") or {}).get("column")
    wanted = [c for c in wanted if not (unpacked and c.startswith(f"{unpacked}."))]
    if unpacked and unpacked not in wanted:
        wanted.append(unpacked)
    return read_table(connection, path, table, wanted, name=name, tell=tell)


def _fill_down(connection, relation, table, texts):
    """Give empty cells of `fill_down` columns the value above them in the same order."""
    names = table.get("fill_down") or []
    empty = " or ".join(f"coalesce({quoted(name)}, '') = ''" for name in names)
    if (
        not names
        or not connection.execute(f"select count(*) from {relation} where {empty}").fetchone()[0]
    ):
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
