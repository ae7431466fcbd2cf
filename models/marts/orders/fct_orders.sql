{#- A view: int_orders stores the rows, and storing them a second time would cost as much as all readers of the view. -#}
{{ config(materialized='view') }}

with

orders as (

    select * from {{ ref('int_orders') }}

),

described as (

    select

        -- keys
        order_id,
        customer_id,

        -- when and where
        cast({{ to_utc('ordered_at', var('source')['timezone']) }} as timestamp) as ordered_at,
        order_date,
        channel,
        country,

        -- what
        is_purchase,
        is_first_order,
        line_count,
        unit_count,
        gross_amount,
        discount_amount,
        cast(matched_returned_amount + unmatched_returned_amount as decimal(18, 4)) as returned_amount,
        net_amount

    from orders

)

select * from described
