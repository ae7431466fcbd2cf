{#- A view: int_sessions stores the rows. -#}
{{ config(materialized='view', enabled=has_events()) }}

with

sessions as (

    select * from {{ ref('int_sessions') }}
    where not is_bot

),

described as (

    select

        -- keys
        session_key,
        customer_id,

        -- when and how
        cast({{ to_utc('started_at', var('source')['timezone']) }} as timestamp) as started_at,
        cast({{ to_utc('ended_at', var('source')['timezone']) }} as timestamp) as ended_at,
        cast(started_at as date) as session_date,
        coalesce(channel, 'unknown') as channel,
        is_logged_in,

        -- what
        event_count as session_event_count,
        view_count as session_view_count,
        cart_count as session_cart_count,
        checkout_count as session_checkout_count,
        order_count as session_order_count,
        case
            when order_count > 0 then 'order'
            when checkout_count > 0 then 'checkout'
            when cart_count > 0 then 'cart'
            when view_count > 0 then 'view'
            else 'visit'
        end as furthest_stage,
        order_count > 0 as has_order,
        order_count = 0 and (cart_count > 0 or checkout_count > 0) as has_cart_left

    from sessions

)

select * from described
