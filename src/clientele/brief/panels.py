"""What was ordered in the newest period and in every one before it, by measure and group."""

import datetime
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

# Weekly periods of three years are history enough.
MAX_PERIODS = 160
# Customers are counted where figures are shown.
RECENT_PERIODS = 32
COUNTRIES, CHANNELS, CATEGORIES, PRODUCTS = 8, 4, 12, 12
# Products whose prices make the index of prices.
INDEXED = 100
ACTIVE_DAYS, LAPSED_DAYS = 90, 270
STATES = {
    "new": "new customers",
    "active": f"customers who last bought within {ACTIVE_DAYS} days",
    "lapsing": "customers who had been away for three to nine months",
    "lapsed": "customers who had been away for over nine months",
    "guest": "guests",
}
# A block is the days of a period, or the days between it and the one before. Customers are in a
# state by what they had bought before the period, so that no period looks into itself.
ORDERS = """
    create or replace temp table period_orders as
    with orders as (
        select order_id, customer_id, order_date, country, channel, is_first_order,
            cast(gross_amount - discount_amount as double) as sales,
            cast(gross_amount as double) as gross, cast(discount_amount as double) as discount,
            ($as_of - order_date) // $step as period,
            ($as_of - order_date) % $step < $days as is_inside
        from now.marts.fct_orders
        where is_purchase and order_date <= $as_of
    ),
    blocks as (
        select customer_id, period, is_inside, max(order_date) as last_date
        from orders where customer_id is not null group by all
    ),
    histories as (
        select customer_id, period, is_inside,
            lag(last_date) over (
                partition by customer_id order by period desc, is_inside
            ) as earlier_date
        from blocks
    )
    -- Hashes of keys are counted and joined in half the time of the texts.
    select orders.*, hash(order_id) as order_key,
        hash(coalesce(customer_id, order_id)) as customer_key,
        case
            when orders.customer_id is null then 'guest'
            when earlier_date is null then 'new'
            when $as_of - cast(orders.period * $step + $days - 1 as int) - earlier_date
                <= $active then 'active'
            when $as_of - cast(orders.period * $step + $days - 1 as int) - earlier_date
                <= $lapsed then 'lapsing'
            else 'lapsed'
        end as state
    from orders left join histories using (customer_id, period, is_inside)
    where orders.is_inside and orders.period < $periods
"""
GROUPS = """
    select {name} as name, period, count(*) as orders, sum(sales) as sales,
        count(distinct customer_key) filter (period <= {recent}) as customers
    from period_orders where {name} is not null group by all
"""
LINES = """
    create or replace temp table period_lines as
    select hash(lines.order_id) as order_key,
        hash(coalesce(lines.customer_id, lines.order_id)) as customer_key,
        lines.product_id, {category} as category, lines.is_return,
        cast(abs(lines.quantity) as double) as quantity,
        cast(lines.line_gross_amount - lines.line_discount_amount as double) as sales,
        cast(abs(lines.quantity) * lines.unit_price as double) as worth,
        ($as_of - lines.order_date) // $step as period
    from now.marts.fct_order_lines as lines
    left join now.marts.dim_products as products using (product_id)
    where lines.order_date <= $as_of and ($as_of - lines.order_date) % $step < $days
        and ($as_of - lines.order_date) // $step < $periods
"""
LINE_GROUPS = """
    with top as (
        select {name} as name from period_lines
        where not is_return and period > 0 and {name} is not null
        group by all order by sum(sales) desc, {name} limit {limit}
    ),
    by_order as (
        select {name} as name, period, order_key, any_value(customer_key) as customer_key,
            sum(sales) as sales, sum(quantity) as quantity
        from period_lines
        where not is_return and {name} in (select name from top)
        group by all
    )
    select name, period, count(*) as orders, sum(sales) as sales, sum(quantity) as units,
        count(distinct customer_key) filter (period <= {recent}) as customers
    from by_order group by all
"""
RETURNS = """
    select 'returns' as name, period, count(distinct order_key) as orders, sum(worth) as sales,
        count(distinct customer_key) as customers
    from period_lines where is_return group by all
"""
MEMBERS = """
    with members as (
        select segmentation, segment_key, customer_id, cast($start as date) as day
        from before.marts.fct_segment_memberships where is_current
        union all
        select segmentation, segment_key, customer_id, as_of_date
        from now.marts.fct_segment_memberships
        where as_of_date + cast($days as int) <= $start
        union all
        -- More earlier days to compare with.
        select segmentation, segment_key, customer_id, as_of_date
        from before.marts.fct_segment_memberships
        where as_of_date + cast($days as int) <= $start
            and as_of_date not in (select as_of_date from now.marts.fct_segment_memberships)
    )
    select segmentation, segment_key as name, $start - day as age,
        count(distinct members.customer_id) as members, count(order_id) as orders,
        coalesce(sum(cast(gross_amount - discount_amount as double)), 0) as sales,
        count(distinct orders.customer_id) as customers
    from members
    left join (from now.marts.fct_orders where is_purchase) as orders
        on members.customer_id = orders.customer_id
        and order_date > members.day and order_date <= members.day + cast($days as int)
    where segmentation in ({segmentations})
    group by all
"""


