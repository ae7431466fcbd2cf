"""Tell by what columns hold what their names leave open: orders, addresses, statuses and money."""

import itertools
import re

import duckdb

from clientele.sources.common import UnreadableSource, quoted
from clientele.sources.values import decide_marks, meaningful, number

# A status that means that there was no sale. Of few values, so that no product's name is one.
CANCELLED = (
    r"cancel|storn|annul|anulad|geannul|\bvoid|failed|fehlgeschl|echou|rejected|declin|abgebroch|"
    r"trash"
)
MOST_STATUSES = 30
# Names that number something, though they do not say what.
NUMBERED = r"\b(num|number|no|nr|id|document|doc|ref|reference|ticket|receipt|numero|codigo)\b"
# Half a cent a piece, for prices that were rounded.
TOLERANCE = "0.006 + 0.005 * abs(n)"
ROUNDED = 0.98


def complete(connection, relation: str, facts: dict, chosen: dict, found, plain) -> None:
    """Choose columns for roles that no name settled, where their content leaves no doubt.

    Args:
        connection: Where the relation is.
        relation: A table of texts, with `_row`.
        facts: What each column holds; see `guessing`.
        chosen: Role -> column; it is completed.
        found: The guess, which is told why.
        plain: Function that simplifies a column's name.
    """
    free = [name for name in facts if name not in chosen.values() and facts[name]["filled"] > 0]

    def take(role, name, why):
        chosen[role], found.why[role] = name, why
        free.remove(name)

    if "email" not in chosen:
        mails = [name for name in free if facts[name]["mail"] > 0.9]
        if mails:
            take("email", max(mails, key=lambda name: facts[name]["filled"]), "it holds addresses")
    if "status" not in chosen:
        told = [name for name in free if _cancelled(connection, relation, name, facts, plain)]
        if len(told) == 1:
            take("status", told[0], "it says which orders were cancelled")
    if "order_id" not in chosen and "ordered_at" in chosen:
        name = _order_number(connection, relation, free, facts, chosen["ordered_at"], plain)
        if name:
            take("order_id", name, "lines with the same value have the same time")
    if "quantity" not in chosen and "unit_price" in chosen:
        name, why = _quantity(connection, relation, free, facts, chosen, plain)
        if name:
            take("quantity", name, why)
            found.doubts.append(f"'{name}' is taken as the quantity, because {why}.")
        elif "line_amount" in chosen:
            # The amount is of the whole line, whatever the quantity.
            del chosen["unit_price"]
    if not {"unit_price", "line_amount"} & set(chosen) and "quantity" in chosen:
        pair = _product(connection, relation, free, facts, chosen["quantity"])
        if pair:
            take("unit_price", pair[0], "times the quantity it is another column")
            take("line_amount", pair[1], "it is quantity times price")


def _cancelled(connection, relation, name, facts, plain):
    if facts[name]["different"] > MOST_STATUSES:
        return False
    values = connection.execute(
        f"select distinct {quoted(name)} from {relation} where {quoted(name)} <> ''"
    ).fetchall()
    bad = [value for (value,) in values if re.search(CANCELLED, plain(value))]
    return 0 < len(bad) < len(values)


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


def _quantity(connection, relation, free, facts, chosen, plain):
    """Return the column that can be a quantity, and why; None if none can.

    Raises:
        UnreadableSource: several can, and nothing tells which is.
    """
    numeric = [n for n in free if facts[n]["numeric"] > 0.95 and facts[n]["different"] <= 200]
    if amount := chosen.get("line_amount"):
        for name in numeric:
            fits = agreement(connection, relation, name, chosen["unit_price"], amount)
            if fits and fits["exact"] >= ROUNDED and fits["several"]:
                return name, "times the price it is the amount"
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


def _product(connection, relation, free, facts, quantity):
    """Return the two columns of which the second is the first times the quantity, if any are."""
    numeric = [n for n in free if facts[n]["numeric"] > 0.95 and facts[n]["filled"] > 0.9]
    found = []
    for price, amount in itertools.permutations(numeric[:12], 2):
        shares = agreement(connection, relation, quantity, price, amount)
        if shares and shares["exact"] >= ROUNDED and shares["several"] > 2:
            found.append((price, amount))
    return found[0] if len(found) == 1 else None


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
    texts = {name: meaningful(quoted(column)) for name, column in columns.items()}
    try:
        marks = decide_marks(connection, relation, texts, {})
    except (UnreadableSource, duckdb.Error):
        return None
    numbers = {name: number(text, *marks, "double") for name, text in texts.items()}
    numbers.setdefault("lowered", "0.0")
    selected = ", ".join(f"{value} as {name}" for name, value in numbers.items())
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
                from (select {selected} from {relation})
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
        if discount:
            found.doubts.insert(
                0, f"'{amount}' is taken as it was before '{discount}', which is subtracted."
            )


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
    filled, percent, small, broken = connection.execute(
        f"""
        select count(text), count(*) filter (where text like '%\\%%' escape '\\'),
            count(*) filter (where abs(coalesce({plain}, {comma})) < 1),
            count(*) filter (where coalesce({plain}, {comma}) % 1 <> 0)
        from (select {text} as text from {relation})
        """
    ).fetchone()
    return filled > 0 and (percent > 0 or (small == filled and broken > 0))
