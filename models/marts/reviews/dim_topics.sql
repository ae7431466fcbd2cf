{{ config(enabled=has_reviews()) }}

with

fit as (

    select * from {{ ref('ml_reviews__in_force') }}

),

topics as (

    select
        fit.topic_number,
        fit.name as topic_key,
        fit.label as topic_name,
        fit.version as topics_version,
        fit.fitted_date

    from fit

    where fit.part = 'topic'

),

today as (

    select scored_date from fit
    where part = 'sentiment'

),

words as (

    select
        topic_number,
        {{ joined_in_order('name', 'value') }} as words

    from fit

    where part = 'word'

    group by topic_number

),

shown as (

    select {{ all_items('name') }} as shown_words
    from fit
    where part = 'shown'

),

reviews as (

    select
        scored.topic_key,
        scored.sentiment,
        reviews.customer_id,
        reviews.review_key,
        reviews.text,
        row_number() over (
            partition by scored.topic_key
            order by
                -- A text that is neither a word nor a page, of the last year, that is most about the topic.
                case when length(reviews.text) between 20 and 400 then 0 else 1 end,
                case
                    when reviews.written_date > cast({{ dbt.dateadd('day', -365, 'today.scored_date') }} as date) then 0
                    else 1
                end,
                scored.topic_share desc,
                md5(reviews.review_key),
                reviews.review_key
        ) as example_number

    from {{ ref('ml_reviews__scored') }} as scored

    inner join {{ ref('int_reviews') }} as reviews
        on scored.review_key = reviews.review_key and reviews.reject_reason is null

    cross join today

    where scored.topic_key is not null

),

counted as (

    select
        topic_key,
        cast(count(*) as int) as review_count,
        cast(count(distinct customer_id) as int) as reviewer_count,
        {{ exact_mean('sentiment') }} as mean_sentiment

    from reviews

    group by topic_key

),

chosen as (

    select
        reviews.topic_key,
        reviews.example_number,
        {{ redacted('substr(reviews.text, 1, 400)', 'shown.shown_words') }} as example

    from reviews

    cross join shown

    where reviews.example_number <= 3

),

examples as (

    select
        topic_key,
        max(case when example_number = 1 then example end) as example_1,
        max(case when example_number = 2 then example end) as example_2,
        max(case when example_number = 3 then example end) as example_3

    from chosen

    group by topic_key

)

select
    topics.topic_key,
    topics.topic_name,
    words.words,
    coalesce(counted.review_count, 0) as review_count,
    coalesce(counted.reviewer_count, 0) as reviewer_count,
    counted.mean_sentiment,
    examples.example_1,
    examples.example_2,
    examples.example_3,
    topics.topics_version,
    topics.fitted_date

from topics

left join words
    on topics.topic_number = words.topic_number

left join counted
    on topics.topic_key = counted.topic_key

left join examples
    on topics.topic_key = examples.topic_key
