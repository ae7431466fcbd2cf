"""Judge rankings of customers by a randomised campaign; `docs/methods/uplift.md` has formulas."""

from dataclasses import dataclass

import numpy as np

# Standard errors beyond which a difference is not taken for chance.
DISTINGUISHED = 1.96


@dataclass(frozen=True)
class Judgement:
    """What a ranking is worth.

    Attributes:
        qini: Area between the ranking's Qini curve and a random ranking's, in units of the outcome
            per customer, and `error` its standard error.
        share: The same as a share of the largest that an effect on a count allows; else NaN.
        advantage: `qini` of the compared ranking minus this one's, with `advantage_error`.
    """

    qini: float
    error: float
    share: float
    advantage: float
    advantage_error: float


def judge(
    rankings: dict[str, np.ndarray], gain: np.ndarray, compared: str, *, is_count: bool
) -> dict[str, Judgement]:
    """Judge rankings on the same customers, whose outcomes had no part in them.

    Args:
        rankings: A score for each customer, by name of the ranking; the highest come first, and
            customers with the same score are in random order.
        gain: Transformed outcomes of these customers; see ``learning.gains``.
        compared: The ranking whose advantage over each ranking is measured.
        is_count: Whether the outcome counts orders, so that there is a largest area.
    """
    weights = {name: ranking_weights(score) for name, score in rankings.items()}
    mean, error = gain.mean(), gain.std(ddof=1) / np.sqrt(len(gain))
    has_largest = is_count and abs(mean) > DISTINGUISHED * error
    largest = abs(mean) * (1 - min(abs(mean), 1)) / 2 if has_largest else 0.0
    judged = {}
    for name, weight in weights.items():
        qini, qini_error = _mean_product(weight, gain)
        advantage, advantage_error = _mean_product(weights[compared] - weight, gain)
        share = qini / largest if largest > 0 else np.nan
        judged[name] = Judgement(qini, qini_error, share, advantage, advantage_error)
    return judged


def ranking_weights(score: np.ndarray) -> np.ndarray:
    """Return 1/2 minus the share of customers before each one, which averages to 0.

    >>> ranking_weights(np.array([5.0, 1.0])).tolist()
    [0.25, -0.25]
    """
    # What differs in the last digits only is the same.
    _, value, counts = np.unique(-np.round(score, 9), return_inverse=True, return_counts=True)
    before = np.cumsum(counts) - counts / 2
    return 0.5 - before[value] / len(score)


def _mean_product(weight, gain):
    """Return the mean of weight times gain, for weights that average to 0, and its error."""
    parts = weight * (gain - gain.mean())
    return parts.mean(), parts.std(ddof=1) / np.sqrt(len(parts))
