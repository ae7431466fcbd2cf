with

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

kmeans as (

    select * from {{ ref('ml_customers__kmeans') }}

),

memberships as (

    select
        customer_id,
        'rfm' as segmentation,
        as_of_date,
        concat('rfm-', replace(lower(rfm_group), ' ', '-')) as segment_key,
        cast(null as double) as distance
    from rfm

    union all

    select
        customer_id,
        'kmeans' as segmentation,
        as_of_date,
        concat('kmeans-', cluster_id) as segment_key,
        distance
    from kmeans

)

select * from memberships
