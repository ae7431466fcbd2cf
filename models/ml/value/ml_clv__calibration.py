"""What makes the probability of an order agree with the shares that ordered on past days."""

from clientele.frames import as_table, collect
from clientele.value.backtesting import CALIBRATION_TYPES, calibrate


def model(dbt, session):
    backtests = collect(
        dbt.ref("ml_clv__backtests"),
        key=["target", "model", "cutoff_date", "horizon_days", "decile"],
    )
    parameters = collect(dbt.ref("ml_clv__parameters"), key=["model", "parameter"]).reset_index()
    published = [name for name in parameters["model"].unique() if name != "gamma_gamma"]
    found = calibrate(
        backtests.reset_index(), model="".join(published), **dbt.config.meta_get("params")
    )
    return as_table(session, found, CALIBRATION_TYPES)
