with

kept_lines as (

    select * from {{ ref('int_order_lines') }}
    where net_amount > 0

),

products as (

    select * from {{ ref('int_products') }}

),

orders as (

    select * from {{ ref('int_orders') }}
    where is_purchase

),

sampled as (

    select order_id from orders
    {%- if var('rules_sample_size') is not none %}

    order by md5(order_id), order_id

    limit {{ var('rules_sample_size') }}
    {%- endif %}

),

items as (

    select distinct
        sampled.order_id as basket_id,
        products.product_label as item

    from kept_lines

    inner join sampled
        on kept_lines.order_id = sampled.order_id

    inner join products
        on kept_lines.product_id = products.product_id

)

select * from items
