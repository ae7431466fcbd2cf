"""Judge segmentations: how clear, how stable, and what they say of the time after them."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    pairwise_distances,
    silhouette_samples,
)
from threadpoolctl import threadpool_limits

from clientele.segmentation.clustering import (
    NOISE,
    apply_scaling,
    assign,
    fit,
    prototypes,
)

BASELINES = ("rfm_groups", "random")
FORWARD = ["forward_value", "forward_value_error", "forward_spend_r2", "forward_churn_r2"]
INTERNAL = [
    "segment_count",
    "smallest_share",
    "noise_share",
    "silhouette",
    "silhouette_error",
    "silhouette_gain",
    "davies_bouldin",
    "calinski_harabasz",
    "stability",
    "stability_worst",
]
RUN_TYPES = {
    "segmentation": "string",
    "version": "int",
    "as_of_date": "date",
    "feature_set": "string",
    "method": "string",
    "cluster_count": "int",
    "segment_count": "int",
    "smallest_share": "double",
    "noise_share": "double",
    "approximation_agreement": "double",
    "silhouette": "double",
    "silhouette_error": "double",
    "silhouette_gain": "double",
    "davies_bouldin": "double",
    "calinski_harabasz": "double",
    "stability": "double",
    "stability_worst": "double",
    "forward_value": "double",
    "forward_value_error": "double",
    "forward_spend_r2": "double",
    "forward_churn_r2": "double",
    "agreement": "double",
    "mean_rank": "double",
    "is_eligible": "boolean",
    "is_chosen": "boolean",
    "verdict": "string",
}
# Below it a cluster found again in a bootstrap sample is not the same any more (Hennig 2007).
DISSOLVED = 0.5
# Share of the best forward value below which a choice gives too much away.
TOO_COARSE = 0.8
SILHOUETTE_POINTS = 2_000
BOOTSTRAP_POINTS = 2_000
STABILITY_POINTS = 3_000
FIT_KEY = ["feature_set", "method", "cluster_count"]


def internal_measures(
    z: np.ndarray, labels: np.ndarray, *, random_seed: int, distances: dict | None = None
) -> dict:
    """Return sizes and the classic indices of one segmentation of scaled features.

    ``silhouette`` (Rousseeuw 1987) is the mean over at most 2,000 random customers, with its
    standard error; Davies-Bouldin (1979) and Calinski-Harabasz (1974) are of all rows. Noise
    counts in ``noise_share`` alone. Indices are NaN for fewer than two segments.

    ``distances`` keeps the distances between those customers from one call to the next on the
    same ``z``, by the rows that they are of.
    """
    kept = labels != NOISE
    found, sizes = np.unique(labels[kept], return_counts=True)
    measures = dict.fromkeys(INTERNAL, np.nan) | {
        "segment_count": len(found),
        "smallest_share": sizes.min() / len(labels) if len(found) else np.nan,
        "noise_share": 1 - kept.mean(),
    }
    if len(found) < 2 or len(found) >= kept.sum():
        return measures
    measures["davies_bouldin"] = davies_bouldin_score(z[kept], labels[kept])
    measures["calinski_harabasz"] = calinski_harabasz_score(z[kept], labels[kept])
    rng = np.random.default_rng(random_seed)
    some = rng.permutation(np.flatnonzero(kept))[:SILHOUETTE_POINTS]
    if len(np.unique(labels[some])) > 1:
        distances = {} if distances is None else distances
        rows = some.tobytes()
        if rows not in distances:
            distances[rows] = pairwise_distances(z[some])
        each = silhouette_samples(distances[rows], labels[some], metric="precomputed")
        measures["silhouette"] = each.mean()
        measures["silhouette_error"] = each.std(ddof=1) / np.sqrt(len(each))
    return measures


def null_silhouette(z: np.ndarray, count: int, *, random_seed: int) -> float:
    """Return the silhouette that ``count`` clusters have where there are none to find.

    Every feature is shuffled by itself, which leaves its distribution and takes away what it has
    to do with the others, and k-means run on what is left: the idea of the gap statistic
    (Tibshirani, Walther, Hastie 2001). What a segmentation has beyond it is comparable across
    spaces of different features, which a silhouette is not.
    """
    rng = np.random.default_rng(random_seed)
    shuffled = np.column_stack([rng.permutation(column) for column in z.T])
    found = fit(
        shuffled, method="kmeans", cluster_counts=[count], random_seed=random_seed, starts=2
    )
    if not found:
        return np.nan
    labels = found[count].nearest(shuffled)[0]
    return internal_measures(shuffled, labels, random_seed=random_seed)["silhouette"]


def bootstrap_stability(
    z: np.ndarray, labels: dict[int, np.ndarray], refit, *, random_seed: int, rounds: int = 10
) -> dict[int, dict[int, float]]:
    """Return, by fit, each cluster's mean Jaccard similarity to its likeness in refits.

    Hennig's bootstrap (Cluster-wise assessment of cluster stability, 2007), for the fits of one
    method, told apart by their number of clusters: ``refit`` clusters a sample of the rows of
    ``z`` with replacement (at most 2,000) and returns prototypes by number of clusters; a
    cluster's likeness is the one most similar to it. 0.75 and more is stable, below 0.5
    dissolved.
    """
    rng = np.random.default_rng(random_seed)
    found = {k: {int(c): [] for c in np.unique(own[own != NOISE])} for k, own in labels.items()}
    for _ in range(rounds):
        rows = rng.integers(len(z), size=min(len(z), BOOTSTRAP_POINTS))
        refits = refit(z[rows])
        for count, own in labels.items():
            # Density methods find their own number: another one is the same method's answer.
            again = refits.get(count) or next(iter(refits.values()), None)
            others = np.full(len(z), NOISE) if again is None else again.nearest(z)[0]
            kept = others != NOISE
            sizes = np.bincount(others[kept], minlength=1)
            for cluster, similarities in found[count].items():
                members = own == cluster
                both = np.bincount(others[kept & members], minlength=len(sizes))
                similarities.append((both / (members.sum() + sizes - both)).max())
    return {k: {c: float(np.mean(s)) for c, s in each.items()} for k, each in found.items()}


def forward_value(labels, outcomes: pd.DataFrame, *, folds: int = 10) -> dict:
    """Return how well labels of the past foretell what customers then did, out of sample.

    ``outcomes`` holds ``forward_amount`` (currency) and ``forward_order_count`` of each customer
    after the day of the labels. Each customer's ln(1 + amount), and whether no order came, is
    forecast by the mean of their segment among the customers of the other ``folds``; the R2 of
    each is 1 - squared error / squared error of the overall mean, so that labels that say nothing
    score just below 0 and more segments do not score higher by being more. ``forward_value`` is
    the mean of the two, with the standard error over folds. Negative amounts count as 0.
    """
    if len(labels) < 2 * folds:
        return dict.fromkeys(FORWARD, np.nan)
    labels = pd.factorize(np.asarray(labels))[0]
    # Folds by position: rows come in the order of the key, which says nothing of the customer.
    fold = np.arange(len(labels)) % folds
    targets = {
        "forward_spend_r2": np.log1p(np.maximum(outcomes["forward_amount"].to_numpy(float), 0)),
        "forward_churn_r2": (outcomes["forward_order_count"].to_numpy(float) == 0).astype(float),
    }
    found, by_fold = {}, []
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
        found[name] = 1 - error.sum() / plain.sum()
        by_fold.append(1 - np.bincount(fold, error) / np.maximum(np.bincount(fold, plain), 1e-12))
    each = np.mean(by_fold, axis=0)
    return found | {
        "forward_value": np.mean(list(found.values())),
        "forward_value_error": each.std(ddof=1) / np.sqrt(folds),
    }


def match(old: pd.Series, new: pd.Series) -> tuple[dict, float]:
    """Match new clusters to old segments by the customers that they share.

    ``old`` and ``new`` hold labels of the same customers. The assignment maximises the customers
    who keep their segment (Kuhn 1955, `linear_sum_assignment`); a pair with a Jaccard similarity
    below 0.5 is not the same segment and is left unmatched. Returns old label by new label, and
    the agreement: the share of customers whose new cluster is matched to their old segment.
    Noise is matched to noise only.
    """
    if len(new) == 0:
        return {}, np.nan
    table = pd.crosstab(old.to_numpy(), new.to_numpy())
    noise = [label for label in table.columns if label == NOISE]
    kept = table.drop(columns=noise)
    kept = kept.loc[[not str(label).endswith("-noise") for label in kept.index]]
    rows, columns = linear_sum_assignment(-kept.to_numpy())
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


def judge(
    today: pd.DataFrame,
    past: pd.DataFrame,
    fits: pd.DataFrame,
    *,
    reference: pd.Series | None = None,
    random_seed: int,
    min_share: float,
    knobs: dict,
) -> pd.DataFrame:
    """Measure every candidate of one segmentation; a row per feature set, method and count.

    ``today`` and ``past`` are the sample on the as-of date and on the forward cut-off, by
    customer, the latter with outcomes and ``rfm_segment_key``. ``fits`` holds the candidates of
    both days (`clientele.segmentation.clustering.candidates`, with ``is_current``). ``reference``
    is the segment that customers are in now. ``knobs`` are those of
    `clientele.segmentation.clustering.fit`, for the refits of the bootstrap. The baselines
    `rfm_groups` and `random` have a row each.
    """
    then = {name: part for name, part in fits[~fits["is_current"]].groupby(FIT_KEY)}
    rows = []
    with threadpool_limits(1):
        for _, of_set in fits[fits["is_current"]].groupby(FIT_KEY[0]):
            # All methods see the same features: what does not depend on the method is kept.
            kept = {}, {}
            for _, fitted in of_set.groupby(FIT_KEY[1]):
                parts = {name[2]: part for name, part in fitted.groupby(FIT_KEY)}
                measures = _measured(today, parts, reference, random_seed, min_share, knobs, *kept)
                for measured in measures:
                    name = tuple(measured[column] for column in FIT_KEY)
                    rows.append(measured | _forward(past, then.get(name)))
    rng = np.random.default_rng(random_seed)
    groups = past["rfm_segment_key"]
    guesses = rng.integers(max(groups.nunique(), 2), size=len(past))
    for method, labels in zip(BASELINES, (groups, guesses), strict=True):
        baseline = {"feature_set": "none", "method": method, "cluster_count": len(set(labels))}
        rows.append(baseline | forward_value(labels, past))
    return pd.DataFrame(rows).reindex(columns=[name for name in RUN_TYPES if name != "verdict"])


def _measured(today, parts, reference, random_seed, min_share, knobs, distances, nulls):
    """Yield the measures of one method's fits on one feature set, by number of clusters.

    ``distances`` and ``nulls`` are filled with what the next method on the feature set needs too.
    """
    first = next(iter(parts.values()))
    method = first["method"].iloc[0]
    scalings, _ = prototypes(first)
    z = apply_scaling(today, scalings)
    # Rows in an order of their own, so that the random choice of rows is of the same customers.
    some = np.lexsort(z.T[::-1])[:: max(1, len(z) // STABILITY_POINTS)]
    labels = {count: assign(today, part)["cluster_id"].to_numpy() for count, part in parts.items()}

    def refit(rows):
        few = {"starts": 1, "pairwise_points": 1_000, "prototype_count": 40}
        return fit(
            rows,
            method=method,
            cluster_counts=list(parts),
            random_seed=random_seed,
            min_share=min_share,
            **knobs | few,
        )

    stability = bootstrap_stability(
        z[some], {count: own[some] for count, own in labels.items()}, refit, random_seed=random_seed
    )
    for count, part in parts.items():
        measures = {column: part[column].iloc[0] for column in FIT_KEY}
        measures["approximation_agreement"] = part["approximation_agreement"].iloc[0]
        measures |= internal_measures(
            z, labels[count], random_seed=random_seed, distances=distances
        )
        found = int(measures["segment_count"])
        if found > 1 and found not in nulls:
            nulls[found] = null_silhouette(z[some], found, random_seed=random_seed)
        measures["silhouette_gain"] = measures["silhouette"] - nulls.get(found, np.nan)
        each = list(stability[count].values())
        if each:
            measures |= {"stability": np.mean(each), "stability_worst": min(each)}
        if reference is not None:
            shared = today.index.intersection(reference.index)
            new = pd.Series(labels[count], index=today.index).loc[shared]
            measures["agreement"] = match(reference.loc[shared], new)[1]
        yield measures


def _forward(past, part) -> dict:
    if part is None:
        return {}
    return forward_value(assign(past, part)["cluster_id"].to_numpy(), past)


def choose(
    runs: pd.DataFrame,
    *,
    min_share: float,
    method: str | None = None,
    cluster_count: int | None = None,
    incumbent: tuple[str, str, int] | None = None,
) -> pd.DataFrame:
    """Choose one candidate by a stated rule; return ``runs`` with the verdict on each.

    1. A candidate is eligible if it has two segments or more, none below ``min_share``, at most
       a quarter noise, and a bootstrap stability of 0.6 or more.
    2. Of the feature sets the one is taken in which an eligible candidate has most structure:
       the highest silhouette beyond what shuffled features give.
    3. In it, what reaches less than four fifths of the best forward value there is too coarse.
    4. Of the rest, the least mean rank over silhouette, Davies-Bouldin, stability and forward
       value wins. Fewer segments, then the order of methods, break ties.
    5. The ``incumbent`` (feature set, method, count) stays if it is eligible and its forward
       value is within a standard error of the winner's.

    The verdict says whether the RFM groups foretell more than what was chosen.

    ``method`` and ``cluster_count`` pin what they name. Where no candidate is eligible, the most
    stable is taken and its verdict says so. Raises ``ValueError`` if a pin fits no candidate.
    """
    runs = runs.copy()
    runs["is_eligible"] = False
    runs["is_chosen"] = False
    runs["verdict"] = "baseline"
    fitted = runs[~runs["method"].isin(BASELINES)]
    if fitted.empty:
        return runs
    pinned = fitted
    for column, wanted in (("method", method), ("cluster_count", cluster_count)):
        if wanted is not None:
            pinned = pinned[pinned[column] == wanted]
            if pinned.empty:
                had = ", ".join(map(str, sorted(fitted[column].unique())))
                raise ValueError(
                    f"{column}={wanted} fits no candidate; there are {had}: "
                    "lower n_clusters, or add the method to segmentation_methods"
                )
    runs.loc[fitted.index.difference(pinned.index), "verdict"] = "not what is pinned"
    reasons = {
        "one segment only": pinned["segment_count"] < 2,
        "a segment is too small": pinned["smallest_share"] < min_share,
        "too much noise": pinned["noise_share"] > 0.25,
        "not stable": ~(pinned["stability"] >= 0.6),
    }
    eligible = pinned
    for reason, failed in reasons.items():
        runs.loc[eligible.index[failed.loc[eligible.index]], "verdict"] = reason
        eligible = eligible[~failed.loc[eligible.index]]
    if eligible.empty:
        best = pinned.sort_values(["stability", "cluster_count"], ascending=[False, True]).index[0]
        runs.loc[best, ["is_chosen", "verdict"]] = [
            True,
            "chosen: the most stable, none is eligible",
        ]
        return runs
    runs.loc[eligible.index, "is_eligible"] = True
    gains = eligible.groupby("feature_set")["silhouette_gain"].max()
    taken = gains.idxmax() if gains.notna().any() else gains.index[0]
    final = eligible[eligible["feature_set"] == taken]
    runs.loc[eligible.index.difference(final.index), "verdict"] = "less structure in its features"
    coarse = final["forward_value"] < TOO_COARSE * final["forward_value"].max()
    runs.loc[final.index[coarse], "verdict"] = "foretells too little"
    final = final[~coarse]
    ranks = (
        final["silhouette"].rank(ascending=False, na_option="bottom")
        + final["davies_bouldin"].rank(na_option="bottom")
        + final["stability"].rank(ascending=False, na_option="bottom")
        + final["forward_value"].rank(ascending=False, na_option="bottom")
    ) / 4
    runs.loc[final.index, "mean_rank"] = ranks
    runs.loc[final.index, "verdict"] = "ranked lower"
    order = final.assign(mean_rank=ranks).sort_values(
        ["mean_rank", "segment_count", "method"], ascending=[True, True, False]
    )
    winner = order.iloc[0]
    verdict = "chosen: best mean rank"
    if incumbent is not None:
        same = eligible[(eligible[FIT_KEY] == list(incumbent)).all(axis=1)]
        slack = np.nan_to_num(winner["forward_value_error"])
        value = np.nan_to_num(winner["forward_value"])
        if len(same) and np.nan_to_num(same["forward_value"].iloc[0]) >= value - slack:
            winner, verdict = same.iloc[0], "chosen: incumbent, none is clearly better"
    baseline = runs.loc[runs["method"] == "rfm_groups", "forward_value"].max()
    if winner["forward_value"] < baseline:
        verdict += ", though RFM groups foretell more"
    runs.loc[winner.name, ["is_chosen", "verdict"]] = [True, verdict]
    return runs
