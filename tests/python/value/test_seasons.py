"""The season in forecasts: what the calendar learns, what it corrects, and what it may not know."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from value_data import OPENING, features

from clientele.value.backtesting import backtest, gini_error, normalised_gini
from clientele.value.fitting import fit_clv
from clientele.value.seasons import MONTHS, YEAR, Calendar, Season, calendar_of

HORIZONS = [30, 90]
KNOBS = {"horizons_days": HORIZONS, "origins": 2, "prior_sd": 2.5, "random_seed": 1}
PERIODS = [0, 30, 60, 90, 120, 180, 270, 365, 395, 425, 455, 545, 730]
GIFTS = np.array([0.6, 0.6, 0.8, 0.8, 0.8, 0.8, 0.7, 0.8, 1.2, 1.4, 1.9, 1.6])
EVEN = np.ones(12)
DAYS = 850


@cache
def purchases(season=tuple(EVEN), customers=1200, days=DAYS, seed=1):
    """Customers who buy by MBG/NBD on a clock that runs faster in busy months."""
    rng = np.random.default_rng(seed)
    months = (OPENING + pd.to_timedelta(np.arange(days), unit="D")).month
    factors = np.array(season)[months - 1] / np.mean(season)
    clock = np.append(0, np.cumsum(factors))
    rate, dropout = rng.gamma(2, 1 / 80, customers), rng.beta(1, 8, customers)
    rows = []
    for number in range(customers):
        now = rng.uniform(0, clock[-1])
        while now < clock[-1]:
            day = int(np.interp(now, clock, np.arange(days + 1)))
            rows.append((number, day, rng.gamma(3, 10)))
            if rng.random() < dropout[number]:
                break
            now += rng.exponential(1 / rate[number])
    return pd.DataFrame(rows, columns=["customer_id", "day", "amount"])


@cache
def shop(season=tuple(EVEN), days=DAYS, today=None, **knobs):
    bought = purchases(season, days=days, **knobs)
    today = days - 1 if today is None else today
    return features(bought[bought["day"] <= today], today, HORIZONS, PERIODS)


def on(customers, period):
    return customers[customers["period_number"] == period].sort_values("sample_number")


def looked_back(customers, period, *backs):
    """The customers of some days before a cut-off, by days back: what `backtest` passes on."""
    return {back: on(customers, period + back) for back in backs or (*HORIZONS, YEAR)}


def test_a_calendar_counts_days_of_busy_months_for_more():
    calendar = Calendar("2024-12-31", GIFTS, 40)
    year = calendar.until(365)
    assert year == pytest.approx(365, abs=1e-6) and calendar.until(0) == 0
    november = calendar.until(334) - calendar.until(333)
    february = calendar.until(40) - calendar.until(39)
    assert november / february == pytest.approx(GIFTS[10] / GIFTS[1], rel=0.02)
    assert calendar.until(-31) == pytest.approx(-31 * GIFTS[11] / GIFTS.mean(), rel=0.01)
    table = calendar.table().set_index("day_number")
    assert str(table["reached_date"][365])[:10] == "2025-12-31"
    # Slow months first: as many season days take longer than on the calendar.
    assert table["reached_date"][60] > table["date_day"][60]
    known = table["reached_date"].dropna()
    assert len(known) == 3653 and known.is_monotonic_increasing


def test_histories_run_on_season_days_and_end_where_they_are_known():
    factors = np.where(np.arange(12) == 11, 3.0, 1.0)
    calendar = Calendar("2024-12-31", factors, 400)
    customers = pd.DataFrame({"x": [1, 0], "t_x": [10, 0], "t": [20, 30], "order_value_mean": 1.0})
    december = 3 / (365 + 2 * 31) * 365
    now = calendar.histories(customers)
    np.testing.assert_allclose(now["t"], np.array([20, 30]) * december, atol=0.02)
    np.testing.assert_allclose(now["t_x"], np.array([10, 0]) * december, atol=0.02)
    # A year ago the same days had the same season.
    np.testing.assert_allclose(calendar.histories(customers, back=366)["t"], now["t"], atol=0.02)


def test_the_planted_season_is_found_and_an_even_one_is_left_alone():
    for season, error in ((GIFTS, 0.25), (EVEN, 0.12)):
        calendar = calendar_of(on(shop(tuple(season)), 0), prior_sd=2.5)
        month = calendar.dates[-YEAR:].astype("datetime64[M]").astype(int) % 12
        found = pd.Series(calendar.factors[-YEAR:]).groupby(month).first().to_numpy()
        np.testing.assert_allclose(found, season / season.mean(), rtol=error)


def test_with_under_eleven_months_of_history_every_day_counts_alike():
    days = shop(tuple(GIFTS), days=390)
    assert np.ptp(calendar_of(on(days, 60), prior_sd=2.5).factors) == 0
    assert np.ptp(calendar_of(on(days, 0), prior_sd=2.5).factors) > 0.1
    no_one = on(days, 0).head(0)
    assert np.ptp(calendar_of(no_one, prior_sd=2.5).factors) == 0


def test_no_day_knows_what_follows_it():
    """The day moves back: a shop that ends there has the forecasts of that past day."""
    period = 90
    later, then = shop(tuple(GIFTS)), shop(tuple(GIFTS), today=DAYS - 1 - period)
    assert len(on(later, period)) == len(on(then, 0)) > 500
    seasons = [
        Season(on(table, at), looked_back(table, at), prior_sd=2.5, spend_orders="repeat")
        for table, at in ((later, period), (then, 0))
    ]
    for model in ("mbg_nbd", "bg_nbd"):
        assert seasons[0].periods(model, HORIZONS) == seasons[1].periods(model, HORIZONS)
    pd.testing.assert_frame_equal(*(season.fits for season in seasons))
    rows = backtest(later, **KNOBS).query("decile == 0 and target == 'orders'")
    ahead = backtest(then, **KNOBS).query("decile == 0 and customer_count.isna()")
    keys = ["model", "horizon_days"]
    past = rows[(rows["cutoff_date"] == on(then, 0)["as_of_date"].iloc[0])].set_index(keys)
    today = ahead.set_index(keys)
    shared = today.index.intersection(past.index)
    assert len(shared) >= 2
    for name in ("season_days", "value_factor"):
        assert past.loc[shared, name].tolist() == today.loc[shared, name].tolist()


def test_a_season_that_was_seen_is_forecast_and_an_even_year_loses_nothing():
    found = {}
    for name, season in (("gifts", GIFTS), ("even", EVEN)):
        rows = backtest(shop(tuple(season)), **KNOBS).query("decile == 0 and target == 'orders'")
        rows = rows[rows["customer_count"].notna() & ~rows["is_same_season"]]
        known = rows[rows["history_days"] >= YEAR + 180]
        table = known.groupby("model")[["rmse", "bias"]].agg(lambda v: np.sqrt((v**2).mean()))
        assert len(known[known["model"] == "mbg_nbd"]) >= 3
        found[name] = table
    gifts, even = found["gifts"], found["even"]
    assert gifts["bias"]["mbg_nbd"] < 0.15 < 0.2 < gifts["bias"]["no_season"]
    assert gifts["rmse"]["mbg_nbd"] < 0.99 * gifts["rmse"]["no_season"]
    for naive in ("last_window", "rate", "rfm_cell"):
        assert gifts["rmse"]["mbg_nbd"] < gifts["rmse"][naive]
    assert even["rmse"]["mbg_nbd"] < 1.01 * even["rmse"]["no_season"]
    assert even["bias"]["mbg_nbd"] < 0.12


KNOWN = {"prior_sd": 2.5, "spend_orders": "repeat"}


def test_earlier_days_that_fell_short_shorten_the_period_ahead():
    now, earlier = on(shop(), 0), looked_back(shop(), 0)
    as_it_was = Season(now, earlier, **KNOWN).periods("mbg_nbd", HORIZONS)[0]
    for window in ("year_before", "past"):
        half = now.copy()
        for name in (f"{window}_orders_90", f"{window}_amount_90"):
            half[name] = half[name] / 2
        days, _ = Season(half, earlier, **KNOWN).periods("mbg_nbd", HORIZONS)
        assert days[30] == as_it_was[30] <= days[90] < 0.85 * as_it_was[90], window
    amounts = [f"year_before_amount_{horizon}" for horizon in HORIZONS]
    dear = now.assign(**(now[amounts] * 3))
    value = Season(now, earlier, **KNOWN).periods("mbg_nbd", HORIZONS)[1]
    assert Season(dear, earlier, **KNOWN).periods("mbg_nbd", HORIZONS)[1] > 1.3 * value


def test_without_earlier_days_or_with_the_first_days_of_a_shop_nothing_is_corrected():
    now, earlier = on(shop(), 0), looked_back(shop(), 0)
    opening = {back: then.assign(history_days=59) for back, then in earlier.items()}
    no_one = {back: then.head(0) for back, then in earlier.items()}
    young = now.assign(history_days=424)
    for today, known in ((now, {}), (now, no_one), (now, opening), (young, earlier)):
        plain, factor = Season(today, known, **KNOWN).periods("mbg_nbd", HORIZONS)
        assert factor == 1 and plain[90] == pytest.approx(90, rel=0.15)


def test_what_chance_may_bring_corrects_little_and_what_it_cannot_in_full():
    """The shop's own earlier days, and as many that were 3 % or four times as busy."""
    now, earlier = on(shop(), 0), looked_back(shop(), 0, YEAR)
    found = Season(now, earlier, **KNOWN)._found("mbg_nbd", 90, YEAR)[0]
    calendar = Season(now, {}, **KNOWN).periods("mbg_nbd", HORIZONS)[0]
    changed = {}
    for times in (1.03, 4.0):
        orders = now["year_before_orders_90"] * times / np.exp(found)
        busy = now.assign(year_before_orders_90=orders)
        days = Season(busy, earlier, **KNOWN).periods("mbg_nbd", HORIZONS)[0]
        changed[times] = np.log(days[90] / calendar[90]) / np.log(times)
    assert 0 < changed[1.03] < 0.15 and changed[4.0] > 0.9


