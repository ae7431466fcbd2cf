with

products as (

    select * from {{ ref('int_products') }}

),

described as (

    select
        product_id,
        product_name,
        product_label,
        category,
        unit_cost,
        min_unit_price,
        max_unit_price,
        first_sold_date,
        last_sold_date

    from products

)

select * from described
