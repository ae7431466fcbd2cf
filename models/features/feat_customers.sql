with

rfm as (

    select * from {{ ref('feat_customers__rfm') }}
    where is_current

),

habits as (

    select * from {{ ref('feat_customers__orders') }}

),

purchase_days as (

    select * from {{ ref('feat_customers__purchase_days') }}

),

categories as (

    select * from {{ ref('feat_customers__categories') }}

),

features as (

    select

        -- keys
        rfm.customer_id,
        rfm.as_of_date,

        -- recency, frequency, monetary
        rfm.first_order_date,
        rfm.last_order_date,
        rfm.recency_days,
        rfm.frequency,
        rfm.monetary,
        rfm.tenure_days,

        -- rhythm
        purchase_days.purchase_day_count,
        purchase_days.gap_mean_days,
        purchase_days.gap_cv,

        -- baskets
        habits.average_order_value,
        habits.basket_unit_count,
        habits.basket_product_count,
        habits.unit_price_mean,
        habits.discount_share,
        habits.return_share,
        habits.weekend_share,
        habits.evening_share,

        -- variety
        coalesce(categories.product_count, 0) as product_count,
        coalesce(categories.category_count, 0) as category_count,
        categories.top_category,
        categories.top_category_share,
        coalesce(categories.category_entropy, 0) as category_entropy

    from rfm

    inner join habits
        on rfm.customer_id = habits.customer_id

    inner join purchase_days
        on rfm.customer_id = purchase_days.customer_id

    left join categories
        on rfm.customer_id = categories.customer_id

)

select * from features
