{{ config(enabled=has_events()) }}

with

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

sessions as (

    select
        sessions.customer_id,
        coalesce(sessions.channel, 'unknown') as channel,
        sessions.view_count,
        sessions.order_count > 0 as has_order,
        sessions.order_count = 0 and (sessions.cart_count > 0 or sessions.checkout_count > 0) as has_cart_left,
        cast(sessions.started_at as date) as session_date,
        extract(hour from sessions.started_at) as started_hour,
        cast(sessions.started_at as date)
        >= cast({{ dbt.dateadd('day', 1 - var('visits_recent_days'), 'as_of.as_of_date') }} as date) as is_recent,
        as_of.as_of_date

    from {{ ref('int_sessions') }} as sessions

    cross join as_of

    where not sessions.is_bot and sessions.customer_id is not null

),

by_channel as (

    select
        customer_id,
        as_of_date,
        channel,
        count(*) as visit_count,
        sum(case when is_recent then 1 else 0 end) as recent_visit_count,
        sum(view_count) as view_count,
        sum(case when has_order then 1 else 0 end) as order_visit_count,
        sum(case when has_cart_left then 1 else 0 end) as cart_left_count,
        sum(case when has_cart_left and is_recent then 1 else 0 end) as recent_cart_left_count,
        sum(case when started_hour >= {{ var('evening_start_hour') }} then 1 else 0 end) as evening_count,
        sum(case when {{ is_weekend('session_date') }} then 1 else 0 end) as weekend_count,
        min(session_date) as first_date,
        max(session_date) as last_date,
        row_number() over (partition by customer_id order by count(*) desc, channel asc) as channel_rank

    from sessions

    group by customer_id, as_of_date, channel

),

visits as (

    select
        customer_id,
        as_of_date,
        cast(sum(visit_count) as int) as visit_count,
        cast(sum(recent_visit_count) as int) as recent_visit_count,
        cast(sum(view_count) as bigint) as visit_view_count,
        cast(sum(cart_left_count) as int) as cart_left_count,
        cast(sum(recent_cart_left_count) as int) as recent_cart_left_count,
        cast(sum(order_visit_count) as double) / sum(visit_count) as visit_order_share,
        min(first_date) as first_visit_date,
        max(last_date) as last_visit_date,
        cast({{ dbt.datediff('max(last_date)', 'as_of_date', 'day') }} as int) as days_since_visit,
        max(case when channel_rank = 1 then channel end) as main_visit_channel,
        cast(max(visit_count) as double) / sum(visit_count) as main_visit_channel_share,
        cast(count(*) as int) as visit_channel_count,
        cast(sum(evening_count) as double) / sum(visit_count) as evening_visit_share,
        cast(sum(weekend_count) as double) / sum(visit_count) as weekend_visit_share

    from by_channel

    group by customer_id, as_of_date

),

bought as (

    select
        numbers.customer_id,
        bought.product_id,
        bought.last_bought_date

    from {{ ref('feat_customer_products') }} as bought

    inner join {{ ref('feat_customers__numbers') }} as numbers
        on bought.customer_number = numbers.customer_number

    where bought.last_bought_date is not null

),

looked as (

    select
        looks.*,
        products.category,
        coalesce(bought.last_bought_date >= looks.first_look_date, false) as is_bought

    from {{ ref('int_customer_looks') }} as looks

    left join bought
        on
            looks.customer_id = bought.customer_id
            and looks.product_id = bought.product_id

    left join {{ ref('int_products') }} as products
        on looks.product_id = products.product_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, is_bought
            order by look_session_count desc, look_count desc, last_look_date desc, product_id asc
        ) as look_rank

    from looked

),

categories as (

    select
        customer_id,
        category,
        max(case when is_bought then 1 else 0 end) as is_bought

    from looked

    where category is not null

    group by customer_id, category

),

looked_categories as (

    select
        customer_id,
        count(*) as category_count,
        sum(1 - is_bought) as not_bought_count

    from categories

    group by customer_id

),

looks as (

    select
        customer_id,
        count(*) as product_count,
        sum(case when not is_bought then 1 else 0 end) as not_bought_count,
        sum(case when not is_bought and look_session_count > 1 then 1 else 0 end) as looked_twice_count,
        max(case when not is_bought and look_rank = 1 then product_id end) as product_id,
        max(case when not is_bought and look_rank = 1 then category end) as category

    from ranked

    group by customer_id

),

features as (

    select
        visits.*,
        cast(coalesce(looks.product_count, 0) as int) as looked_product_count,
        cast(coalesce(looks.not_bought_count, 0) as int) as looked_not_bought_count,
        cast(coalesce(looks.looked_twice_count, 0) as int) as looked_twice_count,
        cast(coalesce(looked_categories.category_count, 0) as int) as looked_category_count,
        cast(coalesce(looked_categories.not_bought_count, 0) as int) as looked_category_not_bought_count,
        looks.product_id as looked_product_id,
        looks.category as looked_category

    from visits

    left join looks
        on visits.customer_id = looks.customer_id

    left join looked_categories
        on visits.customer_id = looked_categories.customer_id

)

select * from features
