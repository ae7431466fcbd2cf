with

scores as (

    select * from {{ ref('feat_customers__rfm_scores') }}

),

behaviour as (

    select * from {{ ref('ml_customers__behaviour') }}

),

baskets as (

    select * from {{ ref('ml_customers__baskets') }}

),

segments as (

    select
        customer_id,
        segmentation,
        as_of_date,
        segment_key,
        distance,
        confidence,
        is_noise
    from behaviour

    union all

    select
        customer_id,
        segmentation,
        as_of_date,
        segment_key,
        distance,
        confidence,
        is_noise
    from baskets

    union all

    select
        customer_id,
        'rfm' as segmentation,
        as_of_date,
        segment_key,
        cast(null as double) as distance,
        cast(null as double) as confidence,
        false as is_noise
    from scores

),

dated as (

    select
        segments.*,
        scores.period_number,
        scores.is_current

    from segments

    inner join scores
        on
            segments.customer_id = scores.customer_id
            and segments.as_of_date = scores.as_of_date

)

select * from dated
