"""Who is behind a change, and what is likely to have caused it."""

import datetime
from dataclasses import dataclass

import numpy as np

from clientele.brief import judging
from clientele.brief.changes import Change
from clientele.brief.measures import price_index
from clientele.brief.panels import Group, Panel

# A group is behind a change if it makes this share of it, if it moved so many times as much as all
# others, and by more than chance moves its orders. Else the change is spread as the sales are.
MIN_PART, MIN_RATIO, MIN_NOISE = 0.3, 2.0, 3.0
# Orders that come late explain a fall of up to twice their share, if that is at least this much.
LATE_SHARE = 0.02
# Days without orders explain a fall if they make this share of it.
CLOSED_PART = 0.5
WHOSE = {
    "behaviour": "segment",
    "state": "customers",
    "country": "country",
    "channel": "channel",
    "category": "category",
}
# The sales of each product, and what came back of it, by period.
SOLD = """
    select lines.product_id, lines.period, sum(lines.sales) as sales,
        count(distinct lines.customer_key) as customers
    from period_lines as lines
    join period_orders as orders using (order_key)
    where not lines.is_return and lines.period <= {level} and lines.product_id is not null
        and {where}
    group by all
"""
RETURNED = """
    select product_id, period, sum(worth) as sales, count(distinct customer_key) as customers
    from period_lines where is_return and period <= {level} and product_id is not null
    group by all
"""
# How far each product moved from a usual period.
MOVED = """
    select product_id, coalesce(sum(sales) filter (period = 0), 0)
            - coalesce(sum(sales) filter (period > 0), 0) / {level} as moved,
        coalesce(max(customers) filter (period = 0), 0) as customers,
        max(customers) as most_customers
    from ({periods}) as periods group by product_id
"""
# Orders up to a day that only one of the publications has.
ONLY_HERE = """
    select count(*), count(distinct coalesce(customer_id, order_id)),
        coalesce(sum(cast(gross_amount - discount_amount as double)), 0)
    from {here}.marts.fct_orders as orders
    where is_purchase and order_date <= $day and not exists (
        select 1 from {there}.marts.fct_orders as others where others.order_id = orders.order_id
    )
"""


@dataclass(frozen=True)
class Lateness:
    """What came late: money of orders before the period that the earlier publication lacked.

    ``share`` is that of the sales of the period before; ``silent_days`` are days without orders at
    the end of the newest period, beyond what is usual. ``gone`` are orders that the earlier
    publication had and the current one has not. ``open_days`` are days of the period with orders.
    """

    orders: int = 0
    customers: int = 0
    amount: float = 0.0
    share: float = 0.0
    silent_days: int = 0
    gone_orders: int = 0
    gone_customers: int = 0
    gone_amount: float = 0.0
    open_days: int = 0
    usual_open_days: float = 0.0


def lateness(reader, panel: Panel) -> Lateness:
    """Compare the orders that both publications should have."""
    as_of = panel.calendar.as_of
    last, usual_gap = reader.rows(
        """
        with days as (
            select distinct order_date from now.marts.fct_orders
            where is_purchase and order_date <= $as_of and order_date > $as_of - 366
        ),
        gaps as (
            select order_date - lag(order_date) over (order by order_date) as gap from days
        )
        select (select max(order_date) from days), quantile_cont(gap, 0.99) from gaps
        """,
        {"as_of": as_of},
    )[0]
    silent = max((as_of - last).days - int(np.ceil(usual_gap or 1)), 0) if last else 0
    counts = reader.rows(
        "select coalesce(max(days) filter (period = 0), 0), "
        f"coalesce(median(days) filter (period between 1 and {judging.LEVEL_PERIODS}), 0) from ("
        "select period, count(distinct order_date) as days from period_orders group by period)"
    )[0]
    open_days = {"open_days": counts[0], "usual_open_days": counts[1]}
    if not reader.has_before:
        return Lateness(silent_days=silent, **open_days)
    # On a day that both know; a rebuild of a past day knows less than the publication before it.
    day = min(reader.pair.before["as_of_date"], as_of)
    # By key only: an order that came back as a whole is no purchase any more.
    came = reader.rows(ONLY_HERE.format(here="now", there="before"), {"day": day})[0]
    gone = reader.rows(ONLY_HERE.format(here="before", there="now"), {"day": day})[0]
    (before,) = reader.rows(
        "select coalesce(sum(cast(gross_amount - discount_amount as double)), 0) "
        "from now.marts.fct_orders where is_purchase "
        "and order_date <= $day and order_date > $from",
        {"day": day, "from": day - datetime.timedelta(days=panel.calendar.days)},
    )[0]
    share = came[2] / before if before else 0.0
    return Lateness(*came, share, silent, *gone, **open_days)


