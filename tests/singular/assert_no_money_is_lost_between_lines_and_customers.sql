-- What the accepted lines are worth less discount is what the lines, the orders and the customers net to, to the last digit.

with

reversals as (

    select * from {{ ref('int_returns') }}
    where is_reversal

),

reversed_lines as (

    select return_line_id as order_line_id from reversals

    union all

    select order_line_id from reversals

),

screened as (

    select
        sum(cast(quantity * unit_price as decimal(18, 4)) - discount_amount) as net_amount,
        sum(
            case
                when customer_id is not null
                    then cast(quantity * unit_price as decimal(18, 4)) - discount_amount
            end
        ) as customer_amount

    from {{ ref('int_order_lines__screened') }}

    where
        reject_reason is null
        and order_line_id not in (select reversed_lines.order_line_id from reversed_lines)

),

order_lines as (

    select sum(net_amount) as net_amount from {{ ref('fct_order_lines') }}

),

orders as (

    select sum(net_amount) as net_amount from {{ ref('fct_orders') }}

),

customers as (

    select sum(net_amount) as net_amount from {{ ref('dim_customers') }}

)

select
    screened.net_amount as screened_amount,
    order_lines.net_amount as line_amount,
    orders.net_amount as order_amount,
    screened.customer_amount as screened_customer_amount,
    customers.net_amount as customer_amount

from screened

cross join order_lines

cross join orders

cross join customers

where
    screened.net_amount <> order_lines.net_amount
    or screened.net_amount <> orders.net_amount
    or screened.customer_amount <> customers.net_amount
