"""Closed forms of the purchase models and of Gamma-Gamma, for customers with known parameters.

docs/methods/clv.md derives every formula. ``x``, ``t_x`` and ``t`` are those of
`clientele.value.histories`: numbers or arrays of one shape.
"""

import numpy as np
from scipy.special import expit

from clientele.value.histories import extra_dropouts

# A next order that is expected later than this is reported as none.
MAX_NEXT_ORDER_DAYS = 730
DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12


def p_alive(x, t_x, t, *, model: str, r: float, alpha: float, a: float, b: float):
    """Return the probability that a customer has not dropped out by ``t``.

    With BG/NBD no customer drops out before a repeat purchase, so it is 1 if ``x`` is 0.
    """
    x, t_x, t = np.asarray(x, float), np.asarray(t_x, float), np.asarray(t, float)
    return expit(-log_odds_dead(x, t_x, t, extra_dropouts(model), r, alpha, a, b))


def p_order(p_alive, x, t, days, *, r: float, alpha: float):
    """Return the probability of at least one purchase in the ``days`` after ``t``.

    The first one comes before any further chance to drop out, so it does not depend on a and b.
    """
    x, t = np.asarray(x, float), np.asarray(t, float)
    return p_alive * -np.expm1(-(r + x) * np.log1p(days / (alpha + t)))


def next_order_days(level: float, p_alive, x, t, *, r: float, alpha: float):
    """Return the days after ``t`` within which the next purchase comes with probability ``level``.

    Given alive they are Lomax. NaN if ``p_alive`` is not above ``level``, because the probability
    of a purchase then never reaches ``level``, and beyond `MAX_NEXT_ORDER_DAYS`.
    """
    x, t, alive = (np.asarray(values, float) for values in (x, t, p_alive))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_left = np.log1p(-level / alive)
        days = (alpha + t) * np.expm1(-log_left / (r + x))
    return np.where((alive > level) & (days <= MAX_NEXT_ORDER_DAYS), days, np.nan)


def expected_orders_if_alive(
    x, t, days: float, *, model: str, r: float, alpha: float, a: float, b: float
):
    """Return the expected purchase days in the ``days`` after ``t``, given alive at ``t``.

    ``x`` and ``t`` are numbers or arrays of one shape, ``days`` is one number.
    """
    x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
    return orders_until([days], x, t, extra_dropouts(model), r, alpha, a, b)[0]


def discounted_orders_if_alive(
    x,
    t,
    days: float,
    *,
    annual_discount_rate: float,
    model: str,
    r: float,
    alpha: float,
    a: float,
    b: float,
):
    """Return `expected_orders_if_alive` with each month discounted from the middle of the month.

    A month is a twelfth of 365.25 days; the last one is cut at ``days``.
    """
    x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
    extra = extra_dropouts(model)
    return tabulated_orders([days], annual_discount_rate, x, t, extra, r, alpha, a, b)[days][1]


def expected_order_value(x, order_value_mean, *, p: float, q: float, v: float):
    """Return the expected value of a future purchase day, given the mean of the ``x`` that count.

    ``order_value_mean`` is ignored where ``x`` is 0: such a customer gets the average.
    """
    x = np.asarray(x, float)
    seen = np.where(x > 0, np.asarray(order_value_mean, float), 0)
    return p * (v + x * seen) / (p * x + q - 1)


def log_odds_dead(x, t_x, t, extra, r, alpha, a, b):
    """Return the log odds of a dropout right after the last purchase; -inf if none was possible."""
    chances = x + extra
    with np.errstate(divide="ignore"):
        log_weight = np.log(np.where(chances > 0, a / (b + np.maximum(chances, 1) - 1), 0))
    return log_weight + (r + x) * np.log1p((t - t_x) / (alpha + t_x))


def orders_until(ends, x, t, extra, r, alpha, a, b):
    """Return the expected orders given alive at ``t``, a row per end of the period.

    A customer who drops out after a purchase with probability p and buys at the rate lambda
    until then expects (1 - exp(-lambda p days)) / p orders. The history leaves
    lambda ~ Gamma(r + x, alpha + t), which integrates in closed form, and
    p ~ Beta(a, b + x + extra), which is summed over nodes: one rule per distinct x.
    """
    orders = np.empty((len(ends), *x.shape))
    for count in np.unique(x):
        rows = x == count
        shape, rate = r + count, (alpha + t[rows])[..., None]
        p, weight = _beta_rule(a, b + count + extra, np.log1p(shape * max(ends) / rate.min()))
        for i, days in enumerate(ends):
            per_node = -np.expm1(-shape * np.log1p(p * days / rate)) / p
            orders[i, rows] = np.sum(weight * per_node, axis=-1)
    return orders


def tabulated_orders(
    horizons_days, annual_discount_rate, x, t, extra, r, alpha, a, b, *, season_days=None
):
    """Return {horizon: (orders, discounted orders)} from one pass over all months.

    ``season_days`` holds the days of each horizon on the clock of the model, if that is not the
    calendar; between two of its horizons it runs evenly. Discounts follow the calendar.
    """
    passed = {days: days for days in horizons_days} | (season_days or {})
    known = sorted(passed)
    delta = np.log1p(annual_discount_rate) / DAYS_PER_YEAR
    months = np.arange(DAYS_PER_MONTH, max(horizons_days), DAYS_PER_MONTH)
    ends = np.union1d(months, horizons_days)
    clock = np.interp(ends, [0, *known], [0, *(passed[days] for days in known)])
    orders = dict(zip(ends, orders_until(clock, x, t, extra, r, alpha, a, b), strict=True))
    tabulated = {}
    for days in horizons_days:
        discounted, start, before = 0.0, 0.0, 0.0
        for end in (*months[months < days], days):
            discounted += (orders[end] - before) * np.exp(-delta * (start + end) / 2)
            start, before = end, orders[end]
        tabulated[days] = orders[days], discounted
    return tabulated


def log_gradient(days, x, t, extra, r, alpha, a, b):
    """Return d ln(expected orders) / d ln(r, alpha, a, b), an array of 4 x the shape of ``x``.

    The same sum over nodes as in `orders_until`, differentiated under the integral.
    """
    gradient = np.empty((4, *x.shape))
    for count in np.unique(x):
        rows = x == count
        shape, rate = r + count, (alpha + t[rows])[..., None]
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
    # A logit of -690 is p = 1e-300: 0 to f, but a valid divisor.
    return expit(np.maximum(logit[kept], -690)), weight[kept] / weight[kept].sum()
