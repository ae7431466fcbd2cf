{%- set window = var('rules_basket_days') %}
{%- if window is not none and (window is not number or window < 1) %}
{{ exceptions.raise_compiler_error(
    "rules_basket_days=" ~ window ~ ": give a number of days of at least 1, or null if a basket is an order"
) }}
{%- endif %}

with

orders as (

    select * from {{ ref('int_orders') }}
    where is_purchase
    {%- if var('rules_sample_size') is not none %}

    order by md5(order_id), order_id

    limit {{ var('rules_sample_size') }}
    {%- endif %}

),

as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),

-- Rules are tested on the purchases since the comparison day. Joins on numbers are faster than on keys.
dated as (

    select
        orders.order_id,
        orders.customer_id,
        orders.order_date,
        orders.order_date > as_of_dates.as_of_date as is_holdout,
        cast(row_number() over (order by orders.order_id) as int) as order_number,
        {{ dbt.datediff('as_of_dates.as_of_date', 'orders.order_date', 'day') }} - 1 as day_number

    from orders

    inner join as_of_dates
        on as_of_dates.period_number = 1

),

-- Windows begin on the day after the comparison day, so that no window contains it.
labelled as (

    select
        order_id,
        order_number,
        customer_id,
        order_date,
        is_holdout,
        {%- if window is none %}
        order_number as basket_number
        {%- else %}
        case
            when customer_id is null then order_number
            else min(order_number) over (partition by customer_id, floor(day_number / {{ window }}.0))
        end as basket_number
        {%- endif %}

    from dated

)

select * from labelled
