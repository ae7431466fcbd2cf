{#- A view, because one mart and the end of a build read it. -#}
{{ config(materialized='view') }}

with

behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}

),

scores as (

    select * from {{ ref('feat_customers__rfm_scores') }}

),

segments as (

    select * from {{ ref('ml_customers__segments') }}
    where segmentation = 'behaviour'

),

in_force as (

    select max(version) as version
    from {{ ref('ml_segmentation__in_force') }}
    where segmentation = 'behaviour'

),

standing as (

    select
        behaviour.customer_id,
        behaviour.as_of_date,
        behaviour.is_current,
        segments.segment_key,
        scores.rfm_group,
        {{ lifecycle_stage('behaviour.tenure_days', 'behaviour.recency_days') }} as lifecycle_stage,
        in_force.version as segment_version,
        behaviour.known_order_count as order_count,
        behaviour.monetary as net_amount,
        behaviour.known_returned_amount as returned_amount

    from behaviour

    inner join scores
        on
            behaviour.customer_id = scores.customer_id
            and behaviour.as_of_date = scores.as_of_date

    cross join in_force

    left join segments
        on
            behaviour.customer_id = segments.customer_id
            and behaviour.as_of_date = segments.as_of_date

)

select * from standing
