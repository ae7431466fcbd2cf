"""Settle what columns are that a guess leaves out although they may matter."""

import re
from pathlib import Path

from clientele.sources.common import UnreadableSource, quoted
from clientele.sources.naming import ROLES, english, matched_role, plain

# Decimals that are no money, or no money that customers paid for the lines.
HARMLESS = {
    "weight", "rate", "percent", "%", "points", "stock", "cost", "margin", "length", "size",
    "list", "msrp", "rrp", "uvp", "profit", "balance", "fee", "fees",
    "qty", "quantity", "units", "pieces",
}  # fmt: skip
# Roles whose columns may be left out when they are found twice, as totals and taxes are. A second
# price is harmless only if nearly all lines have it; on some lines it may be what was taken off.
REPEATED = set(ROLES) - {
    "unit_price",
    "discount_amount",
    "refund",
    "promotion_id",
    "status",
    "channel",
    "category",
}
# Share of lines with money of a column above which it is neither a discount nor a refund: those
# are of some lines only.
ON_ALL = 0.95
NOTHING = "nothing that changes what customers paid for the goods"
UNKNOWN = {"discount_amount": "a discount", "refund": "a refund"}
# Roles without which orders, customers or money would be others.
NEEDED = (
    "order_id", "customer_id", "email", "product_id", "ordered_at", "quantity", "unit_price",
    "line_amount", "discount_amount", "refund",
)  # fmt: skip


def _roles(name):
    return {role for role in ROLES if matched_role(role, plain(name)) is not None}


def settle_unused(connection, relation: str, facts: dict, chosen: dict, found) -> None:
    """Settle what columns of amounts are whose names say nothing: asked, or else refused.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        facts: What each column holds; see `guessing`.
        chosen: Role -> column; `discount_amount` and `refund` may be added.
        found: The guess; its ``ask`` is used.

    Raises:
        UnreadableSource: no one can be asked, since a discount or refund that is left out is money
            that the shop never had; or another column is the discount or refund already.
    """
    said = " ".join(found.doubts)
    for name, fact in facts.items():
        if (
            name in chosen.values() or fact["numeric"] <= 0.95 or fact["decimals"] <= 0.05
            or fact["dated"] > 0.5 or _roles(name) & REPEATED or f"'{name}'" in said
            or HARMLESS & set(english(plain(name)).split())
        ):  # fmt: skip
            continue
        filled = connection.execute(
            f"select avg(coalesce(regexp_matches({quoted(name)}, '[1-9]'), false)::int) "
            f"from {relation}"
        ).fetchone()[0]
        if filled >= ON_ALL:
            if "unit_price" in _roles(name):
                continue
            found.doubts.append(
                f"'{name}' holds amounts on nearly all lines, and is not used: it is taken for no "
                "discount and no refund."
            )
            continue
        if found.ask is None:
            raise UnreadableSource(
                f"'{name}' holds amounts, and its name does not tell which: a discount, a refund, "
                "or nothing that changes what customers paid. Run `clientele init` in a terminal, "
                "without --yes, to say it, or take the column out of the file"
            )
        question = f"'{name}' holds amounts, and its name does not tell which. What is it?"
        answer = found.ask(question, [NOTHING, *UNKNOWN.values()])
        for role, meaning in UNKNOWN.items():
            if answer != meaning:
                continue
            if role in chosen:
                raise UnreadableSource(
                    f"'{chosen[role]}' and '{name}' are each {meaning}; copy sources/template.yml "
                    "and map their sum with an expression"
                )
            chosen[role], found.why[role] = name, "you said so"


def refuse_drift(columns: list[str], lacking: dict[str, Path]) -> None:
    """Refuse a folder in which a needed column has another name in some files.

    Args:
        columns: The columns that all files have.
        lacking: Each other column, and the first file that lacks it.

    Raises:
        UnreadableSource: no column of all files has the role of such a column.
    """
    if not lacking:
        return
    shared = set().union(*map(_roles, columns)) if columns else set()
    for name, file in lacking.items():
        if missing := (_roles(name) & set(NEEDED)) - shared:
            raise UnreadableSource(
                f"no column '{name}' in {file}, unlike other files of the folder, and no column of "
                f"all files can be `{min(missing, key=NEEDED.index)}`; give it the same name in "
                "all files, or take the other files alone"
            )


def refuse_wide(connection, relation: str, columns: list[str], chosen: dict) -> None:
    """Refuse orders whose lines stand side by side: `item 1 price`, `item 2 price`.

    Raises:
        UnreadableSource: columns of several lines differ in a number only; only one would count.
    """
    for role in ("unit_price", "line_amount", "quantity", "product_id", "product_name"):
        name = chosen.get(role, "")
        kin = re.sub(r"\d+", "#", name)
        twins = [c for c in columns if c != name and "#" in kin and re.sub(r"\d+", "#", c) == kin]
        for twin in twins:
            filled = connection.execute(
                f"select count(*) from {relation} where trim({quoted(twin)}) <> ''"
            ).fetchone()[0]
            if filled:
                raise UnreadableSource(
                    f"'{name}' and '{twin}' are of several lines of an order, side by side in one "
                    "row, and only one of them would count. Give each line a row of its own, or "
                    "export the lines"
                )
