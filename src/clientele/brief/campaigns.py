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
            where segment = 'all' and metric in ('margin', 'revenue')
                and customer_count >= $min_cell and control_customer_count >= $min_cell
        )
        select campaign_id, arm, arms, metric, first_assigned_date, verdict, verdict_reason,
            uplift_total, uplift_total_lower, uplift_total_upper, profit_amount
        from results where place <= $shown
        -- Money that stays comes before money that comes in.
        qualify row_number() over (
            partition by campaign_id, arm order by uplift_total is null, metric
        ) = 1
        order by place, arm
        """,
        {"min_cell": min_cell, "shown": SHOWN},
    )
    return [_sentence(row, money) for row in rows]


def _sentence(row: tuple, money) -> str:
    campaign, arm, arms, metric, day, verdict, reason, uplift, lower, upper, profit = row
    who = f"{campaign}, {arm}" if arms > 1 else campaign
    said = f"{who}, from {day_of(day)}: {verdict}."
    if verdict not in CLEAR or uplift is None:
        return f"{said} {reason}"
    said += f" {money(uplift, sign=True)} of {metric}"
    if lower is not None and upper is not None:
        said += f", likely between {money(lower)} and {money(upper)}"
    if profit is not None:
        said += f"; after its cost {money(float(profit), sign=True)}"
    return f"{said}."
