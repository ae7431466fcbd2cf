with

orders as (

    select * from {{ ref('fct_orders') }}
    where customer_id is not null

),

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

features as (

    select * from {{ ref('fct_customer_features') }}

),

memberships as (

    select * from {{ ref('fct_segment_memberships') }}
    where segmentation = 'behaviour' and is_current

),

segments as (

    select * from {{ ref('dim_segments') }}

),

actions as (

    select * from {{ ref('fct_customer_actions') }}

),

customer_values as (

    select * from {{ ref('fct_customer_values') }}
    where horizon_days = {{ var('clv_band_horizon_days') }}

),

{%- if has_consent() %}

consents as (

    select
        customer_id,
        coalesce(text_value = 'yes', false) as has_consent

    from {{ ref('int_customer_attributes') }}

    where attribute = 'consent'

),
{%- endif %}

customers as (

    select
        customer_id,
        cast(sum(case when is_purchase then 1 else 0 end) as int) as order_count,
        cast(sum(net_amount) as decimal(18, 4)) as net_amount,
        max(case when is_first_order then channel end) as acquisition_channel,
        max(case when is_first_order then country end) as country

    from orders

    group by customer_id

),

-- rank() puts equal values in the same band.
bands as (

    select
        customer_id,
        clv,
        churn_risk,
        cast(rank() over (order by clv desc nulls last) as double) / count(*) over () as clv_place

    from customer_values

),

described as (

    select

        -- keys
        customers.customer_id,
        customers.order_count > 0 as has_bought,

        -- history
        features.first_order_date,
        features.last_order_date,
        customers.order_count,
        customers.net_amount as customer_net_amount,
        customers.acquisition_channel,
        customers.country as acquisition_country,
        {{ 'coalesce(consents.has_consent, false)' if has_consent() else 'cast(null as boolean)' }} as has_consent,

        -- standing
        case
            when customers.order_count = 0 then 'no purchase'
            else {{ lifecycle_stage('features.tenure_days', 'features.recency_days') }}
        end as lifecycle_stage,
        rfm.rfm_group,
        memberships.segment_key,
        segments.segment_name,
        bands.clv,
        case
            when bands.clv is null then null
            when bands.clv_place <= 0.05 then 'top 5%'
            when bands.clv_place <= 0.20 then 'high'
            when bands.clv_place <= 0.50 then 'medium'
            else 'low'
        end as clv_band,
        bands.churn_risk,

        -- what to do
        actions.action_key,
        actions.action_name,
        actions.recommended_action

    from customers

    left join features
        on customers.customer_id = features.customer_id

    left join rfm
        on customers.customer_id = rfm.customer_id

    left join memberships
        on customers.customer_id = memberships.customer_id

    left join segments
        on memberships.segment_key = segments.segment_key

    left join bands
        on customers.customer_id = bands.customer_id

    left join actions
        on customers.customer_id = actions.customer_id
    {% if has_consent() %}
    left join consents
        on customers.customer_id = consents.customer_id
    {% endif %}

)

select * from described
