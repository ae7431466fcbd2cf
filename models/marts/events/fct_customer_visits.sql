{#- A view: feat_customer_visits stores the rows. -#}
{{ config(materialized='view', enabled=has_events()) }}

with

visits as (

    select * from {{ ref('feat_customer_visits') }}

)

select
    customer_id,
    as_of_date,
    visit_count,
    recent_visit_count,
    visit_view_count,
    cart_left_count,
    recent_cart_left_count,
    visit_order_share,
    first_visit_date,
    last_visit_date,
    days_since_visit,
    main_visit_channel,
    main_visit_channel_share,
    visit_channel_count,
    evening_visit_share,
    weekend_visit_share,
    looked_product_count,
    looked_not_bought_count,
    looked_twice_count,
    looked_category_count,
    looked_category_not_bought_count,
    looked_product_id,
    looked_category

from visits
