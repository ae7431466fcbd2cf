"""Customer lifetime value: its distribution, value at risk, and the accuracy of forecasts."""

import pandas as pd

from clientele.dashboard.tables import Page

# Two steps per factor of ten; the lowest step holds everything below 1.
HISTOGRAM = """
    select horizon_days, case when clv < 1 then 0 else 1 + floor(2 * log10(clv))::int end as step,
        count(*) as customer_count, sum(clv) as clv
    from marts.fct_customer_values
    where clv is not null
    group by all
    order by all
"""
SEGMENTS = """
    select memberships.segmentation, memberships.segment_key, segments.segment_name,
        forecasts.horizon_days, count(*) as customer_count,
        sum(forecasts.clv) as clv, avg(forecasts.clv) as clv_mean,
        sum(forecasts.value_at_risk) as value_at_risk,
        -- Rounded to two digits, because the median of an odd number is one customer's own value.
        round_to_two(quantile_cont(forecasts.clv, 0.1)) as q10,
        round_to_two(quantile_cont(forecasts.clv, 0.25)) as q25,
        round_to_two(quantile_cont(forecasts.clv, 0.5)) as q50,
        round_to_two(quantile_cont(forecasts.clv, 0.75)) as q75,
        round_to_two(quantile_cont(forecasts.clv, 0.9)) as q90
    from marts.fct_customer_values as forecasts
    join marts.fct_segment_memberships as memberships using (customer_id)
    join marts.dim_segments as segments
        on memberships.segmentation = segments.segmentation
        and memberships.segment_key = segments.segment_key
    where memberships.is_current
    group by all
    order by memberships.segmentation, forecasts.horizon_days, clv desc nulls last
"""
RISK = """
    select memberships.segmentation, memberships.segment_key, forecasts.horizon_days,
        forecasts.churn_risk, count(*) as customer_count, sum(forecasts.clv) as clv,
        sum(forecasts.value_at_risk) as value_at_risk
    from marts.fct_customer_values as forecasts
    join marts.fct_segment_memberships as memberships using (customer_id)
    where memberships.is_current
    group by all
    order by all
"""
# The totals include hidden cells. Next to a forecast that cannot be trusted stands what the same
# customers bought in as many days before.
TOTALS = """
    with recent as (
        select horizons.horizon_days, sum(orders.net_amount) as recent_amount
        from (select distinct horizon_days, as_of_date from marts.fct_customer_values) as horizons
        join marts.fct_orders as orders
            on orders.order_date > horizons.as_of_date - horizons.horizon_days
        where orders.is_purchase and orders.customer_id is not null
        group by horizons.horizon_days
    )
    select horizon_days, count(*) as customer_count, sum(clv) as clv,
        sum(value_at_risk) as value_at_risk, any_value(recent_amount) as recent_amount
    from marts.fct_customer_values left join recent using (horizon_days)
    group by horizon_days
"""
DECILES = """
    select target, horizon_days, cutoff_date, decile, customer_count, actual_mean, predicted_mean,
        case when target = 'return' then round(actual_mean * customer_count) end as return_count
    from marts.fct_model_backtests
    where is_published and decile > 0
    order by all
"""
MODELS = """
    select target, horizon_days, cutoff_date, model, is_published, is_baseline, customer_count,
        actual_mean, predicted_mean, mae, bias, normalised_gini, coverage_50, coverage_80,
        coverage_95
    from marts.fct_model_backtests
    where decile = 0
    order by all
"""
WARNINGS = """
    select horizon_days, check_name, severity, meaning
    from marts.rpt_value_warnings
    where is_raised
    order by horizon_days, check_number
"""
RELIABLE = """
    select horizon_days, any_value(model) as model, any_value(reliability) as reliability,
        any_value(reliability_reason) as reliability_reason
    from marts.fct_customer_values
    group by horizon_days
    order by horizon_days
"""


def load(page: Page) -> None:
    """Add the page's tables."""
    page.frame(
        "create temp macro round_to_two(x) as "
        "case when x > 0 then round(x, 1 - floor(log10(x))::int) else x end"
    )
    segment = ["segmentation", "segment_key", "horizon_days"]
    steps = joined_steps(page.frame(HISTOGRAM), page.min_cell)
    page.add(
        "histogram", steps, keys=["horizon_days", "step", "to_step"], margins=[["horizon_days"]]
    )
    page.add(
        "segments",
        SEGMENTS,
        keys=[*segment, "segment_name"],
        margins=[["segmentation", "horizon_days"]],
    )
    page.add(
        "risk",
        RISK,
        keys=[*segment, "churn_risk"],
        margins=[segment, ["segmentation", "horizon_days", "churn_risk"]],
    )
    page.add("totals", TOTALS, keys=["horizon_days"])
    past_day = ["target", "horizon_days", "cutoff_date"]
    page.add(
        "deciles",
        DECILES,
        keys=[*past_day, "decile"],
        margins=[past_day],
        parts={"return_count": ["actual_mean"]},
    )
    page.add("models", MODELS, keys=[*past_day, "model", "is_published", "is_baseline"])
    page.add_facts("warnings", WARNINGS)
    page.add_facts("reliability", RELIABLE)


def joined_steps(steps: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Join steps of too few customers with the next higher one, and at the end with the last."""
    joined: list[dict] = []
    for _, rows in steps.groupby("horizon_days"):
        bars: list[dict] = []
        for row in rows.to_dict("records"):
            if bars and bars[-1]["customer_count"] < min_cell:
                row |= {key: row[key] + bars[-1][key] for key in ("customer_count", "clv")}
                row["from"] = bars.pop()["from"]
            bars.append(row | {"to_step": row["step"] + 1, "from": row.get("from", row["step"])})
        if len(bars) > 1 and bars[-1]["customer_count"] < min_cell:
            last = bars.pop()
            for key in ("customer_count", "clv"):
                bars[-1][key] += last[key]
            bars[-1]["to_step"] = last["to_step"]
        joined += bars
    table = pd.DataFrame(
        joined, columns=["horizon_days", "from", "to_step", "customer_count", "clv"]
    )
    return table.rename(columns={"from": "step"})
