"""Who is in each segment: keys of customers and nothing else, read when somebody downloads them."""

from clientele.dashboard import ALL, open_page, small_cells

MEMBERS = """
    select placed.place, memberships.segmentation, memberships.segment_key,
        count(*) as customer_count, list(memberships.customer_id order by customer_id) as members
    from marts.fct_segment_memberships as memberships
    join placed_customers as placed using (customer_id)
    where memberships.is_current
    group by all
    order by all
"""

page = open_page()
members = page.frame(MEMBERS)
# A list's length is a figure too: whose number in a country is not shown is listed without one.
segment = ["segmentation", "segment_key"]
members["is_hidden"] = small_cells(
    members,
    "customer_count",
    page.min_cell,
    margins=[["place", "segmentation"], ["place", *segment]],
    total=("place", ALL),
)
shown, rows = members[~members["is_hidden"]], []
for whole in shown[shown["place"] == ALL].itertuples():
    parts = shown[(shown["segment_key"] == whole.segment_key) & (shown["place"] != ALL)]
    left = set(whole.members)
    for part in parts.itertuples():
        rows.append((whole.segment_key, part.place, list(part.members)))
        left -= set(part.members)
    if left:
        rows.append((whole.segment_key, None, sorted(left)))
page.add_list(
    "members",
    [{"segment_key": key, "place": place, "customer_ids": ids} for key, place, ids in rows],
)
page.write()
