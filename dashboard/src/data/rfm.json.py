"""The RFM grid: customers and revenue by every pair of scores, and the RFM groups."""

from clientele.dashboard import ALL, OVER_PLACES, open_page

GROUPS = """
    select rfm_group, count(*) as customer_count, sum(monetary) as net_amount,
        avg(recency_days) as recency_days, avg(frequency) as frequency
    from marts.fct_customer_rfm
    group by all
    order by net_amount desc
"""
# A group on the comparison day counts today's customers only.
BEFORE = """
    select previous_rfm_group as rfm_group, count(*) as customer_count
    from marts.fct_customer_rfm
    where previous_rfm_group is not null
    group by all
    order by all
"""
# By country, recency and frequency only: three grids of the same few customers reveal too much.
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
        -- The grids share the totals of each score, and groups consist of cells.
        any_value(case when place = '{ALL}' then x_score end) as x_margin,
        any_value(case when place = '{ALL}' then y_score end) as y_margin,
        any_value(case when place = '{ALL}' and pair = 'rf' then rfm_group end) as rfm_group
    from pairs
    group by all
    order by all
"""

# A country is divided into 25 cells.
page = open_page(place_cells=100)
groups = page.frame(GROUPS)
groups["is_hidden"] = page.add("groups", groups, keys=["rfm_group"], margins=[[]])
page.add("groups_before", BEFORE, keys=["rfm_group"], margins=[[]])
cells = page.frame(CELLS)
# Only the total of all hidden groups is known.
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
