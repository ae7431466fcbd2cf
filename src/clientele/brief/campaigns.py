"""What the last campaigns brought, if the publication has their results."""

from clientele.brief.conditions import day_of

RESULTS = "fct_campaign_results"
NEEDED = (
    "campaign_id", "segment", "arm", "metric", "verdict", "verdict_reason", "first_assigned_date",
    "customer_count", "control_customer_count", "uplift_total", "uplift_total_lower",
    "uplift_total_upper", "profit_amount",
)  # fmt: skip
SHOWN = 3
# Verdicts that are shown with figures; for all others the reason is shown.
CLEAR = ("worked", "did not")


def last_campaigns(reader, money, min_cell: int) -> list[str]:
    """Return a sentence for each arm of the last campaigns, the latest first.

    There are none without the mart of results, and none of an arm of fewer than ``min_cell``
    customers. ``money`` writes an amount.
    """
    if not reader.has(RESULTS, *NEEDED):
        return []
    rows = reader.rows(
        f"""
        with results as (
            select *,
                dense_rank() over (order by first_assigned_date desc, campaign_id desc) as place,
                count(distinct arm) over (partition by campaign_id) as arms
            from now.marts.{RESULTS}
            where segment = 'all' and metric in ('margin', 'orders', 'revenue')
                and customer_count >= $min_cell and control_customer_count >= $min_cell
        )
        select money.campaign_id, money.arm, money.arms, money.metric, money.first_assigned_date,
            money.verdict, money.verdict_reason, money.uplift_total, money.uplift_total_lower,
            money.uplift_total_upper, money.profit_amount, orders.verdict,
            orders.uplift_total, orders.uplift_total_lower, orders.uplift_total_upper
        from results as money
        left join results as orders
            on money.campaign_id = orders.campaign_id and money.arm = orders.arm
            and orders.metric = 'orders'
        where money.place <= $shown and money.metric != 'orders'
        -- Money that stays comes before money that comes in.
        qualify row_number() over (
            partition by money.campaign_id, money.arm
            order by money.uplift_total is null, money.metric
        ) = 1
        order by money.place, money.arm
        """,
        {"min_cell": min_cell, "shown": SHOWN},
    )
    return [_sentence(row, money) for row in rows]


def _sentence(row: tuple, money) -> str:
    campaign, arm, arms, metric, day, verdict, reason, *figures = row
    uplift, lower, upper, profit, *orders = figures
    who = f"{campaign}, {arm}" if arms > 1 else campaign
    said = f"{who}, from {day_of(day)}: "
    if verdict not in CLEAR or uplift is None:
        return said + _orders(metric, *orders) + f"{verdict}. {reason}"
    said += f"{verdict}. {money(uplift, sign=True)} of {metric}"
    if lower is not None and upper is not None:
        said += f", likely between {money(lower)} and {money(upper)}"
    if profit is not None:
        said += f"; after its cost {money(float(profit), sign=True)}"
    return f"{said}."


def _orders(metric, verdict, uplift, lower, upper) -> str:
    """Return what is clear about orders, which vary less than money, before money's own verdict."""
    if verdict not in CLEAR or uplift is None or lower is None or upper is None:
        return ""
    return (
        f"orders {verdict}, {uplift:+,.0f}, likely between {lower:,.0f} and {upper:,.0f}; {metric} "
    )
