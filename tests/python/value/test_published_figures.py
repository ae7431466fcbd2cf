"""Figures of the literature on CDNOW."""

import numpy as np
import pandas as pd
import pytest
from value_data import estimates

from clientele.value.expectations import expected_orders_if_alive, p_alive
from clientele.value.fitting import fit_clv
from clientele.value.scoring import score


@pytest.fixture(scope="module")
def cdnow(real_data):
    """The 1/10 sample of CDNOW over its first 39 weeks, in weeks."""
    summary = pd.read_parquet(real_data("cdnow/cdnow_summary_1_10.parquet"))
    return summary.set_index("ID").rename(columns={"zbar": "order_value_mean", "T": "t"})


@pytest.fixture(scope="module")
def purchase_days(real_data):
    """The same customers from their orders, in days, and their purchase days of 39 more weeks."""
    orders = pd.read_parquet(real_data("cdnow/cdnow_sample.parquet"))
    orders["date"] = pd.to_datetime(orders["date"])
    days = orders.groupby(["master_id", "date"])["sales"].sum().reset_index()
    is_past = days["date"] <= pd.Timestamp("1997-09-30")
    past = days[is_past].copy()
    past["first"] = past.groupby("master_id")["date"].transform("min")
    by_customer = past.groupby("master_id")
    first, last = by_customer["date"].min(), by_customer["date"].max()
    repeats = past[past["date"] > past["first"]].groupby("master_id")["sales"]
    histories = pd.DataFrame(
        {
            "x": by_customer.size() - 1,
            "t_x": (last - first).dt.days,
            "t": (pd.Timestamp("1997-09-30") - first).dt.days,
            "order_value_mean": repeats.mean(),
        }
    )
    future = days[~is_past].groupby("master_id").size().reindex(histories.index, fill_value=0)
    return histories, future


def test_bg_nbd_on_cdnow_is_as_published(cdnow):
    fit = fit_clv(cdnow, model="bg_nbd", prior_sd=None)
    result = estimates(fit, "bg_nbd")
    assert {name: round(value, 3) for name, value in result.items()} == {
        "r": 0.243,
        "alpha": 4.414,
        "a": 0.793,
        "b": 2.426,
    }
    rows = fit[fit["model"] == "bg_nbd"]
    assert rows["log_likelihood"].round(1).eq(-9582.4).all()
    assert rows["customer_count"].eq(2357).all()
    assert rows["has_converged"].all()


def test_mbg_nbd_on_cdnow_is_as_published(cdnow):
    result = estimates(fit_clv(cdnow, model="mbg_nbd", prior_sd=None), "mbg_nbd")
    assert {name: round(value, 3) for name, value in result.items()} == {
        "r": 0.525,
        "alpha": 6.183,
        "a": 0.891,
        "b": 1.614,
    }


def test_gamma_gamma_on_cdnow_is_as_published(purchase_days):
    fit = fit_clv(purchase_days[0], prior_sd=None)
    result = estimates(fit, "gamma_gamma")
    assert {name: round(value, 2) for name, value in result.items()} == {
        "p": 6.25,
        "q": 3.74,
        "v": 15.44,
    }
    rows = fit[fit["model"] == "gamma_gamma"]
    assert rows["log_likelihood"].round(2).eq(-4055.92).all()
    assert rows["customer_count"].eq(946).all()


def test_bg_nbd_forecasts_the_holdout_of_cdnow_as_published(purchase_days):
    histories, future = purchase_days
    parameters = fit_clv(histories, model="bg_nbd", prior_sd=None)
    scored = score(
        histories, parameters, horizons_days=[273], annual_discount_rate=0, margin_share=1
    ).set_index("master_id")
    frequency = histories["x"].clip(upper=7)
    actual = [0.2367, 0.6970, 1.3925, 1.5600, 2.5323, 2.9474, 3.8621, 6.3594]
    forecast = [0.2251, 0.5231, 1.0441, 1.5203, 2.1638, 2.6538, 3.5040, 6.1570]
    np.testing.assert_allclose(future.groupby(frequency).mean(), actual, atol=0.00005)
    by_frequency = scored["expected_orders"].groupby(frequency).mean()
    np.testing.assert_allclose(by_frequency, forecast, atol=0.0005)


def test_mbg_nbd_on_cdnow_has_the_likelihood_that_is_published(cdnow):
    fit = fit_clv(cdnow, model="mbg_nbd", prior_sd=None)
    assert fit.loc[fit["model"] == "mbg_nbd", "log_likelihood"].round(1).eq(-9582.1).all()


def test_the_conditional_expectation_is_as_published():
    published = {"model": "bg_nbd", "r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    alive = p_alive(2, 30.43, 38.86, **published)
    orders = alive * expected_orders_if_alive(2, 38.86, 39, **published)
    assert round(float(orders), 3) == 1.226


def test_the_default_prior_moves_estimates_by_less_than_a_tenth_of_their_error(cdnow):
    plain, default = (fit_clv(cdnow, prior_sd=prior_sd) for prior_sd in (None, 2.5))
    moved = (default["estimate"] - plain["estimate"]).abs()
    assert (moved < 0.1 * plain["standard_error"]).all()


def test_with_the_prior_every_small_sample_converges(purchase_days):
    histories, _ = purchase_days
    for seed in range(25):
        fit = fit_clv(histories.sample(40, random_state=seed))
        assert len(fit) == 7
        assert fit["has_converged"].all(), seed
        assert np.isfinite(fit[["estimate", "standard_error"]]).all(axis=None), seed
