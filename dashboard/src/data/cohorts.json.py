"""Cohorts: how many customers of each month of first purchases bought again in later months."""

from clientele.dashboard import OVER_PLACES, open_page

# The page has room for these; the marts hold older cohorts too.
MONTHS_SHOWN = 36
# For all countries together: in one country most cells would have too few customers.
COHORTS = f"""
    with months as (
        select *, max(month_date) over () as last_month from marts.fct_customer_months
    )
    select months.cohort_month_date as cohort_month, months.months_since_first, months.month_date,
        months.is_complete, count(*) filter (months.is_retained) as customer_count,
        sum(months.month_net_amount) as net_amount
    from months
    join known_customers using (customer_id)
    where months.cohort_month_date > months.last_month - interval {MONTHS_SHOWN} month
    group by all
    order by all
"""
# All cohorts together, complete months only.
CURVE = f"""
    with months as (
        select *, max(month_date) over () as last_month from marts.fct_customer_months
    )
    select placed.place, months.months_since_first, count(*) as cohort_size,
        count(*) filter (months.is_retained) as customer_count
    from months
    join placed_customers as placed using (customer_id)
    where months.cohort_month_date > months.last_month - interval {MONTHS_SHOWN} month
        and months.is_complete and months.months_since_first > 0
    group by all
    order by all
"""

page = open_page()
page.add(
    "curve",
    CURVE,
    keys=["place", "months_since_first"],
    total=OVER_PLACES,
    margins=[["place"]],
    customers="cohort_size",
    parts={"customer_count": []},
)
# A cohort's first month is its size. The buyers of a month, or of an age, are a sum over cohorts.
page.add(
    "cohorts",
    COHORTS,
    keys=["cohort_month", "months_since_first", "is_complete"],
    margins=[["month_date"], ["months_since_first", "is_complete"]],
)
page.write()
