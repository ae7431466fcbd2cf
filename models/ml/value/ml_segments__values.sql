{%- set purchases = ['r', 'alpha', 'a', 'b'] -%}
{%- set spend = ['p', 'q', 'v'] -%}
{%- set segmentations = ['behaviour', 'baskets', 'rfm'] -%}
{#- Every summand and the unit that it is rounded to. Sums of whole units are exact, see `units`. -#}
{%- set summands = {
    'absent_customer_count': ('churn_probability', 'order_unit'),
    'expected_orders': ('expected_orders', 'order_unit'),
    'clv': ('clv', 'value_unit'),
    'value_at_risk': ('value_at_risk', 'value_unit'),
    'order_variance': ('order_variance', 'order_unit'),
    'known_value_variance': ('value_variance', 'variance_unit'),
} -%}
{%- for name in purchases -%}
{%- do summands.update({'orders_by_' ~ name: ('expected_orders * customer_values.gradient_' ~ name, 'order_unit')}) -%}
{%- endfor -%}
{%- for name in purchases + spend -%}
{%- do summands.update({'clv_by_' ~ name: ('clv * customer_values.gradient_' ~ name, 'value_unit')}) -%}
{%- endfor -%}

with

customer_values as (

    select * from {{ ref('ml_customers__clv') }}

),

fitted as (

    select * from {{ ref('ml_clv__parameters') }}

),

all_customers as (

    select customer_id from {{ ref('feat_customers__purchase_days') }}

),

members as (

    select
        {% for segmentation in segmentations -%}
        max(case when segmentation = '{{ segmentation }}' then segment_key end) as {{ segmentation }},
        {% endfor -%}
        customer_id
    from {{ ref('ml_customers__segments') }}
    where is_current
    group by customer_id

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

-- In units. Customers of the same segments are summed first: a customer is in several sums.
same_mix as (

    select
        {%- for segmentation in segmentations %}
        members.{{ segmentation }},
        {%- endfor %}
        customer_values.horizon_days,
        min(customer_values.model) as model,
        count(*) as customer_count,
        {%- for name, (summand, unit) in summands.items() %}
        sum(round(customer_values.{{ summand }} / units.{{ unit }})) as {{ name }},
        {%- endfor %}
        count(customer_values.value_variance) as known_variance_count

    from customer_values

    left join members
        on customer_values.customer_id = members.customer_id

    cross join units

    group by
        {%- for segmentation in segmentations %}
        members.{{ segmentation }},
        {%- endfor %}
        customer_values.horizon_days

),

by_segment as (

    select
        'all' as segmentation,
        'all' as segment_key,
        same_mix.*
    from same_mix
    {%- for segmentation in segmentations %}

    union all

    select
        '{{ segmentation }}' as segmentation,
        {{ segmentation }} as segment_key,
        same_mix.*
    from same_mix
    where {{ segmentation }} is not null
    {%- endfor %}

),

sums as (

    select
        by_segment.segmentation,
        by_segment.segment_key,
        by_segment.horizon_days,
        min(by_segment.model) as model,
        cast(sum(by_segment.customer_count) as bigint) as customer_count,
        {%- for name, (summand, unit) in summands.items() %}
        sum(by_segment.{{ name }}) * max(units.{{ unit }}) as {{ name }},
        {%- endfor %}
        sum(by_segment.known_variance_count) = sum(by_segment.customer_count) as is_value_variance_known

    from by_segment

    cross join units

    group by by_segment.segmentation, by_segment.segment_key, by_segment.horizon_days

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
