"""The changes of a panel that are real, each with its money; at most five, largest first."""

from dataclasses import dataclass, field

import numpy as np

from clientele.brief import judging
from clientele.brief.panels import PRODUCTS, Group, Panel

MOST = 5
# A change of less than this share of the usual sales is not worth a line.
MIN_MONEY_SHARE = 0.005
MIN_CHANGE = 0.03
# Prices below this standard deviation are equal for our purpose.
PRICE_PRECISION = 0.01
# How much larger than any move before a product's price has to move: they jump in promotions.
PRICE_BEYOND = 2.5
# One product counts in the index of prices with half to double its usual price.
PRICE_LIMIT = np.log(2)
SHOWN_PERIODS = 30
CUSTOMER_GROUPS = ("behaviour", "rfm", "state")
GOODS = ("category", "product_id")


@dataclass
class Change:
    """One measure that is not what it usually is; ``money`` is what that brings or costs."""

    kind: str
    dimension: str
    name: str
    label: str
    actual: float
    usual: float
    low: float
    high: float
    money: float
    p: float
    errors: int
    is_seasonal: bool
    history: list[float]
    row: int = 0
    is_lasting: bool = False
    behind: list[str] = field(default_factory=list)
    cause: str = ""
    step: str = ""

    @property
    def is_up(self) -> bool:
        return self.actual > self.usual

    @property
    def key(self) -> tuple:
        return self.kind, self.dimension, self.name, self.is_up


@dataclass
class _Table:
    """Judged rows of one table."""

    kind: str
    dimension: str
    group: Group
    found: judging.Judged
    actual: np.ndarray
    usual: np.ndarray
    money: np.ndarray
    history: np.ndarray


def changes(panel: Panel, *, min_cell: int) -> list[Change]:
    """Return the changes to report, those with the most money first.

    A change is reported if chance, over all measures that are looked at, is no explanation, if it
    was never so large before, if it matters in money, and if at least ``min_cell`` customers are
    behind each of its figures.
    """
    found = _significant(panel, 0, min_cell)
    if not found:
        return []
    earlier = {change.key for change in _significant(panel, 1, min_cell)}
    for change in found:
        change.is_lasting = change.key in earlier
    return sorted(_stories(found), key=lambda change: -abs(change.money))[:MOST]


def is_judged(panel: Panel) -> bool:
    """Return whether the history is long enough to judge anything."""
    return panel.calendar.periods >= judging.LEVEL_PERIODS + judging.MIN_ERRORS + 1


def _significant(panel: Panel, shift: int, min_cell: int) -> list[Change]:
    if panel.total.orders.shape[0] == 0 or not is_judged(panel):
        return []
    count = sum(len(group.names) for group in panel.groups.values()) + sum(
        len(group.names) for group in panel.segments.values()
    )
    limit = judging.ALPHA / 2 / max(count, 1)
    shop, details = _shop(panel, shift), _details(panel, shift, limit)
    whole = [(table, judging.ALPHA / 2 / len(shop)) for table in shop]
    sales = float(np.median(panel.total.sales[0, shift + 1 : shift + 1 + judging.LEVEL_PERIODS]))
    found = []
    for table, level in whole + [(table, limit) for table in details]:
        for row in range(len(table.group.names)):
            p, actual, usual = table.found.p[row], table.actual[row], table.usual[row]
            money = table.money[row]
            if not (p < level and np.isfinite(money) and abs(money) >= MIN_MONEY_SHARE * sales):
                continue
            if abs(np.log((actual + 1e-9) / (usual + 1e-9))) < MIN_CHANGE:
                continue
            if not _is_shown(panel, table, row, shift, min_cell):
                continue
            scale = 2 * table.found.scale[row]
            found.append(
                Change(
                    kind=table.kind,
                    dimension=table.dimension,
                    name=str(table.group.names[row]),
                    label=table.group.label(row),
                    actual=float(actual),
                    usual=float(usual),
                    low=float(usual * np.exp(-scale)),
                    high=float(usual * np.exp(scale)),
                    money=float(money),
                    p=float(p),
                    errors=int(table.found.errors[row]),
                    is_seasonal=bool(table.found.seasonal[row]),
                    history=_history(table, row, min_cell),
                    row=row,
                )
            )
    return found


