"""The measures of a panel, judged: those of the whole shop, and those of its parts."""

from dataclasses import dataclass

import numpy as np

from clientele.brief import judging
from clientele.brief.panels import PRODUCTS, Group, Panel

# Prices below this standard deviation are equal for our purpose.
PRICE_PRECISION = 0.01
# How much larger than any move before a product's price has to move: they jump in promotions.
PRICE_BEYOND = 2.5
# One product counts in the index of prices with half to double its usual price.
PRICE_LIMIT = np.log(2)
GOODS = ("category", "product_id")


@dataclass
class Judgement:
    """Judged rows of one table."""

    kind: str
    dimension: str
    group: Group
    found: judging.Judged
    actual: np.ndarray
    usual: np.ndarray
    money: np.ndarray
    history: np.ndarray


def shop(panel: Panel, shift: int) -> list[Judgement]:
    """Judge the measures of the whole shop."""
    season = panel.calendar.season
    total, state = cut(panel.total, shift), cut(panel.groups["state"], shift)
    orders, sales = total.orders, total.sales
    value = _ratio(sales, orders)
    tables = []

    def add(kind, values, money, floor=0.0, group=total, offset=0.0):
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(values + offset)
        logs[~np.isfinite(logs)] = np.nan
        found = judging.judge(logs, floor=floor, season=season)
        usual = np.exp(found.usual) - offset
        tables.append(
            Judgement(kind, "all", group, found, values[:, 0], usual, money(usual), values)
        )

    usual_value = _usual(value)
    add("sales", np.maximum(sales, 0), lambda usual: sales[:, 0] - usual)
    # Half an order keeps the logarithm of none finite.
    add(
        "orders",
        orders,
        lambda usual: (orders[:, 0] - usual) * usual_value,
        1 / np.sqrt(_usual(orders) + 0.5),
        offset=0.5,
    )
    add("value", value, lambda usual: (value[:, 0] - usual) * orders[:, 0])
    if "new" in state.names:
        new = _rows(state, [state.names.index("new")])
        worth = _usual(_ratio(new.sales, new.orders))
        add(
            "new",
            new.orders,
            lambda usual: (new.orders[:, 0] - usual) * worth,
            1 / np.sqrt(_usual(new.orders) + 0.5),
            new,
            0.5,
        )
        _few(tables[-1].found, new.orders)
    _few(tables[1].found, total.orders)
    products = cut(panel.groups["product_id"], shift)
    if len(products.names):
        index = np.exp(price_index(products))[None, :]
        add("price", index, lambda usual: sales[:, 0] * (1 - usual / index[:, 0]), PRICE_PRECISION)
    returns = cut(panel.groups["returns"], shift)
    if len(returns.names):
        # What comes back was bought in this period or in the one before.
        bought = (orders[0] + np.append(orders[0][1:], orders[0][-1])) / 2
        found, _ = judging.shares(returns.orders, bought, limit=0, season=season, parts=False)
        worth = _usual(_ratio(returns.sales, returns.orders))
        tables.append(
            Judgement(
                "returns",
                "all",
                returns,
                found,
                returns.orders[:, 0],
                found.usual,
                -(returns.orders[:, 0] - found.usual) * worth,
                returns.orders,
            )
        )
    gross = sales[0] + panel.discount[shift:]
    if (panel.discount > 0).mean() > 0.5:
        share = _ratio(panel.discount[None, shift:], gross[None, :])
        add("discount", share, lambda usual: -(share[:, 0] - usual) * gross[0])
    return tables


def detail_count(panel: Panel) -> int:
    """Return how many measures ``details`` judges."""
    counts = {name: len(group.names) for name, group in (panel.groups | panel.segments).items()}
    # Products are judged twice, by orders and by price.
    return (
        sum(counts.values())
        - counts["returns"]
        - counts["product_id"]
        + 2 * min(PRODUCTS, counts["product_id"])
    )


