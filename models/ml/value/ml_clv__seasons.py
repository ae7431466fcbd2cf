"""The shop's calendar: how many average days each day counts, in the past and ahead."""

from clientele.fits import fitted_once
from clientele.frames import collect


def model(dbt, session):
    def fit(customers, **params):
        from clientele.value.seasons import SEASON_TYPES, calendar_of

        key = ["period_number", "sample_number"]
        today = collect(customers.filter("period_number = 0"), key=key).reset_index()
        table = calendar_of(today, **params).table()
        return table.head(len(table) * min(len(today), 1)), SEASON_TYPES

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
