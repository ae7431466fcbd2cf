"""The clustering methods. To add one, write a function and name it in `METHODS`.

A method takes sorted points ``z`` (n rows, f scaled features), the numbers of clusters that are
wanted and the keyword arguments of `clientele.segmentation.clustering.fit`. It returns
`Prototypes` by number of clusters. A method that finds the number of clusters itself returns one
fit, or none if all points are noise.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from clientele.libraries import library
from clientele.segmentation.prototypes import Prototypes, represented

LINKAGES = ("ward", "single", "complete", "average")
# Maximum number of points for methods that compare all pairs.
PAIRWISE_POINTS = 3_000
# Number of prototypes that represent the clusters of such a method.
PROTOTYPES = 120


def thinned(z: np.ndarray, count: int) -> np.ndarray:
    """Return at most ``count`` of the rows, evenly spaced."""
    if len(z) <= count:
        return z
    return z[np.linspace(0, len(z) - 1, count).round().astype(int)]


def kmeans(z, counts, *, random_seed, init="k-means++", starts=10, start=None, **_):
    """Lloyd's iterations from several starts, until no customer changes cluster."""

    cluster = library("sklearn.cluster")

    def run(count, **knobs):
        # tol=0: iterate until no customer changes cluster. A centre is then its members' mean.
        model = cluster.KMeans(count, random_state=random_seed, tol=0, max_iter=1000, **knobs)
        return model.fit(z)

    fits = {}
    for count in counts:
        best = run(count, init=init, n_init=starts)
        if start is not None and len(start) == count:
            warm = run(count, init=start, n_init=1)
            if warm.inertia_ <= 1.01 * best.inertia_:
                best = warm
        sizes = np.bincount(best.labels_, minlength=count)
        kept = np.flatnonzero(sizes)
        sums = np.column_stack([np.bincount(best.labels_, column, count) for column in z.T])
        fits[count] = Prototypes.plain(sums[kept] / sizes[kept, None], np.arange(len(kept)))
    return fits


def gaussian_mixture(z, counts, *, random_seed, starts=10, **_):
    """A mixture of normal distributions with diagonal covariances, by expectation maximisation."""
    fits = {}
    # The library needs at least two rows.
    for count in counts if len(z) > 1 else ():
        model = (
            library("sklearn.mixture")
            .GaussianMixture(
                count,
                covariance_type="diag",
                n_init=1,
                reg_covar=1e-3,
                max_iter=500,
                random_state=random_seed,
            )
            .fit(z)
        )
        fits[count] = Prototypes(
            model.means_,
            np.arange(count),
            1 / model.covariances_,
            np.log(model.covariances_).sum(axis=1) - 2 * np.log(model.weights_),
            np.full(count, np.inf),
        )
    return fits


def hierarchical(
    z,
    counts,
    *,
    random_seed,
    linkage_method="ward",
    pairwise_points=PAIRWISE_POINTS,
    prototype_count=PROTOTYPES,
    **_,
):
    """SciPy's tree of at most `PAIRWISE_POINTS` rows, cut at each count.

    The finest cut is represented by prototypes. Coarser cuts join its clusters, so that they
    share the prototypes.
    """
    points = thinned(z, pairwise_points)
    if not counts:
        return {}
    if len(points) == 1:
        cuts = {1: np.zeros(1, dtype=int)}
    else:
        hierarchy = library("scipy.cluster.hierarchy")
        tree = hierarchy.linkage(points, linkage_method)
        cuts = {count: hierarchy.fcluster(tree, count, "maxclust") - 1 for count in counts}
    finest = cuts[max(cuts)]
    base = represented(
        points, finest, random_seed=random_seed, count=prototype_count, with_reach=False
    )
    which = base.deciding(points)[0]
    fits = {}
    for count, labels in cuts.items():
        parent = np.zeros(finest.max() + 1, dtype=int)
        parent[finest] = labels
        owners = parent[base.clusters]
        agreement = float((owners[which] == labels).mean())
        fits[count] = replace(base, clusters=owners, agreement=agreement)
    return fits


def dbscan(
    z,
    counts,
    *,
    random_seed,
    eps=None,
    pairwise_points=PAIRWISE_POINTS,
    prototype_count=PROTOTYPES,
    **_,
):
    """DBSCAN of at most `PAIRWISE_POINTS` rows with the radius ``eps``, see `dbscan_settings`."""
    points = thinned(z, pairwise_points)
    model = library("sklearn.cluster").DBSCAN(**dbscan_settings(points, eps))
    return _by_density(model, points, random_seed, prototype_count)


def hdbscan(
    z,
    counts,
    *,
    random_seed,
    pairwise_points=PAIRWISE_POINTS,
    prototype_count=PROTOTYPES,
    **_,
):
    """HDBSCAN of at most `PAIRWISE_POINTS` rows with clusters of 2 % of them or more."""
    points = thinned(z, pairwise_points)
    size = max(5, round(0.02 * len(points)))
    model = library("sklearn.cluster").HDBSCAN(min_cluster_size=size, copy=True)
    return _by_density(model, points, random_seed, prototype_count)


def dbscan_settings(points: np.ndarray, eps: float | None = None) -> dict:
    """Return DBSCAN's radius and core size for ``points``.

    The core size is twice the number of dimensions (Sander et al. 1998). The default radius is
    the knee of the sorted distances to that many neighbours: the distance farthest below the
    line from the first to the last.
    """
    size = min(max(2 * points.shape[1], 2), len(points))
    if eps is None:
        distances = np.ones(1)
        if len(points) > size:
            neighbours = library("sklearn.neighbors").NearestNeighbors(n_neighbors=size)
            neighbours.fit(points)
            distances = np.sort(neighbours.kneighbors()[0][:, -1])
        chord = np.linspace(distances[0], distances[-1], len(distances))
        eps = distances[np.argmax(chord - distances)] or 1e-9
    return {"eps": float(eps), "min_samples": size}


def _by_density(model, points, seed, prototype_count):
    if len(points) < 5:
        return {}
    labels = model.fit_predict(points)
    # HDBSCAN gives labels below -1 to missing values, which are refused before.
    count = int(labels.max()) + 1
    if not count:
        return {}
    fitted = represented(points, labels, random_seed=seed, count=prototype_count, with_reach=True)
    return {count: fitted}


@dataclass(frozen=True)
class Method:
    """How to fit a method, and how its numbers of clusters are related.

    ``finds_count``: it chooses the number of clusters itself. ``is_joint``: all numbers of
    clusters come from one fit, so that asking for fewer saves nothing and may change the fit.
    """

    fit: Callable[..., dict[int, Prototypes]]
    finds_count: bool = False
    is_joint: bool = False


METHODS = {
    "kmeans": Method(kmeans),
    "hierarchical": Method(hierarchical, is_joint=True),
    "gaussian_mixture": Method(gaussian_mixture),
    "dbscan": Method(dbscan, finds_count=True, is_joint=True),
    "hdbscan": Method(hdbscan, finds_count=True, is_joint=True),
}
# Arguments of the methods other than the points and the numbers of clusters.
KNOBS = {
    name
    for method in METHODS.values()
    for name, parameter in inspect.signature(method.fit).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY
}