def details(panel: Panel, shift: int, limit: float) -> list[Judgement]:
    """Judge groups of orders against all others, and the prices of the products that sell most."""
    season = panel.calendar.season
    totals = cut(panel.total, shift).orders[0]
    tables, spread = [], 1.0
    for dimension in ("state", "country", "channel", "category", "product_id"):
        group = cut(panel.groups[dimension], shift)
        if dimension == "product_id":
            group = _rows(group, range(min(PRODUCTS, len(group.names))))
        if len(group.names) < (1 if dimension in GOODS else 2):
            continue
        found, rest = judging.shares(
            group.orders,
            totals[: group.orders.shape[1]],
            limit=limit,
            season=season,
            parts=dimension not in GOODS,
        )
        if dimension == "state":
            spread = judging.overdispersion(found, group.orders, rest)
        worth = _usual(_ratio(group.sales, group.orders))
        money = (group.orders[:, 0] - found.usual) * worth
        tables.append(
            Judgement(
                "group", dimension, group, found, group.orders[:, 0], found.usual, money,
                group.orders,
            )
        )  # fmt: skip
        if dimension == "product_id":
            tables.append(_prices(group))
    # The members of segments are known for the newest period only, and not for the one before.
    for dimension, group in panel.segments.items() if shift == 0 else ():
        found = judging.judge_dates(group.orders, group.members, group.ages, overdispersion=spread)
        rest = group.orders.sum(axis=0) - group.orders
        rest_members = group.members.sum(axis=0) - group.members
        usual = np.exp(found.usual) * group.members[:, 0]
        usual = usual * rest[:, 0] / np.maximum(rest_members[:, 0], 1)
        found.p[group.orders[:, 1:].mean(axis=1) < judging.MIN_COUNT] = np.nan
        worth = _ratio(group.sales.sum(axis=1), group.orders.sum(axis=1))
        tables.append(
            Judgement(
                "group", dimension, group, found, group.orders[:, 0], usual,
                (group.orders[:, 0] - usual) * worth, group.orders,
            )
        )  # fmt: skip
    return tables


def _prices(group: Group) -> Judgement:
    price = _ratio(group.sales, group.units)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(price)
    logs[~np.isfinite(logs)] = np.nan
    found = judging.judge(logs, floor=PRICE_PRECISION, beyond=PRICE_BEYOND)
    _few(found, group.orders)
    usual = np.exp(found.usual)
    money = (price[:, 0] - usual) * group.units[:, 0]
    return Judgement("price_of", "product_id", group, found, price[:, 0], usual, money, price)


def price_index(products: Group) -> np.ndarray:
    """Return the log of prices against each product's usual price, weighted by sales, by period.

    What is sold may change, but the index does not: each product is compared with itself.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(_ratio(products.sales, products.units))
    logs[~np.isfinite(logs)] = np.nan
    known = np.isfinite(logs)
    seen = known.any(axis=1)
    usual = np.zeros(len(logs))
    usual[seen] = np.nanmedian(logs[seen], axis=1)
    moved = np.clip(logs - usual[:, None], -PRICE_LIMIT, PRICE_LIMIT)
    weights = products.sales[:, 1:].sum(axis=1)[:, None] * known
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nansum(moved * weights, axis=0) / weights.sum(axis=0)


def cut(group: Group, shift: int) -> Group:
    """Return the group as it was ``shift`` periods ago."""
    if not len(group.names) or not shift:
        return group
    return Group(
        group.names,
        *(
            None if table is None else table[:, shift:]
            for table in (group.orders, group.sales, group.customers, group.units, group.members)
        ),
        labels=group.labels,
    )


def _rows(group: Group, rows) -> Group:
    rows = list(rows)
    return Group(
        [group.names[row] for row in rows],
        *(
            None if table is None else table[rows]
            for table in (group.orders, group.sales, group.customers, group.units, group.members)
        ),
        labels=group.labels,
    )


def _usual(values: np.ndarray) -> np.ndarray:
    """Return the median of the periods before the newest, by row."""
    recent = values[:, 1 : 1 + judging.LEVEL_PERIODS]
    known = np.isfinite(recent).any(axis=1)
    usual = np.zeros(len(values))
    usual[known] = np.nanmedian(recent[known], axis=1)
    return usual


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)


def _few(found: judging.Judged, orders: np.ndarray) -> None:
    """Judge no row with too few orders."""
    found.p[_usual(orders) < judging.MIN_COUNT] = np.nan
