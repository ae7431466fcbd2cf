-- What should we offer first to the customers with the highest value over the next year, and why?

with

recommendations as (

    select * from {{ ref('fct_product_recommendations') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

customer_values as (

    select * from {{ ref('fct_customer_values') }}
    where horizon_days = 365

)

select
    customers.customer_id,
    customers.segment_name,
    customer_values.clv,
    recommendations.rank,
    recommendations.product_label,
    recommendations.reason

from recommendations

inner join customers
    on recommendations.customer_id = customers.customer_id

inner join customer_values
    on recommendations.customer_id = customer_values.customer_id

where recommendations.rank <= 3

order by customer_values.clv desc, customers.customer_id asc, recommendations.rank asc

limit 150
