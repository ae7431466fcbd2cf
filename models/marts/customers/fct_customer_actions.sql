with

features as (

    select * from {{ ref('fct_customer_features') }}

),

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

customer_values as (

    select * from {{ ref('fct_customer_values') }}
    where horizon_days = {{ var('clv_band_horizon_days') }}

),

rules as (

    select * from {{ ref('customer_action_rules') }}

),

actions as (

    select * from {{ ref('customer_actions') }}

),

spans as (

    select
        *,
        purchase_day_count - 1 as gap_count,
        {{ dbt.datediff('first_order_date', 'last_order_date', 'day') }} as span_days

    from features

),

shop as (

    select cast(sum(span_days) as double) / nullif(sum(gap_count), 0) as gap_days
    from spans

),

-- The shop's gap counts as one gap of each customer: two purchases on successive days are no daily habit.
described as (

    select
        spans.customer_id,
        spans.as_of_date,
        spans.last_order_date,
        spans.recency_days,
        spans.tenure_days,
        spans.gap_count,
        customer_values.churn_risk,
        cast(ceil((spans.span_days + shop.gap_days) / (spans.gap_count + 1)) as int) as usual_gap_days,
        case when rfm.m_score = 5 then 'high' when rfm.m_score >= 3 then 'middle' else 'low' end as value_tier

    from spans

    cross join shop

    inner join rfm
        on spans.customer_id = rfm.customer_id

    inner join customer_values
        on spans.customer_id = customer_values.customer_id

),

-- In this order, so that each customer has one state. Who is within the usual rhythm is not called lost.
stated as (

    select
        *,
        case
            when gap_count = 0 and tenure_days <= {{ var('lifecycle_new_days') }} then 'new'
            when gap_count > 0 and recency_days <= usual_gap_days then 'on time'
            when gap_count > 0 and recency_days <= {{ var('overdue_gaps') }} * usual_gap_days then 'due'
            when churn_risk in ('likely to stay away', 'almost certain to stay away') then 'leaving'
            when gap_count = 0 then 'once'
            else 'at risk'
        end as customer_state,
        cast({{ dbt.dateadd('day', 'usual_gap_days', 'last_order_date') }} as date) as expected_order_date

    from described

),

-- An action that waits for the next order needs no contact this week.
grouped as (

    select
        *,
        case
            when customer_state = 'new' then 'new'
            when customer_state = 'due' then 'overdue'
            when
                customer_state = 'on time'
                and expected_order_date <= {{ dbt.dateadd('day', var('contact_days'), 'as_of_date') }}
                then 'due'
            when customer_state = 'at risk' then 'at risk'
            when customer_state = 'leaving' and value_tier = 'high' then 'at risk'
            when customer_state = 'once' and value_tier <> 'low' then 'second order'
        end as contact_group

    from stated

),

advised as (

    select
        grouped.customer_id,
        grouped.as_of_date,
        grouped.customer_state,
        grouped.value_tier,
        grouped.contact_group,
        grouped.usual_gap_days,
        grouped.expected_order_date,
        cast(greatest(grouped.recency_days - grouped.usual_gap_days, 0) as int) as overdue_days,
        rules.action_key,
        actions.action_name,
        actions.recommended_action,
        concat(
            case
                when grouped.gap_count = 0 then 'Bought on one day only, '
                else concat('Buys about every ', cast(grouped.usual_gap_days as string), ' days, last ')
            end,
            cast(grouped.recency_days as string), ' days ago; ', grouped.churn_risk, '; spent ',
            case grouped.value_tier
                when 'high' then 'more than four fifths of customers'
                when 'middle' then 'an average amount'
                else 'little'
            end
        ) as action_reason

    from grouped

    inner join rules
        on
            grouped.customer_state = rules.customer_state
            and grouped.value_tier = rules.value_tier

    inner join actions
        on rules.action_key = actions.action_key

)

select * from advised
