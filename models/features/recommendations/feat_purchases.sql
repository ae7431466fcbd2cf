{#- A view, because readers select few baskets from it. -#}
{{ config(materialized='view') }}

with

orders as (

    select * from {{ ref('int_orders') }}

),

purchases as (

    select
        order_id,
        customer_id,
        order_date

    from orders

    where
        is_purchase
        and customer_id is not null

)

select * from purchases
