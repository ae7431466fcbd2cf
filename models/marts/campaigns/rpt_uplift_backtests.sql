{{ config(enabled=has_experiments()) }}

with

fits as (

    select * from {{ ref('ml_uplift__fits') }}

),

arms as (

    select
        campaign_id,
        arm,
        max(case when name = 'customer_count' then value end) as customer_count,
        max(case when name = 'held_out_count' then value end) as held_out_count,
        max(case when name = 'is_distinguished' then value end) as is_distinguished,
        max(case when name = 'uplift' then value end) as uplift_orders,
        max(case when name = 'uplift' then error end) as uplift_orders_error,
        max(case when name = 'revenue_uplift' then value end) as uplift_revenue,
        max(case when name = 'revenue_uplift' then error end) as uplift_revenue_error

    from fits

    where part = 'campaign'

    group by campaign_id, arm

),

rankings as (

    select * from fits
    where part in ('orders', 'revenue')

),

described as (

    select

        -- keys
        rankings.campaign_id,
        rankings.arm,
        rankings.part as metric,
        rankings.name as ranking,

        -- the campaign
        cast(arms.customer_count as int) as customer_count,
        cast(arms.held_out_count as int) as held_out_count,
        round(case when rankings.part = 'orders' then arms.uplift_orders else arms.uplift_revenue end, 9) as mean_uplift,
        round(case when rankings.part = 'orders' then arms.uplift_orders_error else arms.uplift_revenue_error end, 9) as mean_uplift_error,

        -- the ranking
        round(rankings.value, 9) as qini,
        round(rankings.error, 9) as qini_error,
        round(rankings.share, 9) as normalised_qini,
        round(rankings.advantage, 9) as uplift_advantage,
        round(rankings.advantage_error, 9) as uplift_advantage_error,
        case when arms.is_distinguished = 1 then 'customers differ' else 'no difference shown' end as uplift_verdict,
        case
            when rankings.name = 'uplift' then null
            when rankings.advantage > 1.96 * rankings.advantage_error then 'uplift ranks better'
            when rankings.advantage < -1.96 * rankings.advantage_error then 'uplift ranks worse'
            else 'no difference beyond chance'
        end as comparison

    from rankings

    inner join arms
        on rankings.campaign_id = arms.campaign_id and rankings.arm = arms.arm

)

select * from described
