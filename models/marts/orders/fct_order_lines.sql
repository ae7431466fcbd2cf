{#- A view, because storing every line a second time would cost more than all other marts together. -#}
{{ config(materialized='view') }}

with

order_lines as (

    select * from {{ ref('int_order_lines') }}

),

lines as (

    select

        -- keys
        order_line_id,
        order_id,
        customer_id,
        product_id,
        original_order_line_id,

        -- when and where
        {{ to_utc('ordered_at', var('source')['timezone']) }} as ordered_at,
        order_date,
        channel,
        country,
        promotion_id,

        -- what
        is_return,
        quantity,
        returned_quantity,
        unit_price,
        unit_cost,
        gross_amount as line_gross_amount,
        discount_amount as line_discount_amount,
        returned_amount as line_returned_amount,
        net_amount as line_net_amount

    from order_lines

)

select
    order_line_id,
    order_id,
    customer_id,
    product_id,
    original_order_line_id,
    cast(ordered_at as timestamp) as ordered_at,
    order_date,
    channel,
    country,
    promotion_id,
    is_return,
    cast(quantity as decimal(18, 3)) as quantity,
    cast(returned_quantity as decimal(18, 3)) as returned_quantity,
    unit_price,
    unit_cost,
    line_gross_amount,
    line_discount_amount,
    line_returned_amount,
    line_net_amount

from lines
