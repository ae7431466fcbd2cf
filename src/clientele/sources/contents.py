"""Tell by what columns hold what their names leave open: orders, addresses, statuses, counts."""

import re

from clientele.sources.common import UnreadableSource, quoted
from clientele.sources.multiplying import multiply
from clientele.sources.naming import english
from clientele.sources.values import decide_formats, meaningful, split_zone, timestamp

# A status that means that there was no sale. Of few values, so that no product's name is one.
CANCELLED = (
    r"cancel|storn|annul|anulad|geannul|\bvoid|failed|fehlgeschl|echou|rejected|declin|abgebroch|"
    r"\bdrafts?\b|\bquotes?\b|\bquotation|\bestimates?\b|pro ?forma|entwurf|angebot|devis|"
    r"brouillon|presupuesto|borrador|preventivo|bozza|offerte|orcamento|rascunho|trash|vervallen|ingetrokken|refus|abandon|recusad|rechazad|rifiutat|geweigerd|abgelehnt|verworfen"
)
MOST_STATUSES = 30
# What a column that marks tests says, in several languages.
YES = set("true t yes y 1 x ja j wahr oui o vrai si s sim verdadero vero verdadeiro waar".split())
NO = set("false f no n 0 nein falsch non faux nao falso nee onwaar".split())
# Names of times at which an order was there already.
LATER = r"ship|deliver|paid|update|modif|birth|geburt|due|refund|cancel|versand|liefer"
# Names of a line's own number, if it is on no other line.
LINE = (
    r"^id$|\b(line|item|row|record|entry|position|detail|zeile|pos|ligne|linea|riga|regel)\b.*"
    r"\b(id|uuid|guid|key|no|nr|num|number)\b|\b(id|no|number) (line|item|row|position)\b"
)
# Names that number something, though they do not say what.
NUMBERED = r"\b(num|number|no|nr|id|document|doc|ref|reference|ticket|receipt|numero|codigo)\b"


def complete(
    connection, relation: str, facts: dict, chosen: dict, found, plain, *, spread: str
) -> None:
    """Choose columns for roles that no name settled, where their content leaves no doubt.

    Args:
        connection: Where the relation is.
        relation: A table of texts, with `_row`.
        facts: What each column holds; see `guessing`.
        chosen: Role -> column; it is completed.
        found: The guess, which is told why.
        plain: Function that simplifies a column's name.
        spread: A table of some of the lines, for what needs arithmetic.
    """
    free = [name for name in facts if name not in chosen.values() and facts[name]["filled"] > 0]

    def take(role, name, why):
        chosen[role], found.why[role] = name, why
        free.remove(name)

    if "email" not in chosen:
        mails = [name for name in free if facts[name]["mail"] > 0.5]
        if mails:
            take("email", max(mails, key=lambda name: facts[name]["filled"]), "it holds addresses")
    if "status" not in chosen:
        told = [name for name in free if _cancelled(connection, relation, name, facts, plain)]
        if len(told) == 1:
            take("status", told[0], "it says which orders were cancelled")
    if "ordered_at" not in chosen:
        name = _first_time(connection, relation, free, facts, plain)
        if name:
            take("ordered_at", name, "no other time is earlier")
            found.doubts.append(f"'{name}' is taken as the time of the order: none is earlier.")
    if "order_id" not in chosen and "ordered_at" in chosen:
        name = _order_number(connection, relation, free, facts, chosen["ordered_at"], plain)
        if name:
            take("order_id", name, "lines with the same value have the same time")
    if name := _line_number(connection, relation, free, facts, chosen, plain):
        take("line_id", name, "no two lines have the same")
    multiply(connection, spread, facts, chosen, found, plain)
    if "quantity" not in chosen and "unit_price" in chosen:
        name, why = _quantity(connection, relation, free, facts, chosen, plain)
        if name:
            take("quantity", name, why)
            found.doubts.append(f"'{name}' is taken as the quantity, because {why}.")
        elif "line_amount" in chosen:
            # The amount is of the whole line, whatever the quantity.
            del chosen["unit_price"]


def _cancelled(connection, relation, name, facts, plain):
    if facts[name]["different"] > MOST_STATUSES:
        return False
    values = connection.execute(
        f"select distinct {quoted(name)} from {relation} where {quoted(name)} <> ''"
    ).fetchall()
    bad = [value for (value,) in values if re.search(CANCELLED, plain(value))]
    return 0 < len(bad) < len(values)


