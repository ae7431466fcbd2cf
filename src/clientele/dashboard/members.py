"""The list of customers: the segments and the country of each, read when a reader downloads it."""

from clientele.dashboard.tables import Page

# A country is named as in the filters, so that a download follows them.
MEMBERS = """
    select customers.customer_id, customers.place,
        list(memberships.segmentation order by memberships.segmentation) as segmentations,
        list(memberships.segment_key order by memberships.segmentation) as segment_keys
    from known_customers as customers
    join marts.fct_segment_memberships as memberships using (customer_id)
    where memberships.is_current
    group by customers.customer_id, customers.place
    order by customers.customer_id
"""


def load(page: Page) -> object:
    """Return each customer's key, segments and country."""
    rows = page.connection.execute(MEMBERS).fetchall()
    members = [
        [customer, dict(zip(segmentations, keys, strict=True)), place]
        for customer, place, segmentations, keys in rows
    ]
    return {"members": members}
