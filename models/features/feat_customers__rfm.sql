with

orders as (

    select * from {{ ref('int_orders') }}
    where customer_id is not null

),

matched_returns as (

    select * from {{ ref('int_returns') }}
    where not is_reversal

),

as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),

-- What had come back by each date: on an earlier day a later return was not yet known.
returned_to_date as (

    select
        matched_returns.order_id,
        as_of_dates.as_of_date,
        sum(matched_returns.returned_amount) as returned_amount

    from matched_returns

    inner join as_of_dates
        on matched_returns.return_date <= as_of_dates.as_of_date

    group by matched_returns.order_id, as_of_dates.as_of_date

),

orders_to_date as (

    select
        orders.customer_id,
        orders.order_date,
        orders.line_count,
        as_of_dates.as_of_date,
        as_of_dates.is_current,
        orders.gross_amount - orders.discount_amount - orders.unmatched_returned_amount
        - coalesce(returned_to_date.returned_amount, 0) as net_amount

    from orders

    inner join as_of_dates
        on orders.order_date <= as_of_dates.as_of_date

    left join returned_to_date
        on
            orders.order_id = returned_to_date.order_id
            and as_of_dates.as_of_date = returned_to_date.as_of_date

),

purchases as (

    select
        *,
        line_count > 0 and net_amount > 0 as is_purchase

    from orders_to_date

),

rfm as (

    select
        customer_id,
        as_of_date,
        is_current,
        min(case when is_purchase then order_date end) as first_order_date,
        max(case when is_purchase then order_date end) as last_order_date,
        sum(case when is_purchase then 1 else 0 end) as frequency,
        sum(net_amount) as monetary

    from purchases

    group by customer_id, as_of_date, is_current

),

customers as (

    select
        customer_id,
        as_of_date,
        is_current,
        first_order_date,
        last_order_date,
        cast({{ dbt.datediff('last_order_date', 'as_of_date', 'day') }} as int) as recency_days,
        cast(frequency as int) as frequency,
        cast(monetary as decimal(18, 4)) as monetary,
        cast({{ dbt.datediff('first_order_date', 'as_of_date', 'day') }} as int) as tenure_days

    from rfm

    where frequency > 0

)

select * from customers
