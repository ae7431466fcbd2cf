-- Shares of a whole: customers and revenue over the segments of a segmentation, spending over a customer's categories.

select
    segmentation as whole,
    sum(customer_share) as share_sum
from {{ ref('dim_segments') }}
group by segmentation
having abs(sum(customer_share) - 1) > 1e-9

union all

select
    segmentation as whole,
    sum(revenue_share) as share_sum
from {{ ref('dim_segments') }}
group by segmentation
having abs(sum(revenue_share) - 1) > 1e-9

union all

select
    customer_id as whole,
    sum(category_share) as share_sum
from {{ ref('fct_customer_category_shares') }}
group by customer_id
having abs(sum(category_share) - 1) > 1e-9
