{%- set purchases = ['r', 'alpha', 'a', 'b'] -%}
{%- set spend = ['p', 'q', 'v'] -%}

with

customer_values as (

    select * from {{ ref('ml_customers__clv') }}

),

fitted as (

    select * from {{ ref('ml_clv__parameters') }}

),

members as (

    select
        customer_id,
        segmentation,
        segment_key
    from {{ ref('ml_customers__segments') }}
    where is_current

    union all

    select
        customer_id,
        'all' as segmentation,
        'all' as segment_key
    from {{ ref('feat_customers__purchase_days') }}

),

sums as (

    select
        members.segmentation,
        members.segment_key,
        customer_values.horizon_days,
        min(customer_values.model) as model,
        count(*) as customer_count,
        {{ exact_sum('customer_values.churn_probability') }} as absent_customer_count,
        {{ exact_sum('customer_values.expected_orders') }} as expected_orders,
        {{ exact_sum('customer_values.clv') }} as clv,
        {{ exact_sum('customer_values.value_at_risk') }} as value_at_risk,
        {{ exact_sum('customer_values.order_variance') }} as order_variance,
        {{ exact_sum('customer_values.value_variance') }} as known_value_variance,
        {% for name in purchases -%}
        {{ exact_sum('customer_values.expected_orders * customer_values.gradient_' ~ name) }} as orders_by_{{ name }},
        {% endfor -%}
        {% for name in purchases + spend -%}
        {{ exact_sum('customer_values.clv * customer_values.gradient_' ~ name) }} as clv_by_{{ name }},
        {% endfor -%}
        count(customer_values.value_variance) = count(*) as is_value_variance_known

    from customer_values

    inner join members
        on customer_values.customer_id = members.customer_id

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
        sums.order_variance,
        case when sums.is_value_variance_known then sums.known_value_variance end as value_variance,
        {{ estimation_variance('orders', purchases) }} as order_estimation_variance,
        {{ estimation_variance('clv', purchases) }} + {{ estimation_variance('clv', spend) }} as value_estimation_variance

    from sums

    cross join loadings

)

select * from estimated
