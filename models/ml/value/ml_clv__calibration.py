"""Correction of the probability of an order, learned from the outcomes of past days."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def fit(backtests, parameters, **params):
        from clientele.value.calibration import BACKTEST_KEY, CALIBRATION_TYPES, calibrate

        backtests = collect(backtests, key=BACKTEST_KEY).reset_index()
        models = set(collect(parameters, key=["model", "parameter"]).reset_index()["model"])
        # Without customers no model is fitted, and none has backtests.
        published = next(iter(models - {"gamma_gamma"}), "")
        return calibrate(backtests, model=published, **params), CALIBRATION_TYPES

    return fitted_once(
        dbt,
        session,
        fit,
        code="clientele.value",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        backtests=dbt.ref("ml_clv__backtests"),
        parameters=dbt.ref("ml_clv__parameters"),
    )
