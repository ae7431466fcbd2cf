{{ config(enabled=has_events()) }}

with

orders as (

    select * from {{ ref('fct_orders') }}
    where is_purchase and customer_id is not null

),

sessions as (

    select * from {{ ref('fct_sessions') }}
    where customer_id is not null

),

-- Of orders before the first events nothing can be known.
covered as (

    select min(session_date) as first_date from {{ ref('fct_sessions') }}

),

touches as (

    select
        orders.order_id,
        sessions.channel,
        sessions.started_at,
        row_number() over (partition by orders.order_id order by sessions.started_at, sessions.session_key) as place,
        count(*) over (partition by orders.order_id) as session_count

    from orders

    inner join sessions
        on
            orders.customer_id = sessions.customer_id
            and orders.ordered_at >= sessions.started_at
            and orders.ordered_at <= sessions.started_at + interval {{ var('visits_touch_days') }} day

),

summed as (

    select
        order_id,
        max(session_count) as session_count,
        min(started_at) as first_touch_at,
        max(started_at) as last_touch_at,
        max(case when place = 1 then channel end) as first_channel,
        max(case when place = session_count then channel end) as last_channel

    from touches

    group by order_id

),

touched as (

    select
        orders.order_id,
        orders.customer_id,
        orders.order_date,
        cast(coalesce(summed.session_count, 0) as int) as touch_count,
        summed.first_touch_at,
        summed.first_channel,
        summed.last_touch_at,
        summed.last_channel

    from orders

    cross join covered

    left join summed
        on orders.order_id = summed.order_id

    where orders.order_date >= covered.first_date

)

select * from touched
