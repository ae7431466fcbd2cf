"""Measure segmentations: how clear, how stable, and what they predict."""

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from clientele.libraries import library
from clientele.segmentation.clustering import fit
from clientele.segmentation.prototypes import NOISE

FORWARD = ["forward_value", "forward_value_error", "forward_spend_r2", "forward_churn_r2"]
# Below it a cluster of a bootstrap sample is not the same cluster any more (Hennig 2007).
DISSOLVED = 0.5
SILHOUETTE_POINTS = 2_000
BOOTSTRAP_POINTS = 2_000


def sizes(labels: np.ndarray) -> dict:
    """Return the number of segments, the smallest one's share of all rows, and that of noise."""
    kept = labels != NOISE
    counts = np.unique(labels[kept], return_counts=True)[1]
    return {
        "segment_count": len(counts),
        "smallest_share": counts.min() / len(labels) if len(counts) else np.nan,
        "noise_share": 1 - kept.mean(),
    }


def internal_measures(z: np.ndarray, labels: np.ndarray, *, random_seed: int) -> dict:
    """Return `sizes` and the classic indices of one segmentation of scaled features.

    ``silhouette`` (Rousseeuw 1987) is the mean over at most 2,000 random customers, with its
    standard error ``silhouette_error``; see `spread` for the other indices.
    """
    sampled = sampled_silhouettes(z, [labels], random_seed=random_seed)
    return sizes(labels) | sampled[0] | spread(z, labels)


def spread(z: np.ndarray, labels: np.ndarray) -> dict:
    """Return Davies-Bouldin (1979) and Calinski-Harabasz (1974) of all rows but noise.

    Both are NaN for fewer than two segments, and if every row is a segment.
    """
    kept = labels != NOISE
    if not 2 <= len(np.unique(labels[kept])) < kept.sum():
        return {"davies_bouldin": np.nan, "calinski_harabasz": np.nan}
    metrics = library("sklearn.metrics")
    return {
        "davies_bouldin": metrics.davies_bouldin_score(z[kept], labels[kept]),
        "calinski_harabasz": metrics.calinski_harabasz_score(z[kept], labels[kept]),
    }


def sampled_silhouettes(
    z: np.ndarray, labelings: list[np.ndarray], *, random_seed: int
) -> list[dict]:
    """Return ``silhouette`` and ``silhouette_error`` of several segmentations of the same rows.

    Each is of at most 2,000 random customers that are not noise; the distances between them are
    computed once for all segmentations without noise. NaN if they are all in one segment.
    """
    by_rows = {}
    for number, labels in enumerate(labelings):
        rng = np.random.default_rng(random_seed)
        some = rng.permutation(np.flatnonzero(labels != NOISE))[:SILHOUETTE_POINTS]
        by_rows.setdefault(some.tobytes(), (some, []))[1].append(number)
    measured = [{"silhouette": np.nan, "silhouette_error": np.nan} for _ in labelings]
    for some, numbers in by_rows.values():
        numbers = [n for n in numbers if 2 <= len(np.unique(labelings[n][some])) < len(some)]
        if not numbers:
            continue
        distances = cdist(z[some], z[some])
        each = silhouettes(distances, [labelings[number][some] for number in numbers])
        for number, values in zip(numbers, each, strict=True):
            measured[number] = {
                "silhouette": values.mean(),
                "silhouette_error": values.std(ddof=1) / np.sqrt(len(values)),
            }
    return measured


def silhouettes(distances: np.ndarray, labelings: list[np.ndarray]) -> list[np.ndarray]:
    """Return each point's silhouette in several segmentations, from all pairs' distances.

    (b - a) / max(a, b), where a is the mean distance to the other points of the own segment and
    b the lowest mean distance to the points of another segment; 0 for a point that is alone in
    its segment (Rousseeuw 1987).
    """
    rows = np.arange(len(distances))
    members = []
    for labels in labelings:
        clusters, own = np.unique(labels, return_inverse=True)
        of = np.zeros((len(labels), len(clusters)))
        of[rows, own] = 1
        members.append((own, of))
    # One product of matrices sums each point's distances to every segment of every segmentation.
    totals = distances @ np.hstack([of for _, of in members])
    values, start = [], 0
    for own, of in members:
        counts = of.sum(axis=0)
        sums = totals[:, start : start + len(counts)]
        start += len(counts)
        inside = sums[rows, own] / np.maximum(counts[own] - 1, 1)
        means = sums / counts
        means[rows, own] = np.inf
        outside = means.min(axis=1)
        larger = np.maximum(inside, outside)
        with np.errstate(invalid="ignore"):
            each = np.where(larger > 0, (outside - inside) / larger, 0.0)
        values.append(np.where(counts[own] > 1, each, 0.0))
    return values


def null_silhouettes(z: np.ndarray, counts: list[int], *, random_seed: int) -> dict[int, float]:
    """Return the silhouette of each number of clusters in data without structure.

    Every feature is shuffled separately, which keeps its distribution and removes its relation to
    the other features. Then k-means clusters the result, which is the idea of the gap statistic
    (Tibshirani, Walther, Hastie 2001). The difference between a segmentation's silhouette and
    this one is comparable across different feature sets; a silhouette is not.
    """
    rng = np.random.default_rng(random_seed)
    shuffled = np.column_stack([rng.permutation(column) for column in z.T])
    fits = fit(shuffled, method="kmeans", cluster_counts=counts, random_seed=random_seed, starts=2)
    labelings = [fitted.nearest(shuffled)[0] for fitted in fits.values()]
    sampled = sampled_silhouettes(shuffled, labelings, random_seed=random_seed)
    measured = {k: each["silhouette"] for k, each in zip(fits, sampled, strict=True)}
    return {count: measured.get(count, np.nan) for count in counts}


