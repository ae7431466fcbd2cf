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
        max(case when name = 'is_told_apart' then value end) as is_told_apart,
        max(case when name = 'uplift' then value end) as uplift_orders,
        max(case when name = 'uplift' then error end) as uplift_orders_error,
        max(case when name = 'amount_uplift' then value end) as uplift_amount,
        max(case when name = 'amount_uplift' then error end) as uplift_amount_error

    from fits

    where part = 'campaign'

    group by campaign_id, arm

),

rankings as (

    select * from fits
    where part in ('orders', 'amount')

),

described as (

    select

        -- keys
        rankings.campaign_id,
        rankings.arm,
        rankings.part as target,
        rankings.name as ranking,

        -- the campaign
        cast(arms.customer_count as int) as customer_count,
        cast(arms.held_out_count as int) as held_out_count,
        case when rankings.part = 'orders' then arms.uplift_orders else arms.uplift_amount end as mean_uplift,
        case when rankings.part = 'orders' then arms.uplift_orders_error else arms.uplift_amount_error end as mean_uplift_error,

        -- the ranking
        rankings.value as qini,
        rankings.error as qini_error,
        rankings.share as normalised_qini,
        rankings.advantage as uplift_advantage,
        rankings.advantage_error as uplift_advantage_error,
        case when arms.is_told_apart = 1 then 'told apart' else 'not told apart' end as uplift_verdict,
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
