{{ config(enabled=has_reviews(), materialized='view') }}

with

reviews as (

    select
        review_key,
        written_date,
        rating,
        text,
        is_sampled,
        {{ words_of('text') }} as words

    from {{ ref('int_reviews') }}

    where reject_reason is null

)

select
    review_key,
    written_date,
    cast(rating as double) as rating,
    text,
    is_sampled,
    {{ terms_of('words') }} as terms

from reviews
