{{ config(enabled=has_reviews()) }}

with

reviews as (

    select * from {{ ref('int_reviews') }}
    where reject_reason is null

),

scored as (

    select * from {{ ref('ml_reviews__scored') }}

)

select
    reviews.review_key,
    reviews.customer_id,
    reviews.product_id,
    reviews.written_date,
    cast({{ dbt.date_trunc('month', 'reviews.written_date') }} as date) as review_month,
    reviews.rating,
    scored.topic_key,
    scored.topic_share,
    scored.sentiment,
    scored.version as topics_version

from reviews

inner join scored
    on reviews.review_key = scored.review_key
