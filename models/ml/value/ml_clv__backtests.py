"""Forecasts of past days measured against the outcome, model by model."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def fit(customers, **params):
        # Imported only if needed: a build that keeps its fit does not wait for scikit-learn.
        from clientele.value.backtesting import BACKTEST_TYPES, backtest

        customers = collect(customers, key=["period_number", "sample_number"]).reset_index()
        return backtest(customers, **params), BACKTEST_TYPES

    return fitted_once(
        dbt,
        session,
        fit,
        code="clientele.value",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        customers=dbt.ref("feat_customers__backtest"),
    )
