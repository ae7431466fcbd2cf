{{ config(enabled=has_reviews(), materialized='table') }}

{%- set content = ['customer_id', 'product_id', 'written_at', 'rating', 'text'] %}
{%- set maps_time = ((var('source')['tables'].get('reviews') or {}).get('columns') or {}).get('written_at') is not none %}

with

reviews as (

    select * from {{ of_persons('reviews') }} as reviews

),

today as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

keyed as (

    select
        reviews.*,
        md5(concat(
            {%- for column in content %}
            coalesce('=' || cast({{ column }} as string), ''), '|'{{ ',' if not loop.last }}
            {%- endfor %}
        )) as content_key

    from reviews

),

numbered as (

    select
        keyed.*,
        row_number() over (partition by keyed.content_key order by keyed.review_id nulls last) as copy_number,
        row_number() over (partition by keyed.review_id order by keyed.written_at nulls last, keyed.content_key) as id_number,
        -- No scale reaches further: a larger number is a key or a year.
        case
            when try_cast(replace(trim(keyed.rating), ',', '.') as decimal(9, 3)) between -1000 and 1000
                then try_cast(replace(trim(keyed.rating), ',', '.') as decimal(9, 3))
        end as rating_number

    from keyed

),

judged as (

    select
        coalesce(numbered.review_id, numbered.content_key) as review_key,
        numbered.customer_id,
        numbered.product_id,
        cast(numbered.written_at as date) as written_date,
        numbered.rating_number as rating,
        numbered.rating is not null and numbered.rating_number is null as is_rating_unreadable,
        numbered.text,
        case
            when numbered.text is null or not {{ has_words('numbered.text') }} then 'no_words'
            {%- if maps_time %}
            when
                numbered.written_at is null
                or numbered.written_at < cast({{ dbt.string_literal(var('earliest_order_date')) }} as timestamp)
                then 'invalid_timestamp'
            {%- endif %}
            when numbered.copy_number > 1 then 'exact_copy'
            when
                cast(numbered.written_at as date) > cast({{ dbt.string_literal(extract_date()) }} as date)
                then 'future_date'
            when cast(numbered.written_at as date) > today.as_of_date then 'after_as_of_date'
            when numbered.review_id is not null and numbered.id_number > 1 then 'repeated_review_id'
        end as reject_reason

    from numbered

    cross join today

),

-- The same reviews are read by fits of one day and of the next.
sampled as (

    select review_key
    from judged
    where reject_reason is null
    order by md5(concat('reviews:', review_key)), review_key
    limit {{ var('reviews_sample_size') }}

),

flagged as (

    select
        judged.*,
        judged.reject_reason is null and sampled.review_key is not null as is_sampled

    from judged

    left join sampled
        on judged.review_key = sampled.review_key

)

select * from flagged
