with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}

),

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

rfm_groups as (

    select * from {{ ref('int_rfm_groups') }}

),

in_force as (

    select distinct
        segmentation,
        version,
        method,
        segment_key,
        segment_name
    from {{ ref('ml_segmentation__in_force') }}

),

rules as (

    select * from {{ ref('ml_segments__rules') }}

),

given_names as (

    select * from {{ ref('segment_names') }}

),

playbook as (

    select * from {{ ref('segment_playbook') }}

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
        sum(case when memberships.is_current then rfm.frequency end) as frequency,
        sum(case when memberships.is_current then rfm.r_score end) as r_score,
        sum(case when memberships.is_current then rfm.f_score end) as f_score

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
        cast(net_amount as double) / nullif(customer_count, 0) as monetary_mean,
        cast(round(cast(r_score as double) / nullif(customer_count, 0)) as int) as r_score_mean,
        cast(round(cast(f_score as double) / nullif(customer_count, 0)) as int) as f_score_mean

    from segments

),

named_groups as (

    select distinct
        segment_key,
        rfm_group
    from rfm_groups

),

-- A segment gets the action of the RFM cell of its mean scores, an RFM group its own action.
described as (

    select
        profiles.*,
        coalesce(in_force.version, 1) as version,
        coalesce(in_force.method, case when profiles.segmentation = 'rfm' then 'rfm_groups' else 'noise' end)
            as made_by,
        coalesce(given_names.segment_name, in_force.segment_name, named_groups.rfm_group, 'Unlike any segment') as segment_name,
        coalesce(named_groups.rfm_group, rfm_groups.rfm_group) as advised_group

    from profiles

    left join in_force
        on profiles.segment_key = in_force.segment_key

    left join given_names
        on profiles.segment_key = given_names.segment_key

    left join named_groups
        on profiles.segment_key = named_groups.segment_key

    left join rfm_groups
        on
            profiles.r_score_mean = rfm_groups.r_score
            and profiles.f_score_mean = rfm_groups.f_score

),

published as (

    select
        described.segmentation,
        cast(described.version as int) as version,
        described.segment_key,
        described.segment_name,
        described.made_by,
        described.as_of_date,
        cast(described.customer_count as int) as customer_count,
        described.customer_share,
        described.customer_share < {{ var('segmentation_min_share') }} as is_small,
        cast(described.net_amount as decimal(18, 4)) as net_amount,
        described.revenue_share,
        described.recency_days_mean,
        described.frequency_mean,
        described.monetary_mean,
        rules.sql_rule,
        rules.rule_precision,
        rules.rule_recall,
        rules.rule_fidelity,
        coalesce(playbook.recommended_action, 'No customer is in it today') as recommended_action

    from described

    left join rules
        on described.segment_key = rules.segment_key

    left join playbook
        on described.advised_group = playbook.rfm_group

)

select * from published
