with

rfm_groups as (

    select * from {{ ref('rfm_groups') }}

),

cells as (

    select
        cast(r_score as int) as r_score,
        cast(f_score as int) as f_score,
        rfm_group,
        concat('rfm-', replace(lower(rfm_group), ' ', '-')) as segment_key

    from rfm_groups

)

select * from cells
