with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}

),

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

common_actions as (

    select * from {{ ref('fct_segment_actions') }}
    where action_rank = 1

),

in_force as (

    select distinct
        segmentation,
        version,
        method,
        segment_key,
        segment_name,
        is_predictive,
        is_rfm_predictive
    from {{ ref('ml_segmentation__in_force') }}

),

rules as (

    select * from {{ ref('ml_segments__rules') }}

),

given_names as (

    select * from {{ ref('segment_names') }}

),

named_groups as (

    select distinct
        segment_key,
        rfm_group
    from {{ ref('int_rfm_groups') }}

),

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

-- Segments without members today are kept if customers of earlier days are in them.
segments as (

    select
        memberships.segmentation,
        memberships.segment_key,
        today.as_of_date,
        sum(case when memberships.is_current then 1 else 0 end) as customer_count,
        sum(case when memberships.is_current then rfm.monetary else 0 end) as net_amount,
        sum(case when memberships.is_current then rfm.recency_days end) as recency_days,
        sum(case when memberships.is_current then rfm.frequency end) as frequency

    from memberships

    cross join today

    left join rfm
        on
            memberships.customer_id = rfm.customer_id
            and memberships.as_of_date = rfm.as_of_date

    group by memberships.segmentation, memberships.segment_key, today.as_of_date

),

profiles as (

    select
        *,
        cast(customer_count as double)
        / sum(customer_count) over (partition by segmentation) as customer_share,
        cast(net_amount as double)
        / nullif(cast(sum(net_amount) over (partition by segmentation) as double), 0) as revenue_share,
        cast(recency_days as double) / nullif(customer_count, 0) as recency_days_mean,
        cast(frequency as double) / nullif(customer_count, 0) as frequency_mean,
        cast(net_amount as double) / nullif(customer_count, 0) as monetary_mean

    from segments

),

predictive as (

    select distinct
        segmentation,
        is_predictive
    from in_force

    union all

    select distinct
        'rfm' as segmentation,
        is_rfm_predictive as is_predictive
    from in_force
    where segmentation = 'behaviour'

),

described as (

    select
        profiles.segmentation,
        cast(coalesce(in_force.version, 1) as int) as version,
        profiles.segment_key,
        coalesce(
            given_names.segment_name, in_force.segment_name, named_groups.rfm_group, 'Unlike any segment'
        ) as segment_name,
        coalesce(in_force.method, case when profiles.segmentation = 'rfm' then 'rfm_groups' else 'noise' end)
            as made_by,
        profiles.as_of_date,
        cast(profiles.customer_count as int) as customer_count,
        profiles.customer_share,
        profiles.customer_share < {{ var('segmentation_min_share') }} as is_small,
        cast(profiles.net_amount as decimal(18, 4)) as net_amount,
        profiles.revenue_share,
        profiles.recency_days_mean,
        profiles.frequency_mean,
        profiles.monetary_mean,
        rules.sql_rule,
        rules.rule_precision,
        rules.rule_recall,
        rules.rule_fidelity,
        predictive.is_predictive,
        case when coalesce(predictive.is_predictive, true) then common_actions.action_key end as action_key,
        case when coalesce(predictive.is_predictive, true) then common_actions.action_share end as action_share,
        case
            when profiles.customer_count = 0 then 'No customer is in it today'
            when not predictive.is_predictive
                then 'None: these segments predict nothing beyond chance; see the action of each customer'
            when common_actions.action_share > 0.5 then common_actions.recommended_action
            else concat('Differs by customer; most often: ', common_actions.action_name)
        end as recommended_action

    from profiles

    left join in_force
        on profiles.segment_key = in_force.segment_key

    left join given_names
        on profiles.segment_key = given_names.segment_key

    left join named_groups
        on profiles.segment_key = named_groups.segment_key

    left join rules
        on profiles.segment_key = rules.segment_key

    left join predictive
        on profiles.segmentation = predictive.segmentation

    left join common_actions
        on profiles.segment_key = common_actions.segment_key

)

select * from described
