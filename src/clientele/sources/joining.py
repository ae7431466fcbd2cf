"""Join the columns of `orders` and `customers` to the raw order lines."""

import duckdb

from clientele.sources.columns import COLUMNS, OF_LINES
from clientele.sources.common import UnreadableSource, counted
from clientele.sources.mapping import texts_of


def gives_to_lines(name: str, table: dict | None) -> bool:
    """Return whether a table has columns for the order lines: `orders` always, customers two."""
    mapping = (table or {}).get("columns") or {}
    return bool(table) and (name == "orders" or any(mapping.get(own) for own in OF_LINES))


def join(
    connection: duckdb.DuckDBPyConnection, table: dict, name: str, relation: str, texts: dict
) -> list[str]:
    """Add the columns of `orders` or `customers` to the table `raw_lines`, by their key.

    Args:
        connection: Where both are.
        table: The YAML of the joined table.
        name: `orders` or `customers`.
        relation: The joined table, in texts.
        texts: SQL of the lines' canonical columns; those of the joined table are added.

    Returns:
        Sentences about lines without a row.

    Raises:
        UnreadableSource: the key is not mapped in both tables.
    """
    theirs = texts_of(connection, relation, {**table, "attributes": {}}, name)
    theirs.pop("consent", None)
    by = "order_id" if name == "orders" else "customer_id"
    if by not in theirs or by not in texts:
        raise UnreadableSource(f"`{name}` is joined by `{by}`, which must be mapped in both tables")
    # Rows of one customer that differ say nothing; those of an order are repeated by its lines.
    of_customer = "case when min({0}) = max({0}) then min({0}) end"
    one = "any_value({0})" if name == "orders" else of_customer
    selected = ", ".join(f"{one.format(text)} as _{name}_{ours}" for ours, text in theirs.items())
    connection.execute(
        f"""
        create or replace temp table keyed as
        select {selected} from {relation} group by {theirs[by]};
        create or replace table joined as
        select lines.*, keyed.* from raw_lines as lines
        left join keyed on {texts[by]} = keyed._{name}_{by};
        drop table raw_lines; alter table joined rename to raw_lines
        """
    )
    unmatched = connection.execute(
        f"select count(*) from raw_lines where {texts[by]} is not null and _{name}_{by} is null"
    ).fetchone()[0]
    for ours in (column.name for column in COLUMNS[name] if column.name in theirs):
        target = "customer_id" if ours == "person_id" else ours
        own = f"_{name}_{ours}"
        if target == by and ours != "person_id":
            continue
        texts[target] = f"coalesce({own}, {texts[target]})" if target in texts else own
    if not unmatched:
        return []
    return [f"{counted(unmatched, 'line', 'has/have')} no row in `{name}` for their `{by}`."]
