with

-- By product already, which is cheaper to sum than lines.
customer_products as (

    select * from {{ ref('feat_customer_products') }}
    where last_bought_date is not null

),

numbers as (

    select * from {{ ref('feat_customers__numbers') }}

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

spent as (

    select
        customer_products.customer_number,
        coalesce(products.category, 'uncategorised') as category,
        cast(sum(customer_products.net_amount) as decimal(18, 4)) as net_amount,
        count(*) as product_count

    from customer_products

    left join products
        on customer_products.product_id = products.product_id

    group by customer_products.customer_number, coalesce(products.category, 'uncategorised')

),

shares as (

    select
        customers.customer_id,
        customers.as_of_date,
        spent.category,
        spent.net_amount,
        cast(spent.product_count as int) as product_count,
        cast(spent.net_amount as double)
        / cast(sum(spent.net_amount) over (partition by spent.customer_number) as double) as category_share

    from spent

    inner join numbers
        on spent.customer_number = numbers.customer_number

    inner join customers
        on numbers.customer_id = customers.customer_id

)

select * from shares
