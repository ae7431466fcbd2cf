"""Customer lifetime value: how often a customer will buy again, and for how much.

Purchases follow BG/NBD (Fader, Hardie & Lee 2005, Marketing Science 24(2)) or MBG/NBD (Batislam,
Denizel & Filiztekin 2007, IJRM 24(3); Hoppe & Wagner 2007, Marketing ZFP 29(2)); order values
follow Gamma-Gamma (Fader & Hardie 2013, brucehardie.com/notes/025). docs/methods/clv.md derives
every formula used here.

Throughout, ``x`` is the number of repeat purchase days, ``t_x`` the days from the first to the
last purchase, ``T`` those from the first purchase to the as-of date. Fitting needs a sample of
customers; scoring needs the parameters and closed forms, except for one expectation, which
depends on ``x`` and ``T`` alone and is tabulated by `expected_orders`. `score` states what the
SQL that joins them must give.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, gammaln
from threadpoolctl import threadpool_limits

from clientele.value import ranges

# Drop-outs that may follow the x repeat purchases: MBG/NBD has one more, after the first purchase.
EXTRA_DROPOUTS = {"mbg_nbd": 1, "bg_nbd": 0}
# First purchase days that the spend model learns from and values by, besides the repeat ones.
FIRST_ORDERS = {"repeat": 0, "all": 1}
PARAMETER_DTYPES = {
    "model": "str",
    "parameter": "str",
    "estimate": "float64",
    "standard_error": "float64",
    "log_likelihood": "float64",
    "customer_count": "int64",
    "has_converged": "bool",
} | {f"loading_{axis}": "float64" for axis in range(1, 5)}
LOADINGS = [f"loading_{axis}" for axis in range(1, 5)]
PURCHASE_PARAMETERS = ["r", "alpha", "a", "b"]
QUANTILES = (0.1, 0.5, 0.9)
LOG_VALUES = [f"log_value_{number}" for number in range(1, len(ranges.LEVELS) + 1)]
LOG_GRADIENT = [f"log_gradient_{name}" for name in PURCHASE_PARAMETERS]
NEXT_ORDER_DAYS = ["next_order_days_p10", "next_order_days_p50", "next_order_days_p90"]
SCORES = [
    "p_alive",
    "p_order",
    "expected_orders",
    "expected_order_value",
    "clv",
    "clv_p10",
    "clv_p50",
    "clv_p90",
    "value_at_risk",
    *NEXT_ORDER_DAYS,
]
# As the warehouse stores what `fit_clv` and `expected_orders` return.
PARAMETER_TYPES = {
    name: {"str": "string", "int64": "int", "bool": "boolean"}.get(kind, "double")
    for name, kind in PARAMETER_DTYPES.items()
}
LOOKUP = [
    "expected_orders_if_alive",
    "discounted_orders_if_alive",
    "order_square_if_alive",
    *LOG_GRADIENT,
    *LOG_VALUES,
]
LOOKUP_TYPES = {"x": "int", "t": "int", "horizon_days": "int"} | dict.fromkeys(LOOKUP, "double")
# A next order further off is as good as none.
MAX_NEXT_ORDER_DAYS = 3652
DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
# exp of this is as good as infinite for every parameter.
LOG_BOUND = 12.0


# Matrices are small: threads would wait for each other longer than they work.
@threadpool_limits.wrap(limits=1)
def fit_clv(
    histories: pd.DataFrame,
    *,
    model: str = "mbg_nbd",
    prior_sd: float | None = 2.5,
    spend_orders: str = "repeat",
) -> pd.DataFrame:
    """Fit the purchase and the spend model by maximum likelihood and return their parameters.

    ``histories`` holds a row per customer with ``x``, ``t_x``, ``T`` (days) and
    ``order_value_mean``, the mean value of the repeat purchase days (ignored where ``x`` is 0), or
    with ``spend_orders`` `all` that of all purchase days, the first one among them.
    ``prior_sd`` is the standard deviation of a normal prior on the logarithm of each parameter
    (time in units of the mean ``T``, money in units of the mean order value, and q - 1 in place of
    q), which keeps small samples proper; None is plain maximum likelihood.

    Returns a row per model and parameter: r, alpha (days), a, b of ``model``; p, q, v (money) of
    ``gamma_gamma``, fitted on the customers with such purchases of positive value. Where there
    is none there are no such rows, and without customers no rows at all. ``standard_error`` is
    from the curvature at the maximum, null where that is not a strict one; ``has_converged`` is
    then false. ``log_likelihood`` is without the prior, in days and money. ``loading_1`` to
    ``loading_4`` are the parameter's row of the lower Cholesky factor of the covariance of the
    parameters' logarithms (of q - 1 for q): the delta method needs no more than sums over them.

    Raises ``ValueError`` on histories that cannot be, naming the column and the number of rows.
    """
    extra = _extra_dropouts(model)
    if prior_sd is not None and not prior_sd > 0:
        raise ValueError(f"prior_sd={prior_sd} must be above 0, or null for no prior")
    x, t_x, age, value = _checked(histories, spend_orders)
    tables = []
    if len(x):
        tables.append(_fit_purchases(model, extra, x, t_x, age, prior_sd))
    counted = x + _first_orders(spend_orders)
    pays = (counted > 0) & (value > 0)
    if pays.any():
        tables.append(_fit_spend(counted[pays], value[pays], prior_sd))
    if not tables:
        return pd.DataFrame(columns=list(PARAMETER_DTYPES)).astype(PARAMETER_DTYPES)
    return pd.concat(tables, ignore_index=True).astype(PARAMETER_DTYPES)


def p_alive(x, t_x, T, *, model: str, r: float, alpha: float, a: float, b: float):
    """Return the probability that a customer has not dropped out by ``T``.

    BG/NBD lets nobody drop out before a repeat purchase, so there it is 1 where ``x`` is 0.
    """
    x, t_x, age = np.asarray(x, float), np.asarray(t_x, float), np.asarray(T, float)
    return expit(-_log_odds_dead(x, t_x, age, _extra_dropouts(model), r, alpha, a, b))


def p_order(p_alive, x, T, days, *, r: float, alpha: float):
    """Return the probability of at least one purchase in the ``days`` after ``T``.

    The first one comes before any further chance to drop out, so a and b play no part.
    """
    x, age = np.asarray(x, float), np.asarray(T, float)
    return p_alive * -np.expm1(-(r + x) * np.log1p(days / (alpha + age)))


def next_order_days(level: float, p_alive, x, T, *, r: float, alpha: float):
    """Return the days after ``T`` within which the next purchase comes with probability ``level``.

    Given alive they are Lomax; NaN where ``p_alive`` is not above ``level``, for then the purchase
    more likely never comes, and beyond `MAX_NEXT_ORDER_DAYS`.
    """
    x, age, alive = (np.asarray(values, float) for values in (x, T, p_alive))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_left = np.log1p(-level / alive)
        days = (alpha + age) * np.expm1(-log_left / (r + x))
    return np.where((alive > level) & (days <= MAX_NEXT_ORDER_DAYS), days, np.nan)


def expected_orders_if_alive(
    x, T, days: float, *, model: str, r: float, alpha: float, a: float, b: float
):
    """Return the expected purchase days in the ``days`` after ``T`` of who is alive at ``T``.

    ``x`` and ``T`` are numbers or arrays of one shape, ``days`` is one number.
    """
    x, age = np.broadcast_arrays(np.asarray(x, float), np.asarray(T, float))
    return _orders_until([days], x, age, _extra_dropouts(model), r, alpha, a, b)[0]


def discounted_orders_if_alive(
    x,
    T,
    days: float,
    *,
    annual_discount_rate: float,
    model: str,
    r: float,
    alpha: float,
    a: float,
    b: float,
):
    """Return the same expectation, each month's part discounted from the middle of the month.

    A month is a twelfth of 365.25 days; the last one is cut at ``days``.
    """
    x, age = np.broadcast_arrays(np.asarray(x, float), np.asarray(T, float))
    extra = _extra_dropouts(model)
    return _tabulate([days], annual_discount_rate, x, age, extra, r, alpha, a, b)[days][1]


def expected_order_value(x, order_value_mean, *, p: float, q: float, v: float):
    """Return the expected value of a future purchase day, given the mean of the ``x`` that count.

    ``order_value_mean`` is ignored where ``x`` is 0: that customer is worth the average, for
    all that is known.
    """
    x = np.asarray(x, float)
    seen = np.where(x > 0, np.asarray(order_value_mean, float), 0)
    return p * (v + x * seen) / (p * x + q - 1)


@threadpool_limits.wrap(limits=1)
def expected_orders(
    parameters: pd.DataFrame,
    histories: pd.DataFrame,
    *,
    horizons_days: list[int],
    annual_discount_rate: float,
    spend_orders: str = "repeat",
) -> pd.DataFrame:
    """Tabulate what SQL cannot compute, for each distinct ``x``, ``T`` and horizon.

    ``parameters`` is the result of `fit_clv` with the same ``spend_orders``;
    ``annual_discount_rate`` is 0.1 for 10% a year.

    Returns ``x``, ``T``, ``horizon_days`` and, of who is alive, ``expected_orders_if_alive``,
    ``discounted_orders_if_alive``, the mean square ``order_square_if_alive``, the derivatives of
    the logarithm of the expected orders by those of r, alpha, a and b (``log_gradient_r``, ...),
    and the logarithms of the quantiles of the orders' value, at `ranges.LEVELS`, of who orders at
    all (``log_value_1``, ...; relative to v + x times the mean, null without a spend model; x + 1
    with all orders). None of it depends on ``t_x``.
    """
    if annual_discount_rate <= -1 or not np.isfinite(annual_discount_rate):
        raise ValueError(f"annual_discount_rate={annual_discount_rate} must be above -1")
    if any(not days > 0 for days in horizons_days):
        raise ValueError(f"horizons_days={horizons_days} must all be above 0")
    pairs = histories[["x", "T"]].drop_duplicates().sort_values(["x", "T"], ignore_index=True)
    if pairs.empty or not horizons_days:
        empty = pairs.head(0).assign(horizon_days=0, **dict.fromkeys(LOOKUP, 0.0))
        return empty.astype({"horizon_days": "int64"} | dict.fromkeys(LOOKUP, "float64"))
    x, age = _checked_ages(pairs)
    model, estimates = _purchase_parameters(parameters)
    extra, first = _extra_dropouts(model), _first_orders(spend_orders)
    expected = _tabulate(horizons_days, annual_discount_rate, x, age, extra, **estimates)
    spread = _tabulate_spread(sorted(expected), x, age, extra, first, estimates, parameters)
    found = []
    for days in sorted(expected):
        gradient = _log_gradient(days, x, age, extra, **estimates)
        square, log_values = spread[days]
        values = np.column_stack([*expected[days], square, *gradient, log_values])
        found.append(pairs.assign(horizon_days=days, **dict(zip(LOOKUP, values.T, strict=True))))
    return pd.concat(found, ignore_index=True)


def score(
    histories: pd.DataFrame,
    parameters: pd.DataFrame,
    *,
    horizons_days: list[int],
    annual_discount_rate: float,
    margin_share: float,
    spend_orders: str = "repeat",
) -> pd.DataFrame:
    """Value every customer over every horizon: what the SQL scoring must give, row by row.

    Returns the index of ``histories`` (``customer_id`` if it has no name), ``horizon_days``,
    ``p_alive``, ``p_order`` (at least one purchase), ``expected_orders``,
    ``expected_order_value``, ``clv`` = ``margin_share`` x ``p_alive`` x discounted orders x order
    value, ``value_at_risk`` (the same with 1 - ``p_alive``: what is lost with who has left),
    ``clv_p10``, ``clv_p50``, ``clv_p90``, the customer's own quantiles of it, all of the orders
    taken to be discounted alike, and ``next_order_days_p10``, ``_p50``, ``_p90``. What has money
    in it is null if the spend model could not be fitted.
    """
    x, t_x, age, value = _checked(histories, spend_orders)
    lookup = expected_orders(
        parameters,
        histories,
        horizons_days=horizons_days,
        annual_discount_rate=annual_discount_rate,
        spend_orders=spend_orders,
    )
    customers = histories.rename_axis(histories.index.name or "customer_id").reset_index()
    keys = [customers.columns[0], "horizon_days"]
    result = [*keys, *SCORES]
    if customers.empty:
        return customers[keys[:1]].join(lookup["horizon_days"]).reindex(columns=result)
    model, estimates = _purchase_parameters(parameters)
    rate = {name: estimates[name] for name in ("r", "alpha")}
    alive = p_alive(x, t_x, age, model=model, **estimates)
    customers["p_alive"] = alive
    for name, level in zip(NEXT_ORDER_DAYS, QUANTILES, strict=True):
        customers[name] = next_order_days(level, alive, x, age, **rate)
    spend = _estimates(parameters, "gamma_gamma")
    counted = x + _first_orders(spend_orders)
    customers["expected_order_value"] = customers["scale"] = np.nan
    if spend:
        customers["expected_order_value"] = expected_order_value(counted, value, **spend)
        customers["scale"] = spend["v"] + counted * np.where(counted > 0, value, 0)
    scored = customers.merge(lookup, on=["x", "T"]).sort_values(keys, ignore_index=True)
    horizon = scored["horizon_days"]
    scored["p_order"] = p_order(scored["p_alive"], scored["x"], scored["T"], horizon, **rate)
    scored["expected_orders"] = scored["p_alive"] * scored["expected_orders_if_alive"]
    if_alive = margin_share * scored["discounted_orders_if_alive"] * scored["expected_order_value"]
    scored["clv"] = scored["p_alive"] * if_alive
    scored["value_at_risk"] = (1 - scored["p_alive"]) * if_alive
    worth = margin_share * scored["scale"] * scored["discounted_orders_if_alive"]
    worth = worth / scored["expected_orders_if_alive"]
    for name, level in zip(("clv_p10", "clv_p50", "clv_p90"), QUANTILES, strict=True):
        scored[name] = ranges.quantile(
            level, scored["p_order"].round(9), scored[LOG_VALUES].to_numpy(), worth
        ) * np.where(worth.notna(), 1, np.nan)
    return scored[result]


def _extra_dropouts(model: str) -> int:
    if model not in EXTRA_DROPOUTS:
        raise ValueError(f"model={model!r} is none of {', '.join(EXTRA_DROPOUTS)}")
    return EXTRA_DROPOUTS[model]


def _first_orders(spend_orders: str) -> int:
    if spend_orders not in FIRST_ORDERS:
        raise ValueError(f"spend_orders={spend_orders!r} is none of {', '.join(FIRST_ORDERS)}")
    return FIRST_ORDERS[spend_orders]


def _refuse(bad: np.ndarray, what: str) -> None:
    if bad.any():
        raise ValueError(f"histories: {what} in {bad.sum():,} rows")


def _checked_ages(histories: pd.DataFrame) -> list[np.ndarray]:
    columns = []
    for name in ("x", "T"):
        values = histories[name].to_numpy(dtype=float, na_value=np.nan)
        _refuse(~np.isfinite(values), f"{name} is null or infinite")
        _refuse(values < 0, f"{name} is negative")
        columns.append(values)
    return columns


def _checked(histories: pd.DataFrame, spend_orders: str = "repeat") -> tuple[np.ndarray, ...]:
    """Return x, t_x, T and order_value_mean, having refused what cannot be."""
    x, age = _checked_ages(histories)
    t_x, value = (
        histories[name].to_numpy(dtype=float, na_value=np.nan)
        for name in ("t_x", "order_value_mean")
    )
    _refuse(~np.isfinite(t_x), "t_x is null or infinite")
    _refuse(t_x < 0, "t_x is negative")
    _refuse(t_x > age, "t_x is greater than T")
    _refuse((x == 0) & (t_x > 0), "t_x is positive although x is 0")
    _refuse((x > 0) & (t_x == 0), "t_x is 0 although x is positive")
    first = _first_orders(spend_orders)
    although = "" if first else " although x is positive"
    _refuse((x + first > 0) & ~np.isfinite(value), f"order_value_mean is null{although}")
    _refuse((x + first > 0) & (value < 0), "order_value_mean is negative")
    return x, t_x, age, value


def _estimates(parameters: pd.DataFrame, model: str) -> dict[str, float]:
    rows = parameters[parameters["model"] == model]
    return dict(zip(rows["parameter"], rows["estimate"], strict=True))


def _purchase_parameters(parameters: pd.DataFrame) -> tuple[str, dict[str, float]]:
    for model in EXTRA_DROPOUTS:
        estimates = _estimates(parameters, model)
        if estimates:
            return model, estimates
    raise ValueError("parameters holds no purchase model: fit_clv needs at least one customer")


def _log_odds_dead(x, t_x, age, extra, r, alpha, a, b):
    """Log odds of having dropped out right after the last purchase; -inf where none could."""
    chances = x + extra
    with np.errstate(divide="ignore"):
        log_weight = np.log(np.where(chances > 0, a / (b + np.maximum(chances, 1) - 1), 0))
    return log_weight + (r + x) * np.log1p((age - t_x) / (alpha + t_x))


def _purchase_likelihood(theta, x, t_x, age, weight, extra):
    """Return the log-likelihood of the histories and its gradient in (r, alpha, a, b)."""
    r, alpha, a, b = theta
    # Gamma functions once per distinct x.
    distinct, at = np.unique(x, return_inverse=True)
    chances = distinct + extra
    log_odds = _log_odds_dead(x, t_x, age, extra, r, alpha, a, b)
    dead = expit(log_odds)
    by_count = (
        gammaln(r + distinct)
        - gammaln(r)
        + r * np.log(alpha)
        + betaln(a, b + chances)
        - betaln(a, b)
    )
    log_age = np.log(alpha + age)
    value = np.sum(weight * (by_count[at] - (r + x) * log_age + np.logaddexp(0, log_odds)))

    psi_ab, psi_aby = digamma(a + b), digamma(a + b + chances)
    log_ratio = np.log1p((age - t_x) / (alpha + t_x))
    per_row = [
        (digamma(r + distinct) - digamma(r) + np.log(alpha))[at] - log_age + dead * log_ratio,
        r / alpha - (r + x) * ((1 - dead) / (alpha + age) + dead / (alpha + t_x)),
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


def _distinct(*columns):
    """Return the distinct rows, sorted, and how often each occurs: sums have one order then."""
    counts = pd.DataFrame(np.column_stack(columns)).groupby(list(range(len(columns)))).size()
    return counts.index.to_frame().to_numpy().T, counts.to_numpy()


def _fit_purchases(model, extra, x, t_x, age, prior_sd):
    count = len(x)
    (x, t_x, age), weight = _distinct(x, t_x, age)
    # Where no time has passed, nothing but the prior speaks: in years, it speaks of years.
    unit = np.sum(weight * age) / count or DAYS_PER_YEAR
    rate = max(np.sum(weight * x) / count, 1e-3)
    fit = _maximise(
        lambda theta: _purchase_likelihood(theta, x, t_x / unit, age / unit, weight, extra),
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
    fit = _maximise(
        lambda theta: _spend_likelihood(theta, x, value / unit, weight),
        start=[4.0, 3.0, 1.0],
        floor=[0, 1, 0],  # at q <= 1 the mean order value would be infinite
        count=count,
        prior_sd=prior_sd,
    )
    return _as_table(
        "gamma_gamma", ["p", "q", "v"], fit, [1, 1, unit], count, -count * np.log(unit)
    )


def _maximise(likelihood, *, start, floor, count, prior_sd):
    """Maximise over log(theta - floor); return theta, standard errors, log-likelihood, converged.

    L-BFGS-B comes near, Newton steps settle the last digits; the Hessian is the difference of
    analytic gradients.
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
    # Along a narrow ridge it gives up early, and where depends on the machine: begin again there.
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


