"""Parameters of the purchase model that won the backtests and of the spend model."""

from clientele.frames import as_table, collect
from clientele.value.backtesting import choose
from clientele.value.clv import PARAMETER_TYPES, fit_clv


def model(dbt, session):
    histories = collect(dbt.ref("feat_customers__clv_sample"), key="customer_id")
    backtests = collect(
        dbt.ref("ml_clv__backtests"),
        key=["target", "model", "cutoff_date", "horizon_days", "decile"],
    )
    params = dbt.config.meta_get("params")
    chosen = choose(backtests.reset_index(), params.pop("model"))
    found = fit_clv(histories.rename(columns={"t": "T"}), model=chosen, **params)
    return as_table(session, found, PARAMETER_TYPES)
