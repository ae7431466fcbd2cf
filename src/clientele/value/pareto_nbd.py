"""Pareto/NBD, to compare with; nothing that is published comes from it.

Customers buy at a rate of their own, Gamma(r, alpha), until they leave at an instant of their own,
exponential with a rate that is Gamma(s, beta) (Schmittlein, Morrison & Colombo 1987, Management
Science 33(1); formulas as in Fader & Hardie 2005, brucehardie.com/notes/009). On data such as
Online Retail II s and beta run off together, which is why the package's default is another model.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import gammaln, hyp2f1

from clientele.value.clv import LOG_BOUND, _checked, _distinct


def fit_pareto_nbd(histories: pd.DataFrame) -> dict[str, float]:
    """Fit by plain maximum likelihood.

    ``histories`` is that of `clientele.value.clv.fit_clv`. Returns r, alpha, s, beta (alpha and
    beta in the unit of ``T``) and ``log_likelihood``. Raises ``ValueError`` for impossible
    histories, and if the likelihood has no maximum within e^10 of the unit or ceases to be a
    number on the way.
    """
    x, t_x, age, _ = _checked(histories)
    (x, t_x, age), weight = _distinct(x, t_x, age)
    unit = np.sum(weight * age) / weight.sum()

    def loss(log_theta):
        r, alpha, s, beta = np.exp(log_theta)
        with np.errstate(invalid="ignore", divide="ignore"):
            alive, dead = _log_parts(x, t_x / unit, age / unit, r, alpha, s, beta)
        return -np.sum(weight * np.logaddexp(alive, dead)) / weight.sum()

    found = minimize(
        loss,
        np.log([0.5, 0.5, 0.5, 0.5]),
        method="L-BFGS-B",
        jac="3-point",
        bounds=[(-LOG_BOUND, LOG_BOUND)] * 4,
        options={"ftol": 1e-14, "gtol": 1e-8, "maxiter": 1000},
    )
    names = ["r", "alpha", "s", "beta"]
    far = [name for name, log in zip(names, found.x, strict=True) if abs(log) > LOG_BOUND - 2]
    if far or not np.isfinite(found.fun):
        who = ", ".join(far) or "the likelihood"
        raise ValueError(f"Pareto/NBD has no maximum on these histories: {who} ran off")
    theta = np.exp(found.x) * [1, unit, 1, unit]
    log_likelihood = -found.fun * weight.sum() - np.sum(weight * x) * np.log(unit)
    return dict(zip(names, map(float, theta), strict=True)) | {
        "log_likelihood": float(log_likelihood)
    }


def pareto_nbd_orders(x, t_x, T, days: float, *, r, alpha, s, beta):
    """Return (p_alive, expected purchases in the ``days`` after ``T``); s = 1 is not provided for.

    ``x``, ``t_x`` and ``T`` are arrays of one shape.
    """
    x, t_x, age = (np.asarray(values, float) for values in (x, t_x, T))
    alive, dead = _log_parts(x, t_x, age, r, alpha, s, beta)
    p_alive = np.exp(alive - np.logaddexp(alive, dead))
    grown = -np.expm1((s - 1) * np.log((beta + age) / (beta + age + days)))
    return p_alive, p_alive * (r + x) * (beta + age) / ((alpha + age) * (s - 1)) * grown


def _log_parts(x, t_x, age, r, alpha, s, beta):
    """Return the logarithms of the likelihood's two parts: still there, and gone since t_x."""
    total = r + s + x
    base = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    alive = base - (r + x) * np.log(alpha + age) - s * np.log(beta + age)
    # The form whose argument lies between 0 and 1.
    larger, other = (alpha, s + 1) if alpha >= beta else (beta, r + x)
    gap = abs(alpha - beta)

    def part(time):
        value = hyp2f1(total, other, total + 1, gap / (larger + time))
        return np.log(value) - total * np.log(larger + time)

    first, last = part(t_x), part(age)
    with np.errstate(divide="ignore"):
        dead = base + np.log(s / total) + first + np.log(-np.expm1(np.minimum(last - first, 0)))
    return alive, dead
