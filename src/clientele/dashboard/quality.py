"""Data quality: the outcome of raw lines, warnings, and the accuracy of models."""

import pandas as pd

from clientele.dashboard.tables import Page

# These are lines, not customers, but the customers behind a figure cannot outnumber its lines.
LINES = """
    select reason, severity, meaning, row_count, amount
    from marts.rpt_data_quality
    order by case when reason = 'accepted' then 0 else 1 end, row_count desc, reason
"""
ALL_LINES = """
    select sum(row_count) as row_count,
        sum(case when reason <> 'accepted' then row_count else 0 end) as rejected_count
    from marts.rpt_data_quality
"""
WARNINGS = """
    select horizon_days, check_name, severity, is_raised, measured, threshold, meaning
    from marts.rpt_value_warnings
    order by is_raised desc, check_number, horizon_days
"""
DRIFT = """
    select as_of_date, measure, value, threshold, is_exceeded
    from marts.rpt_segmentation_drift
    order by is_exceeded desc, measure
"""
VERSIONS = """
    select segmentation, version, as_of_date, method, feature_set, segment_count, refit_reason,
        agreement, is_promoted, is_in_force, reason
    from marts.fct_segmentation_versions
    order by segmentation, version desc
"""
FORECASTS = """
    select target, horizon_days, any_value(model) as model, min(customer_count) as customer_count,
        avg(normalised_gini) as normalised_gini, avg(bias) as bias, avg(mae) as mae,
        avg(coverage_80) as coverage_80, count(*) as cutoff_count
    from marts.fct_model_backtests
    where is_published and decile = 0
    group by target, horizon_days
    order by target, horizon_days
"""
LISTS = """
    select method, k, customer_count, hit_rate, hit_rate_gain
    from marts.fct_recommendation_backtests
    where is_chosen and scope = 'all'
    order by k
"""
RULES = """
    select scope, item_level, tested_rule_count, replicated_rule_count, replicated_share
    from marts.fct_association_rule_runs
    order by all
"""


def load(page: Page) -> None:
    """Add the page's tables."""
    lines = joined_reasons(page.frame(LINES), page.min_cell)
    page.add(
        "lines",
        lines,
        keys=["reason", "severity", "meaning"],
        customers="row_count",
        margins=[[]],
    )
    page.add("all_lines", ALL_LINES, keys=[], customers="row_count")
    page.add_facts("warnings", WARNINGS)
    page.add_facts("drift", DRIFT)
    page.add_facts("versions", VERSIONS)
    page.add("forecasts", FORECASTS, keys=["target", "horizon_days", "model"])
    page.add("lists", LISTS, keys=["method", "k"])
    page.add_facts("rules", RULES)


def joined_reasons(lines: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Join reasons of too few lines with the next larger one, so that no amount is lost."""
    rows = lines[lines["row_count"] > 0].sort_values("row_count").to_dict("records")
    joined: list[dict] = []
    while rows:
        row = rows.pop(0)
        if row["row_count"] < min_cell and rows:
            larger = rows[0]
            rows[0] = {
                name: larger[name] + row[name]
                if name in ("row_count", "amount")
                else "; ".join(dict.fromkeys([larger[name], row[name]]))
                for name in larger
            }
            rows.sort(key=lambda one: one["row_count"])
        else:
            joined.append(row)
    joined.sort(key=lambda one: (one["reason"] != "accepted", -one["row_count"], one["reason"]))
    return pd.DataFrame(joined, columns=lines.columns)
