{{ config(enabled=has_campaigns()) }}

with

results as (

    select * from {{ ref('ml_campaigns__results') }}

),

described as (

    select

        -- keys
        campaign_id,
        segment,
        arm,
        metric,

        -- the test
        control_arm,
        is_randomised,
        first_assigned_date,
        cast(window_days as int) as window_days,
        window_end_date,
        is_window_complete,
        cast(customer_count as int) as customer_count,
        cast(control_customer_count as int) as control_customer_count,

        -- the result
        round(treated_mean, 9) as treated_mean,
        round(control_mean, 9) as control_mean,
        round(uplift_per_customer, 9) as uplift_per_customer,
        round(uplift_lower, 9) as uplift_lower,
        round(uplift_upper, 9) as uplift_upper,
        round(adjusted_uplift_per_customer, 9) as adjusted_uplift_per_customer,
        round(adjusted_uplift_lower, 9) as adjusted_uplift_lower,
        round(adjusted_uplift_upper, 9) as adjusted_uplift_upper,
        round(uplift_total, 9) as uplift_total,
        round(uplift_total_lower, 9) as uplift_total_lower,
        round(uplift_total_upper, 9) as uplift_total_upper,
        round(p_value, 9) as p_value,
        round(p_value_adjusted, 9) as p_value_adjusted,
        round(sample_ratio_p_value, 9) as sample_ratio_p_value,
        round(relevant_uplift, 9) as relevant_uplift,
        cast(needed_customer_count as int) as needed_customer_count,
        round(balance_gap, 9) as balance_gap,
        round(placebo_p_value, 9) as placebo_p_value,
        round(compared_share, 9) as compared_share,

        -- money
        cast(cost_amount as decimal(18, 4)) as cost_amount,
        cast(profit_amount as decimal(18, 4)) as profit_amount,
        cast(profit_lower_amount as decimal(18, 4)) as profit_lower_amount,
        cast(profit_upper_amount as decimal(18, 4)) as profit_upper_amount,

        -- in words
        verdict,
        verdict_reason

    from results

)

select * from described
