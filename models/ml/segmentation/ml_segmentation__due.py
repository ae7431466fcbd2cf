"""The reasons for a refit of the segmentations, and the configuration that it would use."""

from clientele.frames import as_table, collect
from clientele.segmentation.drift import DUE_TYPES, due
from clientele.segmentation.refits import split


def model(dbt, session):
    sample = collect(
        dbt.ref("feat_customers__segmentation_sample"), key=["as_of_date", "customer_id"]
    ).reset_index()
    reference = collect(
        dbt.ref("ml_segmentation__reference"), key=["segmentation", "prototype_id", "feature"]
    ).reset_index()
    as_of_dates = collect(dbt.ref("int_as_of_dates"), key="period_number")
    today, _ = split(sample)
    reasons = due(
        today,
        reference,
        as_of_date=as_of_dates.loc[0, "as_of_date"],
        **dbt.config.meta_get("params"),
    )
    return as_table(session, reasons, DUE_TYPES)
