"""Products: what sells best, and what is falling, in all and by segment."""

from clientele.dashboard.tables import Page

PRODUCTS_SHOWN = 60
# The last three months that are over, and the same months a year before. Guests count as customers
# of one order each.
SOLD = """
    with days as (
        select min(order_date) as first_day,
            date_trunc('month', max(as_of_date) + interval 1 day)::date as open_day
        from marts.fct_orders cross join marts.publications
    )
    select lines.product_id, lines.line_net_amount as net_amount,
        date_trunc('month', lines.order_date)::date as month_date,
        coalesce(lines.customer_id, 'guest ' || lines.order_id) as buyer,
        customers.segment_key,
        case
            when lines.order_date >= open_day - interval 3 month and lines.order_date < open_day
                then 'now'
            when lines.order_date >= open_day - interval 15 month
                and lines.order_date < open_day - interval 12 month
                and first_day <= open_day - interval 15 month then 'before'
        end as period
    from marts.fct_order_lines as lines
    left join marts.dim_customers as customers using (customer_id)
    cross join days
"""
# By the revenue of the better of the two periods: best sellers, and those that were.
CHOSEN = f"""
    create temp table sold as {SOLD};
    create temp table chosen as
    select product_id from (
        select product_id, period, sum(net_amount) as net_amount
        from sold where period is not null group by all
    ) group by product_id
    order by max(net_amount) desc, product_id limit {PRODUCTS_SHOWN}
"""
PRODUCTS = """
    select product_id, product_label from marts.dim_products join chosen using (product_id)
    order by product_id
"""
SALES = """
    select sold.product_id, sold.period, scopes.segment_key,
        count(distinct sold.buyer) as customer_count, sum(sold.net_amount) as net_amount
    from sold
    join chosen using (product_id)
    cross join lateral (
        values ('all'), (coalesce(sold.segment_key, 'none'))
    ) as scopes (segment_key)
    where sold.period is not null
    group by all
    order by all
"""
MONTHS = """
    select sold.product_id, sold.month_date, any_value(sold.period) as period,
        count(distinct sold.buyer) as customer_count, sum(sold.net_amount) as net_amount
    from sold join chosen using (product_id)
    group by all
    order by all
"""
REACH = """
    select date_trunc('month', max(as_of_date) + interval 1 day)::date - interval 3 month
            as first_month,
        date_trunc('month', max(as_of_date) + interval 1 day)::date - interval 1 month
            as last_month
    from marts.publications
"""


def load(page: Page) -> None:
    """Add the page's tables."""
    page.connection.execute(CHOSEN)
    page.add_facts("products", PRODUCTS)
    page.add_facts("reach", REACH)
    # A customer may be in one segment only, so the segments' figures add up to the total.
    page.add(
        "sales",
        SALES,
        keys=["product_id", "period", "segment_key"],
        total=("segment_key", "all"),
    )
    # The total of each period is known.
    page.add(
        "months",
        MONTHS,
        keys=["product_id", "month_date", "period"],
        margins=[["product_id", "period"]],
    )
