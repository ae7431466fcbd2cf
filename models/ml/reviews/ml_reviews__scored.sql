{{ config(enabled=has_reviews()) }}

{#- The number of topics is known only when they are fitted. -#}
{%- set topics = range(1, var('reviews_topic_counts') | max + 1) -%}

with

fit as (

    select * from {{ ref('ml_reviews__in_force') }}

),

vocabulary as (

    select
        name as term,
        {%- for topic in topics %}
        sum(case when part = 'topic_weight' and topic_number = {{ topic }} then value else 0 end) as topic_{{ topic }},
        {%- endfor %}
        sum(case when part = 'topic_square' then value else 0 end) as topic_square,
        max(case when part = 'sentiment_weight' then value end) as sentiment_weight,
        sum(case when part = 'sentiment_square' then value else 0 end) as sentiment_square

    from fit

    where part in ('topic_weight', 'topic_square', 'sentiment_weight', 'sentiment_square')

    group by name

),

settings as (

    select
        max(case when part = 'floor' then value end) as lowest_weight,
        max(case when part = 'sentiment' then value end) as intercept,
        max(version) as version

    from fit

),

occurrences as (

    select
        review_key,
        {{ each_item('terms') }} as term

    from {{ ref('feat_reviews') }}

),

-- The TF-IDF of a review has the length 1, so its products with the parameters are sums divided by one root.
summed as (

    select
        occurrences.review_key,
        {%- for topic in topics %}
        sum(vocabulary.topic_{{ topic }}) as topic_{{ topic }},
        {%- endfor %}
        sqrt(sum(vocabulary.topic_square)) as topic_length,
        sum(vocabulary.sentiment_weight) as sentiment_weight,
        sqrt(sum(vocabulary.sentiment_square)) as sentiment_length

    from occurrences

    inner join vocabulary
        on occurrences.term = vocabulary.term

    group by occurrences.review_key

),

-- Sums differ in their last digits from one engine, or order of rows, to the next.
weighted as (

    select
        review_key,
        {%- for topic in topics %}
        greatest(round(topic_{{ topic }} / nullif(topic_length, 0), 9), 0) as topic_{{ topic }},
        {%- endfor %}
        -- The lexicon sums words as they are.
        round(sentiment_weight / case when sentiment_length > 0 then sentiment_length else 1 end, 9) as sentiment_weight

    from summed

),

compared as (

    select
        weighted.*,
        greatest({% for topic in topics %}topic_{{ topic }}{{ ', ' if not loop.last }}{% endfor %}) as largest,
        {% for topic in topics %}topic_{{ topic }}{{ ' + ' if not loop.last }}{% endfor %} as total

    from weighted

),

assigned as (

    select
        compared.review_key,
        case
            when compared.largest is null or compared.largest <= settings.lowest_weight then null
            {%- for topic in topics %}
            when compared.topic_{{ topic }} = compared.largest then {{ topic }}
            {%- endfor %}
        end as topic_number,
        compared.largest / nullif(compared.total, 0) as topic_share,
        case
            when compared.sentiment_weight is not null
                then 1 / (1 + exp(-(settings.intercept + compared.sentiment_weight)))
        end as sentiment

    from compared

    cross join settings

)

select
    reviews.review_key,
    settings.version,
    assigned.topic_number,
    topics.name as topic_key,
    case when assigned.topic_number is not null then assigned.topic_share end as topic_share,
    assigned.sentiment

from {{ ref('feat_reviews') }} as reviews

cross join settings

left join assigned
    on reviews.review_key = assigned.review_key

left join fit as topics
    on assigned.topic_number = topics.topic_number and topics.part = 'topic'
