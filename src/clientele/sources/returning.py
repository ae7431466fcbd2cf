"""Find returns that a word marks, and doubt what says about goods that they were given back."""

import re

from clientele.sources.cents import is_in_cents
from clientele.sources.common import literal, quoted
from clientele.sources.contents import MOST_STATUSES
from clientele.sources.excluding import filled_down, is_on_first_lines, marked_yes
from clientele.sources.naming import COUNTED, english, plain
from clientele.sources.numbers import numbers_of

# Words for a return among those for a sale, in English or as `english` leaves them.
CREDIT = r"credit (?:note|memo)s?|note credit|creditnote|creditmemo|kreditnota|avoirs?|abono"
RETURN = rf"(invoice )?(refunds?|returns?|{CREDIT}|credit|cn|crn|cm|ruckgabe)( invoice)?"
SALE = r"sales?|sold|invoices?|inv|orders?|purchases?|purchased|receipts?|charges?|payments?"
# Any such word, also in a status, which may be of the sale itself.
MAYBE = rf"\b(refunds?|returns?|refunded|returned|{CREDIT}|ruckgabe)\b"
DONE = r"ed$|erstattet|rembourse$|devuelt|rimborsat|reembolsad|terugbetaald|devolvid|estornad"
MOST_KINDS = 3
SIGNED = r"^\s*[(\x{2212}-]|[\x{2212}-]\s*$"


def settle_returns(connection, relation: str, facts: dict, chosen: dict, found) -> None:
    """Take lines that a word calls returns for returns where that is certain; else doubt them.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        facts: What each column holds; see `guessing`.
        chosen: Role -> column; a `refund` that only says yes and no is taken out.
        found: The guess. Expressions that make returns negative are put in its table.
    """
    told = []
    for name, fact in facts.items():
        words = set(english(plain(name)).split())
        is_of_returns = bool(words & {"refund", "return", "returned"})
        if is_of_returns and re.search(COUNTED, english(plain(name))):
            told += _pieces(connection, relation, name, chosen)
        elif name in (chosen.get(role) for role in set(chosen) - {"status", "channel", "refund"}):
            continue
        elif is_of_returns and (fact["different"] <= 2 or fact["dated"] > 0.9):
            told += _flag(connection, relation, name, fact, chosen)
        elif is_of_returns and _counts(connection, relation, name, chosen):
            told += _pieces(connection, relation, name, chosen)
        elif fact["different"] <= MOST_STATUSES and "customer" not in words:
            told += _kinds(connection, relation, name, chosen, found)
    found.first[:0] = told


def _numbers(connection, relation, chosen, *others):
    """Return the SQL of quantity, money and other columns as numbers; none if they do not read."""
    names = [chosen[role] for role in ("quantity", "unit_price", "line_amount") if role in chosen]
    numbers = numbers_of(connection, relation, {name: name for name in [*names, *others]})
    return {
        name: f"{value} / 100" if is_in_cents(connection, relation, name) else value
        for name, value in numbers.items()
    }


def _amount(relation, numbers, chosen, pieces=None):
    """Return the SQL of a line's amount, or of that of some pieces; in the most common currency."""
    quantity = numbers.get(chosen.get("quantity"), "1")
    if "line_amount" in chosen:
        amount = numbers.get(chosen["line_amount"], "null")
        amount = f"{amount} / nullif({quantity}, 0) * {pieces}" if pieces else amount
    else:
        amount = f"{pieces or quantity} * {numbers.get(chosen.get('unit_price'), 'null')}"
    if "currency" not in chosen:
        return amount
    currency = quoted(chosen["currency"])
    return f"case when {currency} = (select mode({currency}) from {relation}) then {amount} end"


def _counts(connection, relation, name, chosen):
    """Return whether a column holds whole numbers that are never more than the quantity."""
    numbers = _numbers(connection, relation, chosen, name)
    if name not in numbers or "quantity" not in chosen:
        return False
    value, quantity = f"abs({numbers[name]})", f"abs({numbers[chosen['quantity']]})"
    lines, fits = connection.execute(
        f"select count(*), count(*) filter (where {value} % 1 = 0 and {value} <= {quantity}) "
        f"from {relation} where {value} > 0"
    ).fetchone()
    return lines == fits > 0


