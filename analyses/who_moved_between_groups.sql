-- Which customers moved between RFM groups since the comparison day, and how much revenue moved with them?

select
    coalesce(previous_rfm_group, '(not yet a customer)') as from_group,
    rfm_group as to_group,
    count(*) as customer_count,
    sum(monetary) as net_amount

from {{ ref('fct_customer_rfm') }}

where previous_rfm_group is distinct from rfm_group

group by from_group, to_group

order by net_amount desc
