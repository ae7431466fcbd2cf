"""The overview: revenue and customers by country, month and segment, and recent changes."""

import pandas as pd

from clientele.dashboard.segments import PLACES
from clientele.dashboard.tables import OVER_PLACES, Page

# Rows of the table of countries; the others are one row.
COUNTRIES_SHOWN = 20

TOTALS = """
    with paid as (
        select customer_id, sum(net_amount) as purchase_amount, count(*) as purchase_count
        from marts.fct_orders where is_purchase group by customer_id
    )
    select
        placed.place,
        count(*) as customer_count,
        count(*) filter (customers.lifecycle_stage in ('new', 'active')) as active_customer_count,
        sum(features.frequency) as order_count,
        sum(features.monetary) as net_amount,
        -- As the metric of this name: receipts that hold returns only are no orders.
        sum(paid.purchase_amount) / sum(paid.purchase_count) as average_order_value,
        count(*) filter (features.frequency > 1) as repeat_customer_count
    from placed_customers as placed
    join marts.fct_customer_features as features using (customer_id)
    join marts.dim_customers as customers using (customer_id)
    left join paid using (customer_id)
    group by placed.place
"""
# Receipts with returns only are included; otherwise the months would not add up to the total.
# A customer is new in the month of the first purchase.
MONTHS = """
    select
        placed.place,
        date_trunc('month', orders.order_date)::date as month_date,
        count(distinct orders.customer_id) as customer_count,
        count(*) filter (orders.is_purchase) as order_count,
        sum(orders.net_amount) as net_amount,
        sum(orders.net_amount) filter (orders.is_purchase) as purchase_amount,
        count(distinct orders.customer_id) filter (is_new) as new_customer_count,
        coalesce(sum(orders.net_amount) filter (is_new), 0) as new_net_amount
    from (
        select orders.*,
            date_trunc('month', orders.order_date)
            = date_trunc('month', features.first_order_date) as is_new
        from marts.fct_orders as orders
        join marts.fct_customer_features as features using (customer_id)
    ) as orders
    join placed_customers as placed using (customer_id)
    group by all
    order by placed.place, month_date
"""
# Distinct customers of three months that are over: the last three, those before, and the same
# three a year before. Money and orders are sums of months, so the page adds them.
WINDOWS = """
    with days as (
        select min(order_date) as first_day,
            date_trunc('month', max(as_of_date) + interval 1 day)::date as open_day
        from marts.fct_orders cross join marts.publications
    ),
    windows as (
        select months_back, open_day - to_months(months_back::int + 3) as from_day,
            open_day - to_months(months_back::int) as to_day
        from days cross join (values (0), (3), (12)) as back (months_back)
        where first_day <= open_day - to_months(months_back::int + 3)
    )
    select placed.place, windows.months_back, count(distinct orders.customer_id) as customer_count
    from windows
    join marts.fct_orders as orders
        on orders.order_date >= windows.from_day and orders.order_date < windows.to_day
    join placed_customers as placed using (customer_id)
    group by all
    order by all
"""
# Each may be another customer, or all of them one.
GUESTS = """
    select count(*) filter (is_purchase) as order_count, sum(net_amount) as net_amount
    from marts.fct_orders where customer_id is null
"""
COUNTRIES = """
    select placed.place, coalesce(customers.acquisition_country, 'Unknown country') as country,
        count(*) as customer_count, sum(features.frequency) as order_count,
        sum(features.monetary) as net_amount
    from placed_customers as placed
    join marts.fct_customer_features as features using (customer_id)
    join marts.dim_customers as customers using (customer_id)
    where placed.place <> 'All countries'
        or (select count(distinct place) from placed_customers) = 1
    group by all
    order by net_amount desc, country
"""
EARLIER = """
    select as_of_date, published_at::date as published_date from earlier.marts.publications
"""
BUILD = """
    select cast(built_at as date) as built_date, touched_customer_count, new_order_count,
        changed_order_count, vanished_order_count
    from (select * from marts.rpt_build_changes order by built_at desc limit 1)
    where not is_whole_build
"""
REFITS = """
    select distinct segmentation, change_reason from marts.publication_segment_changes
    where is_refitted
    order by all
"""
VALUES = """
    select placed.place, forecasts.horizon_days, any_value(forecasts.is_reliable) as is_reliable,
        count(*) as customer_count, sum(forecasts.clv) as clv
    from marts.fct_customer_values as forecasts
    join placed_customers as placed using (customer_id)
    group by placed.place, forecasts.horizon_days
"""
SEGMENTS = """
    select segmentation, segment_key, segment_name, customer_count, net_amount,
        customer_share, revenue_share, recommended_action
    from marts.dim_segments
    order by segmentation, net_amount desc
"""
# Each with the number of customers who changed: joined, left, ordered or returned something.
CHANGES = """
    with joined as (
        select now.frequency as frequency, now.monetary as monetary,
            earlier.frequency as frequency_before, earlier.monetary as monetary_before
        from marts.fct_customer_features as now
        full join earlier.marts.fct_customer_features as earlier using (customer_id)
    ),
    summed as (
        select
            count(*) filter (
                frequency is distinct from frequency_before
                or monetary is distinct from monetary_before
            ) as changed_customer_count,
            count(frequency) as customers, count(frequency_before) as customers_before,
            sum(frequency) as orders, sum(frequency_before) as orders_before,
            sum(monetary) as amount, sum(monetary_before) as amount_before,
            count(*) filter (frequency > 1) as repeat,
            count(*) filter (frequency_before > 1) as repeat_before
        from joined
    )
    select 'customer_count' as measure, customers_before as before, customers as now,
        changed_customer_count from summed
    union all
    select 'order_count', orders_before, orders, changed_customer_count from summed
    union all
    select 'net_amount', amount_before, amount, changed_customer_count from summed
    union all
    select 'repeat_customer_count', repeat_before, repeat, changed_customer_count from summed
"""
# The publication compares its segments with those before it, by key.
SEGMENT_CHANGES = """
    select segmentation, segment_key, segment_name, status, previous_customer_count as before,
        customer_count as now,
        customer_count + previous_customer_count - 2 * kept_customer_count
            as changed_customer_count
    from marts.publication_segment_changes
    order by segmentation, now desc, before desc, segment_key
"""


