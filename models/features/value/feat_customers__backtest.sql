{%- set horizons = var('clv_horizons_days') -%}

with

known_orders as (

    select * from {{ ref('int_orders') }}
    where customer_id is not null

),

-- By hash of the key alone: a customer with a later purchase must not be likelier to be sampled.
sampled as (

    select customer_id
    from (select distinct customer_id from known_orders) as customers
    order by md5(customer_id), customer_id
    limit {{ var('clv_backtest_customers') }}

),

orders as (

    select known_orders.*
    from known_orders
    inner join sampled
        on known_orders.customer_id = sampled.customer_id

),

matched_returns as (

    select int_returns.*
    from {{ ref('int_returns') }} as int_returns
    inner join orders
        on int_returns.order_id = orders.order_id
    where not int_returns.is_reversal

),

days as (
    {% for days in backtest_period_numbers() %}

    select
        {{ days }} as period_number,
        cast({{ dbt.dateadd('day', -days, 'as_of_date') }} as date) as as_of_date
    from {{ ref('int_as_of_dates') }}
    where is_current
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

first_orders as (

    select min(order_date) as first_date from known_orders
    where is_purchase

),

as_of_dates as (

    select
        days.period_number,
        days.as_of_date,
        cast({{ dbt.datediff('first_orders.first_date', 'days.as_of_date', 'day') }} as int) as history_days

    from days

    inner join first_orders
        on days.as_of_date > first_orders.first_date

),

{{ behaviour_to_date() }},

-- Value of a purchase day as known on the cut-off; orders of one day count once.
known_days as (

    select
        judged.customer_id,
        judged.as_of_date,
        judged.order_date,
        behaviour.first_order_date as first_date,
        {{ dbt.datediff('judged.order_date', 'judged.as_of_date', 'day') }} as days_before,
        sum(judged.net_amount) as net_amount

    from judged

    inner join behaviour
        on judged.customer_id = behaviour.customer_id and judged.as_of_date = behaviour.as_of_date

    where judged.is_purchase

    group by judged.customer_id, judged.as_of_date, judged.order_date, behaviour.first_order_date

),

histories as (

    select
        customer_id,
        as_of_date,
        count(*) - 1 as x,
        {% for horizon in horizons -%}
        sum(case when days_before < {{ horizon }} then 1 else 0 end) as past_orders_{{ horizon }},
        sum(case when days_before < {{ horizon }} then net_amount else 0 end) as past_amount_{{ horizon }},
        {%- set is_year_before = 'days_before < 365 and days_before >= 365 - ' ~ horizon %}
        sum(case when {{ is_year_before }} then 1 else 0 end) as year_before_orders_{{ horizon }},
        sum(case when {{ is_year_before }} then net_amount else 0 end) as year_before_amount_{{ horizon }},
        {% endfor -%}
        {% for month in range(1, 13) -%}
        sum(case when order_date > first_date and extract(month from order_date) = {{ month }} then 1 else 0 end) as repeat_count_{{ month }},
        {% endfor -%}
        sum({{ spend_amount() }}) as spend_amount

    from known_days
    group by customer_id, as_of_date

),

-- Outcomes are judged from today.
later_days as (

    select
        orders.customer_id,
        as_of_dates.as_of_date,
        {{ dbt.datediff('as_of_dates.as_of_date', 'orders.order_date', 'day') }} as days_after,
        sum(orders.net_amount) as net_amount

    from orders
    inner join as_of_dates
        on orders.order_date > as_of_dates.as_of_date
    where orders.is_purchase
    group by orders.customer_id, as_of_dates.as_of_date, orders.order_date

),

outcomes as (

    select
        customer_id,
        {% for horizon in horizons -%}
        sum(case when days_after <= {{ horizon }} then 1 else 0 end) as next_orders_{{ horizon }},
        sum(case when days_after <= {{ horizon }} then net_amount else 0 end) as next_amount_{{ horizon }},
        {% endfor -%}
        as_of_date

    from later_days
    group by customer_id, as_of_date

),

backtests as (

    select

        -- keys
        behaviour.customer_id,
        behaviour.as_of_date,
        behaviour.period_number,
        as_of_dates.history_days,
        cast(row_number() over (
            partition by behaviour.as_of_date order by md5(behaviour.customer_id), behaviour.customer_id
        ) as int) as sample_number,

        -- each horizon before the cut-off and a year before, and after it if that is over
        {% for horizon in horizons -%}
        {%- set is_over = 'behaviour.period_number >= ' ~ horizon -%}
        {% for window in ['past', 'year_before'] -%}
        cast(histories.{{ window }}_orders_{{ horizon }} as int) as {{ window }}_orders_{{ horizon }},
        cast(histories.{{ window }}_amount_{{ horizon }} as double) as {{ window }}_amount_{{ horizon }},
        {% endfor -%}
        case when {{ is_over }} then cast(coalesce(outcomes.next_orders_{{ horizon }}, 0) as int) end as next_orders_{{ horizon }},
        case when {{ is_over }} then cast(coalesce(outcomes.next_amount_{{ horizon }}, 0) as double) end as next_amount_{{ horizon }},
        {% endfor -%}
        {% for month in range(1, 13) -%}
        cast(histories.repeat_count_{{ month }} as int) as repeat_count_{{ month }},
        {% endfor %}
        -- known on the day
        cast(histories.x as int) as x,
        cast({{ dbt.datediff('behaviour.first_order_date', 'behaviour.last_order_date', 'day') }} as int) as t_x,
        cast(histories.spend_amount as double) / nullif(histories.x + {{ first_orders() }}, 0) as order_value_mean,
        {% for measure in behaviour_measures() if measure != 'tenure_days' -%}
        behaviour.{{ measure }},
        {% endfor -%}
        behaviour.tenure_days as t
    from behaviour
    inner join as_of_dates
        on behaviour.as_of_date = as_of_dates.as_of_date
    inner join histories
        on behaviour.customer_id = histories.customer_id and behaviour.as_of_date = histories.as_of_date

    left join outcomes
        on behaviour.customer_id = outcomes.customer_id and behaviour.as_of_date = outcomes.as_of_date

)

select * from backtests
