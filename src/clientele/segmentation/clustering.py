"""Partition customers by their features: fit on few, assign anyone.

Whatever the method, a fit is a set of prototypes, points in the space of scaled features that
belong to clusters; a customer belongs to the cluster of the nearest. Prototypes are a table, so
assigning every customer is plain SQL, and `assign` states what that SQL must give.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

SCALINGS = ("log1p", "standard", "robust", "quantile")
LINKAGES = ("ward", "single", "complete", "average")
METHODS = ("kmeans", "hierarchical", "gaussian_mixture", "dbscan", "hdbscan")
KNOTS = [f"knot_{i}" for i in range(11)]
NOISE = -1
# What a candidate's table holds, a row per prototype and feature; types as both engines read them.
CANDIDATE_TYPES = {
    "segmentation": "string",
    "as_of_date": "date",
    "is_current": "boolean",
    "feature_set": "string",
    "method": "string",
    "cluster_count": "int",
    "prototype_id": "int",
    "cluster_id": "int",
    "feature": "string",
    "scaling": "string",
    "location": "double",
    "scale": "double",
    **dict.fromkeys(KNOTS, "double"),
    "centre": "double",
    "weight": "double",
    "offset_score": "double",
    "reach": "double",
    "far_distance": "double",
    "approximation_agreement": "double",
}
# Methods that compare all points with each other see at most so many ...
PAIRWISE_POINTS = 3_000
# ... and so many prototypes stand for what they found.
PROTOTYPES = 120
# Rows whose distances are in memory at once.
CHUNK = 20_000


@dataclass(frozen=True)
class Prototypes:
    """Points that stand for clusters, in scaled units; p of them in f dimensions.

    A customer's score at a prototype is ``sum(weights * (z - centres)**2) + offsets``; the least
    decides. ``weights`` and ``offsets`` are 1 and 0 except for a Gaussian mixture, where the
    score is -2 log(density) up to a constant. Beyond ``reach`` (distance, the root of the sum;
    infinite for most methods) a customer is noise. ``agreement`` is the share of fitted points
    whose own label by the method is the one the prototypes give.
    """

    centres: np.ndarray
    clusters: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    reach: np.ndarray
    agreement: float = 1.0

    @classmethod
    def plain(cls, centres, clusters, reach=np.inf, agreement=1.0):
        """Return prototypes whose nearest in Euclid's sense decides."""
        count = len(centres)
        return cls(
            np.asarray(centres, dtype=float),
            np.asarray(clusters),
            np.ones_like(centres, dtype=float),
            np.zeros(count),
            np.broadcast_to(np.asarray(reach, dtype=float), count).copy(),
            agreement,
        )

    def nearest(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's cluster (-1 is noise) and its distance to the deciding prototype."""
        best = np.empty(len(z))
        which = np.empty(len(z), dtype=int)
        for start in range(0, len(z), CHUNK):
            part = z[start : start + CHUNK]
            if (self.weights == 1).all():
                scores = cdist(part, self.centres, "sqeuclidean") + self.offsets
            else:
                squares = (self.weights * (part[:, None, :] - self.centres) ** 2).sum(axis=2)
                scores = squares + self.offsets
            nearest = scores.argmin(axis=1)
            which[start : start + CHUNK] = nearest
            best[start : start + CHUNK] = scores[np.arange(len(part)), nearest]
        distance = np.sqrt(np.maximum(best - self.offsets[which], 0))
        return np.where(distance <= self.reach[which], self.clusters[which], NOISE), distance


def fit_scaling(features: pd.DataFrame, scaling: str = "log1p") -> pd.DataFrame:
    """Return how to put each feature on one scale, a row per feature, sorted by name.

    ``log1p``: ln(1 + v), for skewed values >= 0; ``standard`` and ``robust``: v as it is;
    ``quantile``: the share of customers at or below v, linear between deciles (``knot_*``).
    Then ``location`` is subtracted and the rest divided by ``scale``: mean and population
    standard deviation, for ``robust`` median and interquartile range (the standard deviation
    where that is 0). A constant feature has scale 1 and decides nothing.

    Raises ``ValueError`` on null, infinite, non-numeric or (``log1p``) negative values.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"scaling={scaling!r} is none of {', '.join(SCALINGS)}")
    rows = []
    for feature in sorted(features.columns):
        values = _checked(features[feature], scaling)
        row = {"feature": feature, "scaling": scaling}
        if scaling == "quantile":
            knots = np.quantile(values, np.linspace(0, 1, 11))
            if _is_constant(values):
                knots[:] = knots[0]
            row |= dict(zip(KNOTS, knots, strict=True))
        # Sums of floats depend on their order.
        unscaled = np.sort(_unscaled(values, scaling, [row.get(knot) for knot in KNOTS]))
        location, scale = unscaled.mean(), unscaled.std()
        if scaling == "robust":
            low, location, high = np.quantile(unscaled, [0.25, 0.5, 0.75])
            scale = high - low or scale
        if _is_constant(unscaled):
            scale = 1.0
        rows.append(row | {"location": location, "scale": scale})
    columns = ["feature", "scaling", "location", "scale", *KNOTS]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[2:], float))


def _is_constant(values: np.ndarray) -> bool:
    """Return whether the spread is rounding error, not a unit."""
    return len(values) == 0 or np.ptp(values) <= 1e-12 * max(1, np.abs(values).max())


def apply_scaling(features: pd.DataFrame, scalings: pd.DataFrame) -> np.ndarray:
    """Return the features as `fit_scaling` says, a column per row of ``scalings``.

    Raises ``ValueError`` if a feature is missing, or holds what `fit_scaling` would refuse.
    """
    missing = scalings.loc[~scalings["feature"].isin(features.columns), "feature"]
    if len(missing):
        raise ValueError(f"features lacks {', '.join(missing)}, which the fit was made on")
    columns = []
    for row in scalings.to_dict("records"):
        values = _checked(features[row["feature"]], row["scaling"])
        knots = [row[knot] for knot in KNOTS]
        columns.append((_unscaled(values, row["scaling"], knots) - row["location"]) / row["scale"])
    return np.column_stack(columns) if columns else np.empty((len(features), 0))


def _unscaled(values: np.ndarray, scaling: str, knots: list) -> np.ndarray:
    if scaling == "log1p":
        return np.log1p(values)
    if scaling != "quantile":
        return values
    share = np.zeros(len(values))
    for low, high in zip(knots[:-1], knots[1:], strict=True):
        if high > low:
            share += np.clip((values - low) / (high - low), 0, 1)
        else:
            share += values >= low
    return share / (len(knots) - 1)


def _checked(column: pd.Series, scaling: str) -> np.ndarray:
    try:
        values = column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise ValueError(f"feature {column.name} is not numeric") from None
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(f"feature {column.name} is null or infinite for {bad.sum():,} customers")
    negative = values < 0
    if scaling == "log1p" and negative.any():
        raise ValueError(
            f"feature {column.name} is negative for {negative.sum():,} customers, and log1p needs "
            "values >= 0: leave the feature out or choose another scaling"
        )
    return values


def fit(
    z: np.ndarray,
    *,
    method: str,
    cluster_counts: list[int],
    random_seed: int,
    min_share: float = 0.0,
    small: str = "merge",
    init: str = "k-means++",
    starts: int = 10,
    start: np.ndarray | None = None,
    linkage_method: str = "ward",
    eps: float | None = None,
    pairwise_points: int = PAIRWISE_POINTS,
    prototype_count: int = PROTOTYPES,
) -> dict[int, Prototypes]:
    """Cluster the rows of ``z`` (n customers, f scaled features) by one method.

    Returns prototypes by number of clusters asked for; counts that exceed the distinct rows are
    left out. ``dbscan`` and ``hdbscan`` find their own number and return one fit, or none where
    all is noise. Methods:

    - ``kmeans``: Lloyd's iterations from ``starts`` starts of ``init`` (k-means++ or random)
      until no customer changes cluster; the least inertia wins. ``start`` (k centres) is tried
      too and kept if it ends within 1 % of the best, so that a refit does not jump between
      solutions of equal worth.
    - ``hierarchical``: SciPy's tree of at most ``pairwise_points`` rows, cut at each count,
      each cluster then represented by k-means centres, ``prototype_count`` in all;
      ``ward``, ``single`` (the nearest members decide), ``complete`` or ``average``.
    - ``gaussian_mixture``: diagonal covariances.
    - ``dbscan``: radius ``eps``, by default the knee of the k-distance curve, and 2 f points to
      a core; ``hdbscan``: clusters of at least 2 % of the points. Both see at most
      ``pairwise_points`` rows and are represented likewise, with the distance that 95 % of a
      cluster's members keep as reach.

    A cluster that holds less than ``min_share`` of the rows is merged with the nearest, or with
    ``small="flag"`` stays. Clusters are numbered from 0 by size. Neither the order of rows nor
    the number of threads changes a bit of it.

    Raises ``ValueError`` on an unknown method, linkage, ``small`` or count below 1.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} is none of {', '.join(METHODS)}")
    if linkage_method not in LINKAGES:
        raise ValueError(f"linkage={linkage_method!r} is none of {', '.join(LINKAGES)}")
    if small not in ("merge", "flag"):
        raise ValueError(f"small={small!r} is neither merge nor flag")
    if starts < 1 or any(count < 1 for count in cluster_counts):
        raise ValueError(f"starts={starts}, cluster_counts={cluster_counts}: must be at least 1")
    if len(z) == 0:
        return {}
    z = z[np.lexsort(z.T[::-1])]
    distinct = len(np.unique(z.round(6), axis=0))
    counts = [count for count in cluster_counts if count <= distinct]
    # scikit-learn adds up its threads in the order in which they finish.
    with threadpool_limits(1):
        if method == "kmeans":
            fits = {k: _kmeans(z, k, random_seed, init, starts, start) for k in counts}
        elif method == "gaussian_mixture":
            # The library wants two rows at least.
            counts = counts if len(z) > 1 else []
            fits = {k: _mixture(z, k, random_seed, min(starts, 2)) for k in counts}
        else:
            points = _thinned(z, pairwise_points)
            if method == "hierarchical":
                labels = _tree_labels(points, counts, linkage_method)
            elif method == "dbscan":
                labels = _density_labels(DBSCAN(**dbscan_settings(points, eps)), points)
            else:
                size = max(5, round(0.02 * len(points)))
                labels = _density_labels(HDBSCAN(min_cluster_size=size, copy=True), points)
            density = method != "hierarchical"
            fits = {
                k: _represented(points, own, random_seed, density, prototype_count)
                for k, own in labels
            }
        return {
            k: _numbered(_merged(found, z, min_share) if small == "merge" else found, z)
            for k, found in fits.items()
        }


