"""What to offer to each customer: names without figures, read when somebody looks one up.

Products and reasons are written once and numbered, so that a million customers are some tens of
megabytes.
"""

from clientele.dashboard import open_page

# A reason's figures follow a colon: shares of segments and pairs, of nobody knows how few; how many
# products go with it is a figure of the customer's.
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

page = open_page()
offers = page.frame(OFFERS)
products: dict[str, int] = {}
reasons: dict[str, int] = {}
customers = [
    [
        row.customer_id,
        [products.setdefault(product, len(products)) for product in row.products],
        [reasons.setdefault(reason, len(reasons)) for reason in row.reasons],
    ]
    for row in offers.itertuples()
]
page.add_list("customers", customers)
page.add_list("products", list(products))
page.add_list("reasons", list(reasons))
page.write()
