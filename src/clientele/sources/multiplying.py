"""Tell which money columns are of one piece and which of a line: quantity times price is amount."""

import itertools
import re

import numpy as np

from clientele.sources.common import UnreadableSource, quoted
from clientele.sources.numbers import numbers_of
from clientele.sources.values import meaningful, number

COSTS = r"\b(cost|costs|cogs|ek|einkauf|einkaufspreis|kostprijs|weight|gewicht)\b"
# Prices before a reduction, and with taxes: the others are likelier.
OTHER_PRICES = (
    r"\b(original|list|msrp|uvp|regular|compare|before|incl|including|gross|ttc|brutto)\b"
)
SAMPLE, MOST_NUMBERS = 3000, 14
# Half a cent a piece, for prices that were rounded.
TOLERANCE = "0.006 + 0.005 * abs(n)"
ROUNDED = 0.98


def _triples(connection, relation, names) -> list[tuple[str, str, str]]:
    """Return the columns of which the first, a whole number, times the second is the third."""
    numbers = numbers_of(connection, relation, {name: name for name in names})
    selected = ", ".join(f"{value} as c{i}" for i, value in enumerate(numbers.values()))
    if not selected:
        return []
    columns = connection.execute(
        f"select {selected} from (from {relation} where _row % "
        f"(select greatest(count(*) // {SAMPLE}, 1) from {relation}) = 0)"
    ).fetchnumpy()
    values = {
        name: np.ma.filled(columns[f"c{i}"].astype(float), np.nan) for i, name in enumerate(names)
    }
    found = []
    for q, p, a in itertools.permutations(names, 3):
        known = ~np.isnan(values[q] + values[p] + values[a])
        n, price, amount = values[q][known], values[p][known], values[a][known]
        several = n != 1
        if not several.sum() > 2 or np.any(n % 1) or np.unique(price).size < 2:
            continue
        fits = np.abs(n * price - amount) <= 0.006 + 0.005 * np.abs(n)
        if fits.mean() >= ROUNDED and fits[several].mean() >= ROUNDED and known.mean() > 0.5:
            found.append((q, p, a))
    return found


def multiply(connection, relation, facts, chosen, found, plain):
    """Take the quantity, price and amount that multiply, where names leave others."""
    roles = ("quantity", "unit_price", "line_amount")
    # Such a price or amount may have been taken for one of these by its name.
    open_roles = (*roles, "total", "tax", "shipping", "refund")
    settled = {name for role, name in chosen.items() if role not in open_roles}
    names = [
        name
        for name, fact in facts.items()
        if name not in settled and fact["numeric"] > 0.95 and fact["filled"] > 0.5
        and not re.search(COSTS, plain(name))
    ]  # fmt: skip

    def likelihood(triple):
        named = sum(chosen.get(role) == name for role, name in zip(roles, triple, strict=True))
        odd = sum(bool(re.search(OTHER_PRICES, plain(name))) for name in triple)
        return named, -odd

    triples = sorted(
        _triples(connection, relation, names[:MOST_NUMBERS]), key=likelihood, reverse=True
    )
    if not triples:
        return
    best = triples[0]
    others = [triple for triple in triples[1:] if triple[1] != best[1] and triple[2] != best[2]]
    if others:
        (price, amount), (price2, amount2) = best[1:], others[0][1:]
        position = found.choose(
            "There are two prices. Which one is the money that your shop takes?",
            [f"'{price}', with '{amount}' as the amount", f"'{price2}', with '{amount2}'"],
            f"There are two prices: '{price}', with '{amount}' as the amount, is taken; "
            f"'{price2}', with '{amount2}', is not.",
        )
        best = (best, others[0])[position]
    if likelihood(best)[0] == len(roles):
        return
    for role, name in zip(roles, best, strict=True):
        if chosen.get(role) != name:
            if role in chosen:
                found.doubts.insert(
                    0, f"'{name}' is taken for `{role}`, not '{chosen[role]}': only with it is "
                    "quantity times price the amount."
                )  # fmt: skip
            chosen[role] = name
            found.why[role] = "quantity times price is the amount"
    for role in open_roles[len(roles) :]:
        if chosen.get(role) in best:
            del chosen[role]


