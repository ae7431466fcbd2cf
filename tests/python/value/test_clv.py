import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from clientele.value import clv
from clientele.value.clv import (
    discounted_orders_if_alive,
    expected_order_value,
    expected_orders,
    expected_orders_if_alive,
    fit_clv,
    next_order_days,
    p_alive,
    p_order,
    score,
)
from clientele.value.pareto_nbd import fit_pareto_nbd, pareto_nbd_orders

MODELS = ["mbg_nbd", "bg_nbd"]
PURCHASES = {"r": 0.5, "alpha": 40.0, "a": 0.8, "b": 2.0}
SPEND = {"p": 4.0, "q": 3.5, "v": 30.0}


def simulate(model, customer_count, *, seed, r, alpha, a, b, p, q, v):
    """Histories of customers who buy, drop out and spend as the models say."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(r, 1 / alpha, customer_count)
    dropout = rng.beta(a, b, customer_count)
    age = rng.uniform(100, 700, customer_count)
    x, last, now = np.zeros(customer_count, int), np.zeros(customer_count), 0
    active = np.ones(customer_count, bool)
    if model == "mbg_nbd":
        active = rng.random(customer_count) > dropout
    while active.any():
        now = now + rng.exponential(1 / rate)
        active &= now <= age
        x[active] += 1
        last = np.where(active, now, last)
        active &= rng.random(customer_count) > dropout
    spending = rng.gamma(q, 1 / v, customer_count)
    mean = rng.gamma(p * np.maximum(x, 1), 1 / (spending * np.maximum(x, 1)))
    return pd.DataFrame(
        {"x": x, "t_x": last, "T": age, "order_value_mean": np.where(x > 0, mean, np.nan)}
    ).rename_axis("customer_id")


def parameters_of(model, spend=SPEND, **purchases):
    rows = [(model, *item) for item in purchases.items()]
    rows += [("gamma_gamma", *item) for item in (spend or {}).items()]
    return pd.DataFrame(rows, columns=["model", "parameter", "estimate"])


def estimates(parameters, model):
    rows = parameters[parameters["model"] == model]
    return rows.set_index("parameter")["estimate"].to_dict()


def one(**columns):
    return pd.DataFrame(columns | {"order_value_mean": 10.0}, index=["c"])


@pytest.fixture(scope="module")
def cdnow(real_data):
    """The 1/10 sample of CDNOW over its first 39 weeks, in weeks."""
    summary = pd.read_parquet(real_data("cdnow/cdnow_summary_1_10.parquet"))
    return summary.set_index("ID").rename(columns={"zbar": "order_value_mean"})


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
            "T": (pd.Timestamp("1997-09-30") - first).dt.days,
            "order_value_mean": repeats.mean(),
        }
    )
    future = days[~is_past].groupby("master_id").size().reindex(histories.index, fill_value=0)
    return histories, future


@pytest.fixture(scope="module")
def simulated():
    return simulate("mbg_nbd", 3000, seed=1, **PURCHASES, **SPEND)


# -- Published figures


def test_bg_nbd_on_cdnow_is_as_published(cdnow):
    fit = fit_clv(cdnow, model="bg_nbd", prior_sd=None)
    found = estimates(fit, "bg_nbd")
    assert {name: round(value, 3) for name, value in found.items()} == {
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
    found = estimates(fit_clv(cdnow, model="mbg_nbd", prior_sd=None), "mbg_nbd")
    assert {name: round(value, 3) for name, value in found.items()} == {
        "r": 0.525,
        "alpha": 6.183,
        "a": 0.891,
        "b": 1.614,
    }


def test_gamma_gamma_on_cdnow_is_as_published(purchase_days):
    fit = fit_clv(purchase_days[0], prior_sd=None)
    found = estimates(fit, "gamma_gamma")
    assert {name: round(value, 2) for name, value in found.items()} == {
        "p": 6.25,
        "q": 3.74,
        "v": 15.44,
    }
    rows = fit[fit["model"] == "gamma_gamma"]
    assert rows["log_likelihood"].round(2).eq(-4055.92).all()
    assert rows["customer_count"].eq(946).all()


def test_the_conditional_expectation_is_as_published():
    published = {"model": "bg_nbd", "r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    alive = p_alive(2, 30.43, 38.86, **published)
    orders = alive * expected_orders_if_alive(2, 38.86, 39, **published)
    assert round(float(orders), 3) == 1.226


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


def test_pareto_nbd_on_cdnow_is_as_published(cdnow):
    found = fit_pareto_nbd(cdnow)
    published = {"r": 0.553, "alpha": 10.578, "s": 0.606}
    assert {name: round(found[name], 3) for name in published} == published
    assert round(found["log_likelihood"], 1) == -9595.0
    # Its likelihood is so flat in beta that the published 11.669 is a little short of the maximum.
    assert found["beta"] == pytest.approx(11.669, abs=0.0015)


def test_pareto_nbd_on_simulated_futures_expects_what_comes():
    # Customers of one history: those of a simulated population who have it.
    rng, count = np.random.default_rng(4), 2_000_000
    rate, leaves = rng.gamma(0.8, 1 / 9, count), rng.exponential(1 / rng.gamma(1.6, 1 / 12, count))
    first = rng.exponential(1 / rate)
    second = first + rng.exponential(1 / rate)
    alike = (first > 10) & (first < 12) & (first < leaves) & (second > np.minimum(leaves, 30))
    there = leaves[alike] > 30
    alive, expected = pareto_nbd_orders([1], [11], [30], 20, r=0.8, alpha=9, s=1.6, beta=12)
    assert there.mean() == pytest.approx(alive[0], abs=4 / np.sqrt(alike.sum()))
    orders = rng.poisson(rate[alike] * np.clip(leaves[alike] - 30, 0, 20))
    assert orders.mean() == pytest.approx(expected[0], abs=4 * orders.std() / np.sqrt(alike.sum()))


def test_pareto_nbd_says_where_it_has_no_maximum():
    histories = pd.DataFrame({"x": [0, 1], "t_x": [0, 9], "T": [9, 9], "order_value_mean": 5.0})
    histories = pd.concat([histories] * 9)
    with pytest.raises(ValueError, match="no maximum .* ran off"):
        fit_pareto_nbd(histories)


# -- The likelihoods


@pytest.mark.parametrize(("x", "t_x", "age"), [(0, 0, 30), (1, 12, 30), (3, 20, 20), (7, 5, 30)])
@pytest.mark.parametrize("model", MODELS)
def test_a_purchase_history_has_the_probability_that_the_model_s_story_gives_it(model, x, t_x, age):
    r, alpha, a, b = 1.4, 9.0, 1.3, 2.1
    survived = x + clv.EXTRA_DROPOUTS[model]  # chances to drop out that were not taken

    def bought_until(day):
        def likelihood(rate):
            return rate**x * np.exp(-rate * day) * stats.gamma.pdf(rate, r, scale=1 / alpha)

        return integrate.quad(likelihood, 0, 10, epsabs=1e-16, limit=500)[0]

    def stayed(times, *, then_left):
        def likelihood(p):
            return p**then_left * (1 - p) ** times * stats.beta.pdf(p, a, b)

        return integrate.quad(likelihood, 0, 1, epsabs=1e-16, limit=500)[0]

    alive = bought_until(age) * stayed(survived, then_left=0)
    dead = bought_until(t_x) * stayed(survived - 1, then_left=1) if survived else 0
    found, _ = clv._purchase_likelihood(
        (r, alpha, a, b), *np.array([[x], [t_x], [age]], float), np.ones(1), survived - x
    )
    assert found == pytest.approx(np.log(alive + dead), rel=1e-9)
    assert p_alive(x, t_x, age, model=model, r=r, alpha=alpha, a=a, b=b) == pytest.approx(
        alive / (alive + dead), rel=1e-9
    )


@pytest.mark.parametrize(("x", "mean"), [(1, 20.0), (4, 7.5), (30, 50.0)])
def test_order_values_have_the_probability_and_the_outlook_that_the_model_s_story_gives(x, mean):
    p, q, v = SPEND.values()

    def over_customers(f):
        def weighted(rate):
            likelihood = stats.gamma.pdf(mean, p * x, scale=1 / (rate * x))
            return f(rate) * likelihood * stats.gamma.pdf(rate, q, scale=1 / v)

        return integrate.quad(weighted, 0, 5, points=[p / mean], epsabs=1e-15, limit=500)[0]

    evidence = over_customers(lambda rate: 1)
    found, _ = clv._spend_likelihood((p, q, v), *np.array([[x], [mean], [1]], float))
    assert found == pytest.approx(np.log(evidence), rel=1e-7)
    outlook = over_customers(lambda rate: p / rate) / evidence
    assert expected_order_value(x, mean, **SPEND) == pytest.approx(outlook, rel=1e-7)


@pytest.mark.parametrize("theta", [[0.3, 2.0, 0.7, 1.9], [3.0, 0.2, 4.0, 0.1]])
@pytest.mark.parametrize("model", MODELS)
def test_the_gradient_of_the_purchase_likelihood_is_that_of_finite_differences(
    simulated, model, theta
):
    columns = [simulated["x"].to_numpy(float), simulated["t_x"] / 100, simulated["T"] / 100]
    weight = np.arange(len(simulated)) % 3

    def likelihood(theta):
        columns_of = [np.asarray(column) for column in columns]
        return clv._purchase_likelihood(theta, *columns_of, weight, clv.EXTRA_DROPOUTS[model])

    np.testing.assert_allclose(likelihood(theta)[1], differences(likelihood, theta), rtol=1e-6)


def test_the_gradient_of_the_spend_likelihood_is_that_of_finite_differences(simulated):
    paying = simulated[simulated["x"] > 0]
    columns = paying["x"].to_numpy(float), paying["order_value_mean"].to_numpy()
    weight = np.arange(len(paying)) % 3

    def likelihood(theta):
        return clv._spend_likelihood(theta, *columns, weight)

    theta = [2.0, 1.5, 20.0]
    np.testing.assert_allclose(likelihood(theta)[1], differences(likelihood, theta), rtol=1e-6)


def differences(likelihood, theta):
    steps = 1e-6 * np.diag(theta)
    ahead = np.array([likelihood(theta + step)[0] for step in steps])
    behind = np.array([likelihood(theta - step)[0] for step in steps])
    return (ahead - behind) / (2e-6 * np.array(theta))


# -- The fit


@pytest.mark.parametrize("model", MODELS)
def test_parameters_of_simulated_customers_are_recovered_within_their_errors(model):
    histories = simulate(model, 40_000, seed=2, **PURCHASES, **SPEND)
    fit = fit_clv(histories, model=model, prior_sd=None)
    truth = {(model, name): value for name, value in PURCHASES.items()}
    truth |= {("gamma_gamma", name): value for name, value in SPEND.items()}
    assert fit["has_converged"].all()
    for row in fit.itertuples():
        true = truth.pop((row.model, row.parameter))
        assert abs(row.estimate - true) < 3 * row.standard_error, row
        assert row.standard_error < 0.1 * true, row
    assert truth == {}


def test_standard_errors_are_the_spread_of_estimates_over_samples():
    fits = [
        fit_clv(simulate("mbg_nbd", 2000, seed=seed, **PURCHASES, **SPEND), prior_sd=None)
        for seed in range(30)
    ]
    logs = np.log([fit["estimate"] for fit in fits])
    claimed = np.mean([fit["standard_error"] / fit["estimate"] for fit in fits], axis=0)
    # Of 30 samples the spread is known to about 13%.
    np.testing.assert_allclose(logs.std(axis=0, ddof=1), claimed, rtol=0.4)


def test_loadings_square_to_the_covariance_that_standard_errors_come_from(simulated):
    fit = fit_clv(simulated)
    for _, rows in fit.groupby("model"):
        loadings = rows[clv.LOADINGS].to_numpy()
        scale = rows["estimate"] - (rows["parameter"] == "q")
        errors = np.sqrt(np.diag(loadings @ loadings.T)) * scale
        np.testing.assert_allclose(errors, rows["standard_error"], rtol=1e-12)
        assert (np.triu(loadings[:, : len(rows)], 1) == 0).all()


def test_totals_differ_between_samples_as_the_delta_method_says():
    population = simulate("mbg_nbd", 500, seed=99, **PURCHASES, **SPEND)
    knobs = {"horizons_days": [365], "annual_discount_rate": 0.1, "margin_share": 1}
    totals, claimed = [], []
    for seed in range(30):
        fit = fit_clv(simulate("mbg_nbd", 2000, seed=seed, **PURCHASES, **SPEND), prior_sd=None)
        totals.append(score(population, fit, **knobs)["expected_orders"].sum())
        claimed.append(standard_error(population, fit, "expected_orders", **knobs) / totals[-1])
    # Of 30 samples the spread is known to about 13%.
    assert np.std(np.log(totals), ddof=1) == pytest.approx(np.mean(claimed), rel=0.4)


def standard_error(histories, fit, column, **knobs):
    """The delta method by brute force: the total scored anew along each axis of the covariance."""
    variance = 0.0
    for model in fit["model"].unique():
        for axis in clv.LOADINGS:
            totals = []
            for sign in (1, -1):
                moved, own = fit.copy(), fit["model"] == model
                floor = (fit["parameter"] == "q").astype(float)
                step = np.exp(sign * 1e-3 * fit[axis].where(own, 0))
                moved["estimate"] = floor + (fit["estimate"] - floor) * step
                totals.append(score(histories, moved, **knobs)[column].sum())
            variance += ((totals[0] - totals[1]) / 2e-3) ** 2
    return np.sqrt(variance)


@pytest.mark.parametrize("prior_sd", [None, 2.5])
@pytest.mark.parametrize("model", MODELS)
def test_units_of_time_and_money_scale_alpha_and_v_and_nothing_else(simulated, model, prior_sd):
    scaled = simulated.assign(
        t_x=simulated["t_x"] / 7,
        T=simulated["T"] / 7,
        order_value_mean=simulated["order_value_mean"] * 100,
    )
    before = fit_clv(simulated, model=model, prior_sd=prior_sd)
    after = fit_clv(scaled, model=model, prior_sd=prior_sd)
    factors = np.array([1, 1 / 7, 1, 1, 1, 1, 100])
    for column in ("estimate", "standard_error"):
        np.testing.assert_allclose(after[column], before[column] * factors, rtol=1e-6)
    repeats = simulated["x"].sum()
    paying = (simulated["x"] > 0).sum()
    shift = np.repeat([repeats * np.log(7), -paying * np.log(100)], [4, 3])
    np.testing.assert_allclose(after["log_likelihood"], before["log_likelihood"] + shift)


def test_the_order_of_customers_changes_no_bit(simulated):
    shuffled = simulated.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(fit_clv(shuffled), fit_clv(simulated), check_exact=True)


def test_a_wide_prior_is_no_prior_and_a_narrow_one_draws_to_the_middle_of_the_data(simulated):
    plain = fit_clv(simulated, prior_sd=None)
    wide = fit_clv(simulated, prior_sd=1e4)
    np.testing.assert_allclose(wide["estimate"], plain["estimate"], rtol=1e-5)
    narrow = fit_clv(simulated, prior_sd=1e-4)
    middle = [1, simulated["T"].mean(), 1, 1]
    middle += [1, 2, simulated["order_value_mean"].mean()]
    np.testing.assert_allclose(narrow["estimate"], middle, rtol=1e-3)


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


# -- Expectations


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("x", "age", "days", "a", "b"),
    [(0, 20, 60, 1.0, 2.0), (3, 50, 400, 0.6, 0.3), (40, 90, 30, 2, 3)],
)
def test_expected_orders_are_the_mean_of_simulated_futures(model, x, age, days, a, b):
    r, alpha = 0.8, 15.0
    rng = np.random.default_rng(3)
    rate = rng.gamma(r + x, 1 / (alpha + age), 400_000)
    dropout = rng.beta(a, b + x + clv.EXTRA_DROPOUTS[model], 400_000)
    until_dropout = rng.geometric(np.maximum(dropout, 1e-15))
    orders = np.minimum(rng.poisson(rate * days), until_dropout)
    found = expected_orders_if_alive(x, age, days, model=model, r=r, alpha=alpha, a=a, b=b)
    assert abs(found - orders.mean()) < 3 * orders.std() / np.sqrt(len(orders))


@pytest.mark.parametrize(("x", "age"), [(0, 10), (2, 38.86), (12, 30)])
def test_expected_orders_are_those_of_the_published_hypergeometric_formula(x, age):
    r, alpha, a, b, days = 0.243, 4.414, 0.793, 2.426, 39
    z = days / (alpha + age + days)
    shrink = ((alpha + age) / (alpha + age + days)) ** (r + x)
    published = (
        (a + b + x - 1) / (a - 1) * (1 - shrink * special.hyp2f1(r + x, b + x, a + b + x - 1, z))
    )
    found = expected_orders_if_alive(x, age, days, model="bg_nbd", r=r, alpha=alpha, a=a, b=b)
    assert found == pytest.approx(published, rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_expected_orders_hold_where_formulas_with_gamma_functions_break(model):
    grid = np.array(
        np.meshgrid(
            [0.01, 0.24, 5],  # r
            [0.01, 10, 1000],  # alpha
            [0.001, 0.3, 1 - 1e-9, 1, 2, 50],  # a
            [0.001, 0.5, 20],  # b
            [0, 3, 1000],  # x
            [0, 365, 3650],  # T
            [1, 3653],  # days
        )
    ).reshape(7, -1)
    for r, alpha, a, b, x, age, days in grid.T[::3]:
        purchases = {"r": r, "alpha": alpha, "a": a, "b": b}
        found = float(expected_orders_if_alive(x, age, days, model=model, **purchases))
        # Dropping out can only take away from a Poisson rate that never ends, and before that
        # nobody makes fewer orders than the first.
        first = 1 - ((alpha + age) / (alpha + age + days)) ** (r + x)
        naive = (r + x) / (alpha + age) * days
        assert first * (1 - 1e-9) <= found <= naive * (1 + 1e-9), purchases


def test_expected_orders_are_the_integral_over_the_dropout_probability():
    # a = 1 and a + b < 1 with horizons up to ten years, by adaptive quadrature.
    for a, b, x, days in [
        (1, 2, 0, 3653),
        (0.5, 0.3, 0, 3653),
        (0.9, 0.05, 6, 30),
        (3, 1, 200, 365),
    ]:
        shape, rate, after = 0.3 + x, 5.0 + 40, b + x + 1

        def orders(p, shape=shape, rate=rate, days=days):
            return -np.expm1(-shape * np.log1p(p * days / rate)) / p if p else shape * days / rate

        weight = {"weight": "alg", "wvar": (a - 1, after - 1)}
        value = integrate.quad(orders, 0, 1, limit=1000, epsrel=1e-12, **weight)[0]
        found = expected_orders_if_alive(x, 40, days, model="mbg_nbd", r=0.3, alpha=5.0, a=a, b=b)
        assert found == pytest.approx(value / special.beta(a, after), rel=1e-9)


@pytest.mark.parametrize("a", [5, 30, 3000])
@pytest.mark.parametrize("b", [0.5, 20, 5000])
def test_who_buys_without_pause_is_expected_to_do_so_until_dropping_out(a, b):
    found = expected_orders_if_alive(1000, 1, 1e9, model="mbg_nbd", r=1, alpha=1, a=a, b=b)
    # The mean of 1 / p over Beta(a, b + 1001).
    assert found == pytest.approx((a + b + 1000) / (a - 1), rel=1e-11)


def test_a_year_at_no_discount_is_worth_its_orders():
    purchases = {"model": "mbg_nbd"} | PURCHASES
    orders = expected_orders_if_alive(2, 100, 365, **purchases)
    found = discounted_orders_if_alive(2, 100, 365, annual_discount_rate=0, **purchases)
    assert found == pytest.approx(orders, rel=1e-14)


def test_each_month_is_discounted_from_its_middle():
    purchases = {"model": "mbg_nbd"} | PURCHASES
    month = 365.25 / 12

    def until(days):
        return expected_orders_if_alive(2, 100, days, **purchases) if days else 0

    expected = sum(
        (until(end) - until(start)) * 1.21 ** -((start + end) / 2 / 365.25)
        for start, end in [(0, month), (month, 2 * month), (2 * month, 90)]
    )
    found = discounted_orders_if_alive(2, 100, 90, annual_discount_rate=0.21, **purchases)
    assert found == pytest.approx(expected, rel=1e-13)


def test_bg_nbd_takes_every_one_time_buyer_for_alive_and_mbg_nbd_does_not():
    assert p_alive(0, 0, 5000, model="bg_nbd", **PURCHASES) == 1
    assert p_alive(0, 0, 5000, model="mbg_nbd", **PURCHASES) < 0.2
    # Who has just bought may still have dropped out of it.
    assert p_alive(3, 90, 90, model="mbg_nbd", **PURCHASES) == pytest.approx(1 / (1 + 0.8 / 5))


def test_who_has_bought_often_and_then_stopped_is_dead_without_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert p_alive(5000, 100, 100_000, model="mbg_nbd", **PURCHASES) == 0


def test_a_customer_without_repeat_purchase_is_worth_the_average_order():
    average = expected_order_value(0, np.nan, **SPEND)
    assert average == pytest.approx(4.0 * 30 / 2.5)
    often = expected_order_value([1, 10, 10_000], [7, 7, 7], **SPEND)
    assert average > often[0] > often[1] > often[2] == pytest.approx(7, rel=1e-3)


# -- When, and whether at all


@pytest.mark.parametrize("model", MODELS)
def test_the_next_order_comes_when_it_is_said_to_in_simulated_futures(model):
    x, age, alive, rng = 2, 200.0, 0.8, np.random.default_rng(5)
    rate = rng.gamma(PURCHASES["r"] + x, 1 / (PURCHASES["alpha"] + age), 400_000)
    waited = rng.exponential(1 / rate)
    waited[rng.random(len(waited)) > alive] = np.inf
    knobs = {"r": PURCHASES["r"], "alpha": PURCHASES["alpha"]}
    for level in (0.1, 0.5):
        days = next_order_days(level, alive, x, age, **knobs)
        assert np.mean(waited <= days) == pytest.approx(level, abs=0.003)
        assert p_order(alive, x, age, days, **knobs) == pytest.approx(level, rel=1e-12)
    assert np.isnan(next_order_days(0.8, alive, x, age, **knobs))
    assert np.mean(waited <= 90) == pytest.approx(p_order(alive, x, age, 90, **knobs), abs=0.003)


def test_an_order_over_ten_years_off_is_none():
    assert np.isnan(next_order_days(0.5, 0.6, 0, 3000, r=0.05, alpha=10))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("days", [30, 365])
def test_the_log_gradient_of_expected_orders_is_that_of_finite_differences(model, days):
    x, age = np.array([0.0, 0, 3, 40]), np.array([0.0, 300, 50, 700])
    extra = clv.EXTRA_DROPOUTS[model]
    for theta in (PURCHASES, {"r": 2.0, "alpha": 130.0, "a": 0.3, "b": 1.9}):
        found = clv._log_gradient(days, x, age, extra, **theta)
        for row, name in zip(found, theta, strict=True):
            ahead, behind = (
                clv._orders_until([days], x, age, extra, **theta | {name: theta[name] * step})[0]
                for step in (1.0001, 0.9999)
            )
            numeric = np.log(ahead / behind) / np.log(1.0001 / 0.9999)
            np.testing.assert_allclose(row, numeric, rtol=1e-5, atol=1e-8)


# -- The tables


def test_the_lookup_has_a_row_per_distinct_history_and_horizon():
    parameters = parameters_of("mbg_nbd", **PURCHASES)
    histories = pd.DataFrame({"x": [3, 0, 3, 3], "T": [50, 10, 50, 60]}, dtype="int32")
    lookup = expected_orders(
        parameters, histories, horizons_days=[365, 30], annual_discount_rate=0.1
    )
    assert lookup.columns.tolist() == ["x", "T", "horizon_days", *clv.LOOKUP]
    keys = [(0, 10), (3, 50), (3, 60)]
    expected = [(x, age, days) for days in (30, 365) for x, age in keys]
    assert list(lookup[["x", "T", "horizon_days"]].itertuples(index=False, name=None)) == expected
    assert lookup["x"].dtype == "int32"
    for row in lookup.itertuples():
        purchases = {"model": "mbg_nbd"} | PURCHASES
        orders = expected_orders_if_alive(row.x, row.T, row.horizon_days, **purchases)
        discounted = discounted_orders_if_alive(
            row.x, row.T, row.horizon_days, annual_discount_rate=0.1, **purchases
        )
        assert row.expected_orders_if_alive == pytest.approx(orders, rel=1e-12)
        assert row.discounted_orders_if_alive == pytest.approx(discounted, rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_plain_sql_over_parameters_and_lookup_scores_the_same(simulated, model):
    parameters = fit_clv(simulated, model=model)
    knobs = {"horizons_days": [30, 365], "annual_discount_rate": 0.1}
    expected = score(simulated, parameters, margin_share=0.4, **knobs)
    query = f"""
        with theta as (
            pivot (select parameter, estimate from parameters)
            on parameter using first(estimate)
        )
        select
            customer_id,
            horizon_days,
            case when {model == "bg_nbd"} and x = 0 then 1 else 1 / (
                1 + a / (b + x - {int(model == "bg_nbd")})
                * power((alpha + "T") / (alpha + t_x), r + x)
            ) end as p_alive,
            p_alive * expected_orders_if_alive as expected_orders,
            p * (v + x * coalesce(order_value_mean, 0)) / (p * x + q - 1) as expected_order_value,
            0.4 * p_alive * discounted_orders_if_alive * expected_order_value as clv
        from histories inner join lookup using (x, "T") cross join theta
        order by customer_id, horizon_days
    """
    with duckdb.connect() as connection:
        connection.register("histories", simulated.reset_index())
        connection.register("lookup", expected_orders(parameters, simulated, **knobs))
        connection.register("parameters", parameters)
        in_sql = connection.sql(query).df()
    expected = expected[in_sql.columns]
    pd.testing.assert_frame_equal(in_sql, expected, check_dtype=False, rtol=1e-10)


def test_value_is_margin_times_alive_times_orders_times_order_value(simulated):
    parameters = parameters_of("mbg_nbd", **PURCHASES)
    scored = score(
        simulated, parameters, horizons_days=[365], annual_discount_rate=0, margin_share=0.25
    )
    assert len(scored) == len(simulated)
    assert scored["customer_id"].tolist() == simulated.index.tolist()
    assert scored["p_alive"].between(0, 1).all()
    np.testing.assert_allclose(
        scored["clv"], 0.25 * scored["expected_orders"] * scored["expected_order_value"]
    )


# -- Tiny and impossible inputs


def test_no_customers_make_empty_tables_with_the_same_columns_and_types(simulated):
    nobody = simulated.head(0)
    knobs = {"horizons_days": [30], "annual_discount_rate": 0.1}
    parameters, no_parameters = fit_clv(simulated), fit_clv(nobody)
    assert no_parameters.empty
    pd.testing.assert_series_equal(no_parameters.dtypes, parameters.dtypes)
    for known in (parameters, no_parameters):
        lookup = expected_orders(known, nobody, **knobs)
        assert lookup.empty
        expected = expected_orders(parameters, simulated, **knobs).dtypes
        pd.testing.assert_series_equal(lookup.dtypes, expected)
        scored = score(nobody, known, margin_share=1, **knobs)
        assert scored.empty
        assert scored.columns.tolist() == ["customer_id", "horizon_days", *clv.SCORES]


TINY = {
    "one customer": {"x": [2], "t_x": [30.43], "T": [38.86]},
    "three customers": {"x": [2, 0, 1], "t_x": [30, 0, 5], "T": [60, 60, 5]},
    "nobody repeats": {"x": [0, 0, 0], "t_x": [0, 0, 0], "T": [60, 30, 1]},
    "all on one day": {"x": [0, 0, 0], "t_x": [0, 0, 0], "T": [0, 0, 0]},
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("prior_sd", [None, 2.5])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", TINY)
def test_tiny_histories_give_finite_estimates_and_say_if_they_hold(case, model, prior_sd):
    histories = pd.DataFrame(TINY[case])
    histories["order_value_mean"] = np.where(histories["x"] > 0, 22.35, np.nan)
    fit = fit_clv(histories, model=model, prior_sd=prior_sd)
    assert np.isfinite(fit[["estimate", "log_likelihood"]]).all(axis=None)
    assert (fit["estimate"] > 0).all()
    if prior_sd:
        assert fit["has_converged"].all()
        assert np.isfinite(fit["standard_error"]).all()
    else:
        assert not fit.loc[fit["model"] == model, "has_converged"].any()
        assert fit.loc[~fit["has_converged"], "standard_error"].isna().all()
    knobs = {"horizons_days": [30, 3653], "annual_discount_rate": 0.1, "margin_share": 1}
    scored = score(histories, fit, **knobs)
    assert np.isfinite(scored[["p_alive", "expected_orders"]]).all(axis=None)
    assert len(scored) == 2 * len(histories)
    # Without repeat buyers nothing is known of order values: null, not a guess.
    buyers = histories["x"].gt(0).any()
    money = ["expected_order_value", "clv", "clv_p10", "clv_p50", "clv_p90", "value_at_risk"]
    assert scored[money].notna().all(axis=None) == buyers
    assert scored[money].isna().all(axis=None) != buyers
    assert ("gamma_gamma" in set(fit["model"])) == buyers


def test_where_no_time_has_passed_the_prior_speaks_of_a_purchase_a_year():
    histories = pd.DataFrame(TINY["all on one day"]).assign(order_value_mean=np.nan)
    assert estimates(fit_clv(histories), "mbg_nbd") == pytest.approx(
        {"r": 1, "alpha": 365.25, "a": 1, "b": 1}
    )


def test_where_everyone_spends_the_same_that_is_expected_though_no_spread_can_be_fitted():
    histories = pd.DataFrame({"x": [1, 4] * 25, "t_x": [9, 40] * 25, "T": 40})
    fit = fit_clv(histories.assign(order_value_mean=12.5))
    has_converged = fit.groupby("model")["has_converged"].first()
    assert has_converged.to_dict() == {"gamma_gamma": False, "mbg_nbd": True}
    values = expected_order_value([0, 4], [np.nan, 12.5], **estimates(fit, "gamma_gamma"))
    np.testing.assert_allclose(values, 12.5, rtol=1e-4)


def test_repeat_purchases_for_nothing_stay_out_of_the_spend_model_but_are_scored():
    histories = pd.DataFrame(
        {"x": [1, 1, 2], "t_x": [3, 9, 4], "T": [9, 9, 9], "order_value_mean": [0.0, 8.0, 9.0]}
    )
    fit = fit_clv(histories)
    assert fit.set_index("model")["customer_count"].to_dict() == {"mbg_nbd": 3, "gamma_gamma": 2}
    scored = score(histories, fit, horizons_days=[30], annual_discount_rate=0, margin_share=1)
    assert scored["expected_order_value"].iloc[0] < scored["expected_order_value"].iloc[1]


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"x": 1, "t_x": 9, "T": 5}, "t_x is greater than T in 2 rows"),
        ({"x": -1, "t_x": 0, "T": 5}, "x is negative in 2 rows"),
        ({"x": 0, "t_x": 3, "T": 5}, "t_x is positive although x is 0 in 2 rows"),
        ({"x": 2, "t_x": 0, "T": 5}, "t_x is 0 although x is positive in 2 rows"),
        ({"x": 1, "t_x": -3, "T": 5}, "t_x is negative in 2 rows"),
        ({"x": 0, "t_x": 0, "T": -5}, "T is negative in 2 rows"),
        ({"x": np.nan, "t_x": 3, "T": 5}, "x is null or infinite in 2 rows"),
        ({"x": 1, "t_x": np.nan, "T": 5}, "t_x is null or infinite in 2 rows"),
        ({"x": 1, "t_x": 3, "T": np.inf}, "T is null or infinite in 2 rows"),
        (
            {"x": 1, "t_x": 3, "T": 5, "order_value_mean": np.nan},
            "order_value_mean is null .* 2 rows",
        ),
        (
            {"x": 1, "t_x": 3, "T": 5, "order_value_mean": -1},
            "order_value_mean is negative in 2 rows",
        ),
    ],
)
def test_histories_that_cannot_be_are_refused_by_column_and_count(history, message):
    possible = {"x": 1, "t_x": 3, "T": 5, "order_value_mean": 10.0}
    histories = pd.DataFrame([possible, possible | history, possible | history])
    parameters = parameters_of("mbg_nbd", **PURCHASES)
    with pytest.raises(ValueError, match=message):
        fit_clv(histories)
    with pytest.raises(ValueError, match=message):
        score(histories, parameters, horizons_days=[30], annual_discount_rate=0, margin_share=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fit_clv(one(x=1, t_x=2, T=3), model="pareto"),
            "model='pareto' is none of mbg_nbd",
        ),
        (lambda: fit_clv(one(x=1, t_x=2, T=3), prior_sd=0), "prior_sd=0 must be above 0"),
        (lambda: lookup_of(horizons_days=[30, 0]), r"horizons_days=\[30, 0\] must all be above 0"),
        (lambda: lookup_of(annual_discount_rate=-1), "annual_discount_rate=-1 must be above -1"),
        (lambda: lookup_of(parameters=fit_clv(one(x=1, t_x=2, T=3).head(0))), "no purchase model"),
    ],
)
def test_knobs_out_of_range_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def lookup_of(parameters=None, horizons_days=(30,), annual_discount_rate=0.1):
    return expected_orders(
        parameters_of("mbg_nbd", **PURCHASES) if parameters is None else parameters,
        one(x=1, t_x=2, T=3),
        horizons_days=horizons_days,
        annual_discount_rate=annual_discount_rate,
    )


def test_with_all_orders_the_first_one_is_one_more_to_learn_order_values_from(simulated):
    """The same as if every customer had come once more, as far as spend goes."""
    histories = simulated.assign(order_value_mean=simulated["order_value_mean"].fillna(17.0))
    more = histories.assign(**{name: histories[name] + 1 for name in ("x", "t_x", "T")})
    found = fit_clv(histories, spend_orders="all").query("model == 'gamma_gamma'")
    expected = fit_clv(more).query("model == 'gamma_gamma'")
    pd.testing.assert_frame_equal(found, expected)
    repeat = fit_clv(histories)
    purchases = fit_clv(histories, spend_orders="all").query("model == 'mbg_nbd'")
    pd.testing.assert_frame_equal(purchases, repeat.query("model == 'mbg_nbd'"))
    knobs = {"horizons_days": [365], "annual_discount_rate": 0, "margin_share": 1}
    scored = score(histories, repeat, spend_orders="all", **knobs)
    theta = estimates(repeat, "gamma_gamma")
    p, q, v = (theta[name] for name in "pqv")
    count, mean = histories["x"].to_numpy() + 1, histories["order_value_mean"].to_numpy()
    np.testing.assert_allclose(
        scored["expected_order_value"], p * (v + count * mean) / (p * count + q - 1)
    )
    # A dear first order lifts the range of who came once.
    once = pd.DataFrame({"x": 0, "t_x": 0, "T": 30, "order_value_mean": [10.0, 1000.0]})
    ninety = score(once, repeat, spend_orders="all", **knobs)["clv_p90"]
    assert ninety[1] > 5 * ninety[0] > 0
    with pytest.raises(ValueError, match="order_value_mean is null in 1 rows"):
        fit_clv(once.assign(order_value_mean=[1.0, np.nan]), spend_orders="all")
    with pytest.raises(ValueError, match="spend_orders='first' is none of repeat, all"):
        fit_clv(once, spend_orders="first")
