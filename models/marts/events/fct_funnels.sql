{{ config(enabled=has_events()) }}

{%- set stages = ['visit', 'view', 'cart', 'checkout', 'order'] %}

with

sessions as (

    select
        customer_id,
        channel,
        session_date,
        case furthest_stage {% for stage in stages %}when '{{ stage }}' then {{ loop.index0 }} {% endfor %}end as stage_number

    from {{ ref('fct_sessions') }}

),

customers as (

    select
        customer_id,
        segment_name

    from {{ ref('dim_customers') }}

),

as_of as (

    select max(date_day) as as_of_date from {{ ref('dim_dates') }}

),

covered as (

    select min(session_date) as first_date from sessions

),

periods as (

    select
        'week' as period,
        cast({{ dbt.date_trunc('week', 'sessions.session_date') }} as date) as start_date,
        sessions.customer_id,
        sessions.channel,
        sessions.stage_number

    from sessions

    union all

    select
        'recent' as period,
        cast({{ dbt.dateadd('day', 1 - var('visits_recent_days'), 'as_of.as_of_date') }} as date) as start_date,
        sessions.customer_id,
        sessions.channel,
        sessions.stage_number

    from sessions

    cross join as_of

    where sessions.session_date >= cast({{ dbt.dateadd('day', 1 - var('visits_recent_days'), 'as_of.as_of_date') }} as date)

),

-- A row for each customer and way in, however many sessions there were: what follows is small.
summed as (

    select
        period,
        start_date,
        customer_id,
        channel,
        {%- for stage in stages %}
        sum(case when stage_number >= {{ loop.index0 }} then 1 else 0 end) as sessions_{{ loop.index0 }},
        {%- endfor %}
        max(stage_number) as stage_number

    from periods

    group by period, start_date, customer_id, channel

),

segmented as (

    select
        summed.*,
        coalesce(
            customers.segment_name, case when summed.customer_id is null then 'unknown visitor' else 'no purchase' end
        ) as segment_name

    from summed

    left join customers
        on summed.customer_id = customers.customer_id

),

grouped as (
    {% for breakdown, name in [('all', "'all'"), ('segment', 'segment_name'), ('channel', 'channel')] %}
    select
        period,
        start_date,
        '{{ breakdown }}' as breakdown,
        {{ name }} as group_name,
        customer_id,
        {%- for stage in stages %}
        sum(sessions_{{ loop.index0 }}) as sessions_{{ loop.index0 }},
        {%- endfor %}
        max(stage_number) as stage_number

    from segmented

    group by period, start_date, {{ name ~ ', ' if breakdown != 'all' }}customer_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

wide as (

    select
        period,
        start_date,
        breakdown,
        {%- for stage in stages %}
        sum(sessions_{{ loop.index0 }}) as sessions_{{ loop.index0 }},
        sum(case when customer_id is not null and stage_number >= {{ loop.index0 }} then 1 else 0 end) as customers_{{ loop.index0 }},
        {%- endfor %}
        group_name

    from grouped

    group by period, start_date, breakdown, group_name

),

by_stage as (
    {% for stage in stages %}
    select
        period,
        start_date,
        breakdown,
        group_name,
        '{{ stage }}' as funnel_stage,
        {{ loop.index0 }} as stage_number,
        sessions_{{ loop.index0 }} as session_count,
        customers_{{ loop.index0 }} as customer_count,
        cast(sessions_{{ loop.index0 }} as double) / sessions_0 as session_share,
        cast(sessions_{{ loop.index0 }} as double) / nullif(sessions_{{ [loop.index0 - 1, 0] | max }}, 0) as step_share
    from wide
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

funnels as (

    select
        by_stage.period,
        by_stage.start_date,
        by_stage.breakdown,
        by_stage.group_name,
        by_stage.funnel_stage,
        cast(by_stage.stage_number as int) as stage_number,
        covered.first_date <= by_stage.start_date
        and (by_stage.period = 'recent' or {{ dbt.dateadd('day', 6, 'by_stage.start_date') }} <= as_of.as_of_date) as is_complete,
        cast(by_stage.session_count as bigint) as funnel_session_count,
        cast(by_stage.customer_count as bigint) as funnel_customer_count,
        by_stage.session_share,
        by_stage.step_share

    from by_stage

    cross join as_of

    cross join covered

)

select * from funnels
