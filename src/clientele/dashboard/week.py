"""This week: how many customers there is a reason to contact, and what they pay."""

from clientele.dashboard.tables import OVER_PLACES, Page

# One state per customer: the first that fits. A rhythm needs three days of purchases; it is the
# customer's own mean gap. Who has lapsed, or has bought once long ago, is left in peace.
STATES = """
    select customers.customer_id, customers.place, features.recent_amount, features.monetary,
        dims.segment_key,
        case when features.purchase_day_count >= 3
            then features.last_order_date + round(features.gap_mean_days)::int end
            as expected_date,
        case
            when features.as_of_date - features.first_order_date <= 30 then 'new'
            when features.purchase_day_count >= 3 and dims.lifecycle_stage <> 'lapsed' then case
                when features.recency_days > 2 * features.gap_mean_days then 'at_risk'
                when features.recency_days > features.gap_mean_days then 'overdue'
                when features.recency_days + 7 >= features.gap_mean_days then 'due'
                else 'none'
            end
            when features.purchase_day_count = 1 and features.recency_days <= 180
                then 'second_order'
            else 'none'
        end as state,
        case state
            when 'new' then 'First purchase ' || (features.as_of_date - features.first_order_date)
                || ' days ago'
            when 'second_order' then 'One purchase, ' || features.recency_days || ' days ago'
            when 'none' then null
            else 'Buys every ' || round(features.gap_mean_days)::int || ' days; last purchase '
                || features.recency_days || ' days ago'
        end as reason
    from known_customers as customers
    join marts.fct_customer_features as features using (customer_id)
    join marts.dim_customers as dims using (customer_id)
"""
FIGURES = (
    "count(*) as customer_count, sum(recent_amount) as recent_amount, sum(monetary) as net_amount"
)
BY_PLACE = f"""
    select placed.place, states.state, {FIGURES}
    from ({STATES}) as states
    join placed_customers as placed using (customer_id)
    group by all
    order by all
"""
BY_SEGMENT = f"""
    select segment_key, state, {FIGURES}
    from ({STATES})
    group by all
    order by all
"""


def load(page: Page) -> None:
    """Add the page's tables."""
    page.add("states", BY_PLACE, keys=["place", "state"], margins=[["place"]], total=OVER_PLACES)
    page.add(
        "segments", BY_SEGMENT, keys=["segment_key", "state"], margins=[["segment_key"], ["state"]]
    )
