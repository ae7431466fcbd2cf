-- Which customers are the best, what are they worth over the next year, and which action fits them?

select
    customers.customer_id,
    customers.segment_name,
    customers.rfm_group,
    customers.lifecycle_stage,
    customers.order_count,
    customers.customer_net_amount,
    customer_values.p_alive,
    customer_values.expected_orders,
    customer_values.clv,
    customer_values.clv_p10,
    customer_values.clv_p90,
    customer_values.churn_risk,
    customer_values.is_reliable,
    customers.recommended_action

from {{ ref('dim_customers') }} as customers

inner join {{ ref('fct_customer_values') }} as customer_values
    on
        customers.customer_id = customer_values.customer_id
        and customer_values.horizon_days = {{ var('clv_band_horizon_days') }}

where customers.clv_band = 'top 5%'

order by customer_values.clv desc, customers.customer_id asc

limit 50
