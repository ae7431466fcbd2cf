"""The RFM grid: customers and revenue by every pair of scores, and the RFM groups."""

from clientele.dashboard.tables import ALL, OVER_PLACES, Page

GROUPS = """
    select rfm.rfm_group, any_value(segments.segment_key) as segment_key,
        count(*) as customer_count, sum(rfm.monetary) as net_amount,
        avg(rfm.recency_days) as recency_days, avg(rfm.frequency) as frequency
    from marts.fct_customer_rfm as rfm
    left join marts.dim_segments as segments
        on rfm.rfm_group = segments.segment_name and segments.segmentation = 'rfm'
    group by rfm.rfm_group
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
PLACE_CELLS = 100


def load(page: Page) -> None:
    """Add the page's tables."""
    groups = page.frame(GROUPS)
    groups["is_hidden"] = page.add(
        "groups", groups, keys=["rfm_group", "segment_key"], margins=[[]]
    )
    page.add("groups_before", BEFORE, keys=["rfm_group"], margins=[[]])
    cells = page.frame(CELLS)
    # Only the total of all hidden groups is known.
    of_hidden = cells["rfm_group"].isin(groups.loc[groups["is_hidden"], "rfm_group"])
    cells.loc[of_hidden, "rfm_group"] = "hidden"
    cells["is_hidden"] = page.add(
        "cells",
        cells,
        keys=["place", "pair", "x_score", "y_score"],
        margins=[["place", "pair"], ["pair", "x_margin"], ["pair", "y_margin"], ["rfm_group"]],
        total=OVER_PLACES,
        also=of_hidden,
    )
    # What the hidden cells of a grid hold together: anyone who subtracts knows it.
    rests = cells[cells["is_hidden"]].groupby(["place", "pair"], as_index=False)
    rests = rests[["customer_count", "net_amount"]].sum()
    page.add("rests", rests, keys=["place", "pair"])
