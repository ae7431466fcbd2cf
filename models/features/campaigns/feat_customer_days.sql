{{ config(enabled=has_campaigns()) }}

with

orders as (

    select * from {{ ref('int_orders') }}
    where customer_id is not null

),

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

order_lines as (

    select * from {{ ref('int_order_lines') }}

),

products as (

    select * from {{ ref('int_products') }}

),

-- What a sale cost and did not come back. A return without a purchase has no cost: the goods may be sold again or not.
costs as (

    select
        order_lines.order_id,
        sum(
            (order_lines.quantity - coalesce(order_lines.returned_quantity, 0))
            * coalesce(order_lines.unit_cost, products.unit_cost)
        ) as cost_amount,
        sum(case when coalesce(order_lines.unit_cost, products.unit_cost) is not null then order_lines.net_amount end) as costed_amount

    from order_lines

    left join products
        on order_lines.product_id = products.product_id

    where not order_lines.is_return

    group by order_lines.order_id

),

-- Lines without a known cost have the share that the var states.
days as (

    select
        orders.customer_id,
        orders.order_date,
        cast(sum(case when orders.is_purchase then 1 else 0 end) as int) as order_count,
        cast(sum(orders.net_amount) as decimal(18, 4)) as net_amount,
        cast(
            sum(
                coalesce(costs.costed_amount - costs.cost_amount, 0)
                + (orders.net_amount - coalesce(costs.costed_amount, 0)) * {{ var('clv_margin_share') }}
            ) as decimal(18, 4)
        ) as margin_amount

    from orders

    inner join today
        on orders.order_date <= today.as_of_date

    left join costs
        on orders.order_id = costs.order_id

    group by orders.customer_id, orders.order_date

)

select * from days
{%- if target.type == 'duckdb' %}

-- A reader of a few months skips the other row groups.
order by order_date
{%- endif %}