def behind(reader, panel: Panel, change: Change, money, min_cell: int) -> list[str]:
    """Return sentences that name who or what makes most of a change.

    ``money`` writes an amount.
    """
    if change.kind == "new":
        return _goods(reader, panel, change, money, min_cell, "orders.state = 'new'")
    if change.kind in ("sales", "orders", "value"):
        found = [_largest(panel, name, change, money, min_cell) for name in WHOSE]
        found = [sentence for sentence in found if sentence]
        goods = _goods(reader, panel, change, money, min_cell, "1 = 1")
        if not found and not goods:
            return ["It is spread over all groups as the sales are."]
        return [*found[:3], *goods]
    if change.kind == "returns":
        return _goods(reader, panel, change, money, min_cell, None)
    if change.kind == "price":
        return _dearer(panel, change, min_cell)
    if change.dimension in ("state", "country", "channel"):
        name = change.name.replace("'", "''")
        where = f"orders.{change.dimension} = '{name}'"
        return _goods(reader, panel, change, money, min_cell, where)
    if change.dimension in panel.segments:
        return _members(panel.segments[change.dimension], change, min_cell)
    return []


def missing(change: Change, late: Lateness) -> str:
    """Return why a fall may be one of the data only; empty if nothing suggests it."""
    counts = change.kind in ("sales", "orders", "new", "group")
    if not counts or change.is_up or not change.usual:
        return ""
    if late.silent_days:
        return (
            f"The last {_days(late.silent_days)} have no orders at all, which is unusual: data may "
            "be missing."
        )
    size = 1 - change.actual / change.usual
    if 1 - late.open_days / max(late.usual_open_days, 1) >= size * CLOSED_PART:
        return (
            f"Orders came on {late.open_days} days, usually on {late.usual_open_days:.0f}: the "
            "shop was closed, or data are missing."
        )
    if late.share > LATE_SHARE and size < 2 * late.share:
        return (
            f"Orders come in late: after the last page another {late.share:.0%} came for the days "
            "before. Part of this may still come in."
        )
    return ""


def cause(panel: Panel, change: Change, money, currencies: int) -> str:
    """Return the likely cause in one or two sentences; empty if the change is its own cause."""
    counts = change.kind in ("sales", "orders", "new", "group")
    said = ""
    if change.kind == "sales":
        said = _parts_of_sales(panel, money)
    elif change.kind == "orders":
        said = _new_or_returning(panel)
    elif change.kind == "value":
        said = _value(panel)
    if change.kind in ("sales", "value", "price") and currencies > 1:
        said += f" The source has {currencies} currencies: exchange rates may play a part."
    needed = panel.calendar.season + 2 * judging.LEVEL_PERIODS + 2
    if counts and not change.is_seasonal and panel.calendar.periods < needed:
        said += " There is no full year before to compare with: it may be the season."
    return said.strip()


def _parts_of_sales(panel: Panel, money) -> str:
    """Say whether orders, prices or the content of orders moved the sales most."""
    orders, sales = panel.total.orders[0], panel.total.sales[0]
    before = slice(1, 1 + judging.LEVEL_PERIODS)
    usual_value = np.median(sales[before] / np.maximum(orders[before], 1))
    value = sales[0] / max(orders[0], 1)
    moved = {
        "orders": np.log(sales[0] / np.median(sales[before])) - np.log(value / usual_value),
        "price": 0.0,
    }
    products = panel.groups["product_id"]
    if products.names:
        index = price_index(products)
        moved["price"] = float(index[0] - np.nanmedian(index[before]))
    moved["content"] = np.log(value / usual_value) - moved["price"]
    main = max(moved, key=lambda name: abs(moved[name]))
    if main == "orders":
        return _new_or_returning(panel)
    if main == "price":
        return f"Prices: they are {_percent(moved['price'])} of what they were."
    return (
        f"Orders are {'larger' if value > usual_value else 'smaller'} at about the same prices: "
        f"{money(value)} each, usually {money(usual_value)}."
    )


def _new_or_returning(panel: Panel) -> str:
    group = panel.groups["state"]
    if group.orders.shape[1] < 3:
        return "The number of orders changed, not their value."
    before = slice(1, 1 + judging.LEVEL_PERIODS)
    moved = group.orders[:, 0] - np.median(group.orders[:, before], axis=1)
    whole = moved.sum()
    by = dict(zip(group.names, moved / whole if whole else moved, strict=True))
    new, guests = by.get("new", 0.0), by.get("guest", 0.0)
    more = "more" if whole > 0 else "fewer"
    if new > 0.6:
        who = "mostly of new customers"
    elif guests > 0.6:
        who = "mostly of guests"
    elif 1 - new - guests > 0.6:
        who = "mostly of customers who had bought before"
    else:
        who = "of both new and returning customers"
    return f"There are {more} orders, {who}."


