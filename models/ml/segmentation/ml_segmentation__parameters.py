"""The chosen fit of each segmentation as numbers, its segments with the keys they keep."""

from clientele.frames import as_table, collect, stored_versions
from clientele.segmentation.versions import (
    CANDIDATE_KEY,
    PARAMETER_TYPES,
    inputs,
    of_version,
    promoted_parameters,
)


def model(dbt, session):
    samples, due_rows, reference = inputs(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    fits = collect(dbt.ref("ml_segmentation__candidates"), key=CANDIDATE_KEY).reset_index()
    runs = of_version(session, dbt.ref("ml_segmentation__runs"), due_rows)
    itemsets = of_version(session, dbt.ref("ml_baskets__itemsets"), due_rows)
    if due_rows["version"].max() in stored_versions(dbt, session):
        runs = runs.head(0)
    found = promoted_parameters(
        samples, fits, runs, reference, itemsets, **dbt.config.meta_get("params")
    )
    return as_table(session, found, PARAMETER_TYPES)
