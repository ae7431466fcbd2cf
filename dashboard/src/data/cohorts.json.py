"""Cohorts: of those who first bought in a month, how many bought again in each month since."""

from clientele.dashboard import open_page

COHORTS = """
    with months as (
        select placed.place, orders.customer_id,
            date_trunc('month', customers.first_order_date)::date as cohort_month,
            datediff('month', customers.first_order_date, orders.order_date) as month_number,
            orders.net_amount
        from marts.fct_orders as orders
        join marts.dim_customers as customers using (customer_id)
        join placed_customers as placed using (customer_id)
        where orders.is_purchase
    )
    select place, cohort_month, month_number, count(distinct customer_id) as customer_count,
        sum(net_amount) as net_amount
    from months
    group by all
    order by all
"""

page = open_page()
page.add(
    "cohorts",
    COHORTS,
    keys=["place", "cohort_month", "month_number"],
    margins=[["place", "cohort_month", "month_number"]],
    by_place=True,
)
page.write()
