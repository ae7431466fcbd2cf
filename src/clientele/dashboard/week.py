"""This week: how many customers each action is for, and what they pay."""

from clientele.dashboard.tables import OVER_PLACES, Page

# Customers who buy as usual, or who are not worth the effort, have an action too.
ACTIONS = """
    select customers.customer_id, customers.place, dims.segment_key, actions.action_key,
        actions.action_reason as reason, actions.expected_order_date, features.recent_amount,
        features.monetary
    from known_customers as customers
    join marts.fct_customer_actions as actions using (customer_id)
    join marts.fct_customer_features as features using (customer_id)
    join marts.dim_customers as dims using (customer_id)
"""
FIGURES = """
    count(*) as customer_count, sum(recent_amount) as recent_amount, sum(monetary) as net_amount
"""
TEXTS = """
    select distinct action_key, action_name, recommended_action from marts.fct_customer_actions
    order by action_key
"""
BY_PLACE = f"""
    select placed.place, actions.action_key, {FIGURES}
    from ({ACTIONS}) as actions
    join placed_customers as placed using (customer_id)
    group by all
    order by all
"""
BY_SEGMENT = f"select segment_key, action_key, {FIGURES} from ({ACTIONS}) group by all order by all"


def load(page: Page) -> None:
    """Add the page's tables."""
    page.add_facts("texts", TEXTS)
    page.add(
        "actions", BY_PLACE, keys=["place", "action_key"], margins=[["place"]], total=OVER_PLACES
    )
    margins = [["segment_key"], ["action_key"]]
    page.add("segments", BY_SEGMENT, keys=["segment_key", "action_key"], margins=margins)
