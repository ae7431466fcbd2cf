"""The chosen fit of each segmentation as numbers, its segments with the keys they keep."""

from clientele.frames import as_table, stored_versions
from clientele.segmentation.refits import Refit, of_version, parameters
from clientele.segmentation.versions import VERSION_PARAMETER_TYPES


def model(dbt, session):
    refit = Refit.collect(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    made = of_version(dbt.ref("ml_segmentation__runs"), refit.version)
    itemsets = of_version(dbt.ref("ml_baskets__itemsets"), refit.version)
    if refit.version in stored_versions(dbt, session):
        made = made.head(0)
    fitted = parameters(refit, made, itemsets, **dbt.config.meta_get("params"))
    return as_table(session, fitted, VERSION_PARAMETER_TYPES)
