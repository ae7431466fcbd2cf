"""The members of each segment: customer keys only, loaded when a reader downloads them."""

from clientele.dashboard import open_page
from clientele.disclosure import small_cells

# Without countries: a customer hidden in one segmentation could be found in another.
MEMBERS = """
    select segmentation, segment_key, count(*) as customer_count,
        list(customer_id order by customer_id) as members
    from marts.fct_segment_memberships
    where is_current
    group by all
    order by all
"""

page = open_page()
members = page.frame(MEMBERS)
# The length of a list is a figure too.
hidden = small_cells(members, "customer_count", page.min_cell, margins=[["segmentation"]])
page.add_list(
    "members",
    [
        {"segment_key": row.segment_key, "customer_ids": list(row.members)}
        for row in members[~hidden].itertuples()
    ],
)
page.write()
