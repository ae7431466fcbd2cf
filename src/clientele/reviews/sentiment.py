"""Sentiment: the probability that a review is good, learned from ratings or from a lexicon."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd
import yaml
from scipy.sparse import csr_matrix

from clientele.libraries import library
from clientele.reviews.vocabulary import MAX_SENTIMENT_TERMS, Counted, normed

# Ratings of each kind from which sentiment is learned.
MIN_RATED = 100
# Share of the rated reviews, the latest, that the backtest predicts.
HELD_OUT = 0.3
PENALTY = 5.0
FOLDS = 4
# A word of the lexicon moves the log odds by this much; "not" turns it around.
LEXICON_WEIGHT = 1.0
BACKTESTS = ["ratings", "lexicon", "share"]


@dataclass
class Sentiment:
    """What makes a review good or bad.

    Attributes:
        method: `ratings` or `lexicon`.
        weights: Log odds by term, to be summed over a review's terms.
        squares: Squared TF-IDF weight by term; the sum is divided by the root of their sum. Empty
            for the lexicon, whose sum is divided by nothing.
        intercept: Log odds of a review without a term.
        backtests: A row for each model: how well it predicted reviews that it had not seen.
    """

    method: str
    weights: dict[str, float]
    squares: dict[str, float]
    intercept: float
    backtests: pd.DataFrame


def lexicon() -> dict[str, float]:
    """Return the log odds of the shipped words, and of their negations."""
    text = files("clientele.reviews").joinpath("lexicon.yml").read_text(encoding="utf-8")
    words = yaml.safe_load(text)
    signs = {word: 1.0 for word in words["good"].split()}
    signs |= {word: -1.0 for word in words["bad"].split()}
    # The word itself counts too, so that its negation has to outweigh it.
    turned = {f"not {word}": -2 * sign for word, sign in signs.items()}
    return {term: LEXICON_WEIGHT * sign for term, sign in (signs | turned).items()}


def kinds(ratings: np.ndarray) -> np.ndarray:
    """Return 1 for good ratings, 0 for bad ones, NaN for those in the middle or missing.

    The scale reaches from the 1st to the 99th percentile; its middle divides good from bad.

    >>> kinds(np.array([1.0, 2, 3, 4, 5, np.nan])).tolist()
    [0.0, 0.0, nan, 1.0, 1.0, nan]
    """
    known = ratings[~np.isnan(ratings)]
    if not len(known):
        return np.full(len(ratings), np.nan)
    least, most = np.quantile(known, [0.01, 0.99])
    middle = (least + most) / 2
    kind = np.where(ratings > middle, 1.0, np.where(ratings < middle, 0.0, np.nan))
    return kind if most > least else np.full(len(ratings), np.nan)


def fit_sentiment(
    counted: Counted, terms: list[list[str]], kind: np.ndarray, order: np.ndarray
) -> Sentiment:
    """Learn sentiment from ratings if they suffice and the backtest agrees, else use the lexicon.

    Args:
        counted: The terms of the sample.
        terms: The same, before rare ones were left out: the lexicon may have them.
        kind: 1 for good reviews, 0 for bad ones, NaN for others.
        order: Reviews are held out from the end of this order, such as their time.
    """
    words = lexicon()
    known = np.flatnonzero(~np.isnan(kind))
    known = known[np.argsort(order[known], kind="stable")]
    good = kind[known]
    if min((good == 1).sum(), (good == 0).sum()) < MIN_RATED:
        return Sentiment("lexicon", words, {}, 0.0, pd.DataFrame(columns=["model"]))
    idf = counted.idf()[:MAX_SENTIMENT_TERMS]
    tfidf = normed(counted.matrix[:, :MAX_SENTIMENT_TERMS], idf)
    early, late = np.split(known, [int(len(known) * (1 - HELD_OUT))])
    said = np.array([sum(words.get(term, 0.0) for term in terms[row]) for row in late])
    learned, intercept = _learned(tfidf[early], kind[early])
    predicted = {
        "ratings": _probability(np.asarray(tfidf[late] @ learned).ravel() + intercept),
        "lexicon": _probability(said),
        "share": np.full(len(late), kind[early].mean()),
    }
    tests = pd.DataFrame([{"model": m, **judged(kind[late], predicted[m])} for m in BACKTESTS])
    by = tests.set_index("model")
    # Twice the standard error of the AUC of chance.
    counts = np.bincount(kind[late].astype(int), minlength=2)
    chance = 0.5 + 2 * np.sqrt((len(late) + 1) / (12 * max(counts.prod(), 1)))
    is_learned = bool(
        by.loc["ratings", "auc"] >= by.loc["lexicon", "auc"]
        and by.loc["ratings", "auc"] > chance
        and by.loc["ratings", "brier"] < by.loc["share", "brier"]
    )
    tests["is_used"] = tests["model"] == ("ratings" if is_learned else "lexicon")
    if not is_learned:
        return Sentiment("lexicon", words, {}, 0.0, tests)
    learned, intercept = _learned(tfidf[known], good)
    names = counted.names[:MAX_SENTIMENT_TERMS]
    weights = dict(zip(names, (learned * idf).tolist(), strict=True))
    squares = dict(zip(names, (idf**2).tolist(), strict=True))
    return Sentiment("ratings", weights, squares, intercept, tests)


def _learned(tfidf: csr_matrix, good: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weights and the intercept of a logistic regression, calibrated out of fold."""
    linear = library("sklearn.linear_model")
    choosing = library("sklearn.model_selection")
    # Both kinds count as they are: a reader wants probabilities, not a balanced score.
    model = linear.LogisticRegression(C=PENALTY, max_iter=300)
    folds = choosing.StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    odds = choosing.cross_val_predict(model, tfidf, good, cv=folds, method="decision_function")
    scale = linear.LogisticRegression(C=1e6, max_iter=300).fit(odds[:, None], good)
    model.fit(tfidf, good)
    slope, shift = float(scale.coef_[0, 0]), float(scale.intercept_[0])
    return model.coef_[0] * slope, float(model.intercept_[0]) * slope + shift


def _probability(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


def judged(good: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return how well probabilities predict which reviews are good.

    ``auc`` is the share of pairs of a good and a bad review in the right order, ``brier`` the mean
    squared error, ``calibration_gap`` the mean difference between the predicted share and the
    actual one in tenths of the reviews.
    """
    metrics = library("sklearn.metrics")
    both = len(np.unique(good)) == 2
    tenth = np.floor(np.argsort(np.argsort(predicted, kind="stable")) * 10 / len(good))
    sums = pd.DataFrame({"good": good, "predicted": predicted}).groupby(tenth).agg(["mean", "size"])
    gaps = (sums["good", "mean"] - sums["predicted", "mean"]).abs()
    return {
        "review_count": len(good),
        "good_share": float(good.mean()),
        "predicted_share": float(predicted.mean()),
        "auc": float(metrics.roc_auc_score(good, predicted)) if both else np.nan,
        "brier": float(np.mean((good - predicted) ** 2)),
        "calibration_gap": float(np.average(gaps, weights=sums["good", "size"])),
    }
