{%- set horizons = var('clv_horizons_days') -%}
{%- set days_back = backtest_days_back() -%}

with

known_customers as (

    select distinct customer_id
    from {{ ref('int_orders') }}
    where customer_id is not null

),

-- By hash of the key alone: who has a later purchase must not be likelier to be in it.
sampled as (

    select
        customer_id,
        row_number() over (order by md5(customer_id), customer_id) as sample_number

    from known_customers

),

orders as (

    select
        int_orders.*,
        sampled.sample_number

    from {{ ref('int_orders') }} as int_orders

    inner join sampled
        on int_orders.customer_id = sampled.customer_id

    where sampled.sample_number <= {{ var('clv_backtest_customers') }}

),

matched_returns as (

    select * from {{ ref('int_returns') }}
    where not is_reversal

),

today as (

    select as_of_date as today_date from {{ ref('int_as_of_dates') }}
    where is_current

),

start as (

    select min(order_date) as first_date
    from {{ ref('int_orders') }}
    where is_purchase and customer_id is not null

),

days as (
    {% for days in days_back %}

    select
        {{ days }} as period_number,
        cast({{ dbt.dateadd('day', -days, 'today_date') }} as date) as as_of_date
    from today
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

as_of_dates as (

    select
        days.period_number,
        days.as_of_date,
        cast({{ dbt.datediff('start.first_date', 'days.as_of_date', 'day') }} as int) as history_days

    from days

    inner join start
        on days.as_of_date > start.first_date

),

{{ behaviour_to_date() }},

-- What a purchase day was worth as known on the cut-off: orders of one day count once.
known_days as (

    select
        customer_id,
        as_of_date,
        order_date,
        sum(net_amount) as net_amount

    from judged

    where is_purchase

    group by customer_id, as_of_date, order_date

),

known_spans as (

    select
        *,
        min(order_date) over (partition by customer_id, as_of_date) as first_date

    from known_days

),

histories as (

    select
        customer_id,
        as_of_date,
        min(first_date) as first_date,
        max(order_date) as last_date,
        count(*) - 1 as x,
        {% for horizon in horizons -%}
        sum(
            case when order_date > {{ dbt.dateadd('day', -horizon, 'as_of_date') }} then 1 else 0 end
        ) as past_orders_{{ horizon }},
        sum(
            case when order_date > {{ dbt.dateadd('day', -horizon, 'as_of_date') }} then net_amount else 0 end
        ) as past_amount_{{ horizon }},
        {% endfor -%}
        sum({{ spend_amount() }}) as spend_amount

    from known_spans

    group by customer_id, as_of_date

),

-- What came of it is judged from today.
purchase_days as (

    select
        customer_id,
        order_date,
        sum(net_amount) as net_amount

    from orders

    where is_purchase

    group by customer_id, order_date

),

outcomes as (

    select
        purchase_days.customer_id,
        {% for horizon in horizons -%}
        sum(
            case
                when purchase_days.order_date <= {{ dbt.dateadd('day', horizon, 'as_of_dates.as_of_date') }} then 1
                else 0
            end
        ) as next_orders_{{ horizon }},
        sum(
            case
                when
                    purchase_days.order_date <= {{ dbt.dateadd('day', horizon, 'as_of_dates.as_of_date') }}
                    then purchase_days.net_amount
                else 0
            end
        ) as next_amount_{{ horizon }},
        {% endfor -%}
        as_of_dates.as_of_date

    from purchase_days

    inner join as_of_dates
        on purchase_days.order_date > as_of_dates.as_of_date

    group by purchase_days.customer_id, as_of_dates.as_of_date

),

backtests as (

    select

        -- keys
        behaviour.customer_id,
        behaviour.as_of_date as cutoff_date,
        behaviour.period_number as days_back,
        as_of_dates.history_days,
        cast(sampled.sample_number as int) as sample_number,

        -- each horizon before the cut-off, and after it where that is over
        {% for horizon in horizons -%}
        cast(histories.past_orders_{{ horizon }} as int) as past_orders_{{ horizon }},
        cast(histories.past_amount_{{ horizon }} as double) as past_amount_{{ horizon }},
        case
            when behaviour.period_number >= {{ horizon }}
                then cast(coalesce(outcomes.next_orders_{{ horizon }}, 0) as int)
        end as next_orders_{{ horizon }},
        case
            when behaviour.period_number >= {{ horizon }}
                then cast(coalesce(outcomes.next_amount_{{ horizon }}, 0) as double)
        end as next_amount_{{ horizon }},
        {% endfor %}
        -- known on the day
        cast(histories.x as int) as x,
        cast({{ dbt.datediff('histories.first_date', 'histories.last_date', 'day') }} as int) as t_x,
        cast({{ dbt.datediff('histories.first_date', 'histories.as_of_date', 'day') }} as int) as t,
        cast(histories.spend_amount as double) / nullif(histories.x + {{ first_orders() }}, 0) as order_value_mean,
        behaviour.recency_days,
        behaviour.frequency,
        behaviour.monetary,
        behaviour.recent_order_count,
        behaviour.recent_amount,
        behaviour.average_order_value,
        behaviour.basket_unit_count,
        behaviour.basket_product_count,
        behaviour.unit_price_mean,
        behaviour.discount_share,
        behaviour.return_share,
        behaviour.weekend_share,
        behaviour.evening_share

    from behaviour

    inner join as_of_dates
        on behaviour.as_of_date = as_of_dates.as_of_date

    inner join sampled
        on behaviour.customer_id = sampled.customer_id

    inner join histories
        on
            behaviour.customer_id = histories.customer_id
            and behaviour.as_of_date = histories.as_of_date

    left join outcomes
        on
            behaviour.customer_id = outcomes.customer_id
            and behaviour.as_of_date = outcomes.as_of_date

)

select * from backtests
