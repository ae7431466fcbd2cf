"""Cohorts: of those who first bought in a month, how many bought again in each month since."""

from clientele.dashboard import open_page

SIZES = """
    select placed.place, months.cohort_month_date as cohort_month, count(*) as customer_count
    from marts.fct_customer_months as months
    join placed_customers as placed using (customer_id)
    where months.months_since_first = 0
    group by all
    order by all
"""
COHORTS = """
    select placed.place, months.cohort_month_date as cohort_month,
        months.months_since_first, months.is_complete,
        count(*) filter (months.is_retained) as customer_count, sum(months.net_amount) as net_amount
    from marts.fct_customer_months as months
    join placed_customers as placed using (customer_id)
    where months.months_since_first > 0
    group by all
    order by all
"""

page = open_page()
cohort = ["place", "cohort_month"]
page.add("sizes", SIZES, keys=cohort, margins=[["place"], cohort], by_place=True)
page.add(
    "cohorts",
    COHORTS,
    keys=[*cohort, "months_since_first", "is_complete"],
    margins=[[*cohort, "months_since_first"]],
    by_place=True,
)
page.write()
