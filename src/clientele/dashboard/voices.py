"""Voices: what customers write about, how they feel, and whether it goes with buying again."""

from clientele.dashboard.tables import Page

# Someone who is not known counts as a customer of one review. Segments with few reviewers are one
# with those who have none: most of their figures would be hidden, and some of others with them.
REVIEWS = """
    create temp table reviews as
    with written as (
        select coalesce(topic_key, 'none') as topic_key, rating, sentiment, review_month,
            written_date, coalesce(reviews.customer_id, 'review ' || review_key) as reviewer,
            coalesce(customers.segment_key, 'none') as segment_key
        from marts.fct_review_topics as reviews
        left join marts.dim_customers as customers using (customer_id)
    ),
    sized as (
        select segment_key, count(distinct reviewer) as reviewers from written group by all
    ),
    smaller as (
        select segment_key, reviewers, sum(reviewers) over (
            order by segment_key <> 'none', reviewers, segment_key
            rows between unbounded preceding and 1 preceding
        ) as before
        from sized
    )
    select written.* replace (
        case when reviewers < {least} or before < {least} then 'none' else segment_key end
        as segment_key
    )
    from written join smaller using (segment_key)
"""
TOPICS = """
    select topic_key, scopes.segment_key, count(distinct reviewer) as customer_count,
        count(*) as review_count, avg(sentiment) as sentiment, avg(rating)::double as rating
    from reviews
    cross join lateral (
        values (segment_key), ('all')
    ) as scopes (segment_key)
    group by all
    order by all
"""
WRITERS = """
    select scopes.segment_key, count(distinct reviewer) as customer_count,
        count(*) as review_count
    from reviews
    cross join lateral (values (segment_key), ('all')) as scopes (segment_key)
    group by all
    order by all
"""
# By quarter where a topic has few reviews a month.
PERIODS = """
    with unit as (
        select case when count(*) >= {least} * count(distinct (topic_key, review_month))
            then 'month' else 'quarter' end as unit
        from reviews where review_month is not null
    )
    select scopes.topic_key, date_trunc(unit.unit, written_date)::date as period_date, unit.unit,
        count(distinct reviewer) as customer_count, count(*) as review_count,
        avg(sentiment) as sentiment
    from reviews cross join unit
    cross join lateral (values (topic_key), ('all')) as scopes (topic_key)
    where written_date is not null
    group by all
    order by all
"""
NAMES = "select topic_key, topic_name, words from marts.dim_topics order by topic_key"
EXAMPLES = """
    select topic_key, unnest([1, 2, 3]) as place, unnest([example_1, example_2, example_3]) as text,
        greatest(reviewer_count, review_count - reviewer_count) as customer_count
    from marts.dim_topics
    order by topic_key, place
"""
EFFECTS = """
    select topic_key, customer_count, repeat_share, other_repeat_share, difference,
        difference_lower, difference_upper, verdict, repeat_days,
        -- Shares of few buyers, or of few who did not buy, are figures of few customers.
        least(
            repeat_customer_count, customer_count - repeat_customer_count,
            other_repeat_customer_count, other_customer_count - other_repeat_customer_count
        ) as fewest
    from marts.rpt_topic_effects
    order by topic_key
"""
BACKTESTS = """
    select model, is_used, review_count, auc, brier, calibration_gap
    from marts.rpt_sentiment_backtests order by is_used desc, auc desc, model
"""


def load(page: Page) -> None:
    """Add the page's tables; none if the source has no reviews."""
    if not page.has("fct_review_topics"):
        return
    page.connection.execute(REVIEWS.format(least=20 * page.min_cell))
    page.add_facts("names", NAMES)
    page.add(
        "topics", TOPICS, keys=["topic_key", "segment_key"], margins=[["segment_key"]],
        total=("segment_key", "all"),
    )  # fmt: skip
    page.add("writers", WRITERS, keys=["segment_key"], total=("segment_key", "all"))
    page.add(
        "periods", PERIODS.format(least=3 * page.min_cell),
        keys=["topic_key", "period_date", "unit"],
        margins=[["topic_key"]], total=("topic_key", "all"),
    )  # fmt: skip
    page.add("examples", EXAMPLES, keys=["topic_key", "place"])
    effects = page.frame(EFFECTS)
    page.add(
        "effects", effects.drop(columns="fewest"), keys=["topic_key", "repeat_days"],
        also=effects["fewest"] < page.min_cell,
    )  # fmt: skip
    page.add_facts("backtests", BACKTESTS)
