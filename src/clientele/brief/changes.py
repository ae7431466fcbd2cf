"""The changes of a panel that are real, each with its money; at most five, largest first."""

from dataclasses import dataclass, field

import numpy as np

from clientele.brief import judging
from clientele.brief.measures import GOODS, Judgement, detail_count, details, shop
from clientele.brief.panels import Panel

MOST = 5
# A change of less than this share of the usual sales is not worth a line.
MIN_MONEY_SHARE = 0.005
MIN_CHANGE = 0.03
# A change of the shop is that of one group if the group makes this share of it.
GROUP_PART = 0.6
SHOWN_PERIODS = 30
CUSTOMER_GROUPS = ("behaviour", "rfm", "state")


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
        """Whether it is above what is usual."""
        return self.actual > self.usual

    @property
    def key(self) -> tuple:
        """What makes it the same change in two pages."""
        return self.kind, self.dimension, self.name, self.is_up


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
    count = detail_count(panel)
    limit = judging.ALPHA / 2 / max(count, 1)
    of_shop, of_parts = shop(panel, shift), details(panel, shift, limit)
    whole = [(table, judging.ALPHA / 2 / len(of_shop)) for table in of_shop]
    sales = float(np.median(panel.total.sales[0, shift + 1 : shift + 1 + judging.LEVEL_PERIODS]))
    found = []
    for table, level in whole + [(table, limit) for table in of_parts]:
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


def _stories(found: list[Change]) -> list[Change]:
    """Leave out what another change says already."""
    found = [change for change in found if not _is_of_one_group(change, found)]
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


def _is_of_one_group(change: Change, found: list[Change]) -> bool:
    """Return whether a change of the whole shop is that of one group, which is named instead."""
    return change.kind in ("sales", "orders", "value") and any(
        other.kind == "group"
        and other.is_up == change.is_up
        and abs(other.money) >= GROUP_PART * abs(change.money)
        for other in found
    )


def _importance(change: Change) -> tuple:
    order = ("all", *CUSTOMER_GROUPS, "country", "channel", *GOODS)
    return order.index(change.dimension), -abs(change.money)


def _is_shown(panel: Panel, table: Judgement, row: int, shift: int, min_cell: int) -> bool:
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


def _history(table: Judgement, row: int, min_cell: int) -> list[float]:
    """Return the values of the last periods, newest first; NaN where customers are too few."""
    values = table.history[row, :SHOWN_PERIODS].astype(float).copy()
    customers = table.group.customers[row, :SHOWN_PERIODS]
    values[(customers > 0) & (customers < min_cell)] = np.nan
    return values.tolist()
