"""Who is in each segment: keys of customers and nothing else, read when somebody downloads them."""

from clientele.dashboard import open_page, small_cells

MEMBERS = """
    select memberships.segmentation, memberships.segment_key, known.place,
        count(*) as customer_count, list(memberships.customer_id order by customer_id) as members
    from marts.fct_segment_memberships as memberships
    join known_customers as known using (customer_id)
    where memberships.is_current
    group by all
    order by memberships.segmentation, memberships.segment_key, known.place
"""

page = open_page()
members = page.frame(MEMBERS)
# A list's length is a figure too.
sizes = members.groupby(["segmentation", "segment_key"], as_index=False)["customer_count"].sum()
sizes = sizes[~small_cells(sizes, "customer_count", page.min_cell, margins=[["segmentation"]])]
shown = members[
    members["segment_key"].isin(sizes["segment_key"]) & (members["customer_count"] >= page.min_cell)
]
page.add_list(
    "members",
    [
        {"segment_key": row.segment_key, "place": row.place, "customer_ids": list(row.members)}
        for row in shown.itertuples()
    ],
)
page.write()