def _shop(panel: Panel, shift: int) -> list[_Table]:
    """Judge the measures of the whole shop."""
    season = panel.calendar.season
    total, state = _cut(panel.total, shift), _cut(panel.groups["state"], shift)
    orders, sales = total.orders, total.sales
    value = _ratio(sales, orders)
    tables = []

    def add(kind, values, money, floor=0.0, group=total, **more):
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(values)
        logs[~np.isfinite(logs)] = np.nan
        found = judging.judge(logs, floor=floor, season=season, **more)
        usual = np.exp(found.usual)
        tables.append(
            _Table(kind, "all", group, found, values[:, 0], usual, money(usual), values)
        )

    usual_value = _usual(value)
    add("sales", np.maximum(sales, 0), lambda usual: sales[:, 0] - usual)
    add(
        "orders",
        orders + 0.5,
        lambda usual: (orders[:, 0] - usual) * usual_value,
        1 / np.sqrt(_usual(orders) + 0.5),
    )
    add("value", value, lambda usual: (value[:, 0] - usual) * orders[:, 0])
    if "new" in state.names:
        new = _rows(state, [state.names.index("new")])
        worth = _usual(_ratio(new.sales, new.orders))
        add(
            "new",
            new.orders + 0.5,
            lambda usual: (new.orders[:, 0] - usual) * worth,
            1 / np.sqrt(_usual(new.orders) + 0.5),
            new,
        )
        _too_few(tables[-1], new)
    _too_few(tables[1], total)
    products = _cut(panel.groups["product_id"], shift)
    if len(products.names):
        index = np.exp(price_index(products))[None, :]
        add("price", index, lambda usual: sales[:, 0] * (1 - usual / index[:, 0]), PRICE_PRECISION)
    returns = _cut(panel.groups["returns"], shift)
    if len(returns.names):
        found, _ = judging.shares(returns.orders, orders[0], limit=0, season=season, parts=False)
        worth = _usual(_ratio(returns.sales, returns.orders))
        tables.append(
            _Table(
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


def _details(panel: Panel, shift: int, limit: float) -> list[_Table]:
    """Judge groups of orders against all others, and the prices of the products that sell most."""
    season = panel.calendar.season
    totals = _cut(panel.total, shift).orders[0]
    tables, spread = [], 1.0
    for dimension in ("state", "country", "channel", "category", "product_id"):
        group = _cut(panel.groups[dimension], shift)
        if dimension == "product_id":
            group = _rows(group, range(min(PRODUCTS, len(group.names))))
        if len(group.names) < (1 if dimension in GOODS else 2):
            continue
        found, _ = judging.shares(
            group.orders, totals, limit=limit, season=season, parts=dimension not in GOODS
        )
        if dimension == "state":
            spread = judging.overdispersion(found, group.orders)
        worth = _usual(_ratio(group.sales, group.orders))
        money = (group.orders[:, 0] - found.usual) * worth
        tables.append(
            _Table(
                "group", dimension, group, found, group.orders[:, 0], found.usual, money,
                group.orders,
            )
        )  # fmt: skip
        if dimension == "product_id":
            tables.append(_prices(group, season))
    # The members of segments are known for the newest period only, and not for the one before.
    for dimension, group in panel.segments.items() if shift == 0 else ():
        found = judging.judge_dates(group.orders, group.members, overdispersion=spread)
        rest = group.orders.sum(axis=0) - group.orders
        rest_members = group.members.sum(axis=0) - group.members
        usual = np.exp(found.usual) * group.members[:, 0]
        usual = usual * rest[:, 0] / np.maximum(rest_members[:, 0], 1)
        found.p[group.orders[:, 1:].mean(axis=1) < judging.MIN_COUNT] = np.nan
        worth = _ratio(group.sales.sum(axis=1), group.orders.sum(axis=1))
        tables.append(
            _Table(
                "group", dimension, group, found, group.orders[:, 0], usual,
                (group.orders[:, 0] - usual) * worth, group.orders,
            )
        )  # fmt: skip
    return tables


def _prices(group: Group, season: int) -> _Table:
    price = _ratio(group.sales, group.units)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(price)
    logs[~np.isfinite(logs)] = np.nan
    found = judging.judge(logs, floor=PRICE_PRECISION, season=season, beyond=PRICE_BEYOND)
    _few(found, group.orders)
    usual = np.exp(found.usual)
    money = (price[:, 0] - usual) * group.units[:, 0]
    return _Table("price_of", "product_id", group, found, price[:, 0], usual, money, price)


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


def _stories(found: list[Change]) -> list[Change]:
    """Leave out what another change says already."""
    kinds = {(change.kind, change.is_up) for change in found if change.dimension == "all"}
    kept: list[Change] = []
    for change in sorted(found, key=_importance):
        up = change.is_up
        if change.kind in ("orders", "value") and ("sales", up) in kinds:
            continue
        if change.kind == "value" and ("price", up) in kinds:
            continue
        if change.kind == "new" and (("sales", up) in kinds or ("orders", up) in kinds):
            continue
        if change.dimension == "state" and change.name == "new" and ("new", up) in kinds:
            continue
        same = [other for other in kept if other.kind == change.kind and other.is_up == up]
        if change.dimension in CUSTOMER_GROUPS and any(
            other.dimension in CUSTOMER_GROUPS for other in same
        ):
            continue
        if change.dimension in GOODS and any(other.dimension in GOODS for other in same):
            continue
        if change.kind == "price_of" and ("price", up) in kinds:
            continue
        kept.append(change)
    return kept


def _importance(change: Change) -> tuple:
    order = ("all", *CUSTOMER_GROUPS, "country", "channel", *GOODS)
    return order.index(change.dimension), -abs(change.money)


def _is_shown(panel: Panel, table: _Table, row: int, shift: int, min_cell: int) -> bool:
    """Return whether enough customers are behind the figures, and behind what is left of all."""
    group = table.group
    past = group.customers[row, 1 : 1 + judging.LEVEL_PERIODS]
    now = group.customers[row, 0]
    if np.median(past) < min_cell or 0 < now < min_cell:
        return False
    if table.kind != "group":
        return True
    others = panel.total.customers[0, shift] - now
    return not 0 < others < min_cell


def _history(table: _Table, row: int, min_cell: int) -> list[float]:
    """Return the values of the last periods, newest first; NaN where customers are too few."""
    values = table.history[row, :SHOWN_PERIODS].astype(float).copy()
    customers = table.group.customers[row, :SHOWN_PERIODS]
    values[(customers > 0) & (customers < min_cell)] = np.nan
    return values.tolist()


def _cut(group: Group, shift: int) -> Group:
    """Return the group as it was ``shift`` periods ago."""
    if not len(group.names) or not shift:
        return group
    return Group(
        group.names,
        *(
            None if table is None else table[:, shift:]
            for table in (group.orders, group.sales, group.customers, group.units, group.members)
        ),
        group.labels,
    )


def _rows(group: Group, rows) -> Group:
    rows = list(rows)
    return Group(
        [group.names[row] for row in rows],
        *(
            None if table is None else table[rows]
            for table in (group.orders, group.sales, group.customers, group.units, group.members)
        ),
        group.labels,
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


def _too_few(table: _Table, group: Group) -> None:
    _few(table.found, group.orders)
