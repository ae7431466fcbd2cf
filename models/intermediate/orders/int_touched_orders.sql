{{ config(materialized='table', enabled=target.type != 'spark') }}

with

changed as (

    select * from {{ ref('int_changed_orders') }}

),

touched_customers as (

    select * from {{ ref('int_touched_customers') }}

),

-- Lines without an order's number are no order.
orders as (

    select * from {{ ref('int_order_fingerprints') }}
    where order_id <> ''

),

touched as (

    select
        order_id,
        1 as is_changed
    from changed

    union all

    select
        orders.order_id,
        0 as is_changed

    from orders

    inner join touched_customers
        on orders.customer_id = touched_customers.customer_id

),

touched_orders as (

    select
        order_id,
        max(is_changed) = 1 as is_changed

    from touched

    group by order_id

)

select * from touched_orders
