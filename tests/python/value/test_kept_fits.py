"""dbt keeps backtests and fits of the sample between builds."""

import json

import duckdb
import pytest

STEPS = ["seasons", "backtests", "parameters", "calibration", "expected_orders"]
FEATURES = [
    "feat_customers__backtest",
    "ml_customers__season_histories",
    "ml_customers__clv_sample",
    "ml_clv__histories",
]
ONE_ORDER_CHANGED = """
    update intermediate.int_orders set gross_amount = gross_amount + 1, net_amount = net_amount + 1
    where order_id = (
        select min(order_id) from intermediate.int_orders
        where is_purchase and customer_id is not null
    )
"""


@pytest.fixture(scope="module")
def build(sample_copy):
    """Return a function that rebuilds the fits and their features, and returns their reasons.

    Before each build every reason is overwritten by `kept`, which stays if nothing is fitted.
    """

    def run(*changes, options=(), **variables):
        with duckdb.connect(str(sample_copy.database)) as connection:
            for step in STEPS:
                connection.execute(f"update ml.ml_clv__{step} set fit_reason = 'kept'")
            for change in changes:
                connection.execute(change)
        models = [f"ml_clv__{step}" for step in STEPS]
        knobs = ["--vars", json.dumps(variables)]
        sample_copy.dbt("run", "--select", *FEATURES, *models, *knobs, *options)
        assert sample_copy.exit_code == 0, sample_copy.output[-3000:]
        return {
            step: sample_copy.query(f"select distinct fit_reason from ml.ml_clv__{step}")[0][0]
            for step in STEPS
        }

    return run


def test_an_unchanged_build_fits_nothing_and_a_change_fits_what_it_decides(build):
    assert build() == dict.fromkeys(STEPS, "kept")
    reasons = build(clv_annual_discount_rate=0.2)
    changed = {"expected_orders": "configuration: annual_discount_rate"}
    assert reasons == dict.fromkeys(STEPS, "kept") | changed
    reasons = build(ONE_ORDER_CHANGED, clv_annual_discount_rate=0.2)
    assert reasons["backtests"] == "data: customers"
    assert reasons["seasons"] == "data: customers"
    assert reasons["parameters"] == "data: backtests"
    assert build(options=["--full-refresh"]) == dict.fromkeys(STEPS, "nothing kept")
