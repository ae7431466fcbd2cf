"""Test whether a rule is more than chance: Fisher's exact test, adjusted for many tests."""

import numpy as np
from scipy.special import gammaln


def fisher_p_values(both, left, right, n) -> np.ndarray:
    """Return the probability that ``left`` and ``right`` of ``n`` baskets share ``both`` or more.

    Fisher's exact test, one-sided: the tail of the hypergeometric distribution, summed from its
    first term by the ratio of neighbours, from whichever side of the mean is shorter.
    """
    both, left, right = (np.asarray(count, dtype=np.int64) for count in (both, left, right))
    # The test is symmetric in the sides, and its last digit must be too.
    left, right = np.minimum(left, right), np.maximum(left, right)
    n = np.broadcast_to(np.asarray(n, dtype=np.int64), both.shape)
    above = both.astype(float) * n > left.astype(float) * right
    p = np.empty(both.shape)
    p[above] = _tail(both[above], left[above], right[above], n[above], +1)
    rest = ~above
    p[rest] = 1 - _tail(both[rest] - 1, left[rest], right[rest], n[rest], -1)
    return np.clip(p, 0.0, 1.0)


def _tail(start, left, right, n, step) -> np.ndarray:
    """Sum hypergeometric terms from ``start`` upwards (+1) or downwards (-1)."""
    lowest, highest = np.maximum(0, left + right - n), np.minimum(left, right)
    possible = (start >= lowest) & (start <= highest)
    x = np.where(possible, start, lowest)

    def log_choose(total, chosen):
        return gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)

    first = log_choose(left, x) + log_choose(n - left, right - x) - log_choose(n, right)
    total, term = np.ones(len(x)), np.ones(len(x))
    active = np.flatnonzero(possible)
    x = x.astype(float)
    while len(active):
        a, b, m, now = left[active], right[active], n[active], x[active]
        if step > 0:
            ratio = (a - now) * (b - now) / ((now + 1) * (m - a - b + now + 1))
        else:
            ratio = now * (m - a - b + now) / ((a - now + 1) * (b - now + 1))
        term[active] *= ratio
        total[active] += term[active]
        x[active] += step
        active = active[term[active] > 1e-17 * total[active]]
    return np.where(possible, np.exp(first) * total, 0.0)


def adjusted(p_values: np.ndarray, tested: int) -> np.ndarray:
    """Return p-values adjusted for ``tested`` tests, of which these are the smallest.

    Y. Benjamini, Y. Hochberg: Controlling the False Discovery Rate. JRSS B 57 (1995): among those
    of at most q, the expected share of false ones is at most q. Tests that are not given count as
    not significant.
    """
    order = np.argsort(p_values, kind="stable")
    rank = np.arange(1, len(p_values) + 1)
    scaled = p_values[order] * max(tested, len(p_values)) / rank
    smallest = np.minimum.accumulate(scaled[::-1])[::-1]
    result = np.empty(len(p_values))
    result[order] = np.minimum(smallest, 1.0)
    # Multiplying and dividing by the same number may change the last digit of a p-value.
    return np.maximum(result, p_values)
