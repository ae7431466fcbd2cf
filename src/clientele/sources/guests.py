"""Take customers who are none, such as `walk-in`, for guests."""

from clientele.sources.common import counted, quoted
from clientele.sources.saying import is_one_of, values_that_say


def leave_out_guests(connection, relation: str, chosen: dict, found) -> None:
    """Let words for a guest in place of a customer be no customer, and say so.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        chosen: Role -> column, or columns, of which `customer_id` is read.
        found: The guess, which gets the expression, and the doubts.
    """
    mapped = chosen.get("customer_id") or []
    names = [mapped] if isinstance(mapped, str) else mapped
    words = {n: values_that_say(connection, relation, n, "guest")["guest"] for n in names}
    if not any(words.values()):
        return
    parts = [
        f"case when {is_one_of(name, said)} then null else nullif(trim({quoted(name)}), '') end"
        if (said := words[name]) else f"nullif(trim({quoted(name)}), '')"
        for name in names
    ]  # fmt: skip
    found.computed["customer_id"] = parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"
    when = " or ".join(is_one_of(name, said) for name, said in words.items() if said)
    lines = connection.execute(f"select count(*) from {relation} where {when}").fetchone()[0]
    shown = list(dict.fromkeys(word for said in words.values() for word in said))
    more = " and more" if len(shown) > 4 else ""
    found.doubts.append(
        f"{', '.join(shown[:4])}{more} in the place of a customer are guests: "
        f"{counted(lines, 'line')}."
    )


def describe_guests(connection) -> list[str]:
    """Return a sentence about customers of the table `lines` whose ids are words for a guest."""
    words = values_that_say(connection, "lines", "customer_id", "guest")["guest"]
    if not words:
        return []
    listed = ", ".join(f"'{word}'" for word in words[:4])
    column = "<your column>"
    verb = "counts as a customer" if len(words) == 1 else "count as customers"
    return [
        f"{listed} {verb}. If that is who buys without a name, make it a guest: customer_id: "
        f'{{expression: "case when {column} in ({listed}) then null else {column} end"}}.'
    ]
