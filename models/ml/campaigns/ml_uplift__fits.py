"""For each arm of the last campaigns: parameters of its uplift, and what its ranking is worth."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def fit(members, control):
        from clientele.campaigns.uplift.fitting import FIT_TYPES, fit_campaigns

        members = collect(members, key=["campaign_id", "customer_id"]).reset_index()
        features = [name for name in members.columns if name.startswith("x_")]
        return fit_campaigns(members, features=features, control=control), FIT_TYPES

    return fitted_once(
        dbt,
        session,
        fit,
        code="clientele.campaigns.uplift",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        members=dbt.ref("feat_experiment_members"),
    )
