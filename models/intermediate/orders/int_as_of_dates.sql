{{ config(materialized='table') }}

{#- The only definition of today, and the earlier days that it is compared with. -#}
{%- set as_of_date = var('as_of_date') -%}

with

order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

product_codes as (

    select * from {{ ref('int_product_codes') }}

),

today as (

    select
        coalesce(
            cast({{ dbt.string_literal(as_of_date | string) if as_of_date else 'null' }} as date),
            max(cast(order_lines.ordered_at as date)),
            cast({{ dbt.string_literal(extract_date()) }} as date)
        ) as as_of_date

    from order_lines

    left join product_codes
        on order_lines.product_id = product_codes.product_id

    -- A line that is rejected for what it is says nothing about today. Whether it is a duplicate does not matter.
    where
        cast(order_lines.ordered_at as date) <= cast({{ dbt.string_literal(extract_date()) }} as date)
        and order_lines.quantity > 0
        and case
            {{ value_reasons('order_lines') }}
            {{ kind_reasons('order_lines') }}
        end is null

),

dates as (
    {% for period in range(history_period_count() + 1) %}

    select
        {{ period }} as period_number,
        cast({{ dbt.dateadd('day', -period * var('comparison_days'), 'as_of_date') }} as date) as as_of_date
    from today
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

flagged as (

    select
        as_of_date,
        period_number,
        period_number = 0 as is_current,
        period_number = {{ var('forward_periods') }} as is_forward_cutoff

    from dates

)

select * from flagged
