"""Moves between segments over each period, with the customers' spend before and since."""

from clientele.dashboard import open_page

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
TOTALS = """
    select segmentation, from_as_of_date, to_as_of_date,
        case when from_segment_key = 'none' then 'new' when is_move then 'moved' else 'stayed' end
            as kind,
        sum(customer_count) as customer_count, sum(net_amount_before) as net_amount_before,
        sum(net_amount_after) as net_amount_after
    from marts.fct_segment_migrations
    where to_segment_key <> 'none'
    group by all
    order by all
"""

page = open_page()
period = ["segmentation", "from_as_of_date", "to_as_of_date"]
names = ["from_segment_key", "to_segment_key", "from_segment_name", "to_segment_name"]
moves = page.frame(MOVES)
latest = moves["to_as_of_date"] == moves.groupby("segmentation")["to_as_of_date"].transform("max")
# A reader knows today's sizes, and for RFM groups those of the comparison day. For earlier days a
# reader knows that the customers who leave a segment in a period were in it at the end of the
# period before.
moves["to_margin"] = moves["to_segment_key"].where(latest)
moves["from_margin"] = moves["from_segment_key"].where(latest & (moves["segmentation"] == "rfm"))
came = moves.groupby(["segmentation", "to_as_of_date", "to_segment_key"]).indices
went = moves.groupby(["segmentation", "from_as_of_date", "from_segment_key"]).indices
page.add(
    "moves",
    moves,
    keys=[*period, *names, "kind"],
    margins=[[*period, "from_margin"], [*period, "to_margin"], [*period, "kind"]],
    links=[(rows, went[key]) for key, rows in came.items() if key in went],
)
page.add("totals", TOTALS, keys=[*period, "kind"], margins=[period])
page.write()
