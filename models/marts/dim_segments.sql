with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}

),

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

rfm_groups as (

    select * from {{ ref('rfm_groups') }}

),

centroids as (

    select * from {{ ref('ml_kmeans__parameters') }}

),

playbook as (

    select * from {{ ref('segment_playbook') }}

),

profiles as (

    select
        memberships.segmentation,
        memberships.segment_key,
        min(memberships.as_of_date) as as_of_date,
        count(*) as customer_count,
        sum(rfm.monetary) as net_amount,
        cast(sum(rfm.recency_days) as double) / count(*) as recency_days_mean,
        cast(sum(rfm.frequency) as double) / count(*) as frequency_mean,
        cast(sum(rfm.monetary) as double) / count(*) as monetary_mean,
        cast(round(cast(sum(rfm.r_score) as double) / count(*)) as int) as r_score,
        cast(round(cast(sum(rfm.f_score) as double) / count(*)) as int) as f_score,
        min(rfm.rfm_group) as members_rfm_group

    from memberships

    inner join rfm
        on memberships.customer_id = rfm.customer_id

    group by memberships.segmentation, memberships.segment_key

),

-- A cluster is advised as the RFM cell of its mean scores is.
grouped as (

    select
        profiles.*,
        case
            when profiles.segmentation = 'rfm' then profiles.members_rfm_group
            else rfm_groups.rfm_group
        end as rfm_group

    from profiles

    left join rfm_groups
        on
            profiles.r_score = rfm_groups.r_score
            and profiles.f_score = rfm_groups.f_score

),

-- What sets a cluster apart from everybody beside its value and state: its most extreme other coordinate.
drivers as (

    select
        concat('kmeans-', cluster_id) as segment_key,
        concat(
            case when centroid >= 0 then 'high ' else 'low ' end,
            replace(replace(feature, '_mean', ''), '_', ' ')
        ) as driver,
        row_number() over (partition by cluster_id order by abs(centroid) desc, feature asc) as preference

    from centroids

    where feature not in ('recency_days', 'frequency', 'monetary', 'tenure_days')

),

totals as (

    select
        segmentation,
        sum(customer_count) as customer_count,
        sum(net_amount) as net_amount,
        cast(sum(net_amount) as double) / sum(customer_count) as monetary_mean

    from profiles

    group by segmentation

),

described as (

    select
        grouped.*,
        cast(grouped.customer_count as double) / totals.customer_count as customer_share,
        cast(grouped.net_amount as double) / nullif(cast(totals.net_amount as double), 0) as revenue_share,
        case
            when grouped.segmentation = 'rfm' then grouped.rfm_group
            else concat(
                case
                    when grouped.monetary_mean >= 1.5 * totals.monetary_mean then 'High value'
                    when grouped.monetary_mean < 0.5 * totals.monetary_mean then 'Low value'
                    else 'Mid value'
                end,
                case
                    when grouped.recency_days_mean <= {{ var('lifecycle_active_days') }} then ', active'
                    when grouped.recency_days_mean <= {{ var('lifecycle_lapsed_days') }} then ', cooling'
                    else ', lapsed'
                end,
                case when drivers.driver is null then '' else concat(', ', drivers.driver) end
            )
        end as plain_name

    from grouped

    inner join totals
        on grouped.segmentation = totals.segmentation

    left join drivers
        on
            grouped.segment_key = drivers.segment_key
            and drivers.preference = 1

),

numbered as (

    select
        *,
        row_number() over (
            partition by segmentation, plain_name
            order by net_amount desc, segment_key asc
        ) as name_number

    from described

),

segments as (

    select
        numbered.segmentation,
        cast(1 as int) as version,
        numbered.segment_key,
        case
            when numbered.name_number = 1 then numbered.plain_name
            else concat(numbered.plain_name, ' (', numbered.name_number, ')')
        end as segment_name,
        numbered.as_of_date,
        cast(numbered.customer_count as int) as customer_count,
        numbered.customer_share,
        cast(numbered.net_amount as decimal(18, 4)) as net_amount,
        numbered.revenue_share,
        numbered.recency_days_mean,
        numbered.frequency_mean,
        numbered.monetary_mean,
        playbook.recommended_action,
        true as is_promoted

    from numbered

    left join playbook
        on numbered.rfm_group = playbook.rfm_group

)

select * from segments
