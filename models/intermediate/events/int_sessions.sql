{{ config(enabled=has_events(), materialized='table') }}

{#- Blocks of one visitor in the order of time. All keys of a block are named, so that the order is total. -#}
{%- set in_order -%}
partition by visitor_id, session_id
            order by first_at, channel nulls last, customer_id nulls last, block_number
{%- endset %}

with

blocks as (

    select
        case when device_id = '' then concat('customer ', customer_id) else concat('device ', device_id) end as visitor_id,
        session_id,
        nullif(customer_id, '') as customer_id,
        nullif(channel, '') as channel,
        block_number,
        first_at,
        last_at,
        event_count,
        view_count,
        cart_count,
        checkout_count,
        order_count

    from {{ ref('int_event_blocks') }}

    where outcome = 'accepted'

),

-- The latest event before a block may be of a block that began earlier, because channels and customers have their own.
preceded as (

    select
        *,
        max(last_at) over ({{ in_order }} rows between unbounded preceding and 1 preceding) as previous_at

    from blocks

),

flagged as (

    select
        *,
        case
            when previous_at is null then 1
            when session_id = '' and first_at > previous_at + interval {{ var('visits_silence_minutes') }} minute then 1
            else 0
        end as is_start

    from preceded

),

numbered as (

    select
        *,
        sum(is_start) over ({{ in_order }} rows between unbounded preceding and current row) as session_number

    from flagged

),

sessions as (

    select
        visitor_id,
        session_id,
        session_number,
        min(first_at) as started_at,
        max(last_at) as ended_at,
        max(case when is_start = 1 then channel end) as channel,
        -- Of a session in which several customers log in it cannot be told whose it is.
        case when min(customer_id) = max(customer_id) then min(customer_id) end as login_customer_id,
        {%- for name in ['event', 'view', 'cart', 'checkout', 'order'] %}
        cast(sum({{ name }}_count) as bigint) as {{ name }}_count,
        {%- endfor %}
        min(customer_id) is not null and min(customer_id) <> max(customer_id) as is_shared

    from numbered

    group by visitor_id, session_id, session_number

),

judged as (

    select
        *,
        event_count > {{ var('visits_bot_events') }}
        or event_count > {{ var('visits_bot_minute_events') }} * ({{ time_block('ended_at', 1) }} - {{ time_block('started_at', 1) }} + 1)
            as is_bot

    from sessions

),

-- The logins of a visitor so far; sessions before the first login belong to its customer.
logged_in as (

    select
        *,
        sum(case when login_customer_id is null or is_bot then 0 else 1 end) over (
            partition by visitor_id order by started_at, session_id, session_number
            rows between unbounded preceding and current row
        ) as login_number

    from judged

),

known as (

    select
        md5(concat(visitor_id, ' ', session_id, ' ', cast(started_at as string))) as session_key,
        visitor_id,
        session_id,
        case
            when is_shared then null
            else coalesce(
                login_customer_id,
                max(case when not is_bot then login_customer_id end) over (partition by visitor_id, greatest(login_number, 1))
            )
        end as customer_id,
        login_customer_id is not null as is_logged_in,
        started_at,
        ended_at,
        channel,
        event_count,
        view_count,
        cart_count,
        checkout_count,
        order_count,
        is_bot

    from logged_in

)

select * from known
