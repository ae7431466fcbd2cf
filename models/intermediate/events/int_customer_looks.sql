{{ config(enabled=has_events(), materialized='table') }}

with

{{ screened_events(days=var('visits_recent_days')) }},

sessions as (

    select * from {{ ref('int_sessions') }}
    where not is_bot and customer_id is not null

),

-- Of a block, as in int_event_blocks: all of it is in one session.
looks as (

    select
        {{ visitor_id('events') }} as visitor_id,
        coalesce(events.session_id, '') as session_id,
        {{ time_block('events.occurred_at', var('visits_silence_minutes')) }} as block_number,
        events.product_id,
        min(events.occurred_at) as first_at,
        cast(sum(events.event_count) as bigint) as look_count

    from events

    where
        events.reject_reason is null
        and events.stage in (1, 2)
        and events.product_id is not null

    group by
        {{ visitor_id('events') }},
        coalesce(events.session_id, ''),
        {{ time_block('events.occurred_at', var('visits_silence_minutes')) }},
        events.product_id

),

looked as (

    select
        sessions.customer_id,
        looks.product_id,
        cast(sum(looks.look_count) as bigint) as look_count,
        cast(count(distinct sessions.session_key) as int) as look_session_count,
        cast(min(looks.first_at) as date) as first_look_date,
        cast(max(looks.first_at) as date) as last_look_date

    from looks

    inner join sessions
        on
            looks.visitor_id = sessions.visitor_id
            and looks.session_id = sessions.session_id
            and looks.first_at >= sessions.started_at
            and looks.first_at <= sessions.ended_at

    group by sessions.customer_id, looks.product_id

)

select * from looked
