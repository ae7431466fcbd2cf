with

scores as (

    select * from {{ ref('feat_customers__rfm_scores') }}

),

rfm_groups as (

    select * from {{ ref('rfm_groups') }}

),

named as (

    select
        scores.*,
        rfm_groups.rfm_group

    from scores

    inner join rfm_groups
        on
            scores.r_score = rfm_groups.r_score
            and scores.f_score = rfm_groups.f_score

),

rfm as (

    select
        today.customer_id,
        today.as_of_date,
        today.recency_days,
        today.frequency,
        today.monetary,
        today.r_score,
        today.f_score,
        today.m_score,
        today.rfm_group,
        earlier.rfm_group as previous_rfm_group

    from named as today

    left join named as earlier
        on
            today.customer_id = earlier.customer_id
            and not earlier.is_current

    where today.is_current

)

select * from rfm
