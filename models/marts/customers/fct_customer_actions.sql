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

advised as (

    select
        stated.customer_id,
        stated.as_of_date,
        stated.customer_state,
        stated.value_tier,
        stated.usual_gap_days,
        stated.expected_order_date,
        cast(greatest(stated.recency_days - stated.usual_gap_days, 0) as int) as overdue_days,
        rules.action_key,
        actions.action_name,
        actions.recommended_action,
        concat(
            case
                when stated.gap_count = 0 then 'Bought on one day only, '
                else concat('Buys about every ', cast(stated.usual_gap_days as string), ' days, last ')
            end,
            cast(stated.recency_days as string), ' days ago; ', stated.churn_risk, '; spent ',
            case stated.value_tier
                when 'high' then 'more than four fifths of customers'
                when 'middle' then 'an average amount'
                else 'little'
            end
        ) as action_reason

    from stated

    inner join rules
        on
            stated.customer_state = rules.customer_state
            and stated.value_tier = rules.value_tier

    inner join actions
        on rules.action_key = actions.action_key

)

select * from advised
