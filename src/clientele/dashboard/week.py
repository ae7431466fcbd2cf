"""This week: how many customers there is a reason to contact, and what they pay."""

from clientele.dashboard.tables import OVER_PLACES, Page

# `fct_customer_actions` decides whom to contact, and why; `none` is everyone else.
STATES = """
    select customers.customer_id, customers.place, features.recent_amount, features.monetary,
        dims.segment_key, actions.expected_order_date as expected_date,
        coalesce(actions.contact_group, 'none') as state,
        actions.action_reason as reason, actions.recommended_action as action
    from known_customers as customers
    join marts.fct_customer_features as features using (customer_id)
    join marts.fct_customer_actions as actions using (customer_id)
    join marts.dim_customers as dims using (customer_id)
"""
# A country is divided into six groups. Where few customers are in one, the sizes of the group in
# all countries would have to be hidden too.
PLACE_CELLS = 100
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
