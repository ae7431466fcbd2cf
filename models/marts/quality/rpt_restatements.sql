{%- set measures = {'segment': 'segment_key', 'rfm_group': 'rfm_key', 'status': 'lifecycle_stage', 'value': 'clv_band'} %}
{%- set returned = 'coalesce(sold.unmatched_amount, 0) + coalesce(returned.matched_amount, 0)' %}

with

as_of_dates as (

    select distinct
        as_of_date,
        is_current
    from {{ ref('feat_customers__behaviour') }}

),

fits as (

    select
        (
            select max(version) from {{ ref('ml_segmentation__in_force') }}
            where segmentation = 'behaviour'
        ) as segment_version,
        (select md5(max(fitted_on)) from {{ ref('ml_clv__parameters') }}) as value_fit

),

-- The days that this build knows too. Until a day is over, its figures are not final.
days as (

    select
        told_days.as_of_date,
        told_days.build_id,
        as_of_dates.is_current,
        coalesce(told_days.segment_version, 0) <> coalesce(fits.segment_version, 0) as has_other_segments,
        coalesce(told_days.value_fit, '') <> coalesce(fits.value_fit, '') as has_other_values,
        told_days.configuration <> {{ told_configuration() }} as has_other_settings

    from {{ told_days() }} as told_days

    inner join as_of_dates
        on told_days.as_of_date = as_of_dates.as_of_date

    cross join fits
    where
        told_days.source_name = {{ text_literal(var('source').name) }}
        and told_days.as_of_date < cast('{{ extract_date() }}' as date)

),

-- A customer's last row up to a day is what was said on that day.
said as (

    select
        days.as_of_date as said_on,
        days.is_current,
        customers_told.*,
        row_number() over (
            partition by days.as_of_date, customers_told.customer_id
            order by customers_told.as_of_date desc
        ) as recency

    from {{ told_customers() }} as customers_told

    inner join days
        on customers_told.as_of_date <= days.as_of_date

),

told as (

    select
        customer_id,
        said_on as as_of_date,
        segment_key,
        rfm_key,
        lifecycle_stage,
        case when is_current then clv_band end as clv_band,
        {%- for figure in sale_figures() %}
        {{ figure }},
        {%- endfor %}
        returned_amount

    from said
    where recency = 1

),

known as (

    select
        behaviour.customer_id,
        behaviour.as_of_date,
        segments.segment_key,
        rfm_groups.segment_key as rfm_key,
        {{ lifecycle_stage('behaviour.tenure_days', 'behaviour.recency_days') }} as lifecycle_stage,
        -- Values are of today only.
        case when days.is_current then customers.clv_band end as clv_band

    from {{ ref('feat_customers__behaviour') }} as behaviour

    inner join days
        on behaviour.as_of_date = days.as_of_date

    left join {{ ref('fct_segment_memberships') }} as segments
        on
            behaviour.customer_id = segments.customer_id
            and behaviour.as_of_date = segments.as_of_date
            and segments.segmentation = 'behaviour'

    left join {{ ref('fct_segment_memberships') }} as rfm_groups
        on
            behaviour.customer_id = rfm_groups.customer_id
            and behaviour.as_of_date = rfm_groups.as_of_date
            and rfm_groups.segmentation = 'rfm'

    left join {{ ref('dim_customers') }} as customers
        on behaviour.customer_id = customers.customer_id

),

compared as (

    select
        coalesce(known.customer_id, told.customer_id) as customer_id,
        coalesce(known.as_of_date, told.as_of_date) as as_of_date,
        {%- for column in measures.values() %}
        told.{{ column }} as told_{{ column }},
        known.{{ column }},
        coalesce(told.{{ column }}, '') <> coalesce(known.{{ column }}, '') as has_other_{{ column }},
        {%- endfor %}
        {%- for figure in sale_figures() %}
        coalesce(told.{{ figure }}, 0) as told_{{ figure }},
        {%- endfor %}
        coalesce(told.returned_amount, 0) as told_returned_amount

    from known

    full outer join told
        on
            known.customer_id = told.customer_id
            and known.as_of_date = told.as_of_date

),

changed as (

    select * from compared
    where has_other_{{ measures.values() | join(' or has_other_') }}

),

{{ sales_to_date('changed') }},

explained as (

    select
        changed.*,
        days.build_id,
        days.has_other_segments,
        days.has_other_values,
        case when days.has_other_settings then 'configuration' else 'others' end as shared_reason,
        case
            when sold.order_count > changed.told_order_count then 'late order'
            {%- for figure in sale_figures() %}
            when coalesce(sold.{{ figure }}, 0) <> changed.told_{{ figure }} then 'correction'
            {%- endfor %}
            when {{ returned }} > changed.told_returned_amount then 'late return'
            when {{ returned }} < changed.told_returned_amount then 'correction'
        end as own_reason

    from changed

    inner join days
        on changed.as_of_date = days.as_of_date

    left join sold
        on
            changed.customer_id = sold.customer_id
            and changed.as_of_date = sold.as_of_date

    left join returned
        on
            changed.customer_id = returned.customer_id
            and changed.as_of_date = returned.as_of_date

)
{% for measure, column in measures.items() %}
{%- set is_refitted = {'segment': 'has_other_segments', 'value': 'has_other_values'}.get(measure, 'false') %}
select
    as_of_date,
    customer_id,
    cast('{{ measure }}' as {{ dbt.type_string() }}) as measure,
    cast(told_{{ column }} as {{ dbt.type_string() }}) as told_value,
    cast({{ column }} as {{ dbt.type_string() }}) as value_now,
    cast(coalesce(own_reason, case when {{ is_refitted }} then 'refit' end, shared_reason) as {{ dbt.type_string() }}) as reason,
    cast(build_id as {{ dbt.type_string() }}) as told_build_id

from explained
where has_other_{{ column }}
{{ 'union all' if not loop.last }}
{%- endfor %}
