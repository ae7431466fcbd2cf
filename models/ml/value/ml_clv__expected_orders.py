"""What SQL cannot compute for a customer who is alive, for each distinct history."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def fit(parameters, histories, calibration, **params):
        from clientele.value.scoring import LOOKUP_TYPES, expected_orders

        parameters = collect(parameters, key=["model", "parameter"]).reset_index()
        histories = collect(histories, key=["x", "t"]).reset_index()
        passed = collect(calibration, key="horizon_days")["season_days"].to_dict()
        found = expected_orders(parameters, histories, season_days=passed, **params)
        return found, LOOKUP_TYPES

    return fitted_once(
        dbt,
        session,
        fit,
        code="clientele.value",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        parameters=dbt.ref("ml_clv__parameters"),
        histories=dbt.ref("ml_clv__histories"),
        calibration=dbt.ref("ml_clv__calibration"),
    )
