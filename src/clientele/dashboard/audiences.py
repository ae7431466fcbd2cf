"""The audiences: how many customers each has, in which arm, in how many others, and its plan."""

import pandas as pd

from clientele.dashboard.tables import Page

AUDIENCES = """
    select audience, description, condition, order_by, after_audiences, channel, contact_cap,
        planned_holdout_share, rest_days, contact_cost_amount,
        customer_count, treated_count, control_count, value, campaign_cost_amount
    from marts.dim_audiences
    order by customer_count desc, audience
"""
SETTINGS = [
    "audience", "description", "condition", "order_by", "after_audiences", "channel",
    "contact_cap", "planned_holdout_share", "rest_days", "contact_cost_amount",
]  # fmt: skip
# Who would be contacted by both, with what each has besides.
OVERLAPS = """
    with members as (
        select audience, customer_id from marts.fct_audience_members
        where arm <> 'global_holdout'
    ),
    sized as (
        select audience, customer_id, count(*) over (partition by audience) as size from members
    )
    select a.audience, b.audience as other_audience, count(*) as customer_count,
        any_value(a.size) - count(*) as rest_count, any_value(b.size) - count(*) as other_rest_count
    from sized as a
    join sized as b on a.customer_id = b.customer_id and a.audience < b.audience
    group by all
    order by customer_count desc, a.audience, b.audience
"""
PLANS = """
    select audience, metric, window_days, customer_count, control_count, treated_count,
        detectable_effect, detectable_share, holdout_forgone,
        case when baseline_customer_count >= $min_cell then baseline_mean end as baseline_mean,
        case when baseline_customer_count >= $min_cell then needed_customer_count end
            as needed_customer_count,
        case when baseline_customer_count >= $min_cell then needed_holdout_share end
            as needed_holdout_share
    from marts.fct_campaign_plans
    order by customer_count desc, audience, metric
"""
# Bands, because of two sums that differ by few customers these few could be derived.
RESTING = """
    with days as (
        select datediff('day', campaigns.last_campaign_date, about.as_of_date) as days_ago
        from marts.fct_customer_campaigns as campaigns
        cross join marts.publications as about
    )
    select
        case
            when days_ago < 7 then 0 when days_ago < 14 then 7 when days_ago < 30 then 14
            when days_ago < 60 then 30 else 60
        end as from_days,
        count(*) as customer_count
    from days
    group by all
    order by all
"""


def load(page: Page) -> None:
    """Add the page's tables."""
    # The smallest effect that can be found follows from the sizes of both arms, and so do costs.
    page.add(
        "audiences",
        AUDIENCES,
        keys=SETTINGS,
        parts={"control_count": ["treated_count", "campaign_cost_amount"]},
    )
    overlaps = page.frame(OVERLAPS)
    rests = overlaps[["rest_count", "other_rest_count"]]
    too_few = ((rests > 0) & (rests < page.min_cell)).any(axis=1)
    page.add(
        "overlaps",
        overlaps.drop(columns=list(rests)),
        keys=["audience", "other_audience"],
        also=pd.Series(too_few, index=overlaps.index),
    )
    page.add(
        "plans",
        page.frame(PLANS.replace("$min_cell", str(page.min_cell))),
        keys=["audience", "metric", "window_days"],
        parts={
            "control_count": [
                "treated_count", "detectable_effect", "detectable_share", "holdout_forgone",
            ]
        },
    )  # fmt: skip
    if page.has("fct_customer_campaigns"):
        page.add("resting", RESTING, keys=["from_days"])