def _orders_until(ends, x, age, extra, r, alpha, a, b):
    """Return the expected orders of who is alive at ``age``, a row per end of the period.

    A customer who drops out after a purchase with probability p and buys at the rate lambda
    until then expects (1 - exp(-lambda p days)) / p orders. The history leaves
    lambda ~ Gamma(r + x, alpha + age), which integrates in closed form, and
    p ~ Beta(a, b + x + extra), which is summed over nodes: one rule per distinct x.
    """
    orders = np.empty((len(ends), *x.shape))
    for count in np.unique(x):
        rows = x == count
        shape, rate = r + count, (alpha + age[rows])[..., None]
        p, weight = _beta_rule(a, b + count + extra, np.log1p(shape * max(ends) / rate.min()))
        for i, days in enumerate(ends):
            per_node = -np.expm1(-shape * np.log1p(p * days / rate)) / p
            orders[i, rows] = np.sum(weight * per_node, axis=-1)
    return orders


def _beta_rule(a, b, knee):
    """Return nodes p and weights for the mean of a smooth f over p ~ Beta(a, b).

    Trapezoids in the logit of p, where the density falls off exponentially on both sides, so
    that they converge geometrically. The logit runs evenly down to ``-knee``, below which f is
    constant, and exponentially faster beyond, for the long tails of small a and b. Relative
    error below 1e-13 (docs/methods/clv.md).
    """
    low, high = -knee - 5, 5
    # Fine enough for a density that is narrow because a and b are large.
    step = 0.25 / np.sqrt(max(1, a * b / (a + b) / 4))
    even = np.arange(low - np.log(800 / min(a, 1)), high + np.log(800 / min(b, 1)), step)
    below, above = np.exp(low - even), np.exp(even - high)
    logit = even - below + above
    log_weight = np.log1p(below + above) - a * np.logaddexp(0, -logit) - b * np.logaddexp(0, logit)
    weight = np.exp(log_weight - log_weight.max())
    kept = weight > 1e-18
    # A logit of -690 is p = 1e-300, which is 0 to f but can be divided by.
    return expit(np.maximum(logit[kept], -690)), weight[kept] / weight[kept].sum()