def _first_time(connection, relation, free, facts, plain):
    """Return the column of times that are never later than those of the others; None if none is."""
    dated = [n for n in free if facts[n]["dated"] > 0.9 and facts[n]["numeric"] < 0.5]
    first = [n for n in dated if facts[n]["filled"] > 0.95 and not re.search(LATER, plain(n))]
    reads = {}
    for name in first:
        text = meaningful(quoted(name))
        base, minutes = split_zone(text)
        try:
            formats = decide_formats(connection, relation, text, name, {})
        except UnreadableSource:
            continue
        reads[name] = timestamp(base, minutes, formats, "UTC")
    for name in reads:
        others = [f"{reads[name]} > {reads[other]}" for other in reads if other != name]
        late = connection.execute(
            f"select count(*) from {relation} where {' or '.join(others) or 'false'}"
        ).fetchone()[0]
        if not late:
            return name
    return None


def _order_number(connection, relation, free, facts, ordered_at, plain):
    """Return the column whose values bind lines of one time together, or that numbers all lines."""
    candidates = []
    for name in free:
        if facts[name]["filled"] < 0.3 or facts[name]["mail"] > 0.1 or facts[name]["dated"] > 0.9:
            continue
        groups, several, bound, coded = connection.execute(
            f"""
            select count(*), count(*) filter (where n > 1),
                count(*) filter (where n > 1 and times <= 1),
                count(*) filter (where regexp_matches(key, '\\d'))
            from (
                select key, count(*) as n, count(distinct moment) as times from (
                    select {meaningful(quoted(name))} as key,
                        {meaningful(quoted(ordered_at))} as moment
                    from {relation}
                ) where key is not null group by key
            )
            """
        ).fetchone()
        if coded < 0.95 * groups or groups < 2:
            continue
        is_numbered = bool(re.search(NUMBERED, plain(name)))
        if several >= 0.1 * groups and bound == several:
            candidates.append((not is_numbered, -groups, name))
        elif not several and is_numbered:
            candidates.append((2, 0, name))
    return min(candidates)[-1] if candidates else None


def _line_number(connection, relation, free, facts, chosen, plain):
    """Return the column that numbers each line, if orders have several; None if none does."""
    order = chosen.get("order_id")
    if not isinstance(order, str) or facts[order]["once"] == 1:
        return None
    for name in free:
        own = plain(name.rpartition(".")[2])
        named = re.search(LINE, own) or re.search(LINE, english(own))
        if facts[name]["once"] < 1 or facts[name]["filled"] < 1 or not named:
            continue
        value = meaningful(quoted(name))
        rows, different = connection.execute(
            f"select count(*), count(distinct {value}) from {relation}"
        ).fetchone()
        if rows == different:
            return name
    return None


def _quantity(connection, relation, free, facts, chosen, plain):
    """Return the column that can be a quantity, and why; None if none can.

    Raises:
        UnreadableSource: several can, and nothing tells which is.
    """
    numeric = [n for n in free if facts[n]["numeric"] > 0.95 and facts[n]["different"] <= 200]
    if "line_amount" in chosen:
        return None, None
    candidates = []
    order = quoted(chosen["order_id"]) if "order_id" in chosen else "_row"
    for name in numeric:
        value = f"try_cast({meaningful(quoted(name))} as double)"
        rows, whole, counting, varying = connection.execute(
            f"""
            select count(value), count(*) filter (where value % 1 = 0 and abs(value) <= 999),
                count(*) filter (where value = place),
                count(*) filter (where lowest <> highest)
            from (
                select {value} as value,
                    row_number() over (partition by {order} order by _row) as place,
                    min({value}) over (partition by {order}) as lowest,
                    max({value}) over (partition by {order}) as highest
                from {relation}
            )
            """
        ).fetchone()
        if rows and whole == rows and counting < rows and varying:
            candidates.append(name)
    if len(candidates) > 1:
        raise UnreadableSource(
            f"no name tells which column is the quantity: {', '.join(map(repr, candidates))} could "
            "be. Copy sources/template.yml and map it by hand"
        )
    if not candidates:
        return None, None
    return candidates[0], "it alone holds small whole numbers that differ within orders"