def bootstrap_stability(
    z: np.ndarray, labels: dict[int, np.ndarray], refit, *, random_seed: int, rounds: int = 10
) -> dict[int, dict[int, float]]:
    """Return, by fit, each cluster's mean Jaccard similarity to its best match in refits.

    Hennig's bootstrap (Cluster-wise assessment of cluster stability, 2007). ``labels`` holds the
    fits of one method by number of clusters. ``refit`` clusters a sample of the rows of ``z`` with
    replacement (at most 2,000) and returns prototypes by number of clusters. The best match is
    the most similar cluster. 0.75 and more is stable, below 0.5 dissolved.
    """
    rng = np.random.default_rng(random_seed)
    similarities = {
        k: {int(c): [] for c in np.unique(own[own != NOISE])} for k, own in labels.items()
    }
    for _ in range(rounds):
        rows = rng.integers(len(z), size=min(len(z), BOOTSTRAP_POINTS))
        refits = refit(z[rows])
        for count, own in labels.items():
            # Density methods may find another number of clusters; that is still their answer.
            again = refits.get(count) or next(iter(refits.values()), None)
            others = np.full(len(z), NOISE) if again is None else again.nearest(z)[0]
            kept = others != NOISE
            others_sizes = np.bincount(others[kept], minlength=1)
            for cluster, each in similarities[count].items():
                members = own == cluster
                both = np.bincount(others[kept & members], minlength=len(others_sizes))
                each.append((both / (members.sum() + others_sizes - both)).max())
    return {k: {c: float(np.mean(s)) for c, s in each.items()} for k, each in similarities.items()}


def forward_value(labels, outcomes: pd.DataFrame, *, folds: int = 10) -> dict:
    """Return how well labels of a past day predict what customers did next, out of sample.

    ``outcomes`` holds ``forward_amount`` (currency) and ``forward_order_count`` of each customer
    after the day of the labels. The mean of a segment among the customers of the other ``folds``
    predicts each customer's ln(1 + amount), and whether the customer did not order. The R2 of
    each is 1 - squared error / squared error of the overall mean. Labels without information
    score just below 0, and more segments do not score higher by their number. ``forward_value``
    is the mean of the two, with the standard error over folds. Negative amounts count as 0. All
    are NaN for fewer than two customers per fold, and if all customers did the same.
    """
    if len(labels) < 2 * folds:
        return dict.fromkeys(FORWARD, np.nan)
    labels = pd.factorize(np.asarray(labels))[0]
    # Folds by position: rows are sorted by a key that does not describe the customer.
    fold = np.arange(len(labels)) % folds
    targets = {
        "forward_spend_r2": np.log1p(np.maximum(outcomes["forward_amount"].to_numpy(float), 0)),
        "forward_churn_r2": (outcomes["forward_order_count"].to_numpy(float) == 0).astype(float),
    }
    r2, by_fold = {}, []
    for name, target in targets.items():
        if np.ptp(target) == 0:
            return dict.fromkeys(FORWARD, np.nan)
        sums = np.zeros((folds, labels.max() + 1))
        counts = np.zeros_like(sums)
        np.add.at(sums, (fold, labels), target)
        np.add.at(counts, (fold, labels), 1)
        others, many = sums.sum(axis=0) - sums, counts.sum(axis=0) - counts
        overall = others.sum(axis=1, keepdims=True) / many.sum(axis=1, keepdims=True)
        means = np.where(many > 0, others / np.maximum(many, 1), overall)
        error = (target - means[fold, labels]) ** 2
        plain = (target - overall[fold, 0]) ** 2
        r2[name] = 1 - error.sum() / plain.sum()
        by_fold.append(1 - np.bincount(fold, error) / np.maximum(np.bincount(fold, plain), 1e-12))
    each = np.mean(by_fold, axis=0)
    return r2 | {
        "forward_value": np.mean(list(r2.values())),
        "forward_value_error": each.std(ddof=1) / np.sqrt(folds),
    }


def match(old: pd.Series, new: pd.Series) -> tuple[dict, float]:
    """Match new clusters to old segments by the customers that they share.

    ``old`` and ``new`` hold labels of the same customers. The assignment maximises the number of
    customers who keep their segment (Kuhn 1955, `linear_sum_assignment`). A pair with a Jaccard
    similarity below 0.5 is not the same segment and is left unmatched. Returns the old label by
    new label, and the agreement: the share of customers whose new cluster is matched to their old
    segment. Noise is matched to noise only.
    """
    if len(new) == 0:
        return {}, np.nan
    table = pd.crosstab(old.to_numpy(), new.to_numpy())
    noise = [label for label in table.columns if label == NOISE]
    kept = table.drop(columns=noise)
    kept = kept.loc[[not str(label).endswith("-noise") for label in kept.index]]
    optimize = library("scipy.optimize")
    rows, columns = optimize.linear_sum_assignment(-kept.to_numpy())
    matched, same = {}, 0
    for row, column in zip(rows, columns, strict=True):
        before, after = kept.index[row], kept.columns[column]
        both = kept.iloc[row, column]
        either = table.loc[before].sum() + table[after].sum() - both
        if both / either >= DISSOLVED:
            matched[after] = before
            same += both
    for before in table.index:
        if noise and str(before).endswith("-noise"):
            same += table.loc[before, NOISE]
    return matched, float(same / len(new))
