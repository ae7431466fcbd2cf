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
    return warehouse.frame("from ml.ml_customers__season_histories").set_index("customer_id")


def season_of(warehouse):
    """Season days, factor of order values and ends of ranges that the published forecasts use."""
    rows = warehouse.query(
        "select horizon_days, season_days, value_factor, low_level, high_level "
        "from ml.ml_clv__calibration"
    )
    return {
        "season_days": {row[0]: row[1] for row in rows},
        "value_factor": rows[0][2],
        "range_ends": {row[0]: row[3:] for row in rows},
    }


def assert_scored_alike(found, expected, seasons):
    """Hold scores in SQL to `score`: numbers to 1e-9, dates to the day of the shop's calendar."""
    reached = pd.to_datetime(seasons.set_index("day_number")["reached_date"])
    keys = ["customer_id", "horizon_days"]
    expected = expected.reset_index().set_index(keys).sort_index()
    found = found.set_index(keys).sort_index().loc[expected.index]
    for column in ["p_alive", "p_order", "expected_orders", *MONEY]:
        np.testing.assert_allclose(
            found[column].astype(float), expected[column], rtol=1e-9, err_msg=column
        )
    for column in DAYS:
        dates = pd.to_datetime(found[column.replace("days", "date")]).to_numpy("datetime64[D]")
        wanted = np.ceil(expected[column]).map(reached)
        # No date is over two years of the calendar away.
        ahead = wanted - pd.to_datetime(seasons.set_index("day_number")["date_day"])[0]
        wanted = wanted.mask(ahead > pd.Timedelta(days=730)).to_numpy("datetime64[D]")
        np.testing.assert_array_equal(dates, wanted, err_msg=column)
