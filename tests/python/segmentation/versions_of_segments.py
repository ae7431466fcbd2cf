"""Customers and versions of their segments, for the tests of refits."""

import numpy as np
import pandas as pd

from clientele.segmentation.clustering import candidates
from clientele.segmentation.refits import current_segments
from clientele.segmentation.versions import keyed

FEATURES = ["recency_days", "frequency", "monetary"]


def three_kinds_of_customers():
    """Three kinds of customers that overlap at their edges."""
    rng = np.random.default_rng(11)
    kind = rng.choice(3, size=3000, p=[0.5, 0.3, 0.2])
    frame = pd.DataFrame(
        {
            "recency_days": rng.lognormal(np.array([5.0, 3.5, 2.0])[kind], 0.6).round(),
            "frequency": 1 + rng.poisson(np.array([0.5, 3.0, 12.0])[kind]),
            "monetary": rng.lognormal(np.array([3.5, 5.0, 7.0])[kind], 0.6).round(2),
            "as_of_date": pd.Timestamp("2024-06-30"),
        },
        index=pd.Index([f"c{i:05}" for i in range(3000)], name="customer_id"),
    )
    return frame.assign(kind=kind)


CONFIGURATION = {
    "feature_sets": {"value": FEATURES},
    "methods": ["kmeans"],
    "method": None,
    "cluster_counts": [3],
    "n_clusters": None,
    "scaling": "log1p",
    "random_seed": 1,
    "sample_size": 20_000,
    "min_share": 0.02,
    "basket_itemsets": 20,
    "basket_min_support": 0.005,
    "knobs": {"small": "merge", "starts": 10},
}


def fitted(features, count, *, reference=None, seed=1, starts=10):
    return candidates(
        features,
        method="kmeans",
        feature_sets={"value": FEATURES},
        cluster_counts=[count],
        random_seed=seed,
        starts=starts,
        reference=reference,
    )


def as_reference(parameters, *, configuration="{}", as_of_date="2024-06-30", in_force=True):
    """The parameters as the warehouse gives them back on the next build."""
    numbers = parameters["segment_key"].str.extract(r"(\d+)$")[0].astype(int)
    return parameters.assign(
        is_in_force=in_force,
        version_as_of_date=pd.Timestamp(as_of_date),
        configuration=configuration,
        baseline=None,
        last_key=numbers.max(),
        last_version=parameters["version"].max(),
        refused_date=None,
        refused_configuration=None,
    )


def first_version(customers, count=3):
    fit = fitted(customers, count)
    names = {i: f"name {i}" for i in range(count)}
    return keyed(
        "behaviour",
        customers,
        fit,
        fit.head(0),
        reference_segments=None,
        names=names,
        holds=lambda cluster, name: True,
        version=1,
    )


def next_version(customers, reference, fit, holds=lambda cluster, name: True):
    segments = current_segments(customers, reference)
    names = {i: f"new name {i}" for i in range(20)}
    return keyed(
        "behaviour",
        customers,
        fit,
        reference,
        reference_segments=segments,
        names=names,
        holds=holds,
        version=2,
    )