def _tabulate(horizons_days, annual_discount_rate, x, age, extra, r, alpha, a, b):
    """Return {horizon: (orders, discounted orders)} from one pass over all months."""
    delta = np.log1p(annual_discount_rate) / DAYS_PER_YEAR
    months = np.arange(DAYS_PER_MONTH, max(horizons_days), DAYS_PER_MONTH)
    ends = np.union1d(months, horizons_days)
    orders = dict(zip(ends, _orders_until(ends, x, age, extra, r, alpha, a, b), strict=True))
    tabulated = {}
    for days in horizons_days:
        discounted, start, before = 0.0, 0.0, 0.0
        for end in (*months[months < days], days):
            discounted += (orders[end] - before) * np.exp(-delta * (start + end) / 2)
            start, before = end, orders[end]
        tabulated[days] = orders[days], discounted
    return tabulated


def _log_gradient(days, x, age, extra, r, alpha, a, b):
    """Return d ln(expected orders) / d ln(r, alpha, a, b), an array of 4 x the shape of ``x``.

    The same sum over nodes as in `_orders_until`, differentiated under the integral.
    """
    gradient = np.empty((4, *x.shape))
    for count in np.unique(x):
        rows = x == count
        shape, rate = r + count, (alpha + age[rows])[..., None]
        after = b + count + extra
        p, weight = _beta_rule(a, after, np.log1p(shape * days / rate.min()))
        log_growth = np.log1p(p * days / rate)
        orders = -np.expm1(-shape * log_growth) / p
        silent = np.exp(-shape * log_growth)
        mean = np.sum(weight * orders, axis=-1)
        log_p, log_rest = np.log(p), np.log1p(-np.minimum(p, 1 - 1e-16))
        by_a, by_b = (
            np.sum(weight * (log - np.sum(weight * log)) * orders, axis=-1)
            for log in (log_p, log_rest)
        )
        by_r = np.sum(weight * silent * log_growth / p, axis=-1)
        by_alpha = -np.sum(weight * silent * shape * days / (rate * (rate + p * days)), axis=-1)
        gradient[:, rows] = np.array([r * by_r, alpha * by_alpha, a * by_a, b * by_b]) / mean
    return gradient


def _tabulate_spread(horizons_days, x, age, extra, first, estimates, parameters):
    """Return {horizon: (mean square of the orders, log value quantiles)} of who is alive."""
    spend = _estimates(parameters, "gamma_gamma")
    levels = len(ranges.LEVELS)
    found = {days: (np.empty(len(x)), np.full((len(x), levels), np.nan)) for days in horizons_days}
    for count in np.unique(x):
        rows = x == count
        tables = [
            ranges.order_probabilities(count, age[rows], days, extra=extra, **estimates)
            for days in horizons_days
        ]
        log_values = ranges.value_levels(count + first, tables, **spend) if spend else None
        for i, days in enumerate(horizons_days):
            found[days][0][rows] = tables[i] @ np.arange(tables[i].shape[1]) ** 2.0
            if spend:
                found[days][1][rows] = log_values[i]
    return found
