with

orders as (

    select * from {{ ref('int_orders') }}
    where customer_id is not null

),

sold_lines as (

    select * from {{ ref('int_order_lines') }}
    where not is_return and net_amount > 0

),

products as (

    select * from {{ ref('feat_items') }}
    where item_level = 'product'

),

as_of as (

    select * from {{ ref('int_as_of_dates') }}
    where period_number = 0

),

customers as (

    select customer_id
    from orders
    group by customer_id

),

sampled as (

    select customer_id
    from customers

    order by md5(customer_id), customer_id

    limit {{ var('sequences_sample_size') }}

),

-- Joins and groups are faster with numbers than with keys.
numbered as (

    select
        customer_id,
        cast(row_number() over (order by customer_id) as int) as customer_number

    from sampled

),

bought as (

    select
        sold_lines.order_id,
        products.product_number,
        min(numbered.customer_number) as customer_number,
        min(sold_lines.order_date) as order_date

    from sold_lines

    inner join numbered
        on sold_lines.customer_id = numbered.customer_id

    inner join products
        on sold_lines.product_id = products.product_id

    group by sold_lines.order_id, products.product_number

),

order_counts as (

    select count(distinct order_id) as order_count
    from bought

),

-- A pair is frequent only if both products are.
frequent as (

    select bought.product_number

    from bought

    cross join order_counts

    group by bought.product_number, order_counts.order_count

    having count(*) >= {{ var('sequences_min_support') }} * order_counts.order_count

),

described as (

    select
        bought.order_id,
        bought.product_number,
        bought.customer_number,
        bought.order_date,
        bought.order_date
        <= {{ dbt.dateadd('day', -var('sequences_window_days'), 'as_of.as_of_date') }} as is_followed_up,
        frequent.product_number is not null as is_frequent

    from bought

    cross join as_of

    left join frequent
        on bought.product_number = frequent.product_number

)

select * from described
