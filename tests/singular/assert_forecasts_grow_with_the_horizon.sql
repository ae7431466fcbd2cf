-- No customer is expected to buy less in a year than in a month.

select
    shorter.customer_id,
    shorter.horizon_days as shorter_days,
    longer.horizon_days as longer_days

from {{ ref('fct_customer_values') }} as shorter

inner join {{ ref('fct_customer_values') }} as longer
    on
        shorter.customer_id = longer.customer_id
        and shorter.horizon_days < longer.horizon_days

where
    shorter.expected_orders > longer.expected_orders
    or shorter.clv > longer.clv
