"""How many customers would be in another segment had other reasonable choices been made."""

from clientele.frames import as_table, stored_versions
from clientele.segmentation.versions import SENSITIVITY_TYPES, inputs, of_version, sensitivities


def model(dbt, session):
    samples, due_rows, _ = inputs(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    parameters = of_version(session, dbt.ref("ml_segmentation__parameters"), due_rows)
    if due_rows["version"].max() in stored_versions(dbt, session):
        parameters = parameters.head(0)
    found = sensitivities(samples, parameters, **dbt.config.meta_get("params"))
    return as_table(session, found, SENSITIVITY_TYPES)
