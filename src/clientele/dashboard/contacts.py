"""The list of customers with the action for each, best payers first."""

from clientele.dashboard.tables import Page
from clientele.dashboard.week import ACTIONS

CONTACTS = f"""
    with offers as (
        select customer_id, list(product_label order by rank) as products
        from marts.fct_product_recommendations where rank <= 3 group by customer_id
    )
    select actions.customer_id, actions.place, actions.segment_key, actions.action_key,
        actions.reason, actions.expected_order_date::varchar,
        round(actions.recent_amount, 2)::double, round(actions.monetary, 2)::double,
        coalesce(offers.products, [])
    from ({ACTIONS}) as actions
    left join offers using (customer_id)
    order by actions.recent_amount desc, actions.customer_id
"""


def load(page: Page) -> object:
    """Return a row for each customer."""
    return [list(row) for row in page.connection.execute(CONTACTS).fetchall()]
