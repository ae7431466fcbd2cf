with

customer_values as (

    select * from {{ ref('ml_customers__clv') }}

),

warnings as (

    select * from {{ ref('rpt_value_warnings') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

first_reasons as (

    select
        horizon_days,
        min(case when severity = 'unreliable' and is_raised then check_number end) as unreliable_number,
        min(case when severity = 'undecided' and is_raised then check_number end) as undecided_number

    from warnings

    group by horizon_days

),

reliability as (

    select
        first_reasons.horizon_days,
        case
            when first_reasons.unreliable_number is not null then 'unreliable'
            when first_reasons.undecided_number is not null then 'cannot tell'
            else 'reliable'
        end as reliability,
        case
            when warnings.detail is null then warnings.meaning
            else warnings.meaning || ' (' || warnings.detail || ')'
        end as reliability_reason

    from first_reasons

    left join warnings
        on
            first_reasons.horizon_days = warnings.horizon_days
            and coalesce(first_reasons.unreliable_number, first_reasons.undecided_number) = warnings.check_number

),

described as (

    select

        -- keys
        customer_values.customer_id,
        cast(customer_values.horizon_days as int) as horizon_days,
        as_of.as_of_date,

        -- how likely
        customer_values.model,
        customer_values.p_alive,
        customer_values.p_order,
        customer_values.churn_probability,
        case
            when customer_values.churn_probability <= 0.1 then 'almost certain to return'
            when customer_values.churn_probability <= 0.4 then 'likely to return'
            when customer_values.churn_probability < 0.6 then 'may or may not return'
            when customer_values.churn_probability < 0.9 then 'likely to stay away'
            else 'almost certain to stay away'
        end as churn_risk,

        -- how much
        customer_values.expected_orders,
        customer_values.expected_order_value,
        customer_values.clv,
        customer_values.clv_p10,
        customer_values.clv_p50,
        customer_values.clv_p90,
        customer_values.value_at_risk,

        -- when
        customer_values.next_order_date_p10,
        customer_values.next_order_date_p50,
        customer_values.next_order_date_p90,

        -- reliability
        reliability.reliability,
        reliability.reliability = 'reliable' as is_reliable,
        reliability.reliability_reason

    from customer_values

    left join reliability
        on customer_values.horizon_days = reliability.horizon_days

    cross join as_of

)

select * from described
