{#- A view: one model reads it. -#}
{{ config(materialized='view') }}

with

categories as (

    select * from {{ ref('feat_customer_categories') }}

),

ranked as (

    select
        *,
        row_number() over (partition by customer_id order by net_amount desc, category asc) as preference
    from categories

),

features as (

    select
        customer_id,
        cast(sum(product_count) as int) as product_count,
        cast(count(*) as int) as category_count,
        max(case when preference = 1 then category end) as top_category,
        max(case when preference = 1 then category_share end) as top_category_share,
        -- Rounded: a sum of doubles depends on the order of rows in its last digits.
        round(abs(sum(category_share * ln(category_share))), 9) as category_entropy

    from ranked

    group by customer_id

)

select * from features