def agreement(connection, relation, quantity, price, amount, discount=None) -> dict | None:
    """Return how well quantity times price gives an amount: before, or after a discount.

    Returns:
        Shares of the lines for which the amount is the product (`exact`), the product less the
        discount (`less`), or the product less a share (`share`); of the lines with a discount the
        same (`exact_of`, `less_of`, `share_of`); `several`, the number of lines of which the
        quantity is not one; `lower`, the share with an amount below the product. None if the
        numbers cannot be read.
    """
    columns = {"n": quantity, "price": price, "amount": amount}
    columns |= {"lowered": discount} if discount else {}
    numbers = numbers_of(connection, relation, columns)
    if not numbers:
        return None
    numbers.setdefault("lowered", "0.0")
    selected = ", ".join(f"{value} as {name}" for name, value in numbers.items())
    # A table, because each use of a column of a query would read its text again.
    connection.execute(
        f"create or replace temp table measured as select {selected} from {relation}"
    )
    row = connection.execute(
        f"""
        select count(*), count(*) filter (where exact), count(*) filter (where less),
            count(*) filter (where share), count(*) filter (where lowered <> 0),
            count(*) filter (where exact and lowered <> 0),
            count(*) filter (where less and lowered <> 0),
            count(*) filter (where share and lowered <> 0),
            count(*) filter (where n <> 1), count(*) filter (where below)
        from (
            select *, abs(n * price - amount) <= {TOLERANCE} as exact,
                abs(n * price - abs(lowered) - amount) <= {TOLERANCE} as less,
                abs(n * price * (1 - lowered) - amount) <= {TOLERANCE}
                    or abs(n * price * (1 - lowered / 100) - amount) <= {TOLERANCE} as share,
                amount < n * price - ({TOLERANCE}) as below
            from (
                select n, price, amount, coalesce(lowered, 0) as lowered
                from measured
                where n is not null and price is not null and amount is not null
            )
        )
        """
    ).fetchone()
    rows, lowered = row[0], row[4]
    if not rows:
        return None
    keys = ("exact", "less", "share")
    result = {key: row[i + 1] / rows for i, key in enumerate(keys)}
    result |= {f"{key}_of": row[i + 5] / max(lowered, 1) for i, key in enumerate(keys)}
    return result | {"several": row[8], "lower": row[9] / rows, "lowered": lowered}


def settle_money(connection, relation: str, chosen: dict, found) -> None:
    """Decide between a unit price and an amount of the line, and what a discount is taken from."""
    if (price := chosen.get("unit_price")) and "line_amount" not in chosen:
        if _grows(connection, relation, chosen, price) is True:
            _rename(chosen, found, "unit_price", "line_amount", "it grows with the quantity")
    elif (amount := chosen.get("line_amount")) and "unit_price" not in chosen:
        if _grows(connection, relation, chosen, amount) is False:
            _rename(chosen, found, "line_amount", "unit_price", "it is the same for any quantity")
    quantity, price, amount = (chosen.get(r) for r in ("quantity", "unit_price", "line_amount"))
    discount = chosen.get("discount_amount")
    is_share = bool(discount) and _is_share(connection, relation, discount)
    if quantity and price and amount:
        fits = agreement(connection, relation, quantity, price, amount, discount)
        if fits is None:
            return
        if is_share:
            del chosen["discount_amount"]
            if fits["share"] >= ROUNDED and fits["exact"] < 1:
                del chosen["unit_price"]
                found.why["line_amount"] += "; it is after the discount"
            else:
                _told_share(found, discount, amount)
                del chosen["unit_price"]
        elif fits["exact"] >= ROUNDED and fits["lower"] < 0.005:
            found.why["unit_price"] += "; quantity times price is the line's amount"
            del chosen["line_amount"]
        elif discount and fits["less"] >= ROUNDED:
            found.why["unit_price"] += f"; times quantity less '{discount}' it is '{amount}'"
            del chosen["line_amount"]
        else:
            _settle_unlike(connection, relation, chosen, found, fits)
    elif is_share:
        del chosen["discount_amount"]
        _told_share(found, discount, amount or price)
    elif amount and not price:
        found.doubts.append(
            f"'{amount}' is taken as the amount of the whole line, not of one piece."
        )


def settle_rival(
    connection, relation: str, chosen: dict, found, rival: str | None, role: str = "line_amount"
) -> None:
    """Decide between the amount or price of the line and another whose name says the same."""
    if rival is None:
        return
    numbers = numbers_of(connection, relation, {"one": chosen[role], "other": rival})
    if not numbers:
        return
    one, other = numbers["one"], numbers["other"]
    rows, lines, ours, theirs, differ = connection.execute(
        f"select count(*), count({other}), sum({one}), sum({other}), "
        f"count(*) filter (where abs({one} - {other}) > 0.01) from {relation}"
    ).fetchone()
    if lines < 0.9 * rows or not theirs or not differ:
        return
    if _holds_parts(connection, relation, chosen, role, rival):
        found.why[role] = f"'{chosen[role]}' less shipping or tax"
        chosen[role] = rival
        return
    mine, what = chosen[role], "money" if role == "line_amount" else "price"
    shown = f"'{mine}' (together {ours:,.2f})", f"'{rival}' ({theirs:,.2f})"
    if found.choose(
        f"Which column is the {what} of the line?",
        list(shown),
        f"{shown[0]} is taken as the {what} of the line; {shown[1]} could be, too.",
    ):
        chosen[role] = rival
        found.why[role] = "you said so"


