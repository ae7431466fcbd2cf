with

customer_products as (

    select * from {{ ref('feat_customer_products') }}

),

earlier_customers as (

    select customer_number
    from customer_products
    where earlier_last_bought_date is not null
    group by customer_number

),

new_products as (

    select
        customer_number,
        product_id

    from customer_products

    where
        earlier_last_bought_date is null
        and last_bought_date is not null
        and customer_number in (select earlier_customers.customer_number from earlier_customers)

),

ranked as (

    select
        customer_number,
        row_number() over (order by customer_number asc) as place

    from new_products

    group by customer_number

),

tested as (

    select
        new_products.customer_number,
        new_products.product_id

    from new_products

    inner join ranked
        on new_products.customer_number = ranked.customer_number

    where ranked.place <= {{ var('recommendations_sample_size') }}

)

select * from tested
