"""The arithmetic of an experiment, from sums: differences, intervals, CUPED, p-values.

Everything works on arrays, one element for each comparison of an arm with its control.
"""

from dataclasses import dataclass

import numpy as np

from clientele.libraries import library

# Here, and not for the whole package: the command line reads audiences without it. The functions
# that scipy.stats calls itself, without its import of most of SciPy.
special = library("scipy.special")

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sums:
    """Customers of an arm and sums over them: outcome y, the same before the assignment x.

    Each attribute is an array or a number: ``n`` customers, sums of ``y``, ``yy`` (squares), ``x``,
    ``xx``, ``xy`` (products).
    """

    n: np.ndarray
    y: np.ndarray
    yy: np.ndarray
    x: np.ndarray
    xx: np.ndarray
    xy: np.ndarray

    def __add__(self, other: "Sums") -> "Sums":
        """Return the sums over both arms."""
        names = ("n", "y", "yy", "x", "xx", "xy")
        return Sums(*(getattr(self, name) + getattr(other, name) for name in names))

    def covariance(self, first: str, second: str) -> np.ndarray:
        """Return the unbiased covariance of x and y, or the variance of one; NaN below two."""
        product = getattr(self, "xy" if first != second else first * 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            centred = product - getattr(self, first) * getattr(self, second) / self.n
            found = np.where(self.n > 1, centred / (self.n - 1), np.nan)
        return np.maximum(found, 0) if first == second else found


@dataclass(frozen=True)
class Difference:
    """A difference of means with its standard error, 95 % interval and two-sided p-value."""

    estimate: np.ndarray
    error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    p_value: np.ndarray


def difference(treated: Sums, control: Sums) -> Difference:
    """Return the plain difference of means, with Welch's interval."""
    zero = np.zeros_like(np.asarray(treated.n, float))
    return _welch(treated, control, zero)


def adjusted_difference(treated: Sums, control: Sums) -> Difference:
    """Return the difference adjusted by the customers' earlier values (CUPED).

    The slope is that of y on x over both arms together; without variation of x it is 0.
    """
    both = treated + control
    variance = both.covariance("x", "x")
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(variance > 0, both.covariance("x", "y") / variance, 0.0)
    return _welch(treated, control, slope)


def _welch(treated, control, slope):
    means, parts = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for arm in (treated, control):
            means.append((arm.y - slope * arm.x) / arm.n)
            variance = (
                arm.covariance("y", "y")
                + slope**2 * arm.covariance("x", "x")
                - 2 * slope * arm.covariance("x", "y")
            )
            parts.append(np.maximum(variance, 0) / arm.n)
        error = np.sqrt(parts[0] + parts[1])
        freedom = (parts[0] + parts[1]) ** 2 / (
            parts[0] ** 2 / (treated.n - 1) + parts[1] ** 2 / (control.n - 1)
        )
    return interval(means[0] - means[1], error, freedom)


def interval(estimate, error, freedom) -> Difference:
    """Return an estimate with its interval of Student's t; without an error there is none."""
    estimate, error = np.asarray(estimate, float), np.asarray(error, float)
    usable = np.isfinite(error) & (error > 0)
    freedom = np.where(usable & np.isfinite(freedom), freedom, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(usable, special.stdtrit(freedom, 0.5 + CONFIDENCE / 2) * error, np.nan)
        p_value = np.where(usable, 2 * special.stdtr(freedom, -np.abs(estimate) / error), np.nan)
    return Difference(estimate, error, estimate - half, estimate + half, p_value)


def weighted_difference(
    treated_n: np.ndarray, treated: Sums, control: Sums
) -> tuple[float, float, float]:
    """Return the mean difference within strata, weighted by those treated, and its error.

    Args:
        treated_n: Customers treated, by stratum, who count as weights.
        treated: Their sums by stratum, of strata with at least two customers in both arms.
        control: Those of the customers that they are compared with.

    Returns:
        Estimate, standard error, and the mean of the treated.
    """
    weight = treated_n / treated_n.sum()
    gap = treated.y / treated.n - control.y / control.n
    variance = treated.covariance("y", "y") / treated.n + control.covariance("y", "y") / control.n
    return (
        float((weight * gap).sum()),
        float(np.sqrt((weight**2 * variance).sum())),
        float((weight * treated.y / treated.n).sum()),
    )


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return Holm's adjusted p-values of one family; NaN stays NaN and counts for nothing."""
    p_values = np.asarray(p_values, float)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    adjusted = np.full(len(p_values), np.nan)
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted


def sample_ratio(counts: np.ndarray, shares: np.ndarray | None = None) -> float:
    """Return the p-value of the number of customers by arm (rows) and segment (columns).

    Chance gives every segment the same split, up to noise (chi-squared test of independence). With
    the planned ``shares`` of the arms, the totals are compared with them too, and the smaller
    p-value counts twice. Without anything to compare it is NaN.
    """
    counts = np.asarray(counts, float)
    counts = counts[:, counts.sum(axis=0) > 0]
    # Segments in which fewer than five are expected in an arm count as one.
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(counts.sum(), 1)
    small = expected.min(axis=0) < 5
    if small.sum() > 1:
        merged = counts[:, small].sum(axis=1, keepdims=True)
        counts = np.hstack([counts[:, ~small], merged])
    found = []
    if counts.shape[0] > 1 and counts.shape[1] > 1 and (counts.sum(axis=1) > 0).all():
        expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
        found.append(_chi_squared(counts, expected, (counts.shape[0] - 1) * (counts.shape[1] - 1)))
    if shares is not None and counts.shape[0] > 1:
        totals = counts.sum(axis=1)
        planned = np.asarray(shares, float) / np.sum(shares)
        found.append(_chi_squared(totals, planned * totals.sum(), len(totals) - 1))
    return min(1.0, min(found) * len(found)) if found else float("nan")


def _chi_squared(observed, expected, freedom):
    with np.errstate(divide="ignore", invalid="ignore"):
        return special.chdtrc(freedom, ((observed - expected) ** 2 / expected).sum())
