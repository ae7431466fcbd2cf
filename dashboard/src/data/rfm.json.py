"""The RFM grid: customers and money by every pair of scores, and the groups made of them."""

from clientele.dashboard import ALL, OVER_PLACES, open_page

GROUPS = """
    select rfm_group, count(*) as customer_count, sum(monetary) as net_amount,
        avg(recency_days) as recency_days, avg(frequency) as frequency
    from marts.fct_customer_rfm
    group by all
    order by net_amount desc
"""
# A group a quarter ago holds those who are customers still.
BEFORE = """
    select previous_rfm_group as rfm_group, count(*) as customer_count
    from marts.fct_customer_rfm
    where previous_rfm_group is not null
    group by all
    order by all
"""
# By country recency and frequency only: three grids of the same few customers tell too much.
CELLS = f"""
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
        where placed.place = '{ALL}' or pair.pair = 'rf'
    )
    select place, pair, x_score, y_score, count(*) as customer_count,
        sum(monetary) as net_amount, avg(monetary) as mean_amount,
        -- What the grids have in common: the numbers of each score, and groups are made of cells.
        any_value(case when place = '{ALL}' then x_score end) as x_margin,
        any_value(case when place = '{ALL}' then y_score end) as y_margin,
        any_value(case when place = '{ALL}' and pair = 'rf' then rfm_group end) as rfm_group
    from pairs
    group by all
    order by all
"""

# A country in 25 cells.
page = open_page(place_cells=100)
groups = page.frame(GROUPS)
groups["is_hidden"] = page.add("groups", groups, keys=["rfm_group"], margins=[[]])
page.add("groups_before", BEFORE, keys=["rfm_group"], margins=[[]])
cells = page.frame(CELLS)
# What is known of hidden groups is what they are together.
of_hidden = cells["rfm_group"].isin(groups.loc[groups["is_hidden"], "rfm_group"])
cells.loc[of_hidden, "rfm_group"] = "hidden"
page.add(
    "cells",
    cells,
    keys=["place", "pair", "x_score", "y_score"],
    margins=[["place", "pair"], ["pair", "x_margin"], ["pair", "y_margin"], ["rfm_group"]],
    total=OVER_PLACES,
    also=of_hidden,
)
page.write()
