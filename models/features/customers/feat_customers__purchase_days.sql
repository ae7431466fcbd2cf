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

gaps as (

    select
        customer_id,
        order_date,
        net_amount,
        min(order_date) over (partition by customer_id) as first_date,
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
        sum(gap_days) as gap_sum,
        sum(gap_days * gap_days) as gap_square_sum,
        sum({{ spend_amount() }}) as spend_amount

    from gaps

    group by customer_id

),

history as (

    select
        summed.customer_id,
        as_of.as_of_date,
        cast(summed.purchase_day_count as int) as purchase_day_count,
        cast(summed.purchase_day_count - 1 as int) as x,
        cast({{ dbt.datediff('summed.first_date', 'summed.last_date', 'day') }} as int) as t_x,
        cast({{ dbt.datediff('summed.first_date', 'as_of.as_of_date', 'day') }} as int) as t,
        cast(summed.spend_amount as double)
        / nullif(summed.purchase_day_count - 1 + {{ first_orders() }}, 0) as order_value_mean,
        cast(summed.gap_sum as double) / nullif(summed.purchase_day_count - 1, 0) as gap_mean_days,
        cast(summed.gap_square_sum as double) / nullif(summed.purchase_day_count - 1, 0) as gap_square_mean

    from summed

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
        -- One gap has no spread to speak of.
        case
            when purchase_day_count > 2
                then sqrt(greatest(gap_square_mean - gap_mean_days * gap_mean_days, 0)) / gap_mean_days
        end as gap_cv

    from history

)

select * from features
