with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}
    where is_current

),

customer_actions as (

    select * from {{ ref('fct_customer_actions') }}

),

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

counted as (

    select
        memberships.segmentation,
        memberships.segment_key,
        customer_actions.action_key,
        customer_actions.action_name,
        customer_actions.recommended_action,
        count(*) as customer_count,
        sum(rfm.monetary) as net_amount

    from memberships

    inner join customer_actions
        on memberships.customer_id = customer_actions.customer_id

    inner join rfm
        on memberships.customer_id = rfm.customer_id

    group by
        memberships.segmentation,
        memberships.segment_key,
        customer_actions.action_key,
        customer_actions.action_name,
        customer_actions.recommended_action

),

ranked as (

    select
        segmentation,
        segment_key,
        action_key,
        action_name,
        recommended_action,
        cast(customer_count as int) as action_customer_count,
        cast(net_amount as decimal(18, 4)) as action_net_amount,
        cast(customer_count as double) / sum(customer_count) over (partition by segment_key) as action_share,
        cast(row_number() over (
            partition by segment_key
            order by customer_count desc, action_key asc
        ) as int) as action_rank

    from counted

)

select * from ranked
