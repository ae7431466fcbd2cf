{%- set purchases = ['r', 'alpha', 'a', 'b'] -%}
{%- set spend = ['p', 'q', 'v'] -%}

with

customer_values as (

    select * from {{ ref('ml_customers__clv') }}

),

fitted as (

    select * from {{ ref('ml_clv__parameters') }}

),

all_customers as (

    select
        customer_id,
        'all' as segmentation,
        'all' as segment_key
    from {{ ref('feat_customers__purchase_days') }}

),

members as (

    select
        customer_id,
        segmentation,
        segment_key
    from {{ ref('ml_customers__segments') }}
    where is_current

    union all

    select * from all_customers

),

typical as (

    select
        max(case when parameter = 'p' then estimate end)
        * max(case when parameter = 'v' then estimate end)
        / max(case when parameter = 'q' then estimate end) as order_value

    from fitted

    where model = 'gamma_gamma'

),

-- Totals of up to 128 orders per customer, or the value of as many, take less than 2^53 units (2^46 = 7.0e13).
units as (

    select
        count(*) / 70368744177664e0 as order_unit,
        count(*) / 70368744177664e0 * max(typical.order_value) as value_unit,
        count(*) / 70368744177664e0 * max(typical.order_value) * max(typical.order_value) as variance_unit

    from all_customers

    cross join typical

),

sums as (

    select
        members.segmentation,
        members.segment_key,
        customer_values.horizon_days,
        min(customer_values.model) as model,
        count(*) as customer_count,
        {{ exact_sum('customer_values.churn_probability', 'units.order_unit') }} as absent_customer_count,
        {{ exact_sum('customer_values.expected_orders', 'units.order_unit') }} as expected_orders,
        {{ exact_sum('customer_values.clv', 'units.value_unit') }} as clv,
        {{ exact_sum('customer_values.value_at_risk', 'units.value_unit') }} as value_at_risk,
        {{ exact_sum('customer_values.order_variance', 'units.order_unit') }} as order_variance,
        {{ exact_sum('customer_values.value_variance', 'units.variance_unit') }} as known_value_variance,
        {% for name in purchases -%}
        {{ exact_sum('customer_values.expected_orders * customer_values.gradient_' ~ name, 'units.order_unit') }} as orders_by_{{ name }},
        {% endfor -%}
        {% for name in purchases + spend -%}
        {{ exact_sum('customer_values.clv * customer_values.gradient_' ~ name, 'units.value_unit') }} as clv_by_{{ name }},
        {% endfor -%}
        count(customer_values.value_variance) = count(*) as is_value_variance_known

    from customer_values

    inner join members
        on customer_values.customer_id = members.customer_id

    cross join units

    group by members.segmentation, members.segment_key, customer_values.horizon_days

),

loadings as (

    select
        {{ parameter_loadings(purchases, false) }},
        {{ parameter_loadings(spend, true) }}

    from fitted

),

estimated as (

    select
        sums.segmentation,
        sums.segment_key,
        sums.horizon_days,
        sums.model,
        sums.customer_count,
        sums.absent_customer_count,
        sums.expected_orders,
        sums.clv,
        sums.value_at_risk,
        -- A difference of squares: rounding may leave it below 0.
        greatest(sums.order_variance, 0) as order_variance,
        case when sums.is_value_variance_known then greatest(sums.known_value_variance, 0) end as value_variance,
        {{ estimation_variance('orders', purchases) }} as order_estimation_variance,
        {{ estimation_variance('clv', purchases) }} + {{ estimation_variance('clv', spend) }} as value_estimation_variance

    from sums

    cross join loadings

)

select * from estimated
