with

purchases as (

    select * from {{ ref('int_orders') }}
    where is_purchase and customer_id is not null

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

-- Orders of one day count once.
purchase_days as (

    select
        customer_id,
        order_date,
        sum(net_amount) as net_amount

    from purchases

    group by customer_id, order_date

),

-- One window for both, because the sort is the expensive part.
gaps as (

    select
        customer_id,
        order_date,
        net_amount,
        first_value(order_date) over (partition by customer_id order by order_date) as first_date,
        {{ dbt.datediff(
            'lag(order_date) over (partition by customer_id order by order_date)', 'order_date', 'day'
        ) }} as gap_days

    from purchase_days

),

-- Whole days and decimals only: their sums are the same in any order of rows.
summed as (

    select
        customer_id,
        min(order_date) as first_date,
        max(order_date) as last_date,
        count(*) as purchase_day_count,
        sum(gap_days * gap_days) as gap_square_sum,
        sum({{ spend_amount() }}) as spend_amount

    from gaps

    group by customer_id

),

spans as (

    select
        *,
        purchase_day_count - 1 as repeat_day_count,
        {{ dbt.datediff('first_date', 'last_date', 'day') }} as span_days

    from summed

),

history as (

    select
        spans.customer_id,
        as_of.as_of_date,
        cast(spans.purchase_day_count as int) as purchase_day_count,
        cast(spans.repeat_day_count as int) as x,
        cast(spans.span_days as int) as t_x,
        cast({{ dbt.datediff('spans.first_date', 'as_of.as_of_date', 'day') }} as int) as t,
        cast(spans.spend_amount as double)
        / nullif(spans.repeat_day_count + {{ first_orders() }}, 0) as order_value_mean,
        -- The gaps between purchase days add up to the days from the first to the last.
        cast(spans.span_days as double) / nullif(spans.repeat_day_count, 0) as gap_mean_days,
        cast(spans.gap_square_sum as double) / nullif(spans.repeat_day_count, 0) as gap_square_mean

    from spans

    cross join as_of

),

features as (

    select
        customer_id,
        as_of_date,
        purchase_day_count,
        x,
        t_x,
        t,
        order_value_mean,
        gap_mean_days,
        -- A single gap has no spread.
        case
            when purchase_day_count > 2
                then sqrt(greatest(gap_square_mean - gap_mean_days * gap_mean_days, 0)) / gap_mean_days
        end as gap_cv

    from history

)

select * from features
