"""Forecasts of past days measured against what came, model by model."""

from clientele.frames import as_table, collect
from clientele.value.backtesting import BACKTEST_TYPES, backtest


def model(dbt, session):
    customers = collect(
        dbt.ref("feat_customers__backtest"), key=["days_back", "sample_number"]
    ).reset_index()
    found = backtest(customers.rename(columns={"t": "T"}), **dbt.config.meta_get("params"))
    return as_table(session, found, BACKTEST_TYPES)
