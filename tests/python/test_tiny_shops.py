"""Whole builds of shops with very little data: a documented outcome, never a NaN."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT
from scores import KNOBS, assert_scored_alike, histories_of, season_of

from clientele.sources import load_source
from clientele.value.scoring import score

COLUMNS = "order_id,customer_id,product_id,ordered_at,quantity,unit_price"
SHOPS = {
    "one_customer": ["1,a,mug,2024-05-01 10:00:00,2,5.00"],
    "one_day": [f"{n},{who},mug,2024-05-01 10:00:00,1,5.00" for n, who in enumerate("abc")],
    "nobody_returns": [
        f"{n},{who},{item},2024-0{n + 1}-01 10:00:00,1,{n + 3}.00"
        for n, (who, item) in enumerate(zip("abcd", ["mug", "pan", "mug", "pot"], strict=True))
    ],
    "guests_only": [f"{n},,mug,2024-05-0{n + 1} 10:00:00,1,5.00" for n in range(3)],
}


@pytest.fixture(scope="module")
def build(new_warehouse, tmp_path_factory):
    """Return a function from a shop and vars to its warehouse, built without dbt's tests."""
    folder = tmp_path_factory.mktemp("tiny")
    template = load_source("template", PROJECT / "sources")

    def run(shop, **knobs):
        data = folder / f"{shop}.csv"
        data.write_text("\n".join([COLUMNS, *SHOPS[shop]]) + "\n")
        names = COLUMNS.split(",")
        table = {"path": str(data), "columns": dict(zip(names, names, strict=True))}
        source = template["source"] | {"name": shop, "tables": {"order_lines": table}}
        settings = {"source": source, **knobs}
        warehouse = new_warehouse(shop)
        warehouse.dbt(
            "build", "--vars", json.dumps(settings, default=str), "--warn-error",
            "--exclude-resource-type", "test", "unit_test",
        )  # fmt: skip
        assert warehouse.exit_code == 0, warehouse.output[-3000:]
        return warehouse

    return run


def assert_no_nan(warehouse):
    for table, column in warehouse.query(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'marts' and data_type = 'DOUBLE'"
    ):
        assert warehouse.query(
            f"select count(*) from marts.{table} where isnan({column}) or isinf({column})"
        ) == [(0,)], (table, column)


@pytest.mark.parametrize(("shop", "customers"), [("one_customer", 1), ("one_day", 3)])
def test_a_shop_with_too_few_data_is_forecast_and_marked_unreliable(build, shop, customers):
    warehouse = build(shop)
    assert_no_nan(warehouse)
    values = warehouse.frame("from marts.fct_customer_values")
    horizons = KNOBS["horizons_days"]
    assert len(values) == customers * len(horizons)
    assert not values["is_reliable"].any() and values["reliability_reason"].notna().all()
    assert values["clv"].isna().all()
    assert values[["p_alive", "p_order", "churn_probability"]].stack().between(0, 1).all()
    # About an order a year, by the prior, of someone who is still there.
    year = values[values["horizon_days"] == 365]
    assert (year["expected_orders"] / year["p_alive"]).between(0.5, 1.5).all()
    raised = warehouse.query(
        "select distinct check_name from marts.rpt_value_warnings where is_raised"
    )
    assert {("not_backtested",), ("short_history",), ("spend_not_converged",)} <= set(raised)
    assert warehouse.query("select count(*) from marts.dim_customers") == [(customers,)]


def test_with_all_orders_counted_a_shop_without_repeat_purchases_has_values(build):
    """And SQL scores them as Python does with the same settings, a margin included."""
    warehouse = build("nobody_returns", clv_spend_orders="all", clv_margin_share=0.4)
    assert_no_nan(warehouse)
    found = warehouse.frame("from marts.fct_customer_values")
    assert found["clv"].gt(0).all() and not found["is_reliable"].any()
    histories = histories_of(warehouse)
    assert (histories["x"] == 0).all() and histories["order_value_mean"].tolist() == [3, 4, 5, 6]
    known = warehouse.frame("from features.feat_customers__backtest")
    assert len(known) and known["order_value_mean"].between(3, 6).all()
    parameters = warehouse.frame("from ml.ml_clv__parameters")
    assert set(parameters["model"]) == {"mbg_nbd", "gamma_gamma"}
    knobs = KNOBS | season_of(warehouse) | {"margin_share": 0.4, "spend_orders": "all"}
    expected = score(histories, parameters, **knobs)
    assert_scored_alike(found, expected, warehouse.frame("from ml.ml_clv__seasons"))
    # Who paid more is expected to pay more, but drawn to the mean.
    by_customer = found[found["horizon_days"] == 30].sort_values("customer_id")
    assert np.all(np.diff(by_customer["expected_order_value"]) > 0)
    assert by_customer["expected_order_value"].between(3, 6).all()


def test_without_known_customers_there_are_no_forecasts_and_no_error(build):
    warehouse = build("guests_only")
    assert_no_nan(warehouse)
    for mart in ("fct_customer_values", "fct_model_backtests", "dim_customers"):
        assert warehouse.query(f"select count(*) from marts.{mart}") == [(0,)], mart
    assert warehouse.query("select sum(net_amount) from marts.fct_orders")[0][0] == 15
    warnings = pd.Series(
        dict(
            warehouse.query(
                "select check_name, bool_and(is_raised) from marts.rpt_value_warnings group by 1"
            )
        )
    )
    assert warnings["not_backtested"] and warnings["purchases_not_converged"]


def test_an_unknown_setting_stops_before_anything_is_built(new_warehouse):
    warehouse = new_warehouse("wrong").dbt("build", "--vars", "{clv_spend_orders: first}")
    assert warehouse.exit_code != 0 and not warehouse.database.exists()
    assert "clv_spend_orders='first' is none of repeat, all" in warehouse.output
