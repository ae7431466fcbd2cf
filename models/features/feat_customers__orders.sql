{#- A view: one model reads it. -#}
{{ config(materialized='view') }}

with

purchases as (

    select * from {{ ref('int_orders') }}
    where is_purchase and customer_id is not null

),

habits as (

    select
        customer_id,
        cast(count(*) as int) as frequency,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(matched_returned_amount + unmatched_returned_amount) as returned_amount,
        sum(net_amount) as net_amount,
        sum(unit_count) as unit_count,
        sum(line_count) as line_count,
        sum(case when is_weekend then 1 else 0 end) as weekend_order_count,
        sum(case when is_evening then 1 else 0 end) as evening_order_count

    from purchases

    group by customer_id

),

features as (

    select
        customer_id,
        cast(net_amount as double) / frequency as average_order_value,
        cast(unit_count as double) / frequency as basket_unit_count,
        cast(line_count as double) / frequency as basket_product_count,
        cast(gross_amount as double) / cast(unit_count as double) as unit_price_mean,
        cast(discount_amount as double) / cast(gross_amount as double) as discount_share,
        cast(returned_amount as double) / cast(gross_amount as double) as return_share,
        cast(weekend_order_count as double) / frequency as weekend_share,
        cast(evening_order_count as double) / frequency as evening_share

    from habits

)

select * from features
