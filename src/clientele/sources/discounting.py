"""Tell whether money is before or after a discount, by the prices that products usually have."""

from clientele.sources.common import UnreadableSource, quoted
from clientele.sources.numbers import numbers_of

# Fewer lines prove nothing.
FEWEST = 3


def settle_discount(connection, relation: str, chosen: dict, found) -> None:
    """Leave out a discount that prices or amounts are after, and say what is unsure.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        chosen: Role -> column, with `discount_amount`, and `unit_price` or `line_amount`.
        found: The guess, which is told why.

    Raises:
        UnreadableSource: nothing tells whether an amount is before the discount, and no one can be
            asked.
    """
    discount, money = chosen.get("discount_amount"), chosen.get("line_amount")
    if not discount or not (money or "unit_price" in chosen):
        return
    is_after = _is_after(connection, relation, chosen)
    if is_after:
        money = money or chosen["unit_price"]
        del chosen["discount_amount"]
        found.doubts.append(
            f"'{money}' is after '{discount}': together they are what the products usually cost. "
            f"'{discount}' is left out."
        )
    elif is_after is None and money and "unit_price" not in chosen:
        if "total" not in chosen:
            _ask(found, chosen, money, discount)
            return
        # Totals that orders state decide when the YAML is tried, where they are of the lines.
        found.doubts.insert(
            0, f"'{money}' is taken as it was before '{discount}', which is subtracted."
        )


def _ask(found, chosen, money, discount):
    """Ask whether an amount is before or after a discount; refuse where no one can be asked."""
    said = f"'{money}' may be before or after '{discount}', and nothing in the file tells which"
    if found.ask is None:
        raise UnreadableSource(
            f"{said}. Run `clientele init` in a terminal, without --yes, to say it, or take "
            f"'{discount}' out of the file if '{money}' is after it"
        )
    choices = [f"before: '{discount}' is subtracted", f"after: '{discount}' is left out"]
    if found.ask(f"{said}. Which is it?", choices) == choices[1]:
        del chosen["discount_amount"]


def _is_after(connection, relation, chosen) -> bool | None:
    """Return whether money and discount together are a usual price; None if that is not clear.

    Then what discounted lines cost without the discount is seen on other lines of the product, else
    what they cost with it is.
    """
    product = chosen.get("product_id") or chosen.get("product_name")
    if not product:
        return None
    columns = {"money": chosen.get("line_amount") or chosen["unit_price"]}
    columns["lowered"] = chosen["discount_amount"]
    columns |= {"n": chosen["quantity"]} if "quantity" in chosen else {}
    numbers = numbers_of(connection, relation, columns)
    if not numbers:
        return None
    pieces = f"abs({numbers['n']})" if "n" in numbers else "1"
    # A unit price is of one piece already.
    of_money = pieces if "line_amount" in chosen else "1"
    connection.execute(
        f"""
        create or replace temp table pieces as
        select product, money / of_money as price, coalesce(abs(lowered), 0) / pieces as lowered
        from (
            select {quoted(product)} as product, {numbers["money"]} as money,
                {numbers["lowered"]} as lowered, {pieces} as pieces, {of_money} as of_money
            from {relation}
        )
        where money > 0 and pieces > 0
        """
    )
    before, after = connection.execute(
        """
        with seen as (
            select distinct product, round(price, 2) as price from pieces where lowered = 0
        )
        select count(*) filter (where (product, round(price, 2)) in (from seen)),
            count(*) filter (where (product, round(price + lowered, 2)) in (from seen))
        from pieces where lowered > 0.02
        """
    ).fetchone()
    if max(before, after) < FEWEST or min(before, after) > max(before, after) / 2:
        return None
    return after > before
