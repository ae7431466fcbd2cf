"""Turn a discount that a column states as a share of the price into money."""

from clientele.sources.common import UnreadableSource, quoted
from clientele.sources.naming import english, plain
from clientele.sources.numbers import numbers_of

SHARES = {"percent", "%", "rate"}
# Fewer lines prove nothing.
FEWEST = 3


def settle_share(connection, relation: str, facts: dict, chosen: dict, found) -> None:
    """Subtract a discount that is a share, if prices are before it; say so.

    Where quantity, price and amount are there, the amount tells whether the discount is in it, see
    `multiplying`; else what the product costs without a discount does.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        facts: What each column holds; see `guessing`.
        chosen: Role -> column; a `discount_amount` of shares is taken out.
        found: The guess, which gets the expression, and the doubts.

    Raises:
        UnreadableSource: nothing tells whether an amount is before the discount, and no one can be
            asked.
    """
    name, money = _column(connection, relation, facts, chosen), _money(chosen)
    if not name or not money:
        return
    roles = [role for role in ("quantity", "unit_price", "line_amount") if role in chosen]
    numbers = numbers_of(connection, relation, {role: chosen[role] for role in roles})
    if not numbers or (len(roles) == 3 and not _is_product(connection, relation, numbers, name)):
        return
    chosen.pop("discount_amount", None)
    most = connection.execute(f"select max({_share(name)}) from {relation}").fetchone()[0]
    scale = 1 if most <= 1 and not _has_sign(connection, relation, name) else 100
    is_after = _is_after(connection, relation, chosen, numbers, f"{_share(name)} / {scale}")
    shown = chosen.get("line_amount") or chosen["unit_price"]
    if is_after is None and "unit_price" not in chosen:
        said = f"'{shown}' may be before or after '{name}', and nothing in the file tells which"
        if found.ask is None:
            raise UnreadableSource(
                f"{said}. Run `clientele init` in a terminal, without --yes, to say it, or take "
                f"'{name}' out of the file if '{shown}' is after it"
            )
        choices = [f"before: '{name}' is subtracted", f"after: '{name}' is left out"]
        is_after = found.ask(f"{said}. Which is it?", choices) == choices[1]
    if is_after:
        found.doubts.append(
            f"'{shown}' is after '{name}', by what the products usually cost. '{name}' is left out."
        )
        return
    found.computed["discount_amount"] = f"round({money} * {_share(name)} / {scale}, 2)"
    found.why["discount_amount"] = "a share of the price"
    sure = "by what the products usually cost" if is_after is False else "as is usual"
    found.doubts.insert(
        0, f"'{shown}' is taken as it was before '{name}', {sure}: that share of it is subtracted."
    )


def _column(connection, relation, facts, chosen):
    """Return the column of shares; None if there is none, or a discount in money, too."""
    stated = chosen.get("discount_amount")
    named = [
        name for name in facts
        if "discount" in (words := set(english(plain(name)).split())) and words & SHARES
        and name not in chosen.values()
    ]  # fmt: skip
    if stated:
        return stated if _has_sign(connection, relation, stated) else None
    for name in named:
        rows, fits, some = connection.execute(
            f"select count(nullif(trim({quoted(name)}), '')), "
            f"count(*) filter (where {_share(name)} between 0 and 100), "
            f"count(*) filter (where {_share(name)} > 0) from {relation}"
        ).fetchone()
        if some and fits >= rows:
            return name
    return None


def _share(name):
    text = f"replace(replace(cast({quoted(name)} as varchar), '%', ''), ',', '.')"
    return f"abs(coalesce(try_cast(trim({text}) as double), 0))"


def _has_sign(connection, relation, name):
    """Return whether all values of a column but zeros and blanks have a sign of percent."""
    some, signed = connection.execute(
        f"select count(*) filter (where regexp_matches({quoted(name)}, '[1-9]')), "
        f"count(*) filter (where regexp_matches({quoted(name)}, '[1-9].*%')) from {relation}"
    ).fetchone()
    return 0 < some == signed


def _money(chosen):
    if "line_amount" in chosen and "unit_price" not in chosen:
        return quoted(chosen["line_amount"])
    if "unit_price" in chosen:
        factors = [quoted(chosen[r]) for r in ("quantity", "unit_price") if r in chosen]
        return " * ".join(factors) if len(factors) > 1 else f"cast({factors[0]} as double)"
    return None


def _is_product(connection, relation, numbers, name):
    """Return whether the amount of a line with a discount is quantity times price."""
    lines, fits = connection.execute(
        f"""
        select count(*), count(*) filter (where abs(n * p - a) <= 0.006 + 0.005 * abs(n))
        from (
            select {numbers["quantity"]} as n, {numbers["unit_price"]} as p,
                {numbers["line_amount"]} as a, {_share(name)} as share from {relation}
        ) where share > 0
        """
    ).fetchone()
    return lines > 0 and fits >= 0.98 * lines


def _is_after(connection, relation, chosen, numbers, share):
    """Return whether the price without the discount is the usual one; None if that is not clear."""
    product = chosen.get("product_id") or chosen.get("product_name")
    if not product:
        return None
    price = numbers.get("unit_price")
    if price is None:
        price = f"{numbers['line_amount']} / nullif({numbers.get('quantity', '1')}, 0)"
    before, after = connection.execute(
        f"""
        with pieces as (
            select {quoted(product)} as product, {price} as price, {share} as share
            from {relation}
        ),
        seen as (select distinct product, round(price, 2) as price from pieces where share = 0)
        select count(*) filter (where exists (
                from seen where seen.product = pieces.product
                and abs(seen.price - pieces.price) <= 0.011)),
            count(*) filter (where exists (
                from seen where seen.product = pieces.product
                and abs(seen.price * (1 - share) - pieces.price) <= 0.011))
        from pieces where share > 0.005 and share < 1
        """
    ).fetchone()
    if max(before, after) < FEWEST or min(before, after) > max(before, after) / 2:
        return None
    return after > before
