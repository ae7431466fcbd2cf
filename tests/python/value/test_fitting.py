import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from value_data import MODELS, PURCHASES, SPEND, simulate, simulated_histories

from clientele.value import fitting
from clientele.value.expectations import (
    expected_order_value,
    expected_orders_if_alive,
    p_alive,
)
from clientele.value.fitting import LOADINGS, fit_clv
from clientele.value.histories import EXTRA_DROPOUTS


@pytest.fixture(scope="module")
def simulated():
    return simulated_histories()


@pytest.mark.parametrize(("x", "t_x", "t"), [(0, 0, 30), (1, 12, 30), (3, 20, 20), (7, 5, 30)])
@pytest.mark.parametrize("model", MODELS)
def test_the_likelihood_of_a_history_is_the_integral_over_rates_and_dropouts(model, x, t_x, t):
    r, alpha, a, b = 1.4, 9.0, 1.3, 2.1
    survived = x + EXTRA_DROPOUTS[model]  # chances to drop out that were not taken

    def bought_until(day):
        def likelihood(rate):
            return rate**x * np.exp(-rate * day) * stats.gamma.pdf(rate, r, scale=1 / alpha)

        return integrate.quad(likelihood, 0, 10, epsabs=1e-16, limit=500)[0]

    def stayed(times, *, then_left):
        def likelihood(p):
            return p**then_left * (1 - p) ** times * stats.beta.pdf(p, a, b)

        return integrate.quad(likelihood, 0, 1, epsabs=1e-16, limit=500)[0]

    alive = bought_until(t) * stayed(survived, then_left=0)
    dead = bought_until(t_x) * stayed(survived - 1, then_left=1) if survived else 0
    result, _ = fitting._purchase_likelihood(
        (r, alpha, a, b), *np.array([[x], [t_x], [t]], float), np.ones(1), survived - x
    )
    assert result == pytest.approx(np.log(alive + dead), rel=1e-9)
    assert p_alive(x, t_x, t, model=model, r=r, alpha=alpha, a=a, b=b) == pytest.approx(
        alive / (alive + dead), rel=1e-9
    )


@pytest.mark.parametrize(("x", "mean"), [(1, 20.0), (4, 7.5), (30, 50.0)])
def test_the_likelihood_and_the_mean_of_order_values_are_integrals_over_customers(x, mean):
    p, q, v = SPEND.values()

    def over_customers(f):
        def weighted(rate):
            likelihood = stats.gamma.pdf(mean, p * x, scale=1 / (rate * x))
            return f(rate) * likelihood * stats.gamma.pdf(rate, q, scale=1 / v)

        return integrate.quad(weighted, 0, 5, points=[p / mean], epsabs=1e-15, limit=500)[0]

    evidence = over_customers(lambda rate: 1)
    result, _ = fitting._spend_likelihood((p, q, v), *np.array([[x], [mean], [1]], float))
    assert result == pytest.approx(np.log(evidence), rel=1e-7)
    outlook = over_customers(lambda rate: p / rate) / evidence
    assert expected_order_value(x, mean, **SPEND) == pytest.approx(outlook, rel=1e-7)


@pytest.mark.parametrize("theta", [[0.3, 2.0, 0.7, 1.9], [3.0, 0.2, 4.0, 0.1]])
@pytest.mark.parametrize("model", MODELS)
def test_the_gradient_of_the_purchase_likelihood_is_that_of_finite_differences(
    simulated, model, theta
):
    columns = [simulated["x"].to_numpy(float), simulated["t_x"] / 100, simulated["t"] / 100]
    weight = np.arange(len(simulated)) % 3

    def likelihood(theta):
        columns_of = [np.asarray(column) for column in columns]
        return fitting._purchase_likelihood(theta, *columns_of, weight, EXTRA_DROPOUTS[model])

    np.testing.assert_allclose(likelihood(theta)[1], differences(likelihood, theta), rtol=1e-6)


