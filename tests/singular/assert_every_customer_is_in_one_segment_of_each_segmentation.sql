-- Nobody is left out: each segmentation holds exactly the customers that have features.

with

customers as (

    select count(*) as customer_count from {{ ref('fct_customer_features') }}

),

segmentations as (

    select
        segmentation,
        count(*) as customer_count
    from {{ ref('fct_segment_memberships') }}
    group by segmentation

)

select
    segmentations.segmentation,
    segmentations.customer_count,
    customers.customer_count as expected_count

from segmentations

cross join customers

where segmentations.customer_count <> customers.customer_count