def _value(panel: Panel) -> str:
    products = panel.groups["product_id"]
    if not products.names:
        return ""
    index = price_index(products)
    moved = float(index[0] - np.nanmedian(index[1 : 1 + judging.LEVEL_PERIODS]))
    if abs(moved) > 0.02:
        return f"Prices moved too: they are {_percent(moved)} of what they were."
    return "Prices are as they were: people put more or fewer things into an order."


def _largest(panel, dimension, change, money, min_cell) -> str:
    group: Group | None = panel.segments.get(dimension) or panel.groups.get(dimension)
    if group is None or not len(group.names) or group.orders.shape[1] < 3:
        return ""
    counted = change.kind == "orders"
    table = group.orders if counted else group.sales
    before = slice(1, 1 + judging.LEVEL_PERIODS)
    past, now = table[:, before].mean(axis=1), table[:, 0]
    whole = change.actual - change.usual
    if change.kind == "value":
        whole *= panel.total.orders[0, 0]
    # All groups together were expected to have what the whole has not moved by.
    expected = past / max(past.sum(), 1e-9) * (now.sum() - whole)
    moved = now - expected
    row = int(np.argmax(moved * np.sign(whole)))
    others = panel.total.customers[0, 0] - group.customers[row, 0]
    if moved[row] * whole <= 0 or group.customers[row, 0] < min_cell or 0 < others < min_cell:
        return ""
    rest = max(expected.sum() - expected[row], 1e-9)
    own = abs(moved[row]) / max(expected[row], 1e-9)
    of_rest = max((moved.sum() - moved[row]) * np.sign(whole), 0) / rest
    orders = group.orders[row, before].mean()
    noise = MIN_NOISE / np.sqrt(max(orders, 1.0))
    if moved[row] / whole < MIN_PART or own < MIN_RATIO * of_rest or own < noise:
        return ""
    amount = f"{moved[row]:+,.0f} orders" if counted else money(moved[row], sign=True)
    return f"By {WHOSE[dimension]}, {group.label(row)} moved most: {amount}."


def _goods(reader, panel, change, money, min_cell, where: str | None) -> list[str]:
    """Name the products that moved most within the orders of a group, or came back (None)."""
    level = min(judging.LEVEL_PERIODS, panel.calendar.periods - 1)
    periods = RETURNED if where is None else SOLD
    sql = MOVED.format(level=level, periods=periods.format(level=level, where=where))
    sign = 1 if change.is_up else -1
    rows = [
        row for row in reader.rows(sql)
        if row[1] * sign > 0 and row[3] >= min_cell and not 0 < row[2] < min_cell
    ]  # fmt: skip
    whole = sum(row[1] for row in rows)
    rows = sorted(rows, key=lambda row: (-row[1] * sign, row[0]))[:2]
    rows = [row for row in rows if abs(row[1]) >= 0.05 * abs(whole)]
    if not rows:
        return []
    labels = panel.groups["product_id"].labels
    names = [f"{labels.get(row[0], row[0])} ({money(row[1], sign=True)})" for row in rows]
    return [f"Products that moved most: {' and '.join(names)}."]


def _dearer(panel: Panel, change: Change, min_cell: int) -> list[str]:
    """Name the products whose prices moved the index most."""
    products = panel.groups["product_id"]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(products.sales / products.units)
    logs[~np.isfinite(logs)] = np.nan
    before = logs[:, 1 : 1 + judging.LEVEL_PERIODS]
    known = np.isfinite(before).any(axis=1) & np.isfinite(logs[:, 0])
    known &= products.customers[:, 0] >= min_cell
    moved = np.zeros(len(logs))
    moved[known] = logs[known, 0] - np.nanmedian(before[known], axis=1)
    weight = moved * products.sales[:, 0] * (1 if change.is_up else -1)
    rows = [row for row in np.argsort(-weight, kind="stable")[:3] if weight[row] > 0]
    count = int((moved[known] * (1 if change.is_up else -1) > 0.02).sum())
    if not rows:
        return []
    names = [f"{products.label(row)} ({np.expm1(moved[row]):+.0%})" for row in rows]
    way = "dearer" if change.is_up else "cheaper"
    return [
        f"{count} of the {int(known.sum())} products that sell most are {way}. "
        f"First {', '.join(names)}."
    ]


def _members(group: Group, change: Change, min_cell: int) -> list[str]:
    row = group.names.index(change.name)
    members, bought = group.members[row], group.customers[row]
    usual = float(np.mean(bought[1:] / np.maximum(members[1:], 1))) * members[0]
    if bought[0] < min_cell or 0 < members[0] - bought[0] < min_cell:
        return []
    return [
        f"Of its {members[0]:,.0f} customers at the start, {bought[0]:,.0f} ordered; "
        f"usual are about {usual:,.0f}."
    ]


def _percent(log: float) -> str:
    return f"{np.exp(log):.0%}"


def _days(count: int) -> str:
    return "day" if count == 1 else f"{count} days"