@dataclass(frozen=True)
class Calendar:
    """The periods: ``days`` long, ``step`` days apart, the newest ending on ``as_of``.

    The step is whole weeks, so that all periods have the same days of the week.
    """

    as_of: datetime.date
    days: int
    periods: int

    @property
    def step(self) -> int:
        """Days from one period to the next."""
        return -(-self.days // 7) * 7

    @property
    def start(self) -> datetime.date:
        """The day before the newest period."""
        return self.as_of - datetime.timedelta(days=self.days)

    @property
    def season(self) -> int:
        """The number of periods of a year."""
        return round(364 / self.step)

    @property
    def word(self) -> str:
        """The length of a period in words."""
        if self.days == 7:
            return "week"
        if self.days == 1:
            return "day"
        return f"{self.days // 7} weeks" if self.days % 7 == 0 else f"{self.days} days"


@dataclass
class Group:
    """One table per quantity, groups x periods, newest first: 0 where nothing was ordered."""

    names: list[str]
    orders: np.ndarray
    sales: np.ndarray
    customers: np.ndarray
    units: np.ndarray | None = None
    members: np.ndarray | None = None
    ages: np.ndarray | None = None
    labels: dict[str, str] = field(default_factory=dict)

    def label(self, row: int) -> str:
        """Return the name for readers."""
        return self.labels.get(self.names[row], str(self.names[row]))

    def keep(self, periods: int) -> None:
        """Forget all periods but the newest."""
        self.orders, self.sales = self.orders[:, :periods], self.sales[:, :periods]
        self.customers = self.customers[:, :periods]


@dataclass
class Panel:
    """Everything that is judged, and its calendar."""

    calendar: Calendar
    total: Group
    discount: np.ndarray
    groups: dict[str, Group]
    segments: dict[str, Group]
    notes: list[str] = field(default_factory=list)


def calendar_of(reader, as_of: datetime.date, days: int) -> Calendar:
    """Return the periods that lie within the history as a whole."""
    first = first_day(reader)
    step = -(-days // 7) * 7
    whole = ((as_of - first).days + 1 - days) // step + 1 if first else 0
    return Calendar(as_of, days, max(min(whole, MAX_PERIODS), 0))


def first_day(reader) -> datetime.date | None:
    """Return the day of the first order."""
    return reader.rows("select min(order_date) from now.marts.fct_orders where is_purchase")[0][0]


def read(reader, calendar: Calendar, *, has_start: bool) -> Panel:
    """Return the panel of the current publication.

    ``has_start`` says that the publication before is of the day before the period, so that the
    segments of its customers are known from then.
    """
    values = {
        "as_of": calendar.as_of,
        "step": calendar.step,
        "days": calendar.days,
        "periods": calendar.periods,
    }
    reader.rows(ORDERS, values | {"active": ACTIVE_DAYS, "lapsed": LAPSED_DAYS})
    has_category = reader.has("dim_products", "category")
    reader.rows(LINES.format(category="products.category" if has_category else "null"), values)

    def group(sql, limit=None):
        return _group(reader.frame(sql), calendar.periods, limit)

    groups = {"state": group(GROUPS.format(recent=RECENT_PERIODS, name="state"))}
    groups["state"].labels = STATES
    # Early periods do not know who had been away for long.
    known_days = (calendar.as_of - first_day(reader)).days + 1 - calendar.days - LAPSED_DAYS
    groups["state"].keep(max(known_days // calendar.step + 1, 0))
    for name, limit in (("country", COUNTRIES), ("channel", CHANNELS)):
        groups[name] = group(GROUPS.format(recent=RECENT_PERIODS, name=name), limit)
    for name, limit in (("category", CATEGORIES), ("product_id", INDEXED)):
        groups[name] = group(LINE_GROUPS.format(recent=RECENT_PERIODS, name=name, limit=limit))
    groups["product_id"].labels = _product_names(reader, groups["product_id"].names)
    groups["returns"] = group(RETURNS)
    total = group(GROUPS.format(recent=MAX_PERIODS, name="'all'"))
    discount = group(
        "select 'all' as name, period, sum(discount) as sales, 0 as orders, 0 as customers "
        "from period_orders group by period"
    )
    panel = Panel(calendar, total, discount.sales[0] if discount.names else np.zeros(0), groups, {})
    if has_start:
        panel.segments = _segments(reader, calendar, panel.notes)
    return panel


def _group(frame: pd.DataFrame, periods: int, limit: int | None = None) -> Group:
    """Return the rows as tables, the largest groups of the past first."""
    frame = frame.dropna(subset=["name"])
    past = frame[frame["period"] > 0].groupby("name")["orders"].sum()
    names = sorted(frame["name"].unique(), key=lambda name: (-past.get(name, 0), str(name)))
    names = names[:limit]

    def table(column):
        wide = frame.pivot(index="name", columns="period", values=column)
        wide = wide.reindex(index=names, columns=range(periods))
        return wide.fillna(0).to_numpy(dtype=float)

    return Group(
        names,
        table("orders"),
        table("sales"),
        table("customers"),
        *(table(name) if name in frame else None for name in ("units", "members")),
    )


def _product_names(reader, ids: list[str]) -> dict[str, str]:
    if not ids or not reader.has("dim_products", "product_name"):
        return {}
    rows = reader.rows(
        "select product_id, product_name from now.marts.dim_products "
        "where product_id in (select unnest($ids)) and product_name is not null",
        {"ids": ids},
    )
    return dict(rows)


def _segments(reader, calendar: Calendar, notes: list[str]) -> dict[str, Group]:
    """Return the groups of each segmentation whose segments mean the same in both publications."""
    same = [
        name
        for (name,) in reader.rows(
            """
            select segmentation
            from (from now.marts.fct_segmentation_versions where is_in_force) as fits
            join (from before.marts.fct_segmentation_versions where is_in_force) as earlier
                using (segmentation, version, as_of_date, method)
            -- RFM groups are not fitted.
            union select 'rfm'
            """
        )
    ]
    had = reader.rows(
        "select 1 from before.marts.fct_segmentation_versions "
        "where is_in_force and segmentation = 'behaviour'"
    )
    if had and "behaviour" not in same:
        notes.append(
            "The segments were fitted again since then. Their orders before and after are not "
            "compared: other customers are in them."
        )
    wanted = [name for name in ("behaviour", "rfm") if name in same]
    found = {}
    if not wanted:
        return found
    frame = reader.frame(
        MEMBERS.format(segmentations=", ".join(f"'{name}'" for name in wanted)),
        {"start": calendar.start, "days": calendar.days},
    )
    # The newest day first.
    frame["period"] = frame["age"].rank(method="dense").astype(int) - 1
    names = dict(reader.rows("select segment_key, segment_name from now.marts.dim_segments"))
    for segmentation, rows in frame.groupby("segmentation"):
        days = int(rows["period"].max()) + 1
        group = _group(rows.drop(columns="segmentation"), days)
        group.ages = rows.groupby("period")["age"].first().to_numpy(dtype=float)
        group.labels = names
        found[segmentation] = group
    return found