def test_the_days_of_a_longer_horizon_are_never_fewer():
    now, earlier = on(shop(), 0), looked_back(shop(), 0)
    nothing = now.assign(year_before_orders_90=0.001, past_orders_90=0.001)
    days, _ = Season(nothing, earlier, **KNOWN).periods("mbg_nbd", HORIZONS)
    assert days[90] == days[30]


def test_the_season_that_begins_today_is_judged_too():
    rows = backtest(shop(), **KNOBS).query("target == 'orders' and model == 'mbg_nbd'")
    rows = rows[rows["decile"] == 0]
    same = rows[rows["is_same_season"]]
    assert set(same["horizon_days"]) == set(HORIZONS)
    today = on(shop(), 0)["as_of_date"].iloc[0]
    assert {(today - day).days for day in same["cutoff_date"]} == {YEAR}
    ahead = rows[rows["customer_count"].isna()]
    assert ahead["cutoff_date"].unique().tolist() == [today] and len(ahead) == len(HORIZONS)


def test_the_error_of_the_gini_is_that_of_random_rankings():
    rng = np.random.default_rng(3)
    actual = rng.poisson(rng.gamma(0.4, 2, 400))
    drawn = [normalised_gini(actual, rng.random(400)) for _ in range(2000)]
    assert gini_error(actual) == pytest.approx(np.std(drawn), rel=0.05)
    assert np.isnan(gini_error([2, 2])) and np.isnan(gini_error([]))


@pytest.mark.parametrize("price", [9.99, 1e-4, 1e6])
def test_one_price_is_known_for_certain(price):
    histories = pd.DataFrame({"x": [1, 4, 0] * 25, "t_x": [9, 40, 0] * 25, "t": 41})
    fit = fit_clv(histories.assign(order_value_mean=price)).query("model == 'gamma_gamma'")
    assert fit["has_converged"].all() and (fit["standard_error"] == 0).all()
    p, q, v = fit["estimate"]
    assert p * v / (q - 1) == pytest.approx(price)
    varied = histories.assign(order_value_mean=np.linspace(1, 2, len(histories)) * price)
    assert (fit_clv(varied).query("model == 'gamma_gamma'")["standard_error"] > 0).all()


def test_months_of_the_features_are_those_of_the_calendar():
    now = on(shop(tuple(GIFTS)), 0)
    assert now[MONTHS].sum(axis=1).tolist() == now["x"].tolist()
