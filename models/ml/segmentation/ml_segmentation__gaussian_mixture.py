"""Candidate segmentations by a Gaussian mixture, today's and those of the forward cut-off."""

from clientele.frames import as_table
from clientele.segmentation.clustering import CANDIDATE_TYPES
from clientele.segmentation.versions import fitted, inputs


def model(dbt, session):
    samples, due_rows, reference = inputs(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    found = fitted(samples, due_rows, reference, **dbt.config.meta_get("params"))
    return as_table(session, found, CANDIDATE_TYPES)