def dbscan_settings(points: np.ndarray, eps: float | None = None) -> dict:
    """Return DBSCAN's radius and core size for ``points``.

    The core size is twice the number of dimensions (Sander et al. 1998); the radius, unless
    given, is where the sorted distances to that many neighbours lie farthest below the line from
    the first to the last: the knee.
    """
    size = min(max(2 * points.shape[1], 2), len(points))
    if eps is None:
        distances = np.ones(1)
        if len(points) > size:
            neighbours = NearestNeighbors(n_neighbors=size).fit(points)
            distances = np.sort(neighbours.kneighbors()[0][:, -1])
        chord = np.linspace(distances[0], distances[-1], len(distances))
        eps = distances[np.argmax(chord - distances)] or 1e-9
    return {"eps": float(eps), "min_samples": size}


def _thinned(z: np.ndarray, count: int) -> np.ndarray:
    """Return at most ``count`` of the sorted rows, evenly spaced."""
    if len(z) <= count:
        return z
    return z[np.linspace(0, len(z) - 1, count).round().astype(int)]


def _kmeans(z, count, seed, init, starts, start) -> Prototypes:
    def run(**knobs):
        # tol=0: until no customer changes cluster, so that a centre is the mean of its members.
        return KMeans(count, random_state=seed, tol=0, max_iter=1000, **knobs).fit(z)

    best = run(init=init, n_init=starts)
    if start is not None and len(start) == count:
        warm = run(init=start, n_init=1)
        if warm.inertia_ <= 1.01 * best.inertia_:
            best = warm
    sizes = np.bincount(best.labels_, minlength=count)
    kept = np.flatnonzero(sizes)
    sums = np.column_stack([np.bincount(best.labels_, column, count) for column in z.T])
    return Prototypes.plain(sums[kept] / sizes[kept, None], np.arange(len(kept)))


