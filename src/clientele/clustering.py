"""Partition customers by their features: fit once, assign anywhere.

A fit is a table of parameters, so that assigning every customer is plain SQL; `assign` states
what that SQL must give.
"""

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

PARAMETER_DTYPES = {
    "cluster_id": "int64",
    "feature": "str",
    "location": "float64",
    "scale": "float64",
    "centroid": "float64",
    "fitted_customer_count": "int64",
}
TRANSFORMS = {"log1p": np.log1p, "none": np.asarray}


def kmeans(
    features: pd.DataFrame,
    *,
    n_clusters: int,
    random_seed: int,
    n_init: int = 10,
    transform: str = "log1p",
) -> pd.DataFrame:
    """Fit k-means (k-means++ starts, Lloyd's iterations) and return its parameters.

    ``features`` holds a row per customer and a numeric column per feature. Each is transformed
    (``log1p`` for skewed features >= 0, ``none`` for any), then centred and scaled to
    unit variance, so that every feature weighs the same. The best of ``n_init`` starts is kept.

    Returns a row per cluster x feature: ``location`` and ``scale`` (mean and population standard
    deviation of the transformed feature; scale 1 where it is constant), ``centroid`` in those
    units, ``fitted_customer_count`` of the cluster. Cluster 0 is the most populous; equal sizes
    are ordered by their centroids. Neither the order of rows and columns nor the number of
    threads changes a bit of it.

    Raises ``ValueError`` on null, infinite, negative (``log1p``) or non-numeric values, and if
    there are fewer distinct customers than clusters.
    """
    values = _transformed(features, transform)
    if n_clusters < 1 or n_init < 1:
        raise ValueError(f"n_clusters={n_clusters} and n_init={n_init} must be at least 1")
    if len(values) == 0:
        return pd.DataFrame(columns=list(PARAMETER_DTYPES)).astype(PARAMETER_DTYPES)
    if values.shape[1] == 0:
        raise ValueError("features has no column: name at least one feature")

    # Sums of floats depend on their order: one order of columns, one of rows.
    values = values[sorted(values.columns)]
    z = values.to_numpy()
    z = z[np.lexsort(z.T[::-1])]
    location, scale = z.mean(axis=0), z.std(axis=0)
    # The spread of a constant column is rounding error, not a unit.
    scale[np.ptp(z, axis=0) <= 1e-12 * np.maximum(1, np.abs(z).max(axis=0))] = 1
    z = (z - location) / scale
    distinct_count = len(np.unique(z.round(6), axis=0))
    if n_clusters > distinct_count:
        raise ValueError(
            f"n_clusters={n_clusters} exceeds the {distinct_count} distinct rows among "
            f"{len(z)} customers: lower n_clusters"
        )

    # scikit-learn adds up its threads in the order in which they finish.
    with threadpool_limits(1):
        # tol=0: until no customer changes cluster, so that a centroid is the mean of its members.
        fit = KMeans(n_clusters, n_init=n_init, random_state=random_seed, tol=0, max_iter=1000)
        labels = fit.fit(z).labels_
    counts = np.bincount(labels, minlength=n_clusters)
    if counts.min() == 0:
        raise ValueError(f"k-means found only {(counts > 0).sum()} of n_clusters={n_clusters}")
    centroids = np.column_stack([np.bincount(labels, column) for column in z.T]) / counts[:, None]
    order = np.lexsort((*centroids.T[::-1], -counts))

    feature_count = z.shape[1]
    return pd.DataFrame(
        {
            "cluster_id": np.repeat(np.arange(n_clusters), feature_count),
            "feature": np.tile(values.columns, n_clusters),
            "location": np.tile(location, n_clusters),
            "scale": np.tile(scale, n_clusters),
            "centroid": centroids[order].ravel(),
            "fitted_customer_count": np.repeat(counts[order], feature_count),
        }
    ).astype(PARAMETER_DTYPES)


def assign(
    features: pd.DataFrame, parameters: pd.DataFrame, *, transform: str = "log1p"
) -> pd.Series:
    """Return the ``cluster_id`` of the nearest centroid, the lowest of equally near ones.

    ``features`` may hold other customers than those of the fit, and more columns.
    """
    if features.empty:
        return pd.Series(index=features.index, dtype="int64", name="cluster_id")
    if parameters.empty:
        raise ValueError("parameters is empty: fit kmeans on at least one customer")
    centroids = parameters.pivot(index="cluster_id", columns="feature", values="centroid")
    missing = centroids.columns.difference(features.columns)
    if len(missing):
        raise ValueError(f"features lacks {', '.join(missing)}, which the clusters were fitted on")
    scaling = parameters.drop_duplicates("feature").set_index("feature").loc[centroids.columns]
    z = _transformed(features[centroids.columns], transform).to_numpy()
    z = (z - scaling["location"].to_numpy()) / scaling["scale"].to_numpy()
    distances = [((z - centroid) ** 2).sum(axis=1) for centroid in centroids.to_numpy()]
    nearest = centroids.index.to_numpy()[np.argmin(distances, axis=0)]
    return pd.Series(nearest, index=features.index, name="cluster_id")


def _transformed(features: pd.DataFrame, transform: str) -> pd.DataFrame:
    """Check every value, then transform it."""
    if transform not in TRANSFORMS:
        raise ValueError(f"transform={transform!r} is none of {', '.join(TRANSFORMS)}")
    columns = {}
    for name, column in features.items():
        try:
            values = column.to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            raise ValueError(f"feature {name} is not numeric") from None
        bad = ~np.isfinite(values)
        if bad.any():
            raise ValueError(f"feature {name} is null or infinite for {bad.sum():,} customers")
        negative = values < 0
        if transform == "log1p" and negative.any():
            raise ValueError(
                f"feature {name} is negative for {negative.sum():,} customers, and log1p needs "
                "values >= 0: leave the feature out or use transform='none'"
            )
        columns[name] = TRANSFORMS[transform](values)
    return pd.DataFrame(columns, index=features.index)
