"""The record of each fit, written last: a version without a record was never finished."""

from clientele.frames import as_table, stored_versions
from clientele.segmentation.refits import Refit, of_version, version_rows
from clientele.segmentation.versions import VERSION_TYPES


def model(dbt, session):
    # Read for the order only: the record closes a version that is complete.
    dbt.ref("ml_segmentation__sensitivity")
    refit = Refit.collect(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    made = of_version(dbt.ref("ml_segmentation__runs"), refit.version)
    fitted = of_version(dbt.ref("ml_segmentation__parameters"), refit.version)
    if refit.version in stored_versions(dbt, session):
        made = made.head(0)
    rows = version_rows(refit, made, fitted, **dbt.config.meta_get("params"))
    return as_table(session, rows, VERSION_TYPES)
