"""A rule of a few comparisons for each segment, and how accurate it is."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def fit(sample):
        from clientele.segmentation.explaining import CONDITION_TYPES, conditions_of_all

        sample = collect(sample, key=["segmentation", "customer_id"])
        return conditions_of_all(sample.reset_index()), CONDITION_TYPES

    return fitted_once(
        dbt,
        session,
        fit,
        code="clientele.segmentation",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        sample=dbt.ref("ml_segments__sample"),
    )