def _mixture(z, count, seed, starts) -> Prototypes:
    model = GaussianMixture(
        count,
        covariance_type="diag",
        n_init=starts,
        reg_covar=1e-3,
        max_iter=500,
        random_state=seed,
    ).fit(z)
    return Prototypes(
        model.means_,
        np.arange(count),
        1 / model.covariances_,
        np.log(model.covariances_).sum(axis=1) - 2 * np.log(model.weights_),
        np.full(count, np.inf),
    )


def _tree_labels(points, counts, method):
    if len(points) == 1:
        return [(1, np.zeros(1, dtype=int))] if 1 in counts else []
    tree = linkage(points, method)
    return [(count, fcluster(tree, count, "maxclust") - 1) for count in counts]


def _density_labels(model, points):
    if len(points) < 5:
        return []
    labels = model.fit_predict(points)
    # Labels below -1 are HDBSCAN's for missing values, which are refused before.
    found = labels.max() + 1
    return [(int(found), labels)] if found else []


def _represented(points, labels, seed, density, total) -> Prototypes:
    """Stand a few prototypes in for every labelled point of each cluster."""
    clusters = np.unique(labels[labels >= 0])
    centres, owners, reach = [], [], []
    for cluster in clusters:
        members = points[labels == cluster]
        distinct = len(np.unique(members.round(6), axis=0))
        count = int(np.clip(round(total * len(members) / len(points)), 1, distinct))
        # A cluster in pieces needs a few at least.
        count = min(max(count, 4), distinct)
        model = KMeans(count, n_init=1, random_state=seed).fit(members)
        distances = np.linalg.norm(members - model.cluster_centers_[model.labels_], axis=1)
        centres.append(model.cluster_centers_)
        owners += [cluster] * count
        reach += [np.quantile(distances, 0.95) if density else np.inf] * count
    found = Prototypes.plain(np.concatenate(centres), np.array(owners), np.array(reach))
    return replace(found, agreement=float((found.nearest(points)[0] == labels).mean()))


