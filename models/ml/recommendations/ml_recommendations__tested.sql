{%- set settings = recommendation_settings() -%}

with

candidates as (

    select * from {{ ref('ml_recommendations__candidates') }}
    where period = 'earlier'

),

new_products as (

    select * from {{ ref('feat_customer_new_products') }}

),

preferences as (

    select * from {{ ref('ml_recommendations__preferences') }}

),

judged as (

    select
        candidates.customer_id,
        candidates.product_id,
        candidates.method,
        candidates.method_rank,
        case when new_products.product_id is null then 0 else 1 end as is_hit

    from candidates

    left join new_products
        on
            candidates.customer_id = new_products.customer_id
            and candidates.product_id = new_products.product_id

),

offers as (

    select
        firsts.method as listing,
        judged.customer_id,
        judged.product_id,
        judged.is_hit,
        judged.method,
        judged.method_rank,
        case when judged.method = firsts.method then 0 else preferences.preference end as method_preference

    from judged

    inner join preferences
        on judged.method = preferences.method

    cross join preferences as firsts

),

{{ filled_lists() }},

lists as (

    select
        method,
        false as is_filled,
        customer_id,
        method_rank as place,
        product_id,
        is_hit = 1 as is_hit
    from judged

    union all

    select
        listing as method,
        true as is_filled,
        customer_id,
        cast(place as int) as place,
        product_id,
        is_hit = 1 as is_hit
    from filled
    where place <= {{ settings.longest }}

)

select * from lists
