-- Every purchase of a known customer is in one month of that customer, exactly once.

with

purchases as (

    select
        customer_id,
        count(*) as order_count,
        sum(unit_count) as unit_count,
        sum(net_amount) as net_amount

    from {{ ref('fct_orders') }}

    where is_purchase and customer_id is not null

    group by customer_id

),

months as (

    select
        customer_id,
        sum(month_order_count) as order_count,
        sum(month_unit_count) as unit_count,
        sum(month_net_amount) as net_amount

    from {{ ref('fct_customer_months') }}

    group by customer_id

)

select
    purchases.customer_id,
    months.customer_id as month_customer_id,
    purchases.order_count,
    months.order_count as month_order_count

from purchases

full outer join months
    on purchases.customer_id = months.customer_id

where
    purchases.customer_id is null
    or months.customer_id is null
    or purchases.order_count <> months.order_count
    or purchases.unit_count <> months.unit_count
    or purchases.net_amount <> months.net_amount
