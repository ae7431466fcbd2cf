{{ config(materialized='table') }}

{#- The one "today" of the warehouse, and the earlier day that `previous` columns compare with. -#}
{%- set as_of_date = var('as_of_date') -%}

with

order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

today as (

    select
        coalesce(
            cast({{ dbt.string_literal(as_of_date | string) if as_of_date else 'null' }} as date),
            max(cast(ordered_at as date)),
            cast({{ dbt.string_literal(extract_date()) }} as date)
        ) as as_of_date

    from order_lines

    where
        ordered_at >= {{ dbt.string_literal(var('earliest_order_date')) }}
        and cast(ordered_at as date) <= cast({{ dbt.string_literal(extract_date()) }} as date)
        and quantity > 0
        and unit_price > 0

),

dates as (

    select
        as_of_date,
        true as is_current
    from today

    union all

    select
        cast({{ dbt.dateadd('day', -var('comparison_days'), 'as_of_date') }} as date) as as_of_date,
        false as is_current
    from today

)

select * from dates
