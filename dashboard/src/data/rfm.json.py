"""The RFM grid: customers and money by every pair of scores, and the groups made of them."""

from clientele.dashboard import OVER_PLACES, open_page

GROUPS = """
    select placed.place, rfm.rfm_group, count(*) as customer_count,
        sum(rfm.monetary) as net_amount, avg(rfm.recency_days) as recency_days,
        avg(rfm.frequency) as frequency
    from marts.fct_customer_rfm as rfm
    join placed_customers as placed using (customer_id)
    group by all
    order by place, net_amount desc
"""
# A group a quarter ago holds those who are customers still.
BEFORE = """
    select placed.place, rfm.previous_rfm_group as rfm_group, count(*) as customer_count
    from marts.fct_customer_rfm as rfm
    join placed_customers as placed using (customer_id)
    where rfm.previous_rfm_group is not null
    group by all
    order by all
"""
CELLS = """
    with pairs as (
        select placed.place, rfm.monetary, rfm.rfm_group, pair.*
        from marts.fct_customer_rfm as rfm
        join placed_customers as placed using (customer_id)
        cross join lateral (
            values
                ('rf', rfm.f_score, rfm.r_score),
                ('mf', rfm.f_score, rfm.m_score),
                ('rm', rfm.m_score, rfm.r_score)
        ) as pair (pair, x_score, y_score)
    )
    select place, pair, x_score, y_score, count(*) as customer_count,
        sum(monetary) as net_amount, avg(monetary) as mean_amount,
        -- Groups are made of cells of recency and frequency, and so are sums of them.
        any_value(case when pair = 'rf' then rfm_group end) as rfm_group
    from pairs
    group by all
    order by all
"""

# A country in 25 cells.
page = open_page(place_cells=100)
sums = {"margins": [["place"]], "total": OVER_PLACES}
groups = page.frame(GROUPS)
groups["is_hidden"] = page.add("groups", groups, keys=["place", "rfm_group"], **sums)
page.add("groups_before", BEFORE, keys=["place", "rfm_group"], **sums)
cells = page.frame(CELLS).merge(
    groups[["place", "rfm_group", "is_hidden"]], on=["place", "rfm_group"], how="left"
)
# What is known of hidden groups is what they are together.
of_hidden = cells.pop("is_hidden").fillna(False).astype(bool)
cells.loc[of_hidden, "rfm_group"] = "hidden"
score = ["pair", "x_score", "y_score"]
page.add(
    "cells",
    cells,
    keys=["place", *score],
    margins=[
        ["place", "pair"],
        ["place", "pair", "x_score"],
        ["place", "pair", "y_score"],
        ["place", "rfm_group"],
    ],
    total=OVER_PLACES,
    also=of_hidden,
)
page.write()
