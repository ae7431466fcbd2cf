-- How much value is at risk in each segment? Past spending and next year's value of customers who may have left.

select
    customers.segment_name,
    count(*) as customer_count,
    sum(customers.customer_net_amount) as net_amount,
    avg(customer_values.p_alive) as p_alive_mean,
    sum(customer_values.clv) as clv,
    sum(customer_values.value_at_risk) as value_at_risk,
    sum(case when customer_values.p_alive < 0.5 then customers.customer_net_amount else 0 end) as net_amount_at_risk

from {{ ref('dim_customers') }} as customers

inner join {{ ref('fct_customer_values') }} as customer_values
    on
        customers.customer_id = customer_values.customer_id
        and customer_values.horizon_days = {{ var('clv_band_horizon_days') }}

group by customers.segment_name

order by net_amount_at_risk desc
