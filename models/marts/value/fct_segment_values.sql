{#- The 90th percentile of a standard normal: a sum over many customers is near normal. -#}
{%- set z90 = 1.2815515655446004 -%}

with

segment_values as (

    select * from {{ ref('ml_segments__values') }}

),

warnings as (

    select * from {{ ref('rpt_value_warnings') }}

),

reliability as (

    select
        horizon_days,
        case
            when max(case when severity = 'unreliable' and is_raised then 1 else 0 end) = 1 then 'unreliable'
            when max(case when severity = 'undecided' and is_raised then 1 else 0 end) = 1 then 'cannot tell'
            else 'reliable'
        end as reliability

    from warnings

    group by horizon_days

),

spread as (

    select
        segment_values.*,
        reliability.reliability,
        sqrt(
            segment_values.order_variance + segment_values.order_estimation_variance
            + power(calibration.orders_error * segment_values.expected_orders, 2)
        ) as orders_deviation,
        sqrt(
            segment_values.value_variance + segment_values.value_estimation_variance
            + power(calibration.value_error * segment_values.clv, 2)
        ) as value_deviation

    from segment_values

    left join reliability
        on segment_values.horizon_days = reliability.horizon_days

    left join {{ ref('ml_clv__calibration') }} as calibration
        on segment_values.horizon_days = calibration.horizon_days

),

described as (

    select

        -- keys
        segmentation,
        segment_key,
        cast(horizon_days as int) as horizon_days,

        -- customers
        cast(customer_count as int) as customer_count,
        absent_customer_count,

        -- orders
        expected_orders,
        sqrt(order_estimation_variance) as expected_orders_standard_error,
        case when orders_deviation is not null then greatest(expected_orders - {{ z90 }} * orders_deviation, 0) end as orders_p10,
        expected_orders + {{ z90 }} * orders_deviation as orders_p90,

        -- money
        clv,
        sqrt(value_estimation_variance) as clv_standard_error,
        case when value_deviation is not null then greatest(clv - {{ z90 }} * value_deviation, 0) end as clv_p10,
        clv + {{ z90 }} * value_deviation as clv_p90,
        value_at_risk,

        -- the model
        model,
        reliability,
        reliability = 'reliable' as is_reliable

    from spread

)

select * from described
