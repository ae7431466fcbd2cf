"""The RFM grid: customers and money by every pair of scores, and the groups made of them."""

from clientele.dashboard import open_page

CELLS = """
    with pairs as (
        select placed.place, rfm.monetary, pair.*
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
        sum(monetary) as net_amount, avg(monetary) as mean_amount
    from pairs
    group by all
    order by all
"""
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

page = open_page()
page.add(
    "cells",
    CELLS,
    keys=["place", "pair", "x_score", "y_score"],
    margins=[
        ["place", "pair"],
        ["place", "pair", "x_score"],
        ["place", "pair", "y_score"],
        ["pair", "x_score", "y_score"],
    ],
    by_place=True,
)
for name, sql in (("groups", GROUPS), ("groups_before", BEFORE)):
    page.add(
        name,
        sql,
        keys=["place", "rfm_group"],
        margins=[["place"], ["place", "rfm_group"]],
        by_place=True,
    )
page.write()
