with

behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}

),

rfm_groups as (

    select * from {{ ref('int_rfm_groups') }}

),

-- rank() gives equal customers the same place, so a score never splits a tie.
ranked as (

    select
        *,
        count(*) over (partition by as_of_date) as customer_count,
        rank() over (partition by as_of_date order by recency_days desc) as r_rank,
        rank() over (partition by as_of_date order by frequency) as f_rank,
        rank() over (partition by as_of_date order by monetary) as m_rank

    from behaviour

),

scored as (

    select
        customer_id,
        as_of_date,
        period_number,
        is_current,
        recency_days,
        frequency,
        monetary,
        cast(1 + floor(5.0 * (r_rank - 1) / customer_count) as int) as r_score,
        cast(1 + floor(5.0 * (f_rank - 1) / customer_count) as int) as f_score,
        cast(1 + floor(5.0 * (m_rank - 1) / customer_count) as int) as m_score

    from ranked

),

named as (

    select
        scored.*,
        rfm_groups.rfm_group,
        rfm_groups.segment_key

    from scored

    inner join rfm_groups
        on
            scored.r_score = rfm_groups.r_score
            and scored.f_score = rfm_groups.f_score

)

select * from named
