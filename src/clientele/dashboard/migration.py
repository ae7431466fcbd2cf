"""Moves between segments over each period, with the customers' spend before and since."""

from clientele.dashboard.tables import Page
from clientele.disclosure import small_cells

# Customers who returned every purchase are excluded: two periods would reveal how few they are.
MOVES = """
    with segment_names as (
        select segmentation, segment_key, segment_name
        from marts.dim_segments
    )
    select
        moves.segmentation, moves.from_as_of_date, moves.to_as_of_date,
        moves.from_segment_key, moves.to_segment_key,
        coalesce(former.segment_name, 'Not yet customers') as from_segment_name,
        latter.segment_name as to_segment_name,
        case when moves.from_segment_key = 'none' then 'new' when moves.is_move then 'moved'
            else 'stayed' end as kind,
        moves.customer_count, moves.net_amount_before, moves.net_amount_after
    from marts.fct_segment_migrations as moves
    left join segment_names as former
        on moves.segmentation = former.segmentation
        and moves.from_segment_key = former.segment_key
    join segment_names as latter
        on moves.segmentation = latter.segmentation and moves.to_segment_key = latter.segment_key
    where moves.to_segment_key <> 'none'
    order by moves.segmentation, moves.to_as_of_date desc, moves.customer_count desc,
        moves.from_segment_key, moves.to_segment_key
"""

# All customers who moved or stayed, including those whose own move is hidden.
KIND = (
    """case when from_segment_key = 'none' then 'new' when is_move then 'moved' else 'stayed' end"""
)
KINDS = f"""
    select segmentation, from_as_of_date, to_as_of_date, {KIND} as kind,
        sum(customer_count) as customer_count, sum(net_amount_before) as net_amount_before,
        sum(net_amount_after) as net_amount_after
    from marts.fct_segment_migrations
    where to_segment_key <> 'none'
    group by all
    order by all
"""
FIGURES = ["customer_count", "net_amount_before", "net_amount_after"]


def load(page: Page) -> None:
    """Add the page's tables."""
    period = ["segmentation", "from_as_of_date", "to_as_of_date"]
    names = ["from_segment_key", "to_segment_key", "from_segment_name", "to_segment_name"]
    moves = page.frame(MOVES)
    # Shares are of all who were in a segment, so the page knows how many they were. A reader knows
    # how many are in it at the end: today's sizes, or those that the next period begins with.
    ends = {}
    for end, table in (("from", "froms"), ("to", None)):
        keys = [*period, f"{end}_segment_key", f"{end}_segment_name"]
        sums = moves.groupby(keys, as_index=False)[FIGURES].sum()
        sums["is_hidden"] = (
            page.add(table, sums, keys=keys, margins=[period])
            if table
            else small_cells(sums, "customer_count", page.min_cell, margins=[period])
        )
        # Of the segments that are hidden, only the sum of all is known.
        hidden = moves[keys].merge(sums[[*keys, "is_hidden"]], on=keys, how="left")["is_hidden"]
        moves[f"{end}_margin"] = moves[f"{end}_segment_key"].where(~hidden, "hidden")
        ends[end] = hidden
    page.add(
        "moves",
        moves,
        keys=[*period, *names, "kind"],
        margins=[[*period, "from_margin"], [*period, "to_margin"], [*period, "kind"]],
        also=ends["from"],
    )
    page.add("kinds", KINDS, keys=[*period, "kind"], margins=[period])
