"""Decide whether the segmentations are due for a refit."""

import json

import numpy as np
import pandas as pd

from clientele.segmentation.clustering import assign
from clientele.segmentation.configuration import Configuration

# Shares below it count as it, so that an empty bin has a finite logarithm.
PSI_FLOOR = 1e-4
DUE_TYPES = {
    "measure": "string",
    "value": "double",
    "threshold": "double",
    "is_exceeded": "boolean",
    "version": "int",
    "configuration": "string",
}


def baseline(features: pd.DataFrame) -> str:
    """Return the distribution of each feature as JSON: upper edges of up to ten bins, and shares.

    The edges are the distinct deciles; the last bin is open.
    """
    distributions = {}
    for name in sorted(features.columns):
        values = np.sort(features[name].to_numpy(dtype=float))
        edges = np.unique(np.quantile(values, np.linspace(0.1, 0.9, 9), method="inverted_cdf"))
        distributions[name] = {"edges": edges.tolist(), "shares": _shares(values, edges).tolist()}
    return json.dumps(distributions)


def _shares(values, edges):
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return counts / max(len(values), 1)


def population_stability(features: pd.DataFrame, fitted: str) -> dict[str, float]:
    """Return each feature's population stability index against its distribution at the fit.

    The sum over bins of (share now - share then) * ln(share now / share then), with shares of at
    least 0.0001. By convention, below 0.1 is no shift and above 0.25 is a large one (Siddiqi
    2006). ``fitted`` is what `baseline` returned.
    """
    indices = {}
    for name, then in json.loads(fitted).items():
        if name in features.columns and len(features):
            now = _shares(features[name].to_numpy(dtype=float), np.array(then["edges"]))
            now, old = np.maximum(now, PSI_FLOOR), np.maximum(then["shares"], PSI_FLOOR)
            indices[name] = float(((now - old) * np.log(now / old)).sum())
    return indices


def due(
    features: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    as_of_date,
    configuration: dict,
    refit: bool,
    refit_days: int | None,
    retry_days: int,
    refit_psi: float,
    refit_far_share: float,
) -> pd.DataFrame:
    """Return the reasons for a refit that were checked, a row per measure.

    ``reference`` holds the parameters of the versions in force with ``is_in_force``,
    ``version_as_of_date``, ``configuration``, ``baseline`` and ``last_version`` (the highest
    number given so far); it is empty if nothing was ever fitted. A refit is due if any measure
    exceeds its threshold: nothing in force, the flag, a changed configuration, the age in days,
    the drift of a feature, or the share of customers beyond the fit's 99th percentile of
    distance. If a refit of the same configuration was refused less than ``retry_days`` ago, only
    the flag asks for another one. Each row also carries the version that a refit would get and
    its `Configuration`. Raises ``TypeError`` if a setting is missing or unknown.
    """
    wanted = Configuration(**configuration).text()
    in_force = reference[reference["is_in_force"].astype(bool)]
    own = in_force[in_force["segmentation"] == "behaviour"]
    measures = [("nothing_in_force", float(own.empty), 0.0), ("refit_flag", float(refit), 0.0)]
    if not own.empty:
        first = own.iloc[0]
        age = (pd.Timestamp(as_of_date) - pd.Timestamp(first["version_as_of_date"])).days
        measures += [
            ("configuration_changed", float(first["configuration"] != wanted), 0.0),
            ("age_days", float(age), np.nan if refit_days is None else float(refit_days)),
        ]
        if len(features):
            distance = assign(features, own)["distance"]
            far = float((distance > first["far_distance"]).mean())
            measures.append(("far_share", far, refit_far_share))
        for name, value in population_stability(features, first["baseline"]).items():
            measures.append((f"psi_{name}", value, refit_psi))
    frame = pd.DataFrame(measures, columns=["measure", "value", "threshold"])
    # Without customers there is nothing to fit.
    frame["is_exceeded"] = (frame["value"] > frame["threshold"]) & (len(features) > 0)
    if not own.empty and own["refused_configuration"].iloc[0] == wanted:
        since = (pd.Timestamp(as_of_date) - pd.Timestamp(own["refused_date"].iloc[0])).days
        if since < retry_days:
            frame.loc[frame["measure"] != "refit_flag", "is_exceeded"] = False
    last = reference["last_version"].max() if len(reference) else 0
    return frame.assign(version=int(last) + 1, configuration=wanted)


def is_due(due_rows: pd.DataFrame) -> bool:
    """Return whether any measure asks for a refit."""
    return bool(due_rows["is_exceeded"].astype(bool).any())