def _pieces(connection, relation, name, chosen):
    numbers = _numbers(connection, relation, chosen, name)
    if name not in numbers:
        return []
    count = f"abs({numbers[name]})"
    amount = _amount(relation, numbers, chosen, count)
    lines, pieces, money = connection.execute(
        f"select count(*), sum({count}), coalesce(sum(abs({amount})), 0) "
        f"from {relation} where {numbers[name]} <> 0"
    ).fetchone()
    if not lines:
        return []
    if chosen.get("refund") == name:
        del chosen["refund"]
    return [
        f"'{name}' counts {pieces:,.0f} pieces that were given back, on {lines:,} lines, which "
        f"cost {money:,.2f}. They are not subtracted: map `refunded_amount` with an expression, "
        "such as these pieces times the price."
    ]


def _flag(connection, relation, name, fact, chosen):
    """Doubt a column that only says whether or when something was given back."""
    if is_on_first_lines(connection, relation, chosen["order_id"], name):
        relation = filled_down(relation, chosen["order_id"], name)
    if fact["dated"] > 0.9:
        marked = _values(connection, relation, name)
    elif not (marked := marked_yes(connection, relation, name)):
        return []
    if chosen.get("refund") == name:
        del chosen["refund"]
    return [_told(connection, relation, name, marked, chosen, "yes" if len(marked) < 3 else "when")]


def _values(connection, relation, name):
    return [
        value for (value,) in connection.execute(
            f"select distinct trim({quoted(name)}) from {relation} "
            f"where trim({quoted(name)}) <> '' order by 1"
        ).fetchall()
    ]  # fmt: skip


def _is_marked(name, values):
    return f"trim({quoted(name)}) in ({', '.join(map(literal, values))})"


def _told(connection, relation, name, marked, chosen, shown):
    lines, money = _sum(connection, relation, name, marked, chosen)
    return (
        f"'{name}' says {shown} on {lines:,} lines with {money:,.2f}, which count as sales. If "
        "they were given back, leave them out with `exclude`, or map their money to "
        "`refunded_amount` with an expression."
    )


def _sum(connection, relation, name, marked, chosen):
    amount = _amount(relation, _numbers(connection, relation, chosen), chosen)
    return connection.execute(
        f"select count(*), coalesce(sum({amount}), 0) from {relation} "
        f"where {_is_marked(name, marked)}"
    ).fetchone()


def _kinds(connection, relation, name, chosen, found):
    """Make lines negative that a kind such as `refund` marks, or doubt them."""
    values = {value: english(plain(value)) for value in _values(connection, relation, name)}
    marked = [
        value for value, text in values.items()
        if re.fullmatch(RETURN, text) or re.search(MAYBE, text)
    ]  # fmt: skip
    if not marked or len(marked) == len(values):
        return []
    if not any(re.search(MAYBE, values[v]) for v in marked) and not any(
        re.fullmatch(SALE, text) for text in values.values()
    ):
        # Credit among cash and cards is a way to pay.
        return []
    is_first = is_on_first_lines(connection, relation, chosen["order_id"], name)
    if is_first:
        relation = filled_down(relation, chosen["order_id"], name)
    roles = [role for role in ("quantity", "unit_price", "line_amount") if role in chosen]
    reduced = quoted(chosen["discount_amount"]) if "discount_amount" in chosen else "''"
    signs = [f"coalesce(regexp_matches({quoted(chosen[r])}, '{SIGNED}'), false)" for r in roles]
    lines, signed, lowered = connection.execute(
        f"select count(*), count(*) filter (where {' or '.join(signs)}), "
        f"count(*) filter (where regexp_matches({reduced}, '[1-9]')) "
        f"from {relation} where {_is_marked(name, marked)}"
    ).fetchone()
    if signed == lines:
        return []
    is_certain = (
        len(values) <= MOST_KINDS
        and not signed
        and not lowered
        and not found.negative
        and all(re.fullmatch(RETURN, values[value]) for value in marked)
        and all(re.fullmatch(SALE, values[value]) for value in values if value not in marked)
        and not any(re.search(DONE, plain(value)) for value in marked)
        and "refund" not in chosen
    )
    shown = ", ".join(marked)
    if not is_certain:
        return [_told(connection, relation, name, marked, chosen, shown)]
    if is_first:
        found.table.setdefault("fill_down", []).append(name)
    negative = [r for r in roles if r != "unit_price" or "line_amount" in chosen]
    for role in negative:
        own = f"nullif(trim({quoted(chosen[role])}), '')"
        found.negative[role] = (
            f"case when {_is_marked(name, marked)} then '-' || {own} else {own} end"
        )
    if "quantity" not in chosen and "line_amount" not in chosen:
        found.negative["quantity"] = f"case when {_is_marked(name, marked)} then '-1' else '1' end"
    _, money = _sum(connection, relation, name, marked, chosen)
    return [
        f"Lines with the {name} {shown} are taken for returns: {lines:,} lines, whose {money:,.2f} "
        "are subtracted."
    ]
