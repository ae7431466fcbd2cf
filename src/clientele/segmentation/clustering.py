"""Partition customers by their features: fit on a sample, assign all.

Whatever the method, a fit is a set of prototypes in the space of scaled features. A customer
belongs to the cluster of the nearest prototype. Prototypes are a table, so that plain SQL assigns
every customer; `assign` defines what the SQL must return.
"""

from functools import cache

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from clientele.libraries import load
from clientele.segmentation.methods import KNOBS, LINKAGES, METHODS
from clientele.segmentation.prototypes import Prototypes, merge_small, number_by_size
from clientele.segmentation.scaling import KNOTS, apply_scaling, fit_scaling

# The table of a fit, a row per prototype and feature; types as both engines read them.
FIT_TYPES = {
    "as_of_date": "date",
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


def fit(
    z: np.ndarray,
    *,
    method: str,
    cluster_counts: list[int],
    random_seed: int,
    min_share: float = 0.0,
    small: str = "merge",
    starts: int = 10,
    **knobs,
) -> dict[int, Prototypes]:
    """Cluster the rows of ``z`` (n customers, f scaled features) by one method.

    Returns prototypes by number of clusters. Counts above the number of distinct rows are left
    out. ``dbscan`` and ``hdbscan`` find their own number of clusters and return one fit, or none
    if all rows are noise. The methods and their ``knobs``:

    - ``kmeans``: Lloyd's iterations from ``starts`` starts of ``init`` (k-means++ or random)
      until no customer changes cluster; the lowest inertia wins. ``start`` (k centres) is one
      more start. Its solution is kept if its inertia is within 1 % of the best, so that a refit
      does not jump between solutions of equal quality.
    - ``hierarchical``: SciPy's tree of at most ``pairwise_points`` rows, cut at each count and
      represented by about ``prototype_count`` centres. ``linkage_method``: ward, single (the
      nearest members decide), complete or average.
    - ``gaussian_mixture``: diagonal covariances, from at most two of the ``starts``.
    - ``dbscan``: radius ``eps``, by default the knee of the k-distance curve, and 2 f points to
      a core; ``hdbscan``: clusters of at least 2 % of the points. Both see at most
      ``pairwise_points`` rows and are represented the same way, with the distance that 95 % of a
      cluster's members keep as reach.

    A cluster with less than ``min_share`` of the rows is merged with the nearest cluster, or kept
    with ``small="flag"``. Clusters are numbered from 0 by descending size. The result does not
    depend on the order of rows or on the number of threads.

    Raises ``ValueError`` on an unknown method, linkage, ``small`` or a count below 1.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} is none of {', '.join(METHODS)}")
    if unknown := knobs.keys() - KNOBS:
        raise TypeError(f"fit has no knob {', '.join(sorted(unknown))}: {', '.join(sorted(KNOBS))}")
    if (linkage := knobs.get("linkage_method", "ward")) not in LINKAGES:
        raise ValueError(f"linkage={linkage!r} is none of {', '.join(LINKAGES)}")
    if small not in ("merge", "flag"):
        raise ValueError(f"small={small!r} is neither merge nor flag")
    if starts < 1 or any(count < 1 for count in cluster_counts):
        raise ValueError(f"starts={starts}, cluster_counts={cluster_counts}: must be at least 1")
    if len(z) == 0:
        return {}
    z = z[np.lexsort(z.T[::-1])]
    distinct = _distinct(z, max(cluster_counts, default=0))
    counts = [count for count in cluster_counts if count <= distinct]
    with one_thread():
        fits = METHODS[method].fit(z, counts, random_seed=random_seed, starts=starts, **knobs)
        deciding = {}
        for count, fitted in fits.items():
            # Cuts of one tree share their prototypes.
            if (shared := id(fitted.centres)) not in deciding:
                deciding[shared] = fitted.deciding(z)[0]
            if small == "merge":
                fitted = merge_small(fitted, deciding[shared], min_share)
            fits[count] = number_by_size(fitted, deciding[shared])
    return fits


@cache
def _controller():
    # It limits the libraries that are there when it is made.
    load("sklearn.cluster")
    return ThreadpoolController()


def one_thread():
    """Return a context in which libraries use one thread.

    scikit-learn adds up its threads' sums in the order in which they finish, so that more
    threads change the last digits. Finding the libraries takes longer than a small fit, so it is
    done once.
    """
    return _controller().limit(limits=1)


def _distinct(z, enough):
    """Return the number of distinct rows, or of distinct values in a column if that is enough."""
    for column in z.T:
        count = len(np.unique(column.round(6)))
        if count >= enough:
            return count
    return len(np.unique(z.round(6), axis=0))


def centres_of(z: np.ndarray, labels) -> np.ndarray:
    """Return the mean of the rows of each label: a start for k-means."""
    return pd.DataFrame(z).groupby(np.asarray(labels)).mean().to_numpy()


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

    ``features`` has a row per customer. ``reference`` is the cluster that each customer is in
    now; the means of these clusters are one more start for k-means. Returns a row per feature
    set, number of clusters, prototype and feature: the scaling, the prototype, and
    ``far_distance``, the 99th percentile of the fitted customers' distances (not interpolated).

    Four segments by two features, and the segment of each customer::

        parameters = candidates(
            features, method="kmeans", feature_sets={"value": ["recency_days", "monetary"]},
            cluster_counts=[4], random_seed=1,
        )
        clusters = assign(features, parameters)["cluster_id"]
    """
    parts = []
    for name, columns in feature_sets.items() if len(features) else ():
        scalings = fit_scaling(features[columns], scaling)
        z = apply_scaling(features, scalings)
        start = None
        if reference is not None and method == "kmeans":
            known = features.index.isin(reference.index)
            start = centres_of(z[known], reference.reindex(features.index[known]))
        for count, fitted in fit(z, method=method, start=start, **knobs).items():
            # A customer's distance: of fewer than a hundred customers none is beyond it.
            far = float(np.quantile(fitted.nearest(z)[1], 0.99, method="higher"))
            table = _as_frame(fitted, scalings, far)
            parts.append(table.assign(feature_set=name, method=method, cluster_count=count))
    if not parts:
        return pd.DataFrame(columns=list(FIT_TYPES)[1:])
    return pd.concat(parts, ignore_index=True)


def _as_frame(fitted: Prototypes, scalings: pd.DataFrame, far: float) -> pd.DataFrame:
    count, width = fitted.centres.shape
    frame = pd.concat([scalings] * count, ignore_index=True)
    frame["prototype_id"] = np.repeat(np.arange(count), width)
    for name, values in {
        "cluster_id": fitted.clusters,
        "offset_score": fitted.offsets,
        "reach": np.where(np.isinf(fitted.reach), np.nan, fitted.reach),
    }.items():
        frame[name] = np.repeat(values, width)
    frame["centre"] = fitted.centres.ravel()
    frame["weight"] = fitted.weights.ravel()
    frame["far_distance"] = far
    frame["approximation_agreement"] = fitted.agreement
    return frame


def prototypes(parameters: pd.DataFrame) -> tuple[pd.DataFrame, Prototypes]:
    """Return the scaling and the prototypes that the table of one fit holds."""
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

    If several prototypes are equally near, the first decides. ``features`` may hold other
    customers than the fit, and more columns. Raises ``ValueError`` if ``parameters`` is empty.
    """
    if parameters.empty:
        raise ValueError("parameters is empty: fit on at least one customer")
    scalings, fitted = prototypes(parameters)
    cluster, distance = fitted.nearest(apply_scaling(features, scalings))
    return pd.DataFrame({"cluster_id": cluster, "distance": distance}, index=features.index)
