with

categories as (

    select * from {{ ref('feat_customer_categories') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

shares as (

    select
        categories.customer_id,
        as_of.as_of_date,
        categories.category,
        categories.net_amount,
        categories.product_count,
        categories.category_share

    from categories

    cross join as_of

)

select * from shares
