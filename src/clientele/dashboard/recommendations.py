"""The backtest of recommendations, by list length and segment, and the most offered products."""

from clientele.dashboard.tables import Page

BACKTESTS = """
    select backtests.method, backtests.is_filled, backtests.scope,
        coalesce(segments.segment_name, 'All customers') as scope_name, backtests.k,
        backtests.customer_count,
        round(backtests.hit_rate * backtests.customer_count) as hit_count, backtests.hit_rate,
        backtests.hit_rate_se,
        backtests.hit_rate_gain, backtests.mrr, backtests.precision_at_k, backtests.recall_at_k,
        backtests.catalogue_coverage, backtests.is_chosen
    from marts.fct_recommendation_backtests as backtests
    left join marts.dim_segments as segments
        on backtests.scope = segments.segment_key
    order by backtests.scope, backtests.k, backtests.hit_rate desc, backtests.method
"""
# A product offered to few customers could identify them.
PRODUCTS = """
    select product_id, any_value(product_label) as product_label,
        count(distinct customer_id) as customer_count
    from marts.fct_product_recommendations
    group by product_id
    order by customer_count desc, product_id
"""


def load(page: Page) -> None:
    """Add the page's tables."""
    rates = ["hit_rate", "hit_rate_se", "hit_rate_gain", "mrr", "precision_at_k", "recall_at_k"]
    page.add(
        "backtests",
        BACKTESTS,
        keys=["method", "is_filled", "k", "scope"],
        total=("scope", "all"),
        margins=[["method", "is_filled", "k"]],
        parts={"hit_count": rates},
    )
    page.add("products", PRODUCTS, keys=["product_id", "product_label"])
