with

kept_lines as (

    select * from {{ ref('int_order_lines') }}
    where net_amount > 0 and customer_id is not null

),

products as (

    select * from {{ ref('int_products') }}

),

purchases as (

    select distinct customer_id from {{ ref('int_orders') }}
    where is_purchase and customer_id is not null

),

spent as (

    select
        kept_lines.customer_id,
        coalesce(products.category, 'uncategorised') as category,
        cast(sum(kept_lines.net_amount) as decimal(18, 4)) as net_amount,
        -- A product has one category, so these add up over categories.
        count(distinct kept_lines.product_id) as product_count

    from kept_lines

    inner join purchases
        on kept_lines.customer_id = purchases.customer_id

    left join products
        on kept_lines.product_id = products.product_id

    group by 1, 2

),

shares as (

    select
        customer_id,
        category,
        net_amount,
        cast(product_count as int) as product_count,
        cast(net_amount as double)
        / cast(sum(net_amount) over (partition by customer_id) as double) as category_share

    from spent

)

select * from shares
