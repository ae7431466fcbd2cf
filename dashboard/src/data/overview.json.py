"""The overview: how much, by whom, since when, and what the last build changed."""

import pandas as pd

from clientele.dashboard import Page, open_page

TOTALS = """
    select
        placed.place,
        count(*) as customer_count,
        count(*) filter (customers.lifecycle_stage in ('new', 'active')) as active_customer_count,
        sum(features.frequency) as order_count,
        sum(features.monetary) as net_amount,
        sum(features.monetary) / sum(features.frequency) as average_order_value,
        count(*) filter (features.frequency > 1) as repeat_customer_count,
        sum(customers.clv) as clv
    from placed_customers as placed
    join marts.fct_customer_features as features using (customer_id)
    join marts.dim_customers as customers using (customer_id)
    group by placed.place
"""
MONTHS = """
    select
        placed.place,
        date_trunc('month', orders.order_date)::date as month_date,
        count(distinct orders.customer_id) as customer_count,
        count(*) as order_count,
        sum(orders.net_amount) as net_amount
    from marts.fct_orders as orders
    join placed_customers as placed using (customer_id)
    where orders.is_purchase
    group by all
    order by placed.place, month_date
"""
# Years back from the as-of date, whole ones, so that a season is compared with itself.
YEARS = """
    select
        placed.place,
        case when orders.order_date > publications.as_of_date - interval 365 day
            then 'recent' else 'before' end as year,
        count(distinct orders.customer_id) as customer_count,
        count(*) as order_count,
        sum(orders.net_amount) as net_amount
    from marts.fct_orders as orders
    join placed_customers as placed using (customer_id)
    cross join marts.publications as publications
    where orders.is_purchase
        and orders.order_date > publications.as_of_date - interval 730 day
        -- A year that the data do not reach would look like growth.
        and (
            orders.order_date > publications.as_of_date - interval 365 day
            or (select min(order_date) from marts.fct_orders)
            <= publications.as_of_date - interval 729 day
        )
    group by all
"""
SEGMENTS = """
    select segmentation, segment_key, segment_name, customer_count, net_amount,
        customer_share, revenue_share, recommended_action
    from marts.dim_segments
    where is_promoted
    order by segmentation, net_amount desc
"""
MEASURES = """
    select
        count(*) as customer_count,
        sum(frequency) as order_count,
        sum(monetary) as net_amount,
        count(*) filter (frequency > 1) as repeat_customer_count,
        (select sum(clv) from marts.dim_customers) as clv,
        (select row_count from marts.rpt_data_quality where reason = 'accepted') as line_count
    from marts.fct_customer_features
"""


def changes(now: Page, then: Page | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what the last publication changed: the main measures, and segments' sizes."""
    measures = now.frame(MEASURES).T.reset_index()
    measures.columns = ["measure", "now"]
    segments = now.frame(SEGMENTS)[
        ["segmentation", "segment_key", "segment_name", "customer_count"]
    ]
    if then is None:
        return measures.head(0).assign(before=[], customer_count=[]), segments.head(0).assign(
            fewest_count=[]
        )
    measures["before"] = then.frame(MEASURES).T[0].to_numpy()
    # The change is the change of as many customers as came or went.
    measures["customer_count"] = min(measures.loc[0, ["before", "now"]])
    earlier = then.frame(SEGMENTS)[["segment_key", "customer_count"]]
    segments = segments.merge(earlier, on="segment_key", how="left", suffixes=("", "_before"))
    # What was few then is not told by being many now.
    both = segments[["customer_count", "customer_count_before"]]
    segments["fewest_count"] = both.min(axis=1)
    return measures, segments


page = open_page()
page.add(
    "totals",
    TOTALS,
    keys=["place"],
    margins=[["place"]],
    by_place=True,
    parts={"active_customer_count": [], "repeat_customer_count": []},
)
page.add(
    "months",
    MONTHS,
    keys=["place", "month_date"],
    margins=[["place"], ["place", "month_date"]],
    by_place=True,
)
page.add("years", YEARS, keys=["place", "year"], margins=[["place", "year"]], by_place=True)
page.add("segments", SEGMENTS, keys=["segmentation", "segment_key"], margins=[["segmentation"]])
measures, segments = changes(page, page.earlier())
page.add("changes", measures, keys=["measure"])
page.add(
    "segment_changes",
    segments,
    keys=["segmentation", "segment_key"],
    customers="fewest_count",
    margins=[["segmentation"]],
)
page.write()
