"""A rule of a few comparisons for each segment, and how well it holds."""

from clientele.frames import as_table, collect
from clientele.segmentation.explaining import RULE_TYPES, segment_rules


def model(dbt, session):
    sample = collect(dbt.ref("ml_segments__sample"), key=["segmentation", "customer_id"])
    return as_table(session, segment_rules(sample.reset_index()), RULE_TYPES)
