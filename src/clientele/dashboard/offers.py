"""Offers for each customer: names without figures, loaded when a reader looks up a customer.

Products and reasons are stored once and numbered, so that a million customers take some tens of
megabytes.
"""

from clientele.dashboard.tables import Page

# The figures of a reason follow a colon: shares of segments and pairs, perhaps of very few
# customers. The number of further products is a figure of the customer.
OFFERS = """
    select customer_id, list(product_label order by rank) as products,
        list(regexp_replace(
            regexp_replace(reason, ': (who has |[^:]*%).*$', ''),
            ' and [0-9]+ more products that go', ' and others that go'
        ) order by rank) as reasons
    from marts.fct_product_recommendations
    group by customer_id
    order by customer_id
"""


def load(page: Page) -> object:
    """Return each customer's products and reasons, and what their numbers mean."""
    products: dict[str, int] = {}
    reasons: dict[str, int] = {}
    customers = [
        [
            row.customer_id,
            [products.setdefault(product, len(products)) for product in row.products],
            [reasons.setdefault(reason, len(reasons)) for reason in row.reasons],
        ]
        for row in page.frame(OFFERS).itertuples()
    ]
    return {"customers": customers, "products": list(products), "reasons": list(reasons)}
