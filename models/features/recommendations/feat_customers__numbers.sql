with

orders as (

    select * from {{ ref('int_orders') }}

),

customers as (

    select customer_id
    from orders
    where customer_id is not null
    group by customer_id

),

numbered as (

    select
        customer_id,
        cast(row_number() over (order by md5(customer_id) asc, customer_id asc) as int) as customer_number

    from customers

)

select * from numbered
