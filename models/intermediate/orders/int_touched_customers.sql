{{ config(materialized='table', enabled=target.type != 'spark') }}

with

changed as (

    select * from {{ ref('int_changed_orders') }}

),

orders as (

    select * from {{ ref('int_order_fingerprints') }}

    -- Lines without an order's number are no order.
    where order_id <> ''

),

-- A return belongs to the customer of its own line, and an order to the first of its customers. So a change on an order
-- touches the orders of its customers, and the customers of these orders. What an order had and has no more is a change.
near as (

    select distinct customer_id
    from changed
    where customer_id <> ''

),

near_orders as (

    select order_id
    from changed

    union

    select orders.order_id

    from orders

    inner join near
        on orders.customer_id = near.customer_id

),

touched as (

    select customer_id
    from near

    union

    select orders.customer_id

    from orders

    inner join near_orders
        on orders.order_id = near_orders.order_id

    where orders.customer_id <> ''

)

select customer_id from touched
