"""Fit the purchase and the spend model of customer lifetime value by maximum likelihood.

Purchases follow BG/NBD (Fader, Hardie & Lee 2005, Marketing Science 24(2)) or MBG/NBD (Batislam,
Denizel & Filiztekin 2007, IJRM 24(3); Hoppe & Wagner 2007, Marketing ZFP 29(2)). Order values
follow Gamma-Gamma (Fader & Hardie 2013, brucehardie.com/notes/025). docs/methods/clv.md derives the
formulas.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, gammaln
from threadpoolctl import threadpool_limits

from clientele.value.expectations import log_odds_dead
from clientele.value.histories import EXTRA_DROPOUTS, checked, extra_dropouts, first_orders

PURCHASE_PARAMETERS = ["r", "alpha", "a", "b"]
SPEND_PARAMETERS = ["p", "q", "v"]
LOADINGS = [f"loading_{axis}" for axis in range(1, 5)]
CLV_PARAMETER_TYPES = {
    "model": "string",
    "parameter": "string",
    "estimate": "double",
    "standard_error": "double",
    "log_likelihood": "double",
    "customer_count": "int",
    "has_converged": "boolean",
} | dict.fromkeys(LOADINGS, "double")
_DTYPES = {"string": "str", "double": "float64", "int": "int64", "boolean": "bool"}
# exp of this is as good as infinite for every parameter.
LOG_BOUND = 12.0
# Order values whose coefficient of variation is below this are one value.
LEAST_SPREAD = 0.01
DAYS_PER_YEAR = 365.25


def fit_clv(
    histories: pd.DataFrame,
    *,
    model: str = "mbg_nbd",
    prior_sd: float | None = 2.5,
    spend_orders: str = "repeat",
) -> pd.DataFrame:
    """Fit the purchase and the spend model by maximum likelihood and return their parameters.

    ``histories`` holds a row per customer with ``x``, ``t_x``, ``t`` (days) and
    ``order_value_mean``, the mean value of the repeat purchase days (ignored where ``x`` is 0), or
    with ``spend_orders`` `all` that of all purchase days, the first one among them.
    ``prior_sd`` is the standard deviation of a normal prior on the logarithm of each parameter
    (time in units of the mean ``t``, money in units of the mean order value, and q - 1 in place of
    q), which keeps small samples proper; None is plain maximum likelihood.

    Returns a row per model and parameter: r, alpha (days), a, b of ``model``; p, q, v (money) of
    ``gamma_gamma``, fitted on the customers with such purchases of positive value. If there are
    none, ``gamma_gamma`` has no rows; without customers the result is empty. ``standard_error``
    comes from the curvature at the maximum; it is null, and ``has_converged`` false, if the
    maximum is not a strict one. ``log_likelihood`` is without the prior, in days and money.
    ``loading_1`` to ``loading_4`` are the parameter's row of the lower Cholesky factor of the
    covariance of the parameters' logarithms (of q - 1 for q): the delta method needs only sums
    over them.

    Raises ``ValueError`` on impossible histories; it names the column and the number of rows.

    Example, three customers in days and pounds::

        histories = pd.DataFrame(
            {"x": [2, 0, 1], "t_x": [30, 0, 5], "t": [60, 60, 5], "order_value_mean": [20, 0, 35]}
        )
        parameters = fit_clv(histories, model="mbg_nbd")
    """
    return fit_models(histories, [model], prior_sd=prior_sd, spend_orders=spend_orders)


@threadpool_limits.wrap(limits=1)
def fit_models(
    histories: pd.DataFrame, models: list[str], *, prior_sd: float | None, spend_orders: str
) -> pd.DataFrame:
    """Return what `fit_clv` does for several purchase models, which share one spend model."""
    extras = {model: extra_dropouts(model) for model in models}
    if prior_sd is not None and not prior_sd > 0:
        raise ValueError(f"prior_sd={prior_sd} must be above 0, or null for no prior")
    x, t_x, t, value = checked(histories, spend_orders)
    tables = []
    if len(x):
        tables += [
            _fit_purchases(model, extra, x, t_x, t, prior_sd) for model, extra in extras.items()
        ]
    counted = x + first_orders(spend_orders)
    pays = (counted > 0) & (value > 0)
    if pays.any():
        tables.append(_fit_spend(counted[pays], value[pays], prior_sd))
    dtypes = {name: _DTYPES[kind] for name, kind in CLV_PARAMETER_TYPES.items()}
    if not tables:
        return pd.DataFrame(columns=list(dtypes)).astype(dtypes)
    return pd.concat(tables, ignore_index=True).astype(dtypes)


def estimates_of(parameters: pd.DataFrame, model: str) -> dict[str, float]:
    """Return {parameter: estimate} of ``model`` in a result of `fit_clv`; empty if it has none."""
    rows = parameters[parameters["model"] == model]
    return dict(zip(rows["parameter"], rows["estimate"], strict=True))


def purchase_parameters(parameters: pd.DataFrame) -> tuple[str, dict[str, float]]:
    """Return the purchase model in a result of `fit_clv` and its estimates.

    Raises ``ValueError`` if there is none, which is the case without customers.
    """
    for model in EXTRA_DROPOUTS:
        estimates = estimates_of(parameters, model)
        if estimates:
            return model, estimates
    raise ValueError("parameters holds no purchase model: fit_clv needs at least one customer")


def _fit_purchases(model, extra, x, t_x, t, prior_sd):
    count = len(x)
    (x, t_x, t), weight = _distinct(x, t_x, t)
    # If no time has passed, the prior alone decides; its unit of time is then a year.
    unit = np.sum(weight * t) / count or DAYS_PER_YEAR
    rate = max(np.sum(weight * x) / count, 1e-3)
    fit = _maximise(
        lambda theta: _purchase_likelihood(theta, x, t_x / unit, t / unit, weight, extra),
        start=[0.5, 0.5 / rate, 1.0, 2.0],
        floor=[0, 0, 0, 0],
        count=count,
        prior_sd=prior_sd,
    )
    # A purchase is an event in time: its density has the unit 1 / day.
    log_unit = -np.sum(weight * x) * np.log(unit)
    return _as_table(model, PURCHASE_PARAMETERS, fit, [1, unit, 1, 1], count, log_unit)


def _fit_spend(x, value, prior_sd):
    count = len(x)
    (x, value), weight = _distinct(x, value)
    unit = np.sum(weight * value) / count
    if np.sum(weight * (value / unit - 1) ** 2) < count * LEAST_SPREAD**2:
        # The likelihood has no maximum: every value is the mean. It is known as well as can be.
        theta = np.array([LEAST_SPREAD**-2, LEAST_SPREAD**-2 + 1, 1.0])
        likelihood = _spend_likelihood(theta, x, value / unit, weight)[0]
        fit = theta, np.zeros(3), likelihood, True, np.zeros((3, 4))
        return _as_table(
            "gamma_gamma", SPEND_PARAMETERS, fit, [1, 1, unit], count, -count * np.log(unit)
        )
    fit = _maximise(
        lambda theta: _spend_likelihood(theta, x, value / unit, weight),
        start=[4.0, 3.0, 1.0],
        floor=[0, 1, 0],  # at q <= 1 the mean order value would be infinite
        count=count,
        prior_sd=prior_sd,
    )
    return _as_table(
        "gamma_gamma", SPEND_PARAMETERS, fit, [1, 1, unit], count, -count * np.log(unit)
    )


def _purchase_likelihood(theta, x, t_x, t, weight, extra):
    """Return the log-likelihood of the histories and its gradient in (r, alpha, a, b)."""
    r, alpha, a, b = theta
    # Gamma functions once per distinct x.
    distinct, at = np.unique(x, return_inverse=True)
    chances = distinct + extra
    log_odds = log_odds_dead(x, t_x, t, extra, r, alpha, a, b)
    dead = expit(log_odds)
    by_count = (
        gammaln(r + distinct)
        - gammaln(r)
        + r * np.log(alpha)
        + betaln(a, b + chances)
        - betaln(a, b)
    )
    log_age = np.log(alpha + t)
    value = np.sum(weight * (by_count[at] - (r + x) * log_age + np.logaddexp(0, log_odds)))

    psi_ab, psi_aby = digamma(a + b), digamma(a + b + chances)
    log_ratio = np.log1p((t - t_x) / (alpha + t_x))
    per_row = [
        (digamma(r + distinct) - digamma(r) + np.log(alpha))[at] - log_age + dead * log_ratio,
        r / alpha - (r + x) * ((1 - dead) / (alpha + t) + dead / (alpha + t_x)),
        (psi_ab - psi_aby)[at] + dead / a,
        (digamma(b + chances) - digamma(b) + psi_ab - psi_aby)[at]
        - dead / (b + np.maximum(chances, 1) - 1)[at],
    ]
    return value, np.array([np.sum(weight * row) for row in per_row])


def _spend_likelihood(theta, x, value, weight):
    """Return the log-likelihood of the mean order values and its gradient in (p, q, v)."""
    p, q, v = theta
    distinct, at = np.unique(x, return_inverse=True)
    px = p * distinct
    total = v + x * value
    log_seen, log_prior = np.log(x * value / total), np.log(v / total)
    by_count = gammaln(px + q) - gammaln(px) - gammaln(q)
    value_per_row = by_count[at] - np.log(value) + px[at] * log_seen + q * log_prior
    psi = digamma(px + q)
    per_row = [
        x * ((psi - digamma(px))[at] + log_seen),
        (psi - digamma(q))[at] + log_prior,
        q / v - (px[at] + q) / total,
    ]
    return np.sum(weight * value_per_row), np.array([np.sum(weight * row) for row in per_row])


def _maximise(likelihood, *, start, floor, count, prior_sd):
    """Maximise over log(theta - floor).

    Returns theta, standard errors, log-likelihood, convergence and loadings. L-BFGS-B approaches
    the maximum, Newton steps fix the last digits; the Hessian is the difference of analytic
    gradients.
    """
    floor = np.asarray(floor, float)
    weight = 0.0 if prior_sd is None else 1 / (count * prior_sd**2)

    def loss(log_theta):
        value, gradient = likelihood(floor + np.exp(log_theta))
        penalty = weight * log_theta @ log_theta / 2
        return penalty - value / count, weight * log_theta - gradient * np.exp(log_theta) / count

    def hessian(log_theta):
        steps = 1e-5 * np.eye(len(start))
        rows = [loss(log_theta + step)[1] - loss(log_theta - step)[1] for step in steps]
        rows = np.array(rows) / 2e-5
        return (rows + rows.T) / 2

    log_theta = np.log(np.asarray(start) - floor)
    # On a narrow ridge it stops early, at a point that depends on the machine: continue there.
    for _ in range(20):
        log_theta = minimize(
            loss,
            log_theta,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-LOG_BOUND, LOG_BOUND)] * len(start),
            options={"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-7},
        ).x
        if np.abs(loss(log_theta)[1]).max() < 1e-4:
            break
    for _ in range(5):
        curvature = hessian(log_theta)
        is_maximum = np.linalg.eigvalsh(curvature).min() > 1e-10
        if not is_maximum:
            break
        value, gradient = loss(log_theta)
        if np.abs(gradient).max() < 1e-11:
            break
        better = log_theta - np.linalg.solve(curvature, gradient)
        if np.abs(better).max() > LOG_BOUND or loss(better)[0] > value:
            break
        log_theta = better
    has_converged = bool(
        is_maximum
        and np.abs(loss(log_theta)[1]).max() < 1e-6
        and np.abs(log_theta).max() < LOG_BOUND - 0.1
    )
    errors, loadings = np.full(len(start), np.nan), np.full((len(start), 4), np.nan)
    if has_converged:
        covariance = np.linalg.inv(curvature) / count
        errors = np.sqrt(np.diag(covariance)) * np.exp(log_theta)
        loadings = np.zeros((len(start), 4))
        loadings[:, : len(start)] = np.linalg.cholesky(covariance)
    theta = floor + np.exp(log_theta)
    return theta, errors, likelihood(theta)[0], has_converged, loadings


def _as_table(model, names, fit, units, count, log_unit):
    theta, errors, log_likelihood, has_converged, loadings = fit
    return pd.DataFrame(
        {
            "model": model,
            "parameter": names,
            "estimate": theta * units,
            "standard_error": errors * units,
            "log_likelihood": log_likelihood + log_unit,
            "customer_count": count,
            "has_converged": has_converged,
        }
        | dict(zip(LOADINGS, loadings.T, strict=True))
    )


def _distinct(*columns):
    """Return the distinct rows, sorted, with their counts: sums then have one order."""
    counts = pd.DataFrame(np.column_stack(columns)).groupby(list(range(len(columns)))).size()
    return counts.index.to_frame().to_numpy().T, counts.to_numpy()
