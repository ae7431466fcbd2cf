-- The net amounts of lines, orders and customers have the same sum as the accepted lines less their discounts, exactly.

with

reversed_lines as (

    select * from {{ ref('int_reversed_lines') }}

),

screened as (

    select
        sum(accepted.amount - accepted.discount_amount - accepted.refunded_amount) as net_amount,
        sum(
            case
                when accepted.customer_id is not null
                    then accepted.amount - accepted.discount_amount - accepted.refunded_amount
            end
        ) as customer_amount

    from {{ ref('int_order_lines__screened') }} as accepted

    left join reversed_lines
        on
            accepted.order_id = reversed_lines.order_id
            and accepted.product_id = reversed_lines.product_id
            and accepted.line_number = reversed_lines.line_number

    where
        accepted.reject_reason is null
        and reversed_lines.order_id is null

),

order_lines as (

    select sum(line_net_amount) as net_amount from {{ ref('fct_order_lines') }}

),

orders as (

    select sum(net_amount) as net_amount from {{ ref('fct_orders') }}

),

customers as (

    select sum(customer_net_amount) as net_amount from {{ ref('dim_customers') }}

),

-- The features compute each customer's money again, as of several days.
features as (

    select
        sum(features.monetary) as monetary,
        sum(customers.customer_net_amount) as net_amount

    from {{ ref('fct_customer_features') }} as features

    inner join {{ ref('dim_customers') }} as customers
        on features.customer_id = customers.customer_id

)

select
    screened.net_amount as screened_amount,
    order_lines.net_amount as line_amount,
    orders.net_amount as order_amount,
    screened.customer_amount as screened_customer_amount,
    customers.net_amount as customer_amount,
    features.monetary as feature_amount,
    features.net_amount as feature_customer_amount

from screened

cross join order_lines

cross join orders

cross join customers

cross join features

where
    screened.net_amount <> order_lines.net_amount
    or screened.net_amount <> orders.net_amount
    or screened.customer_amount <> customers.net_amount
    or features.monetary <> features.net_amount
