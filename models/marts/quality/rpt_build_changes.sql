{#- One row is added by each build, and `finish_build` adds what only the end of the build knows. -#}
{{ config(
    materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='append_new_columns'
) }}

{%- do reads_changes() -%}
{%- set last = last_build() %}

with

orders as (

    select count(*) as order_count
    from {{ ref('int_orders') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

changes as (
    {%- if last %}

    select
        count(case when not was_there then 1 end) as new_count,
        count(case when was_there and is_there and is_other then 1 end) as changed_count,
        count(case when was_there and not is_there then 1 end) as vanished_count,
        count(case when was_there and is_there and not is_other then 1 end) as released_count

    from ({{ orders_that_changed() }}) as changed_orders
    {%- else %}

    -- A whole build compares nothing.
    select
        null as new_count,
        null as changed_count,
        null as vanished_count,
        null as released_count
    {%- endif %}

),

touched as (
    {%- if last %}

    select count(*) as customer_count
    from {{ ref('int_touched_customers') }}
    {%- else %}

    select null as customer_count
    {%- endif %}

)

select
    {{ dbt.string_literal(invocation_id) }} as build_id,
    cast({{ dbt.string_literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S')) }} as timestamp) as built_at,
    as_of.as_of_date,
    {{ 'false' if last else 'true' }} as is_whole_build,
    cast(orders.order_count as bigint) as order_count,
    cast(changes.new_count as bigint) as new_order_count,
    cast(changes.changed_count as bigint) as changed_order_count,
    cast(changes.vanished_count as bigint) as vanished_order_count,
    cast(changes.released_count as bigint) as released_order_count,
    cast(touched.customer_count as bigint) as touched_customer_count,
    {%- for phase in build_phases() %}
    cast(null as double) as {{ phase }}_seconds,
    {%- endfor %}
    cast(null as {{ dbt.type_string() }}) as fits

from orders

cross join as_of

cross join changes

cross join touched
