"""Learn the uplift of a contact from a randomised campaign; formulas: `docs/methods/uplift.md`.

The uplift of a customer is linear in a few features of the day before, plus a deviation of the
customer's segment. Both are shrunk, as far as the data say: without differences between customers
everyone has the campaign's mean. SQL scores such a fit.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Customers that the spread of all outcomes counts for in the variance of a segment.
PRIOR_CUSTOMERS = 20
# Penalty of a standardised feature in the model of the outcome, in customers.
RIDGE_CUSTOMERS = 1.0


@dataclass(frozen=True)
class Linear:
    """``intercept + features @ slopes``, the slopes indexed by feature."""

    intercept: float
    slopes: pd.Series

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the value of each row of ``features``."""
        values = features[self.slopes.index].to_numpy(float) @ self.slopes.to_numpy()
        return self.intercept + values


@dataclass(frozen=True)
class Uplift:
    """A fit of the uplift of one arm over the control, in units of the outcome per customer.

    Attributes:
        mean: Mean uplift of all customers, and `error` its standard error.
        trend: The uplift by features, whose mean is `mean`.
        deviations: What a segment adds to the trend.
        segments: Plain and shrunk uplift of each segment, with standard errors and customers.
        outcome: Expected outcome, whatever the arm, by features.
    """

    mean: float
    error: float
    trend: Linear
    deviations: pd.Series
    segments: pd.DataFrame
    outcome: Linear

    def predict(self, features: pd.DataFrame, segments: pd.Series) -> np.ndarray:
        """Return the expected uplift of each row."""
        return self.trend.predict(features) + segments.map(self.deviations).fillna(0.0).to_numpy()


def fit_uplift(
    features: pd.DataFrame, segments: pd.Series, treated: np.ndarray, outcome: np.ndarray
) -> Uplift:
    """Fit the uplift of a contact on the customers of one arm and the control.

    Args:
        features: One row per customer, numbers known before the assignment, without nulls.
        segments: Segment of each customer, from the same day.
        treated: Whether each customer is in the arm; chance has decided it.
        outcome: What each customer did in the window, 0 for nothing.

    Raises:
        ValueError: An arm has fewer than two customers.
    """
    expected = outcome_model(features, outcome)
    gain = gains(treated, outcome, expected.predict(features))
    mean, error = gain.mean(), gain.std(ddof=1) / np.sqrt(len(gain))
    trend = _trend(features, treated, outcome - expected.predict(features), mean)
    plain = segment_effects(segments, gain)
    left_over = segment_effects(segments, gain - trend.predict(features), towards=0.0)
    deviations = left_over["shrunk"]
    # The deviations of all customers add up to nothing, so that the mean stays the campaign's.
    shift = segments.map(deviations).mean()
    trend = Linear(trend.intercept + shift, trend.slopes)
    return Uplift(mean, error, trend, deviations - shift, plain, expected)


def outcome_model(features: pd.DataFrame, outcome: np.ndarray) -> Linear:
    """Return a ridge regression of the outcome on standardised features."""
    centres, spreads = _scales(features)
    z = ((features - centres) / spreads).to_numpy(float)
    gram = z.T @ z + RIDGE_CUSTOMERS * np.eye(z.shape[1])
    slopes = np.linalg.solve(gram, z.T @ (outcome - outcome.mean()))
    return _unscaled(outcome.mean(), slopes, centres, spreads)


def gains(treated: np.ndarray, outcome: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the transformed outcome, whose mean over any customers is their uplift.

    What was expected of a customer anyway, whatever the arm, is taken off first: that leaves the
    mean where it is and takes away most of the noise.
    """
    share = treated.mean()
    if not 0 < treated.sum() < len(treated) or min(treated.sum(), (~treated).sum()) < 2:
        raise ValueError("an arm has fewer than two customers")
    left = outcome - expected
    # The level that leaves the least noise, whatever the sizes of the arms.
    left = left - (1 - share) * left[treated].mean() - share * left[~treated].mean()
    return (treated - share) / (share * (1 - share)) * left


def segment_effects(
    segments: pd.Series, gain: np.ndarray, *, towards: float | None = None
) -> pd.DataFrame:
    """Return plain and shrunk effects of segments, by DerSimonian and Laird's random effects.

    ``towards`` is what effects are shrunk to; None is their precision-weighted mean with the
    spread between segments. Columns: customer_count, plain, plain_error, shrunk, shrunk_error.
    """
    grouped = pd.Series(gain).groupby(segments.to_numpy())
    counts, plain = grouped.size(), grouped.mean()
    within = grouped.var(ddof=0) * counts + PRIOR_CUSTOMERS * np.var(gain)
    # Where nothing varies at all, nothing is known to differ.
    variances = np.maximum(within / (counts + PRIOR_CUSTOMERS) / counts, 1e-12)
    weights = 1 / variances
    common = (weights * plain).sum() / weights.sum()
    excess = (weights * (plain - common) ** 2).sum() - (len(plain) - 1)
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    between = max(excess / scale, 0.0) if scale > 0 else 0.0
    if towards is None:
        weights = 1 / (variances + between)
        towards = (weights * plain).sum() / weights.sum()
        towards_variance = 1 / weights.sum()
    else:
        towards_variance = 0.0
    kept = between / (between + variances)
    return pd.DataFrame(
        {
            "customer_count": counts,
            "plain": plain,
            "plain_error": np.sqrt(variances),
            "shrunk": towards + kept * (plain - towards),
            "shrunk_error": np.sqrt(kept * variances + (1 - kept) ** 2 * towards_variance),
        }
    )


def _trend(features, treated, left, mean):
    """Return the uplift by features: least squares of what is left, shrunk by empirical Bayes."""
    centres, spreads = _scales(features)
    z = ((features - centres) / spreads).to_numpy(float)
    contrast = (treated - treated.mean())[:, None]
    design = np.hstack([contrast, contrast * z])
    inverse = np.linalg.pinv(design.T @ design)
    estimate = inverse @ design.T @ left
    scores = design * (left - design @ estimate)[:, None]
    covariance = inverse @ (scores.T @ scores) @ inverse
    slopes, covariance = estimate[1:], covariance[1:, 1:]
    prior = _prior_variance(slopes, covariance)
    if prior > 0:
        slopes = prior * np.linalg.solve(prior * np.eye(len(slopes)) + covariance, slopes)
    else:
        slopes = np.zeros(len(slopes))
    return _unscaled(mean, slopes, centres, spreads)


def _prior_variance(slopes, covariance):
    """Return the variance of true slopes under which these estimates are most likely; 0 is none."""
    variances, axes = np.linalg.eigh(covariance)
    known = variances > 1e-9 * variances.max(initial=0)
    variances, rotated = variances[known], (axes.T @ slopes)[known]
    if not len(variances):
        return 0.0
    candidates = np.concatenate([[0.0], variances.mean() * np.geomspace(1e-3, 1e4, 400)])
    totals = candidates[:, None] + variances
    likelihoods = -0.5 * (np.log(totals) + rotated**2 / totals).sum(axis=1)
    return candidates[likelihoods.argmax()]


def _scales(features):
    """Return means and standard deviations; 1 where a feature is the same for everyone."""
    spreads = features.std(ddof=0)
    return features.mean(), spreads.where(spreads > 1e-9, np.inf)


def _unscaled(mean, slopes, centres, spreads):
    """Return a linear function of features from slopes of standardised ones."""
    slopes = pd.Series(slopes / spreads.to_numpy(), index=centres.index)
    return Linear(mean - float(slopes @ centres), slopes)
