{#- A view: one model reads it. -#}
{{ config(materialized='view') }}

with

rfm as (

    select * from {{ ref('feat_customers__rfm') }}

),

-- rank() gives equal customers the same place, so a score never splits a tie.
ranked as (

    select
        *,
        count(*) over (partition by as_of_date) as customer_count,
        rank() over (partition by as_of_date order by recency_days desc) as r_rank,
        rank() over (partition by as_of_date order by frequency) as f_rank,
        rank() over (partition by as_of_date order by monetary) as m_rank

    from rfm

),

scored as (

    select
        customer_id,
        as_of_date,
        is_current,
        recency_days,
        frequency,
        monetary,
        cast(1 + floor(5.0 * (r_rank - 1) / customer_count) as int) as r_score,
        cast(1 + floor(5.0 * (f_rank - 1) / customer_count) as int) as f_score,
        cast(1 + floor(5.0 * (m_rank - 1) / customer_count) as int) as m_score

    from ranked

)

select * from scored
