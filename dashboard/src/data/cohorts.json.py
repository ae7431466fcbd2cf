"""Cohorts: of those who first bought in a month, how many bought again in each month since."""

from clientele.dashboard import OVER_PLACES, open_page

# Older cohorts are in the marts; a page has room for so many.
MONTHS_SHOWN = 36
# Of all countries: in one of them most cells would be of too few.
COHORTS = f"""
    with months as (
        select *, max(month_date) over () as last_month from marts.fct_customer_months
    )
    select months.cohort_month_date as cohort_month, months.months_since_first, months.month_date,
        months.is_complete, count(*) filter (months.is_retained) as customer_count,
        sum(months.net_amount) as net_amount
    from months
    join known_customers using (customer_id)
    where months.cohort_month_date > months.last_month - interval {MONTHS_SHOWN} month
    group by all
    order by all
"""
# All cohorts together, months that are over only.
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
# The first month of a cohort is its size. A month's buyers are a sum of cohorts, and so is an age.
page.add(
    "cohorts",
    COHORTS,
    keys=["cohort_month", "months_since_first", "is_complete"],
    margins=[["month_date"], ["months_since_first", "is_complete"]],
)
page.write()
