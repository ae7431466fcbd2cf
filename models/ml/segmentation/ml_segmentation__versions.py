"""The record of each fit, written last: a version without it was never finished."""

from clientele.frames import as_table, stored_versions
from clientele.segmentation.versions import VERSION_TYPES, inputs, of_version, version_rows


def model(dbt, session):
    # Read for the order alone: the record closes a version that is whole.
    dbt.ref("ml_segmentation__sensitivity")
    samples, due_rows, reference = inputs(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    runs = of_version(session, dbt.ref("ml_segmentation__runs"), due_rows)
    parameters = of_version(session, dbt.ref("ml_segmentation__parameters"), due_rows)
    if due_rows["version"].max() in stored_versions(dbt, session):
        runs = runs.head(0)
    found = version_rows(
        samples, runs, parameters, reference, due_rows, **dbt.config.meta_get("params")
    )
    return as_table(session, found, VERSION_TYPES)
