"""How many customers would be in another segment if other reasonable choices had been made."""

from clientele.frames import as_table, stored_versions
from clientele.segmentation.refits import Refit, of_version
from clientele.segmentation.sensitivity import SENSITIVITY_TYPES, sensitivities


def model(dbt, session):
    refit = Refit.collect(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    fitted = of_version(dbt.ref("ml_segmentation__parameters"), refit.version)
    if refit.version in stored_versions(dbt, session):
        fitted = fitted.head(0)
    return as_table(session, sensitivities(refit, fitted), SENSITIVITY_TYPES)
