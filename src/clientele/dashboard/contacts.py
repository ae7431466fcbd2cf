"""The list of customers to contact this week, best payers first."""

from clientele.dashboard.tables import Page
from clientele.dashboard.week import STATES

CONTACTS = f"""
    with offers as (
        select customer_id, list(product_label order by rank) as products
        from marts.fct_product_recommendations where rank <= 3 group by customer_id
    )
    select states.customer_id, states.place, states.segment_key, states.state, states.action,
        states.reason, states.expected_date::varchar, round(states.recent_amount, 2)::double,
        round(states.monetary, 2)::double, coalesce(offers.products, [])
    from ({STATES}) as states
    left join offers using (customer_id)
    where states.state <> 'none'
    order by states.recent_amount desc, states.customer_id
"""


def load(page: Page) -> object:
    """Return a row for each customer with a reason to be contacted."""
    return [list(row) for row in page.connection.execute(CONTACTS).fetchall()]
