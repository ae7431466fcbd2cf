"""Measure how much a segmentation depends on the choices behind it."""

import numpy as np
import pandas as pd

from clientele.segmentation.clustering import assign, centres_of, fit
from clientele.segmentation.measures import match
from clientele.segmentation.methods import METHODS
from clientele.segmentation.prototypes import NOISE
from clientele.segmentation.refits import Refit
from clientele.segmentation.scaling import SCALINGS, apply_scaling, fit_scaling
from clientele.segmentation.trials import thinned

SENSITIVITY_TYPES = {
    "segmentation": "string",
    "version": "int",
    "variation": "string",
    "changed_to": "string",
    "segment_count": "int",
    "changed_share": "double",
}


def sensitivity(
    segmentation: str,
    features: pd.DataFrame,
    fitted: pd.DataFrame,
    *,
    version: int,
    random_seed: int,
    min_share: float,
    knobs: dict,
) -> pd.DataFrame:
    """Return the share of customers who change segment under other reasonable choices.

    The chosen method is fitted again with each other scaling, without each feature, with two
    other seeds, and with one cluster fewer and more. Clusters are matched by the customers they
    share (`clientele.segmentation.measures.match`); a customer who is not in the matching cluster
    has changed. Other scalings and features start k-means from the present segments, so that a
    change is due to the choice and not to another local optimum; other seeds use new starts.
    """
    method, count = fitted["method"].iloc[0], int(fitted["cluster_count"].iloc[0])
    scaling = fitted["scaling"].iloc[0]
    columns = sorted(fitted["feature"].unique())
    clusters = assign(features, fitted)["cluster_id"]
    before = clusters.map(lambda cluster: "old-noise" if cluster == NOISE else f"old-{cluster}")
    rows = []
    for variation, changed_to, change in _variations(method, scaling, columns, random_seed, count):
        columns_of = change.get("columns", columns)
        scalings = fit_scaling(features[columns_of], change.get("scaling", scaling))
        z = apply_scaling(features, scalings)
        told = knobs
        if method == "kmeans" and variation in ("scaling", "feature left out"):
            told = knobs | {"start": centres_of(z, clusters), "starts": 3}
        fits = fit(
            z,
            method=method,
            cluster_counts=[change.get("count", count)],
            random_seed=change.get("seed", random_seed),
            min_share=min_share,
            **told,
        )
        for other in fits.values():
            labels = pd.Series(other.nearest(z)[0], index=features.index)
            rows.append(
                {
                    "segmentation": segmentation,
                    "version": version,
                    "variation": variation,
                    "changed_to": changed_to,
                    "segment_count": len(np.unique(other.clusters)),
                    "changed_share": 1 - match(before, labels)[1],
                }
            )
    return pd.DataFrame(rows, columns=list(SENSITIVITY_TYPES))


def _variations(method, scaling, columns, seed, count):
    """Yield each other choice: what varies, what it is changed to, and as settings."""
    for other in SCALINGS:
        if other != scaling:
            yield "scaling", other, {"scaling": other}
    for name in columns if len(columns) > 1 else ():
        yield "feature left out", name, {"columns": [other for other in columns if other != name]}
    for other in (seed + 1, seed + 2):
        yield "seed", str(other), {"seed": other}
    for other in (count - 1, count + 1):
        if other > 1 and not METHODS[method].finds_count:
            yield "clusters", str(other), {"count": other}


def sensitivities(refit: Refit, fitted: pd.DataFrame) -> pd.DataFrame:
    """Return `sensitivity` of every segmentation that was refitted.

    ``fitted`` holds the parameters of the new versions. Customers are those that candidates were
    tried on.
    """
    configuration = refit.configuration
    parts = []
    for segmentation, own in fitted.groupby("segmentation"):
        today, _ = refit.customers(segmentation)
        parts.append(
            sensitivity(
                segmentation,
                thinned(today),
                own,
                version=refit.version,
                random_seed=configuration.random_seed,
                min_share=configuration.min_share,
                knobs=configuration.knobs,
            )
        )
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(SENSITIVITY_TYPES))
