{{ config(enabled=has_events(), materialized='table') }}

with

{{ screened_events() }},

-- Events of one block are of one session, because a block is no longer than the silence between two sessions. There are
-- several times fewer blocks than events, and only blocks have to be sorted.
blocks as (

    select
        coalesce(reject_reason, 'accepted') as outcome,
        coalesce(case when reject_reason is null then device_id end, '') as device_id,
        coalesce(case when reject_reason is null then customer_id end, '') as customer_id,
        coalesce(case when reject_reason is null then session_id end, '') as session_id,
        coalesce(case when reject_reason is null then channel end, '') as channel,
        case when reject_reason is null then {{ time_block('occurred_at', var('visits_silence_minutes')) }} else 0 end as block_number,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at,
        cast(sum(event_count) as bigint) as event_count,
        {%- for name in ['view', 'cart', 'checkout', 'order'] %}
        cast(sum(case when stage = {{ loop.index }} then event_count else 0 end) as bigint) as {{ name }}_count,
        {%- endfor %}
        cast(sum(case when event_count < 0 then -event_count else 0 end) as bigint) as copy_count

    from events

    group by
        coalesce(reject_reason, 'accepted'),
        coalesce(case when reject_reason is null then device_id end, ''),
        coalesce(case when reject_reason is null then customer_id end, ''),
        coalesce(case when reject_reason is null then session_id end, ''),
        coalesce(case when reject_reason is null then channel end, ''),
        case when reject_reason is null then {{ time_block('occurred_at', var('visits_silence_minutes')) }} else 0 end

)

select * from blocks