def test_the_gradient_of_the_spend_likelihood_is_that_of_finite_differences(simulated):
    paying = simulated[simulated["x"] > 0]
    columns = paying["x"].to_numpy(float), paying["order_value_mean"].to_numpy()
    weight = np.arange(len(paying)) % 3

    def likelihood(theta):
        return fitting._spend_likelihood(theta, *columns, weight)

    theta = [2.0, 1.5, 20.0]
    np.testing.assert_allclose(likelihood(theta)[1], differences(likelihood, theta), rtol=1e-6)


def differences(likelihood, theta):
    steps = 1e-6 * np.diag(theta)
    ahead = np.array([likelihood(theta + step)[0] for step in steps])
    behind = np.array([likelihood(theta - step)[0] for step in steps])
    return (ahead - behind) / (2e-6 * np.array(theta))


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


def test_loadings_multiply_to_the_covariance_of_the_standard_errors(simulated):
    fit = fit_clv(simulated)
    for _, rows in fit.groupby("model"):
        loadings = rows[LOADINGS].to_numpy()
        scale = rows["estimate"] - (rows["parameter"] == "q")
        errors = np.sqrt(np.diag(loadings @ loadings.T)) * scale
        np.testing.assert_allclose(errors, rows["standard_error"], rtol=1e-12)
        assert (np.triu(loadings[:, : len(rows)], 1) == 0).all()


def test_totals_vary_between_samples_as_the_delta_method_predicts():
    population = simulate("mbg_nbd", 500, seed=99, **PURCHASES, **SPEND)
    totals, claimed = [], []
    for seed in range(30):
        fit = fit_clv(simulate("mbg_nbd", 2000, seed=seed, **PURCHASES, **SPEND), prior_sd=None)
        totals.append(total_orders(population, fit))
        claimed.append(standard_error(population, fit) / totals[-1])
    # Of 30 samples the spread is known to about 13%.
    assert np.std(np.log(totals), ddof=1) == pytest.approx(np.mean(claimed), rel=0.4)


def total_orders(histories, fit):
    """The expected orders of all customers within a year."""
    x, t_x, t = (histories[name].to_numpy() for name in ("x", "t_x", "t"))
    purchases = {"model": "mbg_nbd"} | fitting.estimates_of(fit, "mbg_nbd")
    return (
        p_alive(x, t_x, t, **purchases) * expected_orders_if_alive(x, t, 365, **purchases)
    ).sum()


def standard_error(histories, fit):
    """The delta method by brute force: the total computed along each axis of the covariance."""
    variance = 0.0
    for axis in LOADINGS:
        totals = [
            total_orders(histories, fit.assign(estimate=fit["estimate"] * np.exp(step * fit[axis])))
            for step in (1e-3, -1e-3)
        ]
        variance += ((totals[0] - totals[1]) / 2e-3) ** 2
    return np.sqrt(variance)


@pytest.mark.parametrize("prior_sd", [None, 2.5])
@pytest.mark.parametrize("model", MODELS)
def test_units_of_time_and_money_scale_alpha_and_v_and_nothing_else(simulated, model, prior_sd):
    scaled = simulated.assign(
        t_x=simulated["t_x"] / 7,
        t=simulated["t"] / 7,
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


def test_a_wide_prior_has_no_effect_and_a_narrow_one_pulls_to_the_middle_of_the_data(simulated):
    plain = fit_clv(simulated, prior_sd=None)
    wide = fit_clv(simulated, prior_sd=1e4)
    np.testing.assert_allclose(wide["estimate"], plain["estimate"], rtol=1e-5)
    narrow = fit_clv(simulated, prior_sd=1e-4)
    middle = [1, simulated["t"].mean(), 1, 1]
    middle += [1, 2, simulated["order_value_mean"].mean()]
    np.testing.assert_allclose(narrow["estimate"], middle, rtol=1e-3)
