with

scores as (

    select * from {{ ref('feat_customers__rfm_scores') }}

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

    from scores as today

    left join scores as earlier
        on
            today.customer_id = earlier.customer_id
            and earlier.period_number = 1

    where today.period_number = 0

)

select * from rfm
