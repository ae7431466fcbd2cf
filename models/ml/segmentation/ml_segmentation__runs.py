"""The candidates of a refit: every method on every feature set, measured, and one chosen."""

from clientele.frames import as_table, stored_versions
from clientele.segmentation.choosing import RUN_TYPES
from clientele.segmentation.refits import Refit, runs


def model(dbt, session):
    refit = Refit.collect(
        dbt.ref("feat_customers__segmentation_sample"),
        dbt.ref("ml_baskets__sample"),
        dbt.ref("ml_segmentation__due"),
        dbt.ref("ml_segmentation__reference"),
    )
    refit.is_due &= refit.version not in stored_versions(dbt, session)
    return as_table(session, runs(refit), RUN_TYPES)
