{{ config(enabled=has_experiments()) }}

with

parameters as (

    select * from {{ ref('ml_uplift__fits') }}

),

campaigns as (

    select
        campaign_id,
        max(campaign_date) as campaign_date

    from {{ ref('feat_experiment_members') }}

    group by campaign_id

),

fits as (

    select
        parameters.campaign_id,
        parameters.arm,
        max(campaigns.campaign_date) as campaign_date,
        max(case when parameters.part = 'campaign' and parameters.name = 'uplift' then parameters.value end) as mean_uplift,
        max(case when parameters.part = 'campaign' and parameters.name = 'cost' then parameters.value end) as contact_cost,
        coalesce(max(case when parameters.name = 'is_distinguished' then parameters.value end) = 1, false) as is_distinguished,
        {% for name in uplift_features('behaviour') -%}
        max(case when parameters.part = 'slope' and parameters.name = '{{ name }}' then parameters.value end) as {{ name }},
        {% endfor -%}
        max(case when parameters.part = 'slope' and parameters.name = 'intercept' then parameters.value end) as intercept

    from parameters

    inner join campaigns
        on parameters.campaign_id = campaigns.campaign_id

    group by parameters.campaign_id, parameters.arm

),

segments as (

    select
        campaign_id,
        arm,
        name as uplift_segment,
        max(case when part = 'deviation' then value end) as deviation,
        max(case when part = 'segment' then value end) as segment_uplift,
        max(case when part = 'segment' then error end) as segment_uplift_error

    from parameters

    where part in ('deviation', 'segment')

    group by campaign_id, arm, name

),

behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}
    where is_current

),

customer_values as (

    select * from {{ ref('fct_customer_values') }}
    where horizon_days = {{ var('clv_band_horizon_days') }}

),

margins as (

    select sum(margin_amount) / nullif(sum(net_amount), 0) as margin_share
    from {{ ref('feat_customer_days') }}

),

customers as (

    select
        behaviour.customer_id,
        behaviour.as_of_date,
        {% for name, expression in uplift_features('behaviour').items() -%}
        {{ expression }} as {{ name }},
        {% endfor -%}
        {{ uplift_segment('behaviour') }} as uplift_segment,
        customer_values.churn_probability,
        coalesce(customer_values.expected_order_value, behaviour.average_order_value) as order_value,
        avg(coalesce(customer_values.expected_order_value, behaviour.average_order_value)) over () as mean_order_value

    from behaviour

    left join customer_values
        on behaviour.customer_id = customer_values.customer_id

),

-- Where customers are not shown to differ, each has the mean.
expected as (

    select
        customers.customer_id,
        fits.campaign_id,
        fits.arm,
        fits.campaign_date,
        customers.as_of_date,
        customers.uplift_segment,
        fits.is_distinguished,
        fits.contact_cost,
        customers.churn_probability,
        segments.segment_uplift,
        segments.segment_uplift_error,
        case
            when fits.is_distinguished
                then
                    fits.intercept + coalesce(segments.deviation, 0)
                    {%- for name in uplift_features('behaviour') %}
                    + fits.{{ name }} * customers.{{ name }}
                    {%- endfor %}
            else fits.mean_uplift
        end as extra_orders,
        case when fits.is_distinguished then customers.order_value else customers.mean_order_value end as order_value

    from customers

    cross join fits

    left join segments
        on
            fits.campaign_id = segments.campaign_id
            and fits.arm = segments.arm
            and customers.uplift_segment = segments.uplift_segment

),

priced as (

    select
        expected.*,
        round(expected.extra_orders * expected.order_value, 9) as extra_amount,
        round(expected.extra_orders * expected.order_value * margins.margin_share, 9) as extra_margin,
        round(expected.extra_orders * expected.order_value * margins.margin_share - expected.contact_cost, 9) as contact_profit

    from expected

    cross join margins

),

ranked as (

    select

        -- keys
        customer_id,
        campaign_id,
        arm,
        as_of_date,
        campaign_date,

        -- what a contact brings
        case when is_distinguished then 'customers differ' else 'no difference shown' end as uplift_verdict,
        round(extra_orders, 9) as expected_extra_orders,
        extra_amount as expected_extra_amount,
        extra_margin as expected_extra_margin,
        cast(contact_cost as decimal(18, 4)) as contact_cost_amount,
        contact_profit as expected_contact_profit,
        case
            when is_distinguished
                then cast(row_number() over (
                    partition by campaign_id, arm order by contact_profit desc nulls last, customer_id asc
                ) as int)
        end as contact_rank,
        row_number() over (
            partition by customer_id
            order by
                is_distinguished desc, contact_profit desc nulls last, campaign_date desc, campaign_id asc, arm asc
        ) = 1 as is_best_contact,

        -- why
        uplift_segment,
        round(segment_uplift, 9) as segment_extra_orders,
        round(segment_uplift_error, 9) as segment_extra_orders_error,
        churn_probability

    from priced

)

select * from ranked
