{%- set settings = recommendation_settings() -%}

with

customer_products as (

    select * from {{ ref('feat_customer_products') }}

),

numbers as (

    select * from {{ ref('feat_customers__numbers') }}

),

segments as (

    select * from {{ ref('ml_customers__segments') }}
    where segmentation = '{{ settings.segmentation }}' and period_number <= 1

),

known as (

    select
        customer_number,
        count(last_bought_date) as product_count,
        count(earlier_last_bought_date) as earlier_product_count

    from customer_products

    group by customer_number

),

days as (

    select
        0 as period_number,
        customer_number,
        cast(product_count as int) as product_count
    from known
    where product_count > 0

    union all

    select
        1 as period_number,
        customer_number,
        cast(earlier_product_count as int) as product_count
    from known
    where earlier_product_count > 0

),

customers as (

    select
        days.period_number,
        days.customer_number,
        days.product_count,
        segments.segment_key

    from days

    inner join numbers
        on days.customer_number = numbers.customer_number

    left join segments
        on
            days.period_number = segments.period_number
            and numbers.customer_id = segments.customer_id

)

select * from customers
