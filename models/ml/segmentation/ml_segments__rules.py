"""A rule of a few comparisons for each segment, and how accurate it is."""

from clientele.frames import as_table, collect
from clientele.segmentation.explaining import CONDITION_TYPES, conditions_of_all


def model(dbt, session):
    sample = collect(dbt.ref("ml_segments__sample"), key=["segmentation", "customer_id"])
    return as_table(session, conditions_of_all(sample.reset_index()), CONDITION_TYPES)
