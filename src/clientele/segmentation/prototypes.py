"""Prototypes: the points that represent clusters of any method."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from clientele.libraries import library

NOISE = -1
# Number of rows with distances in memory at once.
CHUNK = 20_000


@dataclass(frozen=True)
class Prototypes:
    """Points that represent clusters, in scaled units: p points in f dimensions.

    A customer's score at a prototype is ``sum(weights * (z - centres)**2) + offsets``. The
    prototype with the lowest score decides. ``weights`` are 1 and ``offsets`` are 0, except for a
    Gaussian mixture, whose score is -2 log(density) up to a constant. A customer whose distance
    (the root of the sum) exceeds ``reach`` is noise; the reach is infinite for most methods.
    ``agreement`` is the share of the fitted points to which the prototypes give the same cluster
    as the method itself.
    """

    centres: np.ndarray
    clusters: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    reach: np.ndarray
    agreement: float = 1.0

    @classmethod
    def plain(cls, centres, clusters, reach=np.inf, agreement=1.0):
        """Return prototypes of which the nearest by Euclidean distance decides."""
        count = len(centres)
        return cls(
            np.asarray(centres, dtype=float),
            np.asarray(clusters),
            np.ones_like(centres, dtype=float),
            np.zeros(count),
            np.broadcast_to(np.asarray(reach, dtype=float), count).copy(),
            agreement,
        )

    def deciding(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's prototype by number (-1 is noise), and the distance to the nearest."""
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
        return np.where(distance <= self.reach[which], which, NOISE), distance

    def nearest(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's cluster (-1 is noise) and its distance to the deciding prototype."""
        which, distance = self.deciding(z)
        return np.where(which == NOISE, NOISE, self.clusters[which]), distance


def represented(
    points: np.ndarray, labels: np.ndarray, *, random_seed: int, count: int, with_reach: bool
) -> Prototypes:
    """Return about ``count`` prototypes that represent all labelled points of each cluster.

    Each cluster gets a share of the prototypes by its size, at least four, placed by k-means.
    ``with_reach`` sets the reach to the distance that 95 % of a cluster's members keep.
    """
    kmeans = library("sklearn.cluster").KMeans
    centres, owners, reach = [], [], []
    for cluster in np.unique(labels[labels >= 0]):
        members = points[labels == cluster]
        distinct = len(np.unique(members.round(6), axis=0))
        own = int(np.clip(round(count * len(members) / len(points)), 1, distinct))
        # A cluster may consist of several pieces.
        own = min(max(own, 4), distinct)
        model = kmeans(own, n_init=1, random_state=random_seed).fit(members)
        distances = np.linalg.norm(members - model.cluster_centers_[model.labels_], axis=1)
        centres.append(model.cluster_centers_)
        owners += [cluster] * own
        reach += [np.quantile(distances, 0.95) if with_reach else np.inf] * own
    fitted = Prototypes.plain(np.concatenate(centres), np.array(owners), np.array(reach))
    return replace(fitted, agreement=float((fitted.nearest(points)[0] == labels).mean()))


def merge_small(fitted: Prototypes, which: np.ndarray, min_share: float) -> Prototypes:
    """Give the prototypes of each cluster below ``min_share`` of the rows to the nearest other.

    ``which`` is the number of each row's prototype, -1 for noise. The smallest cluster goes
    first, and sizes are counted again after every merge.
    """
    while True:
        clusters = np.unique(fitted.clusters)
        sizes = _sizes(fitted, which, clusters)
        if len(clusters) == 1 or sizes.min() >= min_share * len(which):
            return fitted
        smallest = clusters[np.argmin(sizes)]
        own = fitted.clusters == smallest
        middle = fitted.centres[own].mean(axis=0)
        others = np.linalg.norm(fitted.centres - middle, axis=1) + np.where(own, np.inf, 0)
        merged = np.where(own, fitted.clusters[np.argmin(others)], fitted.clusters)
        fitted = replace(fitted, clusters=merged)


def _sizes(fitted, which, clusters):
    """Return the rows of each of the sorted ``clusters``."""
    rows = np.bincount(which[which != NOISE], minlength=len(fitted.clusters))
    return np.bincount(
        np.searchsorted(clusters, fitted.clusters), weights=rows, minlength=len(clusters)
    )


def number_by_size(fitted: Prototypes, which: np.ndarray) -> Prototypes:
    """Number clusters from 0 by descending size; clusters of equal size by their position."""
    clusters = np.unique(fitted.clusters)
    sizes = -_sizes(fitted, which, clusters)
    middles = np.array([fitted.centres[fitted.clusters == c].mean(axis=0) for c in clusters])
    order = np.lexsort((*middles.T[::-1], sizes))
    number = np.empty(len(clusters), dtype=int)
    number[order] = np.arange(len(clusters))
    owners = number[np.searchsorted(clusters, fitted.clusters)]
    # Prototypes are sorted too, so that their order does not depend on the library.
    rows = np.lexsort((*fitted.centres.T[::-1], owners))
    return replace(
        fitted,
        centres=fitted.centres[rows],
        clusters=owners[rows],
        weights=fitted.weights[rows],
        offsets=fitted.offsets[rows],
        reach=fitted.reach[rows],
    )
