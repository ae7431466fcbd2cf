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

bought as (

    select distinct
        kept_lines.order_id,
        kept_lines.product_id

    from kept_lines

    inner join sampled
        on kept_lines.order_id = sampled.order_id

),

items as (

    select
        bought.order_id as basket_id,
        products.product_label as item

    from bought

    inner join products
        on bought.product_id = products.product_id

)

select * from items