def _merged(found: Prototypes, z, min_share) -> Prototypes:
    """Give the prototypes of clusters that are too small to the nearest other cluster."""
    while True:
        labels = found.nearest(z)[0]
        clusters = np.unique(found.clusters)
        sizes = np.array([(labels == cluster).sum() for cluster in clusters])
        if len(clusters) == 1 or sizes.min() >= min_share * len(z):
            return found
        smallest = clusters[np.argmin(sizes)]
        own = found.clusters == smallest
        middle = found.centres[own].mean(axis=0)
        others = np.linalg.norm(found.centres - middle, axis=1) + np.where(own, np.inf, 0)
        merged = np.where(own, found.clusters[np.argmin(others)], found.clusters)
        found = replace(found, clusters=merged)


def _numbered(found: Prototypes, z) -> Prototypes:
    """Number clusters by size from 0, equal sizes by where they lie."""
    labels = found.nearest(z)[0]
    clusters = np.unique(found.clusters)
    sizes = [-(labels == cluster).sum() for cluster in clusters]
    middles = np.array([found.centres[found.clusters == c].mean(axis=0) for c in clusters])
    order = np.lexsort((*middles.T[::-1], sizes))
    number = {clusters[old]: new for new, old in enumerate(order)}
    owners = np.array([number[cluster] for cluster in found.clusters])
    # Prototypes too come in one order, whichever the library returned.
    rows = np.lexsort((*found.centres.T[::-1], owners))
    return replace(
        found,
        centres=found.centres[rows],
        clusters=owners[rows],
        weights=found.weights[rows],
        offsets=found.offsets[rows],
        reach=found.reach[rows],
    )


