with

features as (

    select * from {{ ref('feat_customers') }}

),

described as (

    select
        customer_id,
        as_of_date,
        first_order_date,
        last_order_date,
        recency_days,
        frequency,
        monetary,
        tenure_days,
        recent_order_count,
        recent_amount,
        purchase_day_count,
        gap_mean_days,
        gap_cv,
        average_order_value,
        basket_unit_count,
        basket_product_count,
        unit_price_mean,
        discount_share,
        return_share,
        weekend_share,
        evening_share,
        product_count,
        category_count,
        top_category,
        top_category_share,
        category_entropy

    from features

)

select * from described
