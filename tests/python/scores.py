"""Hold what SQL scores of customers' values to what the package computes."""

import numpy as np
import pandas as pd
import yaml
from conftest import PROJECT

VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
MONEY = ["expected_order_value", "clv", "clv_p10", "clv_p50", "clv_p90", "value_at_risk"]
DAYS = ["next_order_days_p10", "next_order_days_p50", "next_order_days_p90"]
KNOBS = {
    "horizons_days": VARS["clv_horizons_days"],
    "annual_discount_rate": VARS["clv_annual_discount_rate"],
    "margin_share": VARS["clv_margin_share"],
}


def histories_of(warehouse):
    return warehouse.frame("from features.feat_customers__purchase_days").set_index("customer_id")


def assert_scored_alike(found, expected):
    """Hold scores in SQL to `score`: numbers to 1e-9, dates to the day."""
    keys = ["customer_id", "horizon_days"]
    expected = expected.reset_index().set_index(keys).sort_index()
    found = found.set_index(keys).sort_index().loc[expected.index]
    for column in ["p_alive", "p_order", "expected_orders", *MONEY]:
        np.testing.assert_allclose(
            found[column].astype(float), expected[column], rtol=1e-9, err_msg=column
        )
    for column in DAYS:
        days = pd.to_datetime(found[column.replace("days", "date")])
        days = (days - pd.Timestamp(found["as_of_date"].iloc[0])).dt.days
        np.testing.assert_array_equal(days, np.ceil(expected[column]), err_msg=column)
