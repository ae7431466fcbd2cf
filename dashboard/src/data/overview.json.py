"""The overview: revenue and customers by country, month and segment, and recent changes."""

from clientele.dashboard import OVER_PLACES, open_page

TOTALS = """
    select
        placed.place,
        count(*) as customer_count,
        count(*) filter (customers.lifecycle_stage in ('new', 'active')) as active_customer_count,
        sum(features.frequency) as order_count,
        sum(features.monetary) as net_amount,
        sum(features.monetary) / sum(features.frequency) as average_order_value,
        count(*) filter (features.frequency > 1) as repeat_customer_count
    from placed_customers as placed
    join marts.fct_customer_features as features using (customer_id)
    join marts.dim_customers as customers using (customer_id)
    group by placed.place
"""
# Receipts with returns only are included; otherwise the months would not add up to the total.
MONTHS = """
    select
        placed.place,
        date_trunc('month', orders.order_date)::date as month_date,
        count(distinct orders.customer_id) as customer_count,
        count(*) filter (orders.is_purchase) as order_count,
        sum(orders.net_amount) as net_amount
    from marts.fct_orders as orders
    join placed_customers as placed using (customer_id)
    group by all
    order by placed.place, month_date
"""
# Whole years back from the as-of date, so that a season is compared with itself. Earlier orders are
# included so that the years add up to the total. If they have too few customers, they join the year
# before: as a separate row they would force another year to be hidden.
YEARS = """
    with dated as (
        select placed.place, orders.customer_id, orders.net_amount,
            case
                when orders.order_date > publications.as_of_date - interval 365 day then 'recent'
                when orders.order_date > publications.as_of_date - interval 730 day then 'before'
                else 'earlier'
            end as year
        from marts.fct_orders as orders
        join placed_customers as placed using (customer_id)
        cross join marts.publications as publications
    ),
    early as (
        select place, count(distinct customer_id) as customer_count
        from dated where year = 'earlier' group by place
    )
    select dated.place,
        case
            when dated.year = 'earlier' and early.customer_count < publications.min_cell
                then 'before'
            else dated.year
        end as year,
        count(distinct dated.customer_id) as customer_count,
        sum(dated.net_amount) as net_amount
    from dated
    left join early using (place)
    cross join marts.publications as publications
    group by all
"""
# A year that the data covers only in part would look like growth.
REACH = """
    select min(order_date) <= max(as_of_date) - interval 729 day as has_year_before
    from marts.fct_orders cross join marts.publications
"""
VALUES = """
    select placed.place, forecasts.horizon_days, any_value(forecasts.is_reliable) as is_reliable,
        count(*) as customer_count, sum(forecasts.clv) as clv
    from marts.fct_customer_values as forecasts
    join placed_customers as placed using (customer_id)
    where forecasts.horizon_days = (select max(horizon_days) from marts.fct_customer_values)
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
SEGMENT_CHANGES = """
    with now as (
        select segment_key, customer_id from marts.fct_segment_memberships where is_current
    ),
    earlier_members as (
        select segment_key, customer_id from earlier.marts.fct_segment_memberships
        where is_current
    )
    select segments.segmentation, segment_key, segments.segment_name,
        count(earlier_members.customer_id) as before, count(now.customer_id) as now,
        count(*) filter (now.customer_id is null or earlier_members.customer_id is null)
            as changed_customer_count
    from now
    full join earlier_members using (segment_key, customer_id)
    join marts.dim_segments as segments using (segment_key)
    group by all
    order by segments.segmentation, now desc
"""

page = open_page()
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
)
page.add(
    "years",
    YEARS,
    keys=["place", "year"],
    margins=[["place"]],
    total=OVER_PLACES,
)
page.add_facts("reach", REACH)
page.add(
    "values",
    VALUES,
    keys=["place", "horizon_days", "is_reliable"],
    total=OVER_PLACES,
)
page.add("segments", SEGMENTS, keys=["segmentation", "segment_key"], margins=[["segmentation"]])
if page.attach_earlier():
    changed = {"customers": "changed_customer_count"}
    page.add("changes", CHANGES, keys=["measure"], **changed)
    keys = ["segmentation", "segment_key", "segment_name"]
    page.add("segment_changes", SEGMENT_CHANGES, keys=keys, margins=[["segmentation"]], **changed)
page.write()
