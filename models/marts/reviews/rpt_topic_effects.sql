{{ config(enabled=has_reviews()) }}

{#- 95 % for all topics together: the normal quantile of 1 - 0.025 / 12, the most topics that are tried. -#}
{%- set z = 2.865 %}
{%- set days = var('reviews_repeat_days') %}

with

today as (

    select scored_date from {{ ref('ml_reviews__in_force') }}
    where part = 'sentiment'

),

-- Only reviews whose days afterwards are over say what came of them.
reviews as (

    select
        reviews.customer_id,
        reviews.topic_key,
        reviews.written_date

    from {{ ref('fct_review_topics') }} as reviews

    inner join today
        on reviews.written_date <= cast({{ dbt.dateadd('day', -days, 'today.scored_date') }} as date)

    where reviews.customer_id is not null

),

topics as (

    select topic_key from {{ ref('dim_topics') }}

),

-- A customer counts once for a topic: with the first review on it, else with the first review at all.
reviewers as (

    select
        topics.topic_key,
        reviews.customer_id,
        coalesce(
            min(case when reviews.topic_key = topics.topic_key then reviews.written_date end), min(reviews.written_date)
        ) as written_date,
        max(case when reviews.topic_key = topics.topic_key then 1 else 0 end) as has_topic

    from reviews

    cross join topics

    group by topics.topic_key, reviews.customer_id

),

purchase_days as (

    select distinct
        customer_id,
        order_date

    from {{ ref('int_orders') }}

    where is_purchase and customer_id in (select reviews.customer_id from reviews)

),

followed as (

    select
        reviewers.topic_key,
        reviewers.customer_id,
        reviewers.has_topic,
        max(case when purchase_days.order_date is not null then 1 else 0 end) as has_repeated

    from reviewers

    left join purchase_days
        on
            reviewers.customer_id = purchase_days.customer_id
            and reviewers.written_date < purchase_days.order_date
            and purchase_days.order_date <= cast({{ dbt.dateadd('day', days, 'reviewers.written_date') }} as date)

    group by reviewers.topic_key, reviewers.customer_id, reviewers.has_topic

),

counted as (

    select
        topic_key,
        cast(sum(has_topic) as int) as customer_count,
        cast(sum(has_topic * has_repeated) as int) as repeat_customer_count,
        cast(sum(1 - has_topic) as int) as other_customer_count,
        cast(sum((1 - has_topic) * has_repeated) as int) as other_repeat_customer_count

    from followed

    group by topic_key

),

shares as (

    select
        counted.*,
        cast(counted.repeat_customer_count as double) / nullif(counted.customer_count, 0) as repeat_share,
        cast(counted.other_repeat_customer_count as double) / nullif(counted.other_customer_count, 0) as other_repeat_share

    from counted

),

-- Wilson's intervals of both shares, joined by Newcombe's rule.
intervals as (

    select
        shares.*,
        {{ wilson_bound('shares.repeat_share', 'shares.customer_count', '-', z) }} as own_lower,
        {{ wilson_bound('shares.repeat_share', 'shares.customer_count', '+', z) }} as own_upper,
        {{ wilson_bound('shares.other_repeat_share', 'shares.other_customer_count', '-', z) }} as other_lower,
        {{ wilson_bound('shares.other_repeat_share', 'shares.other_customer_count', '+', z) }} as other_upper

    from shares

),

differences as (

    select
        intervals.*,
        intervals.repeat_share - intervals.other_repeat_share as difference,
        intervals.repeat_share - intervals.other_repeat_share
        - sqrt(power(intervals.repeat_share - intervals.own_lower, 2) + power(intervals.other_upper - intervals.other_repeat_share, 2)) as difference_lower,
        intervals.repeat_share - intervals.other_repeat_share
        + sqrt(power(intervals.own_upper - intervals.repeat_share, 2) + power(intervals.other_repeat_share - intervals.other_lower, 2)) as difference_upper

    from intervals

)

select
    topic_key,
    {{ days }} as repeat_days,
    customer_count,
    repeat_customer_count,
    repeat_share,
    other_customer_count,
    other_repeat_customer_count,
    other_repeat_share,
    difference,
    difference_lower,
    difference_upper,
    case
        when difference_lower > 0 then 'more often'
        when difference_upper < 0 then 'less often'
        else 'cannot tell'
    end as verdict

from differences
