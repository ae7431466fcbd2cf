import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from clientele.value.calibration import calibrate, choose_purchase_model


def races(*ratios):
    """Backtests in which BG/NBD errs by these ratios of what MBG/NBD errs by, window by window."""
    rows = []
    for window, ratio in enumerate(ratios):
        place = {"target": "orders", "decile": 0, "horizon_days": 30, "cutoff_date": window}
        rows += [place | {"model": "mbg_nbd", "rmse": 2.0}]
        rows += [place | {"model": "bg_nbd", "rmse": 2.0 * ratio}]
        rows += [place | {"model": "rate", "rmse": 0.1}]
        rows += [place | {"model": "bg_nbd", "rmse": 0.1, "decile": 1}]
    columns = ["target", "decile", "horizon_days", "cutoff_date", "model", "rmse"]
    return pd.DataFrame(rows, columns=columns)


def test_bg_nbd_is_published_only_if_its_error_is_clearly_lower():
    assert choose_purchase_model(races(0.9, 1.05)) == "bg_nbd"
    assert choose_purchase_model(races(0.995, 0.995)) == "mbg_nbd"
    assert choose_purchase_model(races(1.2)) == "mbg_nbd"
    assert choose_purchase_model(races()) == "mbg_nbd"


def test_the_var_fixes_the_model_and_must_name_one():
    assert choose_purchase_model(races(0.5), "mbg_nbd") == "mbg_nbd"
    assert choose_purchase_model(races(), "bg_nbd") == "bg_nbd"
    with pytest.raises(ValueError, match="clv_model='pareto' is none of mbg_nbd, bg_nbd"):
        choose_purchase_model(races(), "pareto")


def shares(*windows, model="mbg_nbd", horizon=30):
    """Backtests of what was said and what came, a row per tenth of 100 customers each."""
    rows = [
        {"target": "return", "model": model, "horizon_days": horizon, "cutoff_date": number}
        | {"decile": decile, "customer_count": 100, "predicted_mean": told, "actual_mean": came}
        for number, window in enumerate(windows)
        for decile, (told, came) in enumerate(window, start=1)
    ]
    columns = ["target", "model", "horizon_days", "cutoff_date", "decile", "customer_count"]
    more = ["predicted_mean", "actual_mean", "bias", "season_days", "value_factor", "range_width"]
    return pd.DataFrame(rows, columns=[*columns, *more])


def totals(*days, model="mbg_nbd"):
    """Backtests of all customers: (target, bias), and today's forecast after them."""
    place = {"model": model, "horizon_days": 30, "decile": 0}
    rows = [
        place | {"target": target, "cutoff_date": number, "customer_count": 100, "bias": bias}
        for number, (target, bias) in enumerate(days)
    ]
    ahead = {"target": "orders", "cutoff_date": len(days), "season_days": 21.5}
    rows.append(place | ahead | {"value_factor": 1.1, "range_width": 1.2})
    return pd.DataFrame(rows)


def test_todays_season_days_and_the_errors_of_past_totals_are_those_of_the_model():
    rows = pd.concat([totals(("orders", 0.5), ("orders", -0.5), ("amount", 0.1)), shares()])
    other = totals(("orders", 9.0), model="bg_nbd").assign(season_days=99.0)
    result = calibrate(pd.concat([rows, other]), model="mbg_nbd", horizons_days=[30, 90])
    result = result.set_index("horizon_days")
    assert result.loc[30, ["season_days", "value_factor"]].tolist() == [21.5, 1.1]
    low, high = result.loc[30, ["low_level", "high_level"]]
    assert (low, high) == pytest.approx((norm.cdf(1.2 * norm.ppf(0.1)), 1 - low))
    squares = np.log(1.5) ** 2 + np.log(0.5) ** 2 + 0.2**2
    assert result.loc[30, "orders_error"] == pytest.approx(np.sqrt(squares / 3))
    assert result.loc[30, "value_error"] == pytest.approx(np.sqrt((np.log(1.1) ** 2 + 0.2**2) / 2))
    # Nothing is known of the longer horizon.
    assert result.loc[90, ["season_days", "value_factor"]].tolist() == [90, 1]
    assert result.loc[90, ["low_level", "high_level"]].tolist() == [0.1, 0.9]
    assert result.loc[90, ["orders_error", "value_error"]].tolist() == [0.2, 0.2]


TOLD = np.linspace(0.9, 0.05, 10)


def shifted(by, slope=1.0):
    return list(zip(TOLD, expit(by + slope * logit(TOLD)), strict=True))


def test_a_model_that_is_always_too_certain_is_corrected_and_the_gap_is_out_of_time():
    windows = [shifted(0.6, 0.7), shifted(0.5, 0.7), shifted(0.55, 0.75)]
    result = calibrate(shares(*windows), model="mbg_nbd", horizons_days=[30]).iloc[0]
    assert result["is_recalibrated"] and result["window_count"] == 3
    # Three windows, and one more that needed none: three quarters of the mean correction.
    assert result["intercept"] == pytest.approx(0.75 * 0.55, abs=0.03)
    assert result["slope"] == pytest.approx(1 + 0.75 * (0.72 - 1), abs=0.03)
    raw = np.mean([abs(told - came) for window in windows[1:] for told, came in window])
    assert raw > 0.1 and 0 <= result["gap"] < 0.05


def test_a_bias_that_changes_sign_between_windows_is_not_corrected():
    windows = [shifted(0.5), shifted(-0.5), shifted(0.5)]
    result = calibrate(shares(*windows), model="mbg_nbd", horizons_days=[30]).iloc[0]
    assert not result["is_recalibrated"] and (result["intercept"], result["slope"]) == (0, 1)
    raw = np.mean([abs(told - came) for window in windows for told, came in window])
    # Of a hundred customers by chance alone.
    chance = np.mean(np.sqrt(2 / np.pi * TOLD * (1 - TOLD) / 100))
    assert result["gap"] == pytest.approx(np.sqrt(raw**2 - chance**2))


def test_what_chance_adds_to_small_tenths_is_no_gap():
    rng = np.random.default_rng(7)
    for size in (20, 2000):
        windows = [list(zip(TOLD, rng.binomial(size, TOLD) / size, strict=True)) for _ in "abc"]
        tenths = shares(*windows).assign(customer_count=size)
        assert calibrate(tenths, model="mbg_nbd", horizons_days=[30])["gap"][0] < 0.04
    raw = np.mean([abs(told - came) for window in windows for told, came in window])
    assert raw < 0.02


def test_one_window_is_too_few_for_a_correction_and_no_window_has_no_gap():
    tenths = pd.concat([shares(shifted(1.0)), shares(*[shifted(1)] * 3, model="bg_nbd")])
    result = calibrate(tenths, model="mbg_nbd", horizons_days=[90, 30])
    assert result["horizon_days"].tolist() == [30, 90]
    assert (result["intercept"] == 0).all() and (result["slope"] == 1).all()
    assert result["window_count"].tolist() == [1, 0]
    assert result["gap"][0] > 0.1 and np.isnan(result["gap"][1])


@pytest.mark.parametrize("came", [0.0, 1.0])
def test_windows_with_equal_outcomes_stay_finite(came):
    windows = [list(zip(TOLD, [came] * 10, strict=True))] * 3
    result = calibrate(shares(*windows), model="mbg_nbd", horizons_days=[30])
    assert np.isfinite(result[["intercept", "slope", "gap"]]).all(axis=None)
    assert (result["slope"] > 0).all()
