"""Add columns of the tables `orders` and `customers` to order lines, by their key."""

from clientele.sources.common import UnreadableSource, counted
from clientele.sources.mapping import texts_of


def join(connection, raw, table: dict, name: str, texts: dict[str, str]) -> list[str]:
    """Add the columns of `orders` or `customers` to the raw columns of `raw_lines`.

    Args:
        connection: Where `raw_lines` is.
        raw: The raw table to join.
        table: Its YAML.
        name: `orders` or `customers`.
        texts: The SQL of each canonical column of the lines; it is completed.

    Returns:
        Sentences about what was noticed.

    Raises:
        UnreadableSource: the key is not mapped in both tables.
    """
    theirs = texts_of(connection, raw.relation, table, name)
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
    return [
        *raw.notes,
        f"{counted(unmatched, 'line', 'has/have')} no row in `{name}` for their `{by}`.",
    ]
