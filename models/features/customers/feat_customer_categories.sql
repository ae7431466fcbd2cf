with

kept_lines as (

    select * from {{ ref('int_order_lines') }}
    where net_amount > 0 and customer_id is not null

),

products as (

    select * from {{ ref('int_products') }}

),

customers as (

    select
        customer_id,
        as_of_date
    from {{ ref('feat_customers__behaviour') }}
    where is_current

),

-- Grouped twice: a single step with a distinct count costs more than the rest of the model.
bought as (

    select
        customer_id,
        product_id,
        sum(net_amount) as net_amount

    from kept_lines

    group by customer_id, product_id

),

spent as (

    select
        bought.customer_id,
        coalesce(products.category, 'uncategorised') as category,
        cast(sum(bought.net_amount) as decimal(18, 4)) as net_amount,
        count(*) as product_count

    from bought

    left join products
        on bought.product_id = products.product_id

    group by bought.customer_id, coalesce(products.category, 'uncategorised')

),

shares as (

    select
        spent.customer_id,
        customers.as_of_date,
        spent.category,
        spent.net_amount,
        cast(spent.product_count as int) as product_count,
        cast(spent.net_amount as double)
        / cast(sum(spent.net_amount) over (partition by spent.customer_id) as double) as category_share

    from spent

    inner join customers
        on spent.customer_id = customers.customer_id

)

select * from shares
