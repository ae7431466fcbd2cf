with

kept_lines as (

    select * from {{ ref('int_order_lines') }}
    where net_amount > 0

),

orders as (

    select * from {{ ref('feat_baskets__orders') }}

),

products as (

    select * from {{ ref('feat_items') }}
    where item_level = 'product'

),

items as (

    select distinct
        orders.order_number,
        products.product_number

    from kept_lines

    inner join orders
        on kept_lines.order_id = orders.order_id

    inner join products
        on kept_lines.product_id = products.product_id

)

select * from items
