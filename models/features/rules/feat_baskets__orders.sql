{#- A view: one model reads it. -#}
{{ config(materialized='view') }}
{%- set window = var('rules_basket_days') %}
{%- if window is not none and (window is not number or window < 1) %}
{{ exceptions.raise_compiler_error(
    "rules_basket_days=" ~ window ~ ": give a number of days of at least 1, or null where a basket is an order"
) }}
{%- endif %}

with

orders as (

    select * from {{ ref('int_orders') }}
    where is_purchase

),

as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),

-- Rules are tested on what was bought since the day that today is compared with.
dated as (

    select
        orders.order_id,
        orders.customer_id,
        orders.order_date,
        orders.order_date > as_of_dates.as_of_date as is_holdout,
        {{ dbt.datediff('as_of_dates.as_of_date', 'orders.order_date', 'day') }} - 1 as day_number

    from orders

    inner join as_of_dates
        on as_of_dates.period_number = 1

),

-- Windows begin the day after that day, so that none is of both parts.
labelled as (

    select
        order_id,
        customer_id,
        is_holdout,
        {%- if window is none %}
        order_id as basket_id
        {%- else %}
        case
            when customer_id is null then concat('order ', order_id)
            else concat('customer ', customer_id, ', window ', cast(floor(day_number / {{ window }}.0) as int))
        end as basket_id
        {%- endif %}

    from dated

)

select * from labelled
