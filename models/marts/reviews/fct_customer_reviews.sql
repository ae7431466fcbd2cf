{{ config(enabled=has_reviews()) }}

select
    customer_id,
    cast(count(*) as int) as review_count,
    {{ exact_mean('rating') }} as mean_rating,
    {{ exact_mean('sentiment') }} as mean_sentiment,
    cast(count(distinct topic_key) as int) as topic_count,
    max(written_date) as last_review_date

from {{ ref('fct_review_topics') }}

where customer_id is not null

group by customer_id