def _holds_parts(connection, relation, chosen, role, rival):
    """Return whether the money is that of its rival and the shipping or tax of the line."""
    parts = {part: chosen[part] for part in ("shipping", "tax") if part in chosen}
    numbers = numbers_of(connection, relation, {"one": chosen[role], "other": rival, **parts})
    for n in range(1, len(parts) + 1):
        for held in itertools.combinations(parts, n):
            if not set(held) <= set(numbers):
                continue
            summed = " + ".join(f"coalesce({numbers[part]}, 0)" for part in held)
            lines, fits = connection.execute(
                f"select count({numbers['one']}), count(*) filter (where {summed} > 0 and "
                f"abs({numbers['other']} + {summed} - {numbers['one']}) <= 0.011) from {relation}"
            ).fetchone()
            if fits >= ROUNDED * lines > 0:
                return True
    return False


def _rename(chosen, found, role, other, why):
    chosen[other] = chosen.pop(role)
    found.why.pop(role, None)
    found.why[other] = why
    found.doubts.insert(0, f"'{chosen[other]}' is taken for `{other}`, not `{role}`: {why}.")


def _grows(connection, relation, chosen, money) -> bool | None:
    """Return whether money of a product grows with its quantity; None if that cannot be told."""
    product = chosen.get("product_id") or chosen.get("product_name")
    if not product or "quantity" not in chosen:
        return None
    numbers = numbers_of(connection, relation, {"n": chosen["quantity"], "paid": money})
    if not numbers:
        return None
    connection.execute(
        f"create or replace temp table measured as "
        f"select {quoted(product)} as product, {numbers['n']} as n, {numbers['paid']} as paid "
        f"from {relation}"
    )
    products, same, grown = connection.execute(
        """
        select count(*), count(*) filter (where abs(a - b) <= 0.01),
            count(*) filter (where abs(a / n - b / m) <= 0.01)
        from (
            select product, min(n) as n, max(n) as m, mode(paid) filter (where n = least_n) as a,
                mode(paid) filter (where n = most_n) as b
            from (
                select *, min(n) over (partition by product) as least_n,
                    max(n) over (partition by product) as most_n
                from measured where n > 0 and paid > 0
            ) group by product having min(n) <> max(n)
        )
        """
    ).fetchone()
    if products < 3 or max(same, grown) < 0.8 * products or same == grown:
        return None
    return grown > same


def _settle_unlike(connection, relation, chosen, found, fits):
    """Choose where quantity times price is often not the amount."""
    price, amount = chosen["unit_price"], chosen["line_amount"]
    same = agreement(connection, relation, chosen["quantity"], amount, price)
    is_repeated = same is not None and same["several"] > 2 and same["exact"] >= ROUNDED
    if is_repeated:
        # The names are exchanged: the "amount" is of one piece.
        chosen["unit_price"] = amount
        del chosen["line_amount"]
        found.doubts.insert(
            0, f"'{amount}' times the quantity is '{price}', so it is taken as the unit price."
        )
    elif fits["exact"] + fits["lower"] >= ROUNDED and fits["exact"] >= 0.5:
        # Discounts are in the amount already.
        del chosen["unit_price"]
        discount = chosen.pop("discount_amount", None)
        without = f" '{discount}' is left out." if discount else ""
        found.doubts.insert(
            0,
            f"'{amount}' is less than quantity times '{price}' on {fits['lower']:.0%} of the "
            f"lines: it is taken as the money after discounts.{without}",
        )
    else:
        del chosen["line_amount"]
        found.doubts.insert(0, f"'{amount}' is not quantity times '{price}'; the price is used.")


def _told_share(found, discount, amount):
    found.doubts.insert(
        0,
        f"'{discount}' holds shares, not money. It is left out: '{amount}' is taken as the money "
        "after the discount.",
    )


def _is_share(connection, relation, name):
    """Return whether all values of a column are percentages, or lie between 0 and 1."""
    text = meaningful(quoted(name))
    plain = number("text", ".", "", "double")
    comma = number("text", ",", "", "double")
    filled, percent, money, small, broken, examples = connection.execute(
        f"""
        select count(text), count(*) filter (where text like '%\\%%' escape '\\'),
            count(*) filter (where coalesce({plain}, {comma}) <> 0),
            count(*) filter (where abs(coalesce({plain}, {comma})) < 1),
            count(*) filter (where coalesce({plain}, {comma}) % 1 <> 0),
            array_agg(distinct text)
        from (select {text} as text from {relation})
        """
    ).fetchone()
    if percent and money:
        shares = [example for example in filter(None, examples) if "%" in example]
        others = [example for example in filter(None, examples) if "%" not in example]
        shown = ", ".join(map(repr, [*sorted(shares)[:2], *sorted(others)[-2:]]))
        raise UnreadableSource(
            f"'{name}' holds both shares and money, such as {shown}; write all of it as money, or "
            "copy sources/template.yml and map it with an expression"
        )
    return filled > 0 and (percent > 0 or (small == filled and broken > 0))
