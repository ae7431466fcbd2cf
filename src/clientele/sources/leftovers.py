"""Say which columns of an export a guess leaves out although they may matter."""

from pathlib import Path

from clientele.sources.common import UnreadableSource
from clientele.sources.naming import ROLES, english, matched_role, plain

# Decimals that are no money, or no money that customers paid for the lines.
HARMLESS = {"weight", "rate", "percent", "%", "points", "stock", "cost", "margin", "length", "size"}
# Roles whose columns may be left out when they are found twice, as totals and taxes are.
REPEATED = set(ROLES) - {"discount_amount", "refund", "promotion_id", "status", "channel"}
# Roles without which orders, customers or money would be others.
NEEDED = (
    "order_id", "customer_id", "email", "product_id", "ordered_at", "quantity", "unit_price",
    "line_amount", "discount_amount", "refund",
)  # fmt: skip


def _roles(name):
    return {role for role in ROLES if matched_role(role, plain(name)) is not None}


def tell_unused(facts: dict, chosen: dict, found) -> None:
    """Put first among the doubts which columns hold amounts that nothing uses.

    Args:
        facts: What each column holds; see `guessing`.
        chosen: Role -> column.
        found: The guess.
    """
    said = " ".join(found.doubts)
    used = {*chosen.values(), *found.table.get("order_amounts", {}).values()}
    unused = [
        name
        for name, fact in facts.items()
        if name not in used and fact["numeric"] > 0.95 and fact["decimals"] > 0.05
        and not _roles(name) & REPEATED and f"'{name}'" not in said
        and not HARMLESS & set(english(plain(name)).split())
    ]  # fmt: skip
    if unused:
        found.doubts.insert(
            0, f"Not used, though they hold amounts: {', '.join(map(repr, unused))}. What lowers "
            "or raises the money of an order must be mapped."
        )  # fmt: skip


def refuse_drift(columns: list[str], lacking: dict[str, Path]) -> None:
    """Refuse a folder in which a needed column has another name in some files.

    Args:
        columns: The columns that all files have.
        lacking: Each other column, and the first file that lacks it.

    Raises:
        UnreadableSource: no column of all files has the role of such a column.
    """
    shared = set().union(*map(_roles, columns)) if columns else set()
    for name, file in lacking.items():
        if missing := (_roles(name) & set(NEEDED)) - shared:
            raise UnreadableSource(
                f"no column '{name}' in {file}, unlike other files of the folder, and no column of "
                f"all files can be `{min(missing, key=NEEDED.index)}`; give it the same name in "
                "all files, or take the other files alone"
            )
