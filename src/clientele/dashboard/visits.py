"""Visits: how far they lead by segment and channel, carts left, and the visits before orders."""

from clientele.dashboard.tables import Page

STAGES = ["view", "cart", "checkout", "order"]
WIDE = ", ".join(
    f"max(funnel_session_count) filter (funnel_stage = '{stage}') as {stage}_sessions, "
    f"max(funnel_customer_count) filter (funnel_stage = '{stage}') as {stage}_customers"
    for stage in STAGES
)
# Of unknown visitors there are at most as many people as sessions. Events may begin later.
FUNNELS = f"""
    select breakdown, group_name,
        greatest(
            max(start_date), (select min(session_date) from marts.fct_sessions)
        ) as start_date,
        max(case when group_name = 'unknown visitor' then funnel_session_count
            else funnel_customer_count end) filter (funnel_stage = 'visit') as customer_count,
        max(funnel_session_count) filter (funnel_stage = 'visit') as session_count, {WIDE}
    from marts.fct_funnels
    where period = 'recent'
    group by breakdown, group_name
    order by breakdown, session_count desc, group_name
"""
WEEKS = f"""
    select start_date,
        max(funnel_customer_count) filter (funnel_stage = 'visit') as customer_count,
        max(funnel_session_count) filter (funnel_stage = 'visit') as session_count, {WIDE}
    from marts.fct_funnels
    where period = 'week' and breakdown = 'all' and is_complete
    group by start_date
    order by start_date
"""
TOUCHES = """
    select coalesce(last_channel, 'no visit seen') as channel, count(*) as last_count,
        count(distinct customer_id) as customer_count
    from marts.fct_order_touches
    group by all
    order by last_count desc, channel
"""
LOOKS = """
    select coalesce(products.product_label, visits.looked_product_id) as product,
        count(*) as customer_count
    from marts.fct_customer_visits as visits
    left join marts.dim_products as products
        on visits.looked_product_id = products.product_id
    where looked_product_id is not null
    group by all
    order by customer_count desc, product
    limit 20
"""
EVENTS = """
    select reason, meaning, event_count
    from marts.rpt_event_quality
    where event_count > 0
    order by reason_number
"""
# So that shares are of all, not of what is shown.
TOTALS = """
    select (select count(*) from marts.fct_order_touches) as purchase_count,
        (select sum(event_count) from marts.rpt_event_quality) as event_count
"""


def load(page: Page) -> None:
    """Add the page's tables; none if the source has no events."""
    if not page.has("fct_funnels"):
        return
    parts = {f"{stage}_customers": [f"{stage}_sessions"] for stage in STAGES}
    # Carts left are the sessions with a cart less those with an order.
    parts["cart_customers"] = parts["order_customers"] = ["cart_sessions", "order_sessions"]
    page.add(
        "funnels",
        FUNNELS,
        keys=["breakdown", "group_name", "start_date"],
        margins=[["breakdown"]],
        parts=parts,
    )
    page.add("weeks", WEEKS, keys=["start_date"], parts=parts)
    page.add("touches", TOUCHES, keys=["channel"], margins=[[]])
    page.add("looks", LOOKS, keys=["product"])
    page.add("events", EVENTS, keys=["reason", "meaning"], customers="event_count", margins=[[]])
    page.add_facts("totals", TOTALS)
