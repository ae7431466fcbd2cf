"""Ranges of a forecast: the whole distribution of a customer's orders and of their value.

The models of `clientele.value.fitting` give a distribution per customer; the expected value is one
number of it. docs/methods/clv.md derives the formulas. Both distributions are conditional on the
customer being alive; a customer who has left makes no order.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, betaincinv, betaln, btdtrib, gammaln, logit, ndtr, ndtri

# Probabilities at which the value, given at least one order, is tabulated. The customer's own 90th
# percentile is never beyond the last, because the probability of no order lowers it; the end of a
# range that is drawn apart may be, on the same straight line.
LEVELS = (0.01, 0.03, 0.08, 0.16, 0.26, 0.38, 0.5, 0.62, 0.74, 0.83, 0.9)
# Larger counts are put together in one entry; fewer entries suffice if they leave out under _TAIL.
MAX_ORDERS = 1000
# A value of e^300 times the scale means that no value can be given; it is still a finite amount.
_MAX_LOG_VALUE = 300.0
_TAIL = 1e-9
# Ranges are drawn apart, or together, by no more: further out no value is tabulated.
_WIDTHS = (0.8, 1.25)
_GRID = 96


def order_probabilities(x: float, t, days: float, *, extra: int, r, alpha, a, b) -> np.ndarray:
    """Return P(0), P(1), ... purchase days in the ``days`` after ``t``, given alive at ``t``.

    ``x`` and ``days`` are numbers, ``t`` an array. The result has a row per entry of ``t``, and as
    many columns as it takes to leave out less than 1e-9, at most 1,001; the rest is added to the
    last. ``extra`` is 1 for MBG/NBD and 0 for BG/NBD. Without dropouts the number would be negative
    binomial (Fader, Hardie & Lee 2005); a dropout after the y-th order ends it there.
    """
    shape, rate = r + x, alpha + np.asarray(t, float)
    after = b + x + extra
    # P(at most y) of a negative binomial is that of Beta(shape, y + 1) below its probability.
    most = btdtrib(shape, 1 - _TAIL, np.min(rate / (rate + days))) - 1 if rate.size else 1
    most = np.nan_to_num(most, nan=MAX_ORDERS)
    y = np.arange(int(np.ceil(np.clip(most, 1, MAX_ORDERS))) + 1)
    log_count = gammaln(shape + y) - gammaln(shape) - gammaln(y + 1)
    odds = np.log(days) - np.log(rate + days), np.log(rate) - np.log(rate + days)
    undisturbed = np.exp(log_count + np.outer(odds[0], y) + shape * odds[1][:, None])
    # Probability of at least y: the rest of 1, but not below 0.
    at_least = np.clip(1 - np.cumsum(undisturbed, axis=1) + undisturbed, 0, 1)
    stayed = np.exp(betaln(a, after + y) - betaln(a, after))
    left = np.zeros(len(y))
    left[1:] = np.exp(betaln(a + 1, after + y[1:] - 1) - betaln(a, after))
    probabilities = stayed * undisturbed + left * at_least
    probabilities[:, -1] += np.clip(1 - probabilities.sum(axis=1), 0, 1)
    return probabilities


def value_levels(x, probabilities: list[np.ndarray], *, p: float, q: float, v: float) -> list:
    """Return quantiles, at `LEVELS`, of the value of the orders given at least one order.

    ``probabilities`` holds one result of `order_probabilities` per horizon, for customers with
    ``x`` orders of a known mean. A value is relative to ``v`` + ``x`` times that mean, and its
    logarithm is returned: an array per horizon, a row per customer, a column per level.

    For y orders the value over (that scale plus the value) is Beta(p y, p x + q), which depends on
    ``x`` and y only: one matrix serves every customer and horizon. Quantiles are read off a fine
    grid, with an error in probability below 0.001.
    """
    most = max(table.shape[1] for table in probabilities)
    y = np.arange(1, most)
    shape = p * x + q
    # From the value of one small order to that of the largest possible number of orders.
    low = np.log(_odds(betaincinv(p, shape, 0.001)))
    mean = max((t[:, 1:] @ np.arange(1, t.shape[1])).max() for t in probabilities)
    high = np.log(_odds(betaincinv(p * min(most, 3 * mean + 3), shape, 0.99)))
    log_value = np.linspace(low, max(high, low + 1), _GRID)
    share = 1 / (1 + np.exp(-log_value))
    below = betainc(p * y[:, None], shape, share)
    tables = []
    for table in probabilities:
        orders = table[:, 1:]
        orders = orders / np.maximum(orders.sum(axis=1, keepdims=True), 1e-300)
        cumulated = np.clip(orders @ below[: orders.shape[1]], 1e-12, 1 - 1e-12)
        tables.append(_inverted(log_value, cumulated))
    return tables


def value_below(value, x, scale, probabilities, *, p: float, q: float) -> np.ndarray:
    """Return the probability that the orders are worth at most ``value``, given alive.

    ``value`` and ``scale`` (``v`` + ``x`` times the mean seen) have an entry per row of
    ``probabilities``; ``x`` is a number.
    """
    y = np.arange(1, probabilities.shape[1])
    share = (value / (value + scale))[:, None]
    below = betainc(p * y, p * x + q, share)
    return probabilities[:, 0] + np.sum(probabilities[:, 1:] * below, axis=1)


def quantile(level: float, p_order, log_levels, scale):
    """Return the ``level`` quantile of the value of a customer who orders with ``p_order``.

    ``level`` is a number, or one per customer. ``log_levels`` is a row of `value_levels` per
    customer. Between its levels, and beyond the last, the logarithm of the value is linear in the
    logit of the probability, as SQL can compute it.
    """
    p_order, level = np.asarray(p_order, float), np.asarray(level, float)
    orders = p_order > 1 - level
    # The probability, given an order, of a value below the customer's quantile.
    wanted = logit(np.where(orders, 1 - (1 - level) / np.where(orders, p_order, 1), 0.5))
    knots = logit(np.array(LEVELS))
    piece = np.clip(np.searchsorted(knots, wanted, side="right") - 1, 0, len(knots) - 2)
    rows = np.arange(len(p_order))
    low, high = log_levels[rows, piece], log_levels[rows, piece + 1]
    slope = (high - low) / (knots[piece + 1] - knots[piece])
    return np.where(orders, np.exp(low + slope * (wanted - knots[piece])) * scale, 0.0)


def ends(level: float, width: float = 1.0) -> tuple[float, float]:
    """Return the probabilities between which the middle ``level`` lies, drawn apart by ``width``.

    ``width`` multiplies their normal deviates. They are rounded to nine places, so that every
    engine compares the same numbers with them.
    """
    deviate = width * ndtri((1 + level) / 2)
    return round(float(ndtr(-deviate)), 9), round(float(ndtr(deviate)), 9)


def width(windows: list[tuple[np.ndarray, np.ndarray]], level: float = 0.8) -> float:
    """Return the width at which ranges would have covered ``level`` of the outcomes so far.

    Each window holds ``below`` and ``at_most`` of `covered`. The logarithm of the width is drawn
    to 0 as by one more window that was covered as it should be; without a window it is 0.
    """
    if not windows:
        return 1.0

    def excess(log_width):
        shares = [covered(*window, level, np.exp(log_width)).mean() for window in windows]
        return np.mean(shares) - level

    low, high = np.log(_WIDTHS)
    if excess(low) >= 0 or excess(high) <= 0:
        found = low if excess(low) >= 0 else high
    else:
        found = brentq(excess, low, high, xtol=1e-3)
    return float(np.exp(found * len(windows) / (len(windows) + 1)))


def covered(below, at_most, level: float, width: float = 1.0) -> np.ndarray:
    """Return the share of each outcome that lies within the middle ``level`` of its forecast.

    ``below`` and ``at_most`` are the forecast's probabilities of less than, and of at most, the
    outcome; ``width`` is that of `ends`. A count covers an interval of probability; the share of it
    inside is returned (the expectation of the randomised probability integral transform; Czado,
    Gneiting & Held 2009, Biometrics 65).
    """
    below, at_most = np.asarray(below, float), np.asarray(at_most, float)
    start, end = ends(level, width)
    inside = np.clip(np.minimum(at_most, end) - np.maximum(below, start), 0, None)
    width = at_most - below
    point = (below >= start) & (below <= end)
    return np.where(width > 1e-12, inside / np.maximum(width, 1e-12), point)


def _odds(share):
    return share / np.maximum(1 - share, 1e-300)


def _inverted(log_value, cumulated):
    """Return where each row of ``cumulated`` over ``log_value`` reaches each level."""
    knots = logit(np.array(LEVELS))
    heights = np.maximum.accumulate(logit(cumulated), axis=1)
    reached = np.empty((len(heights), len(knots)))
    rows = np.arange(len(heights))
    for i, knot in enumerate(knots):
        piece = np.clip(np.sum(heights <= knot, axis=1) - 1, 0, len(log_value) - 2)
        low, high = heights[rows, piece], heights[rows, piece + 1]
        part = (knot - low) / np.maximum(high - low, 1e-12)
        reached[:, i] = log_value[piece] + part * (log_value[piece + 1] - log_value[piece])
    return np.minimum(reached, _MAX_LOG_VALUE)
