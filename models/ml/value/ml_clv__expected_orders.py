"""What SQL cannot compute of a customer who is still alive, for each distinct history."""

from clientele.frames import as_table, collect
from clientele.value.clv import LOOKUP_TYPES, expected_orders


def model(dbt, session):
    parameters = collect(dbt.ref("ml_clv__parameters"), key=["model", "parameter"]).reset_index()
    histories = collect(dbt.ref("feat_histories"), key=["x", "t"]).reset_index()
    lookup = expected_orders(
        parameters, histories.rename(columns={"t": "T"}), **dbt.config.meta_get("params")
    )
    return as_table(session, lookup.rename(columns={"T": "t"}), LOOKUP_TYPES)
