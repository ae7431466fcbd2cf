"""Every candidate of a refit measured in one place, and the one that is chosen."""

from clientele.frames import as_table, collect, stored_versions
from clientele.segmentation.judging import RUN_TYPES
from clientele.segmentation.versions import CANDIDATE_KEY, inputs, refit


def model(dbt, session):
    samples, due_rows, reference = inputs(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    fits = collect(dbt.ref("ml_segmentation__candidates"), key=CANDIDATE_KEY).reset_index()
    if due_rows["version"].max() in stored_versions(dbt, session):
        fits = fits.head(0)
    runs = refit(samples, fits, due_rows, reference, **dbt.config.meta_get("params"))
    return as_table(session, runs, RUN_TYPES)
