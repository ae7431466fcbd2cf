"""Why the segmentations are due for a refit, if they are."""

from clientele.frames import as_table, collect
from clientele.segmentation.versions import DUE_TYPES, due, split


def model(dbt, session):
    sample = collect(
        dbt.ref("feat_customers__segmentation_sample"), key=["as_of_date", "customer_id"]
    ).reset_index()
    reference = collect(
        dbt.ref("ml_segmentation__reference"), key=["segmentation", "prototype_id", "feature"]
    ).reset_index()
    now, _ = split(sample)
    as_of_date = now["as_of_date"].max()
    found = due(now, reference, as_of_date=as_of_date, **dbt.config.meta_get("params"))
    return as_table(session, found, DUE_TYPES)
