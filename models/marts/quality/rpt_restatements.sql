{#- What is compared: the days that this build knows of, if a build of that day told of them. -#}
{%- set told_days, told_customers = told_days(), told_customers() %}
{%- set measures = {'segment': 'segment_key', 'rfm_group': 'rfm_group', 'status': 'lifecycle_stage', 'value': 'clv_band'} %}
{%- set text = dbt.type_string() %}

with

standing as (

    select * from {{ ref('ml_customers__standing') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),
{%- if told_days and told_customers %}

days as (

    select
        told.as_of_date,
        told.build_id,
        told.configuration,
        as_of_dates.is_current

    from {{ told_days }} as told

    inner join as_of_dates
        on told.as_of_date = as_of_dates.as_of_date

),

-- The last row of a customer up to a day is what was told on that day.
told as (

    select
        days.as_of_date,
        told.customer_id,
        told.segment_key,
        told.rfm_group,
        told.lifecycle_stage,
        -- Bands are of today's values: they are known of the current day only.
        case when days.is_current then told.clv_band end as clv_band,
        told.segment_version,
        told.order_count,
        told.net_amount,
        told.returned_amount,
        row_number() over (partition by days.as_of_date, told.customer_id order by told.as_of_date desc) as recency

    from {{ told_customers }} as told

    inner join days
        on told.as_of_date <= days.as_of_date

),

known as (

    select
        standing.*,
        case when standing.is_current then customers.clv_band end as clv_band

    from standing

    inner join days
        on standing.as_of_date = days.as_of_date

    left join customers
        on standing.customer_id = customers.customer_id

),

compared as (

    select
        coalesce(known.customer_id, told.customer_id) as customer_id,
        coalesce(known.as_of_date, told.as_of_date) as as_of_date,
        {%- for column in measures.values() %}
        told.{{ column }} as told_{{ column }},
        known.{{ column }},
        {%- endfor %}
        coalesce(told.segment_version <> known.segment_version, false) as is_refitted,
        -- What the customer's own orders explain, before what everybody shares.
        case
            when coalesce(known.order_count, 0) > coalesce(told.order_count, 0) then 'late order'
            when coalesce(known.order_count, 0) < coalesce(told.order_count, 0) then 'correction'
            when known.returned_amount > told.returned_amount then 'late return'
            when known.returned_amount <> told.returned_amount or known.net_amount <> told.net_amount then 'correction'
        end as own_reason

    from known

    full outer join (select * from told where recency = 1) as told
        on
            known.customer_id = told.customer_id
            and known.as_of_date = told.as_of_date

),

changed as (
    {% for measure, column in measures.items() %}
    select
        as_of_date,
        customer_id,
        '{{ measure }}' as measure,
        told_{{ column }} as told_value,
        {{ column }} as value_now,
        own_reason,
        {{ 'is_refitted' if measure in ('segment', 'value') else 'false' }} as is_refitted
    from compared
    where coalesce(told_{{ column }}, '') <> coalesce({{ column }}, '')
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

restated as (

    select
        changed.as_of_date,
        changed.customer_id,
        changed.measure,
        changed.told_value,
        changed.value_now,
        coalesce(
            changed.own_reason,
            case
                when changed.is_refitted then 'refit'
                when days.configuration <> {{ text_literal(build_configuration()) }} then 'configuration'
                else 'others'
            end
        ) as reason,
        days.build_id as told_build_id

    from changed

    inner join days
        on changed.as_of_date = days.as_of_date

)
{%- else %}

restated as (

    select
        as_of_dates.as_of_date,
        standing.customer_id,
        '' as measure,
        '' as told_value,
        customers.clv_band as value_now,
        '' as reason,
        '' as told_build_id

    from standing

    inner join customers
        on standing.customer_id = customers.customer_id

    inner join as_of_dates
        on standing.as_of_date = as_of_dates.as_of_date

    where 1 = 0

)
{%- endif %}

select
    as_of_date,
    customer_id,
    cast(measure as {{ text }}) as measure,
    cast(told_value as {{ text }}) as told_value,
    cast(value_now as {{ text }}) as value_now,
    cast(reason as {{ text }}) as reason,
    cast(told_build_id as {{ text }}) as told_build_id

from restated
