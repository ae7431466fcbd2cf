{{ config(enabled=has_events()) }}

with

blocks as (

    select * from {{ ref('int_event_blocks') }}

),

bots as (

    select sum(event_count) as event_count from {{ ref('int_sessions') }}
    where is_bot

),

found as (

    select
        outcome as reason,
        event_count
    from blocks

    union all

    select
        'duplicate' as reason,
        copy_count as event_count
    from blocks
    where outcome = 'accepted'

    union all

    select
        'bot' as reason,
        event_count
    from bots

    union all

    select
        'accepted' as reason,
        -event_count as event_count
    from bots

),

reasons as (
    {% for outcome in event_reasons() %}
    select
        {{ loop.index }} as reason_number,
        '{{ outcome['reason'] }}' as reason,
        '{{ outcome['severity'] }}' as severity,
        {{ text_literal(outcome['meaning']) }} as meaning
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

report as (

    select
        reasons.reason,
        cast(reasons.reason_number as int) as reason_number,
        reasons.severity,
        reasons.meaning,
        cast(coalesce(sum(found.event_count), 0) as bigint) as event_count

    from reasons

    left join found
        on reasons.reason = found.reason

    group by reasons.reason, reasons.reason_number, reasons.severity, reasons.meaning

)

select * from report
