with

bought as (

    select * from {{ ref('feat_customer_products') }}
    where period = 'whole'

),

bought_earlier as (

    select * from {{ ref('feat_customer_products') }}
    where period = 'earlier'

),

new_products as (

    select
        customer_id,
        product_id

    from bought

    where
        exists (
            select 1 from bought_earlier
            where bought_earlier.customer_id = bought.customer_id
        )
        and not exists (
            select 1 from bought_earlier
            where
                bought_earlier.customer_id = bought.customer_id
                and bought_earlier.product_id = bought.product_id
        )

),

sampled as (

    select
        customer_id,
        row_number() over (order by md5(customer_id) asc, customer_id asc) as customer_number

    from new_products

    group by customer_id

),

tested as (

    select
        new_products.customer_id,
        new_products.product_id

    from new_products

    inner join sampled
        on new_products.customer_id = sampled.customer_id

    where sampled.customer_number <= {{ var('recommendations_sample_size') }}

)

select * from tested
