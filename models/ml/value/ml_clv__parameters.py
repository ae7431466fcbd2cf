"""Parameters of the published purchase model and of the spend model."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def fit(backtests, histories, model, **params):
        from clientele.value.calibration import BACKTEST_KEY, choose_purchase_model
        from clientele.value.fitting import CLV_PARAMETER_TYPES, fit_clv

        chosen = choose_purchase_model(collect(backtests, key=BACKTEST_KEY).reset_index(), model)
        histories = collect(histories, key="customer_id")
        return fit_clv(histories, model=chosen, **params), CLV_PARAMETER_TYPES

    return fitted_once(
        dbt,
        session,
        fit,
        code="clientele.value",
        source_name=dbt.config.meta_get("source_name"),
        params=dbt.config.meta_get("params"),
        as_of_dates=dbt.ref("int_as_of_dates"),
        backtests=dbt.ref("ml_clv__backtests"),
        histories=dbt.ref("ml_customers__clv_sample"),
    )
