"""Count the lines of an import as a build counts them, and doubt what a build rejects."""

from clientele.sources.common import literal

# What the macro `value_reasons` rejects.
ABSURD = "(abs(coalesce(quantity, 0)) > 1e9 or abs(coalesce(unit_price, 0)) > 1e12)"
AMOUNT = "coalesce(line_amount, try_cast(quantity as double) * unit_price)"
# `negative_price`: quantity and price, or quantity and not the amount, are below zero.
TWICE_NEGATIVE = "coalesce(quantity < 0 and coalesce(-line_amount, unit_price) < 0, false)"
LACKING = f"(reject_reason is null and (quantity is null or {AMOUNT} is null))"


def is_counted_in(source: dict) -> str:
    """Return the SQL of whether a build counts a line of an import."""
    table = source["tables"]["order_lines"]
    is_zero = "" if table.get("zero_prices") == "keep" else "coalesce(line_amount, unit_price) = 0"
    rejected = [
        "reject_reason is not null", "order_id is null", "ordered_at is null", ABSURD,
        "coalesce(quantity, 0) = 0", f"{AMOUNT} is null", TWICE_NEGATIVE,
        f"not {_is_ours(source)}", *filter(None, [is_zero]),
    ]  # fmt: skip
    return f"not coalesce({' or '.join(rejected)}, false)"


def _is_ours(source):
    return f"coalesce(upper(trim(currency)) = {literal(str(source['currency']).upper())}, true)"


def doubt_rejected(connection, imported, source: dict, doubts: list[str]) -> tuple[float, int]:
    """Put first among the doubts what a build rejects, or that nothing is left.

    Returns:
        The share of the lines without quantity or money, and the number of lines that count.
    """
    lines = f"read_parquet({literal(imported.folder / 'order_lines.parquet')})"
    columns = source["tables"]["order_lines"]["columns"]
    rows, lacking, twice, money, count, customers, net = connection.execute(
        f"""
        select count(*), count(*) filter (where {LACKING}),
            count(*) filter (where reject_reason is null and {TWICE_NEGATIVE}),
            sum(abs({AMOUNT})) filter (where reject_reason is null and {TWICE_NEGATIVE}),
            count(*) filter (where {is_counted_in(source)}),
            count(distinct customer_id) filter (where {is_counted_in(source)}),
            sum({AMOUNT} - coalesce(discount_amount, 0) - coalesce(refunded_amount, 0))
                filter (where {is_counted_in(source)})
        from {lines}
        """
    ).fetchone()
    if lacking:
        doubts.insert(
            0, f"{lacking:,} of {rows:,} lines ({lacking / rows:.1%}) have no quantity or no "
            "money and do not count. They may be subtotals: leave them out with `exclude`."
        )  # fmt: skip
    if twice:
        other = "line_amount" if "line_amount" in columns else "unit_price"
        doubts.insert(
            0, f"{twice:,} lines, with {money:,.2f}, have a negative quantity, and `{other}` says "
            "the contrary: a build rejects them as `negative_price`. If they are returns, "
            "only one sign may say so; take it from the other with an expression."
        )  # fmt: skip
    _doubt_currencies(connection, lines, source, doubts)
    if count and "customer_id" in columns and not customers:
        doubts.insert(0, "No line that counts names a customer: every order is a guest's.")
    if not count:
        doubts.insert(0, "No line counts: a build would reject or leave out all of them.")
    elif net <= 0:
        doubts.insert(0, f"The lines that count give {net:,.2f} together: no money is left.")
    return lacking / max(rows, 1), count


def _doubt_currencies(connection, lines, source, doubts):
    """Doubt texts in the place of currencies that are no codes, such as a sign."""
    found = connection.execute(
        f"""
        select currency, count(*), coalesce(sum({AMOUNT}), 0) from {lines}
        where reject_reason is null and not {_is_ours(source)}
            and not regexp_full_match(trim(currency), '[A-Za-z]{{3}}')
        group by 1 order by 2 desc, 1
        """
    ).fetchall()
    if found:
        shown = ", ".join(f"'{text}' on {n:,} lines with {m:,.2f}" for text, n, m in found[:5])
        doubts.insert(
            0, f"`currency` holds what is no code of three letters: {shown}. A build rejects these "
            f"lines; correct the file, or write {source['currency']} for them with an expression."
        )  # fmt: skip
