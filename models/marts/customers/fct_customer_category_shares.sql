{#- A view: feat_customer_categories stores its rows. -#}
{{ config(materialized='view') }}

with

categories as (

    select
        customer_id,
        as_of_date,
        category,
        net_amount as category_net_amount,
        product_count as category_product_count,
        category_share

    from {{ ref('feat_customer_categories') }}

)

select * from categories
