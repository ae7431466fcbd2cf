{#-
    CTEs that compute what is known about each customer on each day; the last one is `behaviour`. The model must have three
    CTEs: `orders`, `matched_returns`, and `as_of_dates` (as_of_date, period_number). `judged` has the orders up to each day.
    A new measure is one line in `behaviour_measures`, and a sum in `summed` if it needs one.
-#}

{% macro behaviour_to_date() %}
-- Returns known by each date: a later return was not yet known on an earlier day.
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
        orders.gross_amount,
        orders.discount_amount,
        orders.unit_count,
        orders.line_count,
        orders.is_weekend,
        orders.is_evening,
        as_of_dates.as_of_date,
        as_of_dates.period_number,
        orders.unmatched_returned_amount + coalesce(returned_to_date.returned_amount, 0) as returned_amount,
        orders.gross_amount - orders.discount_amount - orders.unmatched_returned_amount
        - coalesce(returned_to_date.returned_amount, 0) as net_amount,
        orders.order_date > {{ dbt.dateadd('day', -var('recent_days'), 'as_of_dates.as_of_date') }} as is_recent

    from orders

    inner join as_of_dates
        on orders.order_date <= as_of_dates.as_of_date

    left join returned_to_date
        on
            orders.order_id = returned_to_date.order_id
            and as_of_dates.as_of_date = returned_to_date.as_of_date

),

judged as (

    select
        *,
        line_count > 0 and net_amount > 0 as is_purchase

    from orders_to_date

),

-- Money includes all orders and unmatched returns. Habits are computed from purchases only.
summed as (

    select
        customer_id,
        as_of_date,
        period_number,
        min(case when is_purchase then order_date end) as first_order_date,
        max(case when is_purchase then order_date end) as last_order_date,
        count(case when is_purchase then 1 end) as frequency,
        sum(net_amount) as monetary,
        count(case when is_purchase and is_recent then 1 end) as recent_order_count,
        sum(case when is_recent then net_amount else 0 end) as recent_amount,
        sum(case when is_purchase then gross_amount end) as gross_amount,
        sum(case when is_purchase then discount_amount end) as discount_amount,
        sum(case when is_purchase then returned_amount end) as returned_amount,
        sum(case when is_purchase then net_amount end) as net_amount,
        sum(case when is_purchase then unit_count end) as unit_count,
        sum(case when is_purchase then line_count end) as line_count,
        count(case when is_purchase and is_weekend then 1 end) as weekend_order_count,
        count(case when is_purchase and is_evening then 1 end) as evening_order_count

    from judged

    group by customer_id, as_of_date, period_number

),

behaviour as (

    select
        customer_id,
        as_of_date,
        period_number,
        period_number = 0 as is_current,
        first_order_date,
        last_order_date,
        {%- for measure, expression in behaviour_measures().items() %}
        {{ expression }} as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}

    from summed

    where frequency > 0

)
{% endmacro %}


{#-
    The measures of behaviour: the name of each and its SQL over `summed`. Segmentations may use these columns, and
    `feat_customers__behaviour` and `fct_customer_features` contain them. No other file lists them. None may be null.
-#}

{% macro behaviour_measures() %}
    {{ return({
        'recency_days': "cast(" ~ dbt.datediff('last_order_date', 'as_of_date', 'day') ~ " as int)",
        'frequency': "cast(frequency as int)",
        'monetary': "cast(monetary as decimal(18, 4))",
        'tenure_days': "cast(" ~ dbt.datediff('first_order_date', 'as_of_date', 'day') ~ " as int)",
        'recent_order_count': "cast(recent_order_count as int)",
        'recent_amount': "cast(recent_amount as decimal(18, 4))",
        'average_order_value': "cast(net_amount as double) / frequency",
        'basket_unit_count': "cast(unit_count as double) / frequency",
        'basket_product_count': "cast(line_count as double) / frequency",
        'unit_price_mean': "cast(gross_amount as double) / cast(unit_count as double)",
        'discount_share': "cast(discount_amount as double) / cast(gross_amount as double)",
        'return_share': "cast(returned_amount as double) / cast(gross_amount as double)",
        'weekend_share': "cast(weekend_order_count as double) / frequency",
        'evening_share': "cast(evening_order_count as double) / frequency",
    }) }}
{% endmacro %}
