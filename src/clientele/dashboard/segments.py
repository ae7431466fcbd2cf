"""Segments: size, drivers, rule in SQL, recommended action, and value."""

from clientele.dashboard.tables import OVER_PLACES, Page

SEGMENTS = """
    select segmentation, segment_key, segment_name, version, made_by, customer_count,
        customer_share, net_amount, revenue_share, recency_days_mean, frequency_mean,
        monetary_mean, sql_rule, rule_precision, rule_recall, recommended_action, is_small
    from marts.dim_segments
    order by segmentation, net_amount desc
"""
# The denominators of a segment's shares in a country.
PLACE_TOTALS = """
    select placed.place, count(*) as customer_count, sum(features.monetary) as net_amount
    from placed_customers as placed
    join marts.fct_customer_features as features using (customer_id)
    group by placed.place
"""
PLACES = """
    select placed.place, memberships.segmentation, memberships.segment_key,
        count(*) as customer_count, sum(features.monetary) as net_amount,
        avg(features.recency_days) as recency_days_mean, avg(features.frequency) as frequency_mean
    from marts.fct_segment_memberships as memberships
    join placed_customers as placed using (customer_id)
    join marts.fct_customer_features as features using (customer_id)
    where memberships.is_current
    group by all
    order by all
"""
DRIVERS = """
    select drivers.segmentation, drivers.segment_key, drivers.measure, drivers.driver_rank,
        drivers.standardised_difference, drivers.segment_mean, drivers.others_mean, drivers.driver,
        segments.customer_count
    from marts.fct_segment_drivers as drivers
    join marts.dim_segments as segments using (segmentation, segment_key)
    order by all
"""
MONTHS = """
    select segmentation, segment_key, month_date, month_customer_count as customer_count,
        month_order_count as order_count, month_net_amount as net_amount, average_order_value
    from marts.fct_segment_metrics
    order by all
"""
VALUES = """
    select segmentation, segment_key, horizon_days, customer_count, clv, clv_p10, clv_p90,
        value_at_risk, is_reliable
    from marts.fct_segment_values
    order by all
"""


# Of a share, the customers with the value: too few, or all but a few, say who they are.
PROFILES = """
    select segmentation, segment_key, attribute, attribute_value, kind, profile_rank,
        known_count as customer_count, unknown_share, segment_value, others_value, difference,
        difference_low, difference_high, standardised_difference,
        is_different and not is_feature as is_different,
        case when attribute_value <> 'mean' then round(segment_value * known_count) end
            as value_count
    from marts.fct_segment_profiles
    where not is_sensitive
    order by segmentation, segment_key, profile_rank
"""
PROFILE_FIGURES = [
    "segment_value", "others_value", "difference", "difference_low", "difference_high",
    "standardised_difference", "is_different", "profile_rank",
]  # fmt: skip


SCOPES = "select distinct scope from marts.fct_association_rule_runs order by scope"


def load(page: Page) -> None:
    """Add the page's tables."""
    segment = ["segmentation", "segment_key"]
    page.add_facts("scopes", SCOPES)
    page.add("totals", PLACE_TOTALS, keys=["place"], total=OVER_PLACES)
    page.add("segments", SEGMENTS, keys=segment, margins=[["segmentation"]])
    page.add(
        "places",
        PLACES,
        keys=["place", *segment],
        margins=[["place", "segmentation"]],
        total=OVER_PLACES,
    )
    page.add(
        "drivers",
        DRIVERS,
        keys=[*segment, "measure"],
        margins=[["segmentation", "measure"]],
    )
    if page.has("fct_segment_profiles"):
        page.add(
            "profiles",
            PROFILES,
            keys=[*segment, "attribute", "attribute_value", "kind"],
            margins=[
                ["segmentation", "attribute", "attribute_value"],
                [*segment, "attribute"],
            ],
            parts={"value_count": PROFILE_FIGURES},
        )
    page.add(
        "months",
        MONTHS,
        keys=[*segment, "month_date"],
        margins=[["segmentation", "month_date"], segment],
    )
    page.add(
        "values",
        VALUES,
        keys=[*segment, "horizon_days"],
        margins=[["segmentation", "horizon_days"]],
    )
