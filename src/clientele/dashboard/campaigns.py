"""The campaigns: what each brought, by segment, arm and metric, and whether it was a fair test."""

from clientele.dashboard.tables import Page

RESULTS = """
    with buyers as (
        select campaign_id, segment, arm, round(treated_mean * customer_count) as treated,
            round(control_mean * control_customer_count) as control
        from marts.fct_campaign_results where metric = 'conversion'
    )
    select campaign_id, arm, metric, segment,
        results.customer_count, results.control_customer_count,
        results.treated_mean, results.control_mean,
        adjusted_uplift_per_customer as uplift, adjusted_uplift_lower as uplift_lower,
        adjusted_uplift_upper as uplift_upper, uplift_total, uplift_total_lower,
        uplift_total_upper, uplift_per_customer as plain_uplift, p_value_adjusted,
        needed_customer_count, cost_amount, profit_amount, profit_lower_amount,
        profit_upper_amount, verdict, verdict_reason,
        -- Means of few buyers are figures of few customers.
        least(
            case when buyers.treated > 0 then buyers.treated else 9e9 end,
            case when buyers.control > 0 then buyers.control else 9e9 end,
            results.control_customer_count
        ) as fewest
    from marts.fct_campaign_results as results
    join buyers using (campaign_id, segment, arm)
    order by first_assigned_date desc, campaign_id, arm, segment <> 'all', segment, metric
"""
TESTS = """
    select campaign_id, arm, any_value(control_arm) as control_arm,
        any_value(is_randomised) as is_randomised,
        any_value(first_assigned_date) as assigned_date, any_value(window_days) as window_days,
        any_value(window_end_date) as window_end_date,
        bool_and(is_window_complete) as is_complete,
        any_value(sample_ratio_p_value) as sample_ratio_p_value,
        any_value(balance_gap) as balance_gap, any_value(placebo_p_value) as placebo_p_value
    from marts.fct_campaign_results
    where segment = 'all'
    group by campaign_id, arm
    order by assigned_date desc, campaign_id, arm
"""
RANKINGS = """
    select campaign_id, arm, ranking, mean_uplift, qini, qini_error, uplift_verdict, comparison
    from marts.rpt_uplift_backtests
    where metric = 'orders'
    order by campaign_id, arm, ranking <> 'uplift', ranking
"""
# What the first tenth of customers, the first two tenths and so on bring by three orders.
LISTS = """
    with scored as (
        select uplift.*, customers.clv
        from marts.fct_customer_uplift as uplift
        join marts.dim_customers as customers using (customer_id)
        where uplift.uplift_verdict = 'customers differ'
    ),
    tenths as (
        select campaign_id, arm, expected_contact_profit as profit, ranking,
            ntile(10) over (
                partition by campaign_id, arm, ranking order by score desc nulls last, customer_id
            ) as tenth
        from (
            select *, 'expected profit' as ranking, expected_contact_profit as score from scored
            union all select *, 'churn risk', churn_probability from scored
            union all select *, 'value', clv from scored
        )
    )
    select campaign_id, arm, ranking, tenth, count(*) as customer_count, sum(profit) as profit
    from tenths
    group by campaign_id, arm, ranking, tenth
    order by campaign_id, arm, ranking, tenth
"""


def load(page: Page) -> None:
    """Add the page's tables; none if the source has no campaigns."""
    if not page.has("fct_campaign_results"):
        return
    results = page.frame(RESULTS)
    page.add(
        "results",
        results.drop(columns="fewest"),
        keys=["campaign_id", "arm", "metric", "segment"],
        total=("segment", "all"),
        also=results["fewest"] < page.min_cell,
    )
    page.add_facts("tests", TESTS)
    if page.has("rpt_uplift_backtests"):
        page.add_facts("rankings", RANKINGS)
        page.add("lists", LISTS, keys=["campaign_id", "arm", "ranking", "tenth"])
