"""Cohorts: how many customers of each period of first purchases bought again in later periods."""

from clientele.dashboard.tables import OVER_PLACES, Page

# The page has room for these; the marts hold older cohorts too.
MONTHS_SHOWN = 36
# Months are joined to quarters if more than this share of a grid of months would be hidden.
MAX_HIDDEN_SHARE = 0.05
# One row per customer and period that is over. The customers of the first period of the data are no
# cohort: most of them bought before the data begins.
PERIODS = f"""
    create or replace temp table periods as
    with months as (
        select *, max(month_date) over () as last_month,
            min(date_trunc('{{unit}}', cohort_month_date)) over () as first_period
        from marts.fct_customer_months
    )
    select months.customer_id,
        date_trunc('{{unit}}', months.cohort_month_date)::date as cohort_date,
        date_diff('{{unit}}', months.cohort_month_date, months.month_date) as age,
        date_trunc('{{unit}}', months.month_date)::date as period_date,
        date_trunc('{{unit}}', months.cohort_month_date) = months.first_period as is_truncated,
        bool_or(months.is_retained) as is_retained, sum(months.month_net_amount) as net_amount
    from months
    join known_customers using (customer_id)
    where months.cohort_month_date > months.last_month - interval {MONTHS_SHOWN} month
    group by all
    -- A period that is not over would look like churn; its new customers are still a cohort.
    having age = 0 or bool_and(months.is_complete) and max(months.month_date)
        >= date_trunc('{{unit}}', max(months.month_date)) + to_months({{length}} - 1)
"""
COHORTS = """
    select cohort_date, age, is_truncated, any_value(period_date) as period_date,
        count(*) filter (is_retained) as customer_count, sum(net_amount) as net_amount
    from periods
    group by all
    order by all
"""
CURVE = """
    select placed.place, periods.age, count(*) as cohort_size,
        count(distinct periods.cohort_date) as cohort_count,
        count(*) filter (periods.is_retained) as customer_count
    from periods
    join placed_customers as placed using (customer_id)
    where periods.age > 0 and not periods.is_truncated
    group by all
    order by all
"""


def load(page: Page) -> None:
    """Add the page's tables."""
    for unit, length in (("month", 1), ("quarter", 3)):
        page.connection.execute(PERIODS.format(unit=unit, length=length))
        # A cohort's first period is its size. The buyers of a period, or of an age, are a sum.
        hidden = page.add(
            "cohorts",
            COHORTS,
            keys=["cohort_date", "age", "is_truncated"],
            margins=[["period_date"], ["age", "is_truncated"]],
        )
        if hidden.mean() <= MAX_HIDDEN_SHARE:
            break
    page.add_facts("unit", f"select '{unit}' as unit")
    page.add(
        "curve",
        CURVE,
        keys=["place", "age"],
        total=OVER_PLACES,
        margins=[["place"]],
        customers="cohort_size",
        parts={"customer_count": []},
    )
