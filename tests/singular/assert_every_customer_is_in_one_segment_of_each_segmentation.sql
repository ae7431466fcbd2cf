-- On each day, each segmentation contains exactly the customers who had bought by then.

with

customers as (

    select
        as_of_date,
        count(*) as customer_count
    from {{ ref('feat_customers__behaviour') }}
    group by as_of_date

),

segmentations as (

    select
        segmentation,
        as_of_date,
        count(*) as customer_count
    from {{ ref('fct_segment_memberships') }}
    group by segmentation, as_of_date

)

select
    segmentations.segmentation,
    segmentations.as_of_date,
    segmentations.customer_count,
    customers.customer_count as expected_count

from segmentations

full outer join customers
    on segmentations.as_of_date = customers.as_of_date

where segmentations.customer_count is null or segmentations.customer_count <> coalesce(customers.customer_count, 0)
