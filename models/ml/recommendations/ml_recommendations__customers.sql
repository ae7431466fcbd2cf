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
        max(last_bought_date) is not null as is_known,
        max(earlier_last_bought_date) is not null as was_known

    from customer_products

    group by customer_number

),

days as (

    select
        0 as period_number,
        customer_number
    from known
    where is_known

    union all

    select
        1 as period_number,
        customer_number
    from known
    where was_known

),

customers as (

    select
        days.period_number,
        days.customer_number,
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