def candidates(
    features: pd.DataFrame,
    *,
    method: str,
    feature_sets: dict[str, list[str]],
    scaling: str = "log1p",
    reference: pd.Series | None = None,
    **knobs,
) -> pd.DataFrame:
    """Fit one method on each feature set; ``knobs`` are those of `fit`.

    ``features`` has a row per customer. ``reference`` gives customers the clusters that they are
    in now: their means are one more start for k-means. Returns a row per feature set, number of
    clusters, prototype and feature, with the scaling, the prototype, and ``far_distance``, the
    99th percentile of the fitted customers' distances.
    """
    parts = []
    for name, columns in feature_sets.items() if len(features) else ():
        scalings = fit_scaling(features[columns], scaling)
        z = apply_scaling(features, scalings)
        start = None
        if reference is not None and method == "kmeans":
            known = features.index.isin(reference.index)
            owner = reference.reindex(features.index[known]).to_numpy()
            start = pd.DataFrame(z[known]).groupby(owner).mean().to_numpy()
        for count, found in fit(z, method=method, start=start, **knobs).items():
            parts.append(
                _as_frame(
                    found, scalings, far=float(np.quantile(found.nearest(z)[1], 0.99))
                ).assign(feature_set=name, method=method, cluster_count=count)
            )
    if not parts:
        return pd.DataFrame(columns=list(CANDIDATE_TYPES)[3:])
    return pd.concat(parts, ignore_index=True)


def _as_frame(found: Prototypes, scalings: pd.DataFrame, far: float) -> pd.DataFrame:
    count, width = found.centres.shape
    frame = pd.concat([scalings] * count, ignore_index=True)
    frame["prototype_id"] = np.repeat(np.arange(count), width)
    for name, values in {
        "cluster_id": found.clusters,
        "offset_score": found.offsets,
        "reach": np.where(np.isinf(found.reach), np.nan, found.reach),
    }.items():
        frame[name] = np.repeat(values, width)
    frame["centre"] = found.centres.ravel()
    frame["weight"] = found.weights.ravel()
    frame["far_distance"] = far
    frame["approximation_agreement"] = found.agreement
    return frame


def prototypes(parameters: pd.DataFrame) -> tuple[pd.DataFrame, Prototypes]:
    """Return the scaling and the prototypes that one fit's table of parameters holds."""
    ordered = parameters.sort_values(["prototype_id", "feature"], ignore_index=True)
    scalings = ordered.drop_duplicates("feature").reset_index(drop=True)
    width = len(scalings)
    per = ordered.iloc[::width]
    shape = (len(per), width)
    reach = per["reach"].to_numpy(dtype=float)
    return scalings, Prototypes(
        ordered["centre"].to_numpy(dtype=float).reshape(shape),
        per["cluster_id"].to_numpy(),
        ordered["weight"].to_numpy(dtype=float).reshape(shape),
        per["offset_score"].to_numpy(dtype=float),
        np.where(np.isnan(reach), np.inf, reach),
    )


def assign(features: pd.DataFrame, parameters: pd.DataFrame) -> pd.DataFrame:
    """Return each customer's ``cluster_id`` (-1 is noise) and ``distance``, by one fit's table.

    Of equally near prototypes the first decides. ``features`` may hold other customers than
    those of the fit, and more columns.
    """
    if parameters.empty:
        raise ValueError("parameters is empty: fit on at least one customer")
    scalings, found = prototypes(parameters)
    cluster, distance = found.nearest(apply_scaling(features, scalings))
    return pd.DataFrame({"cluster_id": cluster, "distance": distance}, index=features.index)
