"""Topics: how many are stable, what they are made of, and how SQL finds them in a review."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix

from clientele.libraries import library

# Half samples that a number of topics is tried on, and the reviews and terms of those trials.
RESAMPLES = 3
TRIAL_REVIEWS, TRIAL_TERMS, TRIAL_ROUNDS = 3_000, 500, 40
ROUNDS = 100
# Share of the sample's reviews with the weakest fit that are said to fit no topic.
NOWHERE_SHARE = 0.01
# Cosine from which a topic of a refit is a topic of before.
SAME_TOPIC = 0.5
NAME_WORDS = 3


@dataclass
class Topics:
    """The topics of a fit.

    Attributes:
        stability: By number of topics tried, the mean cosine of topics with their counterparts.
        loadings: Topics by terms, each row of length 1.
        scoring: Terms by topics; the TF-IDF of a review times this gives its weights.
        floor: Largest weight of a review below which it fits nowhere.
    """

    stability: dict[int, float]
    loadings: np.ndarray
    scoring: np.ndarray
    floor: float


def fit_topics(tfidf: csr_matrix, *, topic_counts: list[int], random_seed: int) -> Topics | None:
    """Fit topics by NMF on the rows of TF-IDF; None if there is too little to fit.

    Each number of topics is also fitted on half samples, and each topic is matched with one of
    each half sample. The number with the largest mean cosine is chosen.
    """
    rows = np.flatnonzero(tfidf.getnnz(axis=1))
    counts = [count for count in topic_counts if count * 10 <= len(rows) and count < tfidf.shape[1]]
    if not counts:
        return None
    rng = np.random.default_rng(random_seed)
    some = np.sort(rng.permutation(rows)[:TRIAL_REVIEWS])
    # Terms are sorted by frequency.
    trial = tfidf[some][:, :TRIAL_TERMS]
    halves = [rng.permutation(len(some))[: len(some) // 2] for _ in range(RESAMPLES)]
    stability = {count: _stability(trial, halves, count) for count in counts}
    chosen = max(counts, key=lambda count: (round(stability[count], 6), -count))
    loadings = _loadings(tfidf[rows], chosen, ROUNDS)
    # The weights that would rebuild a review best, least squares; unlike NMF's own they are sums.
    scoring = np.linalg.pinv(loadings)
    # SQL rounds too, so that the review at the border is on the same side everywhere.
    weights = np.round(np.asarray(tfidf[rows] @ scoring).max(axis=1), 9)
    floor = float(np.quantile(weights, NOWHERE_SHARE, method="lower"))
    return Topics(stability, loadings, scoring, max(floor, 0.0))


def _loadings(tfidf, count, rounds):
    """Return topics by terms, each row of length 1, from a start that is the same every time."""
    decomposition = library("sklearn.decomposition")
    model = decomposition.NMF(count, init="nndsvd", max_iter=rounds, tol=1e-3, random_state=0)
    with warnings.catch_warnings():
        # After enough rounds the words of topics do not change, though the last digits do.
        warnings.simplefilter("ignore")
        found = model.fit(tfidf).components_
    length = np.linalg.norm(found, axis=1, keepdims=True)
    # Further digits depend on how many threads the linear algebra happened to get.
    return np.round(found / np.where(length > 0, length, 1), 6)


def _stability(tfidf, halves, count):
    """Return the mean cosine of topics with their counterparts in the half samples."""
    whole = _loadings(tfidf, count, TRIAL_ROUNDS)
    found = [matched(whole, _loadings(tfidf[half], count, TRIAL_ROUNDS))[2] for half in halves]
    return float(np.mean(found))


def matched(ours: np.ndarray, theirs: np.ndarray):
    """Match topics one to one so that the sum of their cosines is largest.

    Returns the positions of ours, those of theirs, and the cosines.
    """
    cosines = ours @ theirs.T
    left, right = linear_sum_assignment(-cosines)
    return left, right, cosines[left, right]


def keyed(
    loadings: np.ndarray,
    terms: list[str],
    names: list[str],
    before: dict[str, tuple[str, dict[str, float]]],
    last_key: int,
) -> tuple[list[str], list[str]]:
    """Give each topic the key and name of the one before that it matches, or new ones.

    Args:
        loadings: Topics by terms, each row of length 1.
        terms: The terms.
        names: What each topic would be called.
        before: By key, the name of a topic of the version before, and its loadings by term.
        last_key: Largest number that a key has had.

    Returns:
        Keys and names, by topic.
    """
    place = {term: number for number, term in enumerate(terms)}
    old = np.zeros((len(before), len(terms)))
    for row, (_, own) in enumerate(before.values()):
        for term, weight in own.items():
            if term in place:
                old[row, place[term]] = weight
    keys: dict[int, str] = {}
    if len(before):
        for mine, theirs, cosine in zip(*matched(loadings, old), strict=True):
            if cosine >= SAME_TOPIC:
                keys[mine] = list(before)[theirs]
    given = [before[keys[topic]][0] if topic in keys else None for topic in range(len(names))]
    made = []
    for topic, name in enumerate(names):
        if topic not in keys:
            last_key += 1
            keys[topic] = f"topic-{last_key}"
            number, base = 2, name
            while name in [*given, *made]:
                name, number = f"{base} ({number})", number + 1
        else:
            name = given[topic]
        made.append(name)
    return [keys[topic] for topic in range(len(names))], made
