"""How strong an association rule is: measures of four counts of baskets."""

import numpy as np
from scipy.special import ndtri


def measure(both, left, right, n, interval: float = 0.95) -> dict[str, np.ndarray]:
    """Return the measures of rules from counts of baskets: with both sides, left, right, and all.

    Arrays of one length, ``n`` a number or an array; formulas in docs/methods/rules.md.
    """
    both, left, right = (np.asarray(count, dtype=np.int64) for count in (both, left, right))
    n = np.asarray(n, dtype=np.int64)
    expected = left.astype(float) * right
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = both.astype(float) * n - expected
        confidence = both / left
        # 0 / 0 if every basket contains the consequent.
        conviction = np.where(both < left, (n - right) * left / (n * (left - both)), np.nan)
        zhang = excess / np.maximum(both * (n - left).astype(float), left * (right - both) * 1.0)
        lift = both.astype(float) * n / expected
        measures = {
            "support": both / n,
            "confidence": confidence,
            "lift": lift,
            "leverage": excess / n.astype(float) ** 2,
            "conviction": conviction,
            "zhang": zhang,
            "jaccard": both / (left + right - both),
            "kulczynski": (confidence + both / right) / 2,
        }
    measures["lift_lower"], measures["lift_upper"] = lift_interval(
        both, left, right, n, interval=interval
    )
    return measures


def lift_interval(both, left, right, n, *, interval: float = 0.95):
    """Return the bounds that hold the lift with probability ``interval``, from counts of baskets.

    The logarithm of the lift is assumed to be normal. With the four cells of the table of left and
    right as a multinomial sample, the delta method gives its variance as
    ``1/both - 1/left - 1/right + 2 lift/n - 1/n``. If no basket contains both sides, the bounds are
    0 and infinity.
    """
    both, left, right = (np.asarray(count, dtype=float) for count in (both, left, right))
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = both * n / (left * right)
        variance = 1 / both - 1 / left - 1 / right + 2 * lift / n - 1 / n
        reach = ndtri((1 + interval) / 2) * np.sqrt(np.maximum(variance, 0))
        lower, upper = lift * np.exp(-reach), lift * np.exp(reach)
    return np.where(both > 0, lower, 0.0), np.where(both > 0, upper, np.inf)