def load(page: Page) -> None:
    """Add the page's tables."""
    page.add(
        "totals",
        TOTALS,
        keys=["place"],
        total=OVER_PLACES,
        parts={"active_customer_count": [], "repeat_customer_count": []},
    )
    page.add(
        "months",
        MONTHS,
        keys=["place", "month_date"],
        margins=[["place"]],
        total=OVER_PLACES,
        parts={"new_customer_count": ["new_net_amount"]},
    )
    page.add("windows", WINDOWS, keys=["place", "months_back"], total=OVER_PLACES)
    page.add("guests", GUESTS, keys=[], customers="order_count")
    countries = joined_countries(page.frame(COUNTRIES), page.min_cell)
    page.add("countries", countries, keys=["country", "place"], margins=[["place"]])
    page.add(
        "values",
        VALUES,
        keys=["place", "horizon_days", "is_reliable"],
        margins=[["place", "horizon_days"]],
        total=OVER_PLACES,
    )
    page.add("segments", SEGMENTS, keys=["segmentation", "segment_key"], margins=[["segmentation"]])
    page.add(
        "places",
        PLACES,
        keys=["place", "segmentation", "segment_key"],
        margins=[["place", "segmentation"]],
        total=OVER_PLACES,
    )
    page.add("build", BUILD, keys=["built_date"], customers="touched_customer_count")
    if page.attach_earlier():
        changed = {"customers": "changed_customer_count"}
        page.add_facts("earlier", EARLIER)
        page.add_facts("refits", REFITS)
        page.add("changes", CHANGES, keys=["measure"], **changed)
        keys = ["segmentation", "segment_key", "segment_name", "status"]
        page.add(
            "segment_changes", SEGMENT_CHANGES, keys=keys, margins=[["segmentation"]], **changed
        )


def joined_countries(countries: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Join each country that is too small to be shown with the next one by revenue.

    Countries that can be chosen one by one stay alone: their totals are known, so a sum with one of
    them would reveal the other. ``countries`` are sorted by revenue.
    """
    figures = ["customer_count", "order_count", "net_amount"]
    revenue = countries["net_amount"].sum()
    joined = []
    for place, rows in countries.groupby("place", sort=False):
        groups: list[list[dict]] = []
        for row in rows.to_dict("records"):
            is_open = groups and sum(r["customer_count"] for r in groups[-1]) < min_cell
            if is_open or len(groups) >= COUNTRIES_SHOWN:
                groups[-1].append(row)
            else:
                groups.append([row])
        if len(groups) > 1 and sum(r["customer_count"] for r in groups[-1]) < min_cell:
            last = groups.pop()
            groups[-1] += last
        for group in groups:
            names = [row["country"] for row in group]
            name = " and ".join(names) if len(names) < 4 else f"{len(names)} other countries"
            sums = {figure: sum(row[figure] for row in group) for figure in figures}
            joined.append({"place": place, "country": name} | sums)
    table = pd.DataFrame(joined, columns=["place", "country", *figures])
    table["revenue_share"] = table["net_amount"] / revenue if revenue else None
    table["average_order_value"] = table["net_amount"] / table["order_count"]
    return table.sort_values("net_amount", ascending=False, kind="stable")
