import numpy as np
import pandas as pd
import pytest
from value_data import shop

from clientele.value.backtesting import BACKTEST_TYPES, backtest, normalised_gini
from clientele.value.forecasts import NAIVE_FORECASTS

KNOBS = {"horizons_days": [90], "origins": 2, "prior_sd": 2.5, "random_seed": 1}


@pytest.fixture(scope="module")
def customers():
    return shop()


@pytest.fixture(scope="module")
def measured(customers):
    return backtest(customers, **KNOBS)


def test_the_gini_is_one_for_the_perfect_order_and_minus_one_for_the_reverse():
    actual = np.array([0, 0, 1, 5, 2])
    assert normalised_gini(actual, actual * 10.0) == pytest.approx(1)
    assert normalised_gini(actual, -actual) == pytest.approx(-1)
    # By hand: areas under the curves through (0, 0), (1/3, 1/4), (1, 1) and (1/3, 3/4), (1, 1).
    assert normalised_gini([1, 3, 0], [2, 1, 0]) == pytest.approx((1 / 6) / (1 / 2))


def test_equal_forecasts_share_their_outcomes():
    assert normalised_gini([3, 0, 1], [1, 1, 1]) == pytest.approx(0)
    first, second = normalised_gini([3, 0, 1], [2, 2, 1]), normalised_gini([0, 3, 1], [2, 2, 1])
    assert first == second


def test_the_gini_is_undefined_if_all_outcomes_are_equal():
    assert np.isnan(normalised_gini([2, 2], [1, 2])) and np.isnan(normalised_gini([], []))


def test_measures_belong_to_the_forecast_of_their_row(customers, measured):
    now = customers[customers["period_number"] == 90].sort_values("sample_number")
    actual, forecast = now["next_orders_90"].to_numpy(), now["past_orders_90"].to_numpy()
    row = measured[
        (measured["target"] == "orders")
        & (measured["model"] == "last_window")
        & (measured["decile"] == 0)
        & (measured["cutoff_date"] == now["as_of_date"].iloc[0])
    ].iloc[0]
    assert row["customer_count"] == len(now) > 300
    assert row["mae"] == pytest.approx(np.abs(actual - forecast).mean())
    assert row["rmse"] == pytest.approx(np.sqrt(((actual - forecast) ** 2).mean()))
    assert row["bias"] == pytest.approx(forecast.sum() / actual.sum() - 1)
    assert row["actual_mean"] == pytest.approx(actual.mean())


def test_deciles_partition_the_customers_by_falling_forecast(measured):
    for _, rows in measured.groupby(["target", "model", "cutoff_date"]):
        rows = rows.set_index("decile")
        parts = rows.loc[1:]
        assert parts.index.tolist() == list(range(1, 11))
        assert parts["customer_count"].sum() == rows.loc[0, "customer_count"]
        assert np.ptp(parts["customer_count"]) <= 1
        assert (parts["predicted_mean"].diff().dropna() <= 1e-12).all()
        total = (parts["actual_mean"] * parts["customer_count"]).sum()
        assert total == pytest.approx(rows.loc[0, "actual_mean"] * rows.loc[0, "customer_count"])


def test_every_model_and_baseline_forecasts_every_target(measured):
    assert list(measured.columns) == list(BACKTEST_TYPES)
    models = {"mbg_nbd", "bg_nbd", "challenger", "blend", *NAIVE_FORECASTS}
    for (target, cutoff), rows in measured.groupby(["target", "cutoff_date"]):
        assert set(rows["model"]) == models, (target, cutoff)
    assert measured["cutoff_date"].nunique() == 2


def test_no_forecast_uses_what_follows_its_day(customers, measured):
    """What followed the last cut-off is scrambled: outcomes change, and no forecast does."""
    rng = np.random.default_rng(9)
    changed = customers.copy()
    last = changed["period_number"] == 90
    for name in ("next_orders_90", "next_amount_90"):
        changed.loc[last, name] = rng.permutation(changed.loc[last, name].to_numpy()) * 3
    again = backtest(changed, **KNOBS)
    pd.testing.assert_series_equal(again["predicted_mean"], measured["predicted_mean"])
    assert not np.allclose(again["rmse"], measured["rmse"])


def test_the_challenger_learns_from_the_window_before(customers, measured):
    changed = customers.copy()
    before = changed["period_number"] == 180
    changed.loc[before, "next_orders_90"] = changed.loc[before, "next_orders_90"] * 2
    again = backtest(changed, **KNOBS | {"origins": 1})

    def predicted(table, model):
        rows = table[(table["target"] == "orders") & (table["decile"] == 0)]
        last = rows[rows["cutoff_date"] == rows["cutoff_date"].max()]
        return last.set_index("model")["predicted_mean"][model]

    assert predicted(again, "challenger") > 1.5 * predicted(measured, "challenger")
    assert predicted(again, "rfm_cell") == pytest.approx(2 * predicted(measured, "rfm_cell"))
    assert predicted(again, "mbg_nbd") == predicted(measured, "mbg_nbd")


def test_the_model_that_customers_follow_wins_and_covers_them():
    overall = backtest(shop(3000, seed=2), **KNOBS).query("decile == 0 and target == 'orders'")
    errors = overall.groupby("model")["rmse"].mean()
    assert (errors["mbg_nbd"] < errors[NAIVE_FORECASTS]).all()
    own = overall[overall["model"] == "mbg_nbd"]
    assert own["bias"].abs().max() < 0.12
    for level in (50, 80, 95):
        assert own[f"coverage_{level}"].mean() == pytest.approx(level / 100, abs=0.02)
    assert overall[overall["model"].isin(NAIVE_FORECASTS)]["coverage_80"].isna().all()


@pytest.mark.parametrize(
    ("missing", "windows", "learns"),
    # Histories of 410 - missing and 320 - missing days; half a window before that to learn from.
    [(0, 2, 2), (180, 2, 2), (190, 2, 1), (230, 2, 1), (231, 1, 1), (320, 1, 0), (321, 0, 0)],
)
def test_windows_with_too_short_a_history_are_left_out(customers, missing, windows, learns):
    short = customers.assign(history_days=customers["history_days"] - missing)
    measured = backtest(short, **KNOBS)
    cutoffs = measured.groupby("model")["cutoff_date"].nunique()
    assert [cutoffs.get(m, 0) for m in ("mbg_nbd", "bg_nbd", "rate", "last_window")] == [
        windows
    ] * 4
    assert [cutoffs.get(m, 0) for m in ("challenger", "blend", "rfm_cell")] == [learns] * 3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [0, 1, 3])
def test_tiny_shops_have_no_null_measures(customers, count):
    chosen = customers[customers["customer_id"].isin(customers["customer_id"].unique()[:count])]
    measured = backtest(chosen, **KNOBS)
    assert list(measured.columns) == list(BACKTEST_TYPES)
    assert measured.empty == (count == 0)
    assert measured[["mae", "rmse", "actual_mean", "predicted_mean"]].notna().all(axis=None)
    assert "challenger" not in set(measured["model"])


@pytest.mark.filterwarnings("error")
def test_a_shop_without_repeat_purchases_is_measured(customers):
    once = customers.assign(x=0, t_x=0, order_value_mean=np.nan)
    for name in ("next_orders_90", "next_amount_90"):
        once[name] = 0
    measured = backtest(once, **KNOBS)
    orders = measured[(measured["target"] == "orders") & (measured["decile"] == 0)]
    assert {"mbg_nbd", "challenger", "rate"} <= set(orders["model"])
    assert orders[["mae", "predicted_mean"]].notna().all(axis=None)
    assert orders["bias"].isna().all() and orders["normalised_gini"].isna().all()
    # Without a spend model there is no forecast of money by it.
    assert "mbg_nbd" not in set(measured.loc[measured["target"] == "amount", "model"])


def test_with_all_orders_counted_amounts_are_forecast_no_worse_and_covered():
    customers = shop(3000, seed=4)
    first = customers["average_order_value"]
    every = customers.assign(order_value_mean=first)
    errors = {}
    for spend_orders, table in (("repeat", customers), ("all", every)):
        measured = backtest(table, spend_orders=spend_orders, **KNOBS)
        rows = measured.query("decile == 0 and target == 'amount' and model == 'mbg_nbd'")
        errors[spend_orders] = rows["rmse"].mean()
        assert rows["coverage_80"].mean() == pytest.approx(0.8, abs=0.03)
    assert errors["all"] < 1.01 * errors["repeat"]


def test_ranges_of_money_learn_their_width_from_days_that_were_over_by_then():
    customers = shop(3000, seed=2)
    # Amounts vary more than orders of the past let expect.
    rng = np.random.default_rng(3)
    spread = np.exp(rng.normal(0, 0.8, len(customers)))
    customers["next_amount_90"] = customers["next_amount_90"] * spread
    rows = backtest(customers, **KNOBS).query("model == 'mbg_nbd' and decile == 0")
    money = rows[rows["target"] == "amount"].set_index("cutoff_date").sort_index()
    first, second = money["range_width"]
    assert first == 1 < second
    scrambled = customers.copy()
    last = scrambled["period_number"] == 90
    scrambled.loc[last, "next_amount_90"] = 1e6
    again = backtest(scrambled, **KNOBS).query("target == 'amount' and decile == 0")
    assert set(again.query("model == 'mbg_nbd'")["range_width"]) == {first, second}
    # The range of the second day is drawn apart by what the first day showed, and holds more.
    even = shop(3000, seed=2)
    even["next_amount_90"] = customers["next_amount_90"].where(
        even["period_number"] == 90, even["next_amount_90"]
    )
    undrawn = backtest(even, **KNOBS).query("target == 'amount' and model == 'mbg_nbd'")
    last = undrawn.query("decile == 0").set_index("cutoff_date").sort_index().iloc[-1]
    assert last["coverage_80"] + 0.005 < money["coverage_80"].iloc[-1] < 0.82
