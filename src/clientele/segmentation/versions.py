"""Keep segments stable over refits: the keys and names of a version, and its record."""

from collections.abc import Callable

import pandas as pd

from clientele.segmentation.clustering import FIT_TYPES, assign
from clientele.segmentation.drift import baseline
from clientele.segmentation.measures import match
from clientele.segmentation.naming import basket_names, behaviour_names

VERSION_PARAMETER_TYPES = {
    "segmentation": "string",
    "version": "int",
    "segment_key": "string",
    "segment_name": "string",
    **FIT_TYPES,
}
VERSION_TYPES = {
    "source_name": "string",
    "segmentation": "string",
    "version": "int",
    "as_of_date": "date",
    "feature_set": "string",
    "method": "string",
    "cluster_count": "int",
    "segment_count": "int",
    "refit_reason": "string",
    "agreement": "double",
    "new_segments": "string",
    "retired_segments": "string",
    "is_promoted": "boolean",
    "reason": "string",
    "configuration": "string",
    "baseline": "string",
}


def keyed(
    segmentation: str,
    features: pd.DataFrame,
    fitted: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    reference_segments: pd.Series | None,
    names: dict[int, str],
    holds: Callable[[int, str], bool],
    version: int,
) -> pd.DataFrame:
    """Give the clusters of a fit the keys and names of the segments they match, or new ones.

    A new key is the next number that the segmentation never had (after ``last_key`` of
    ``reference``). A matched cluster keeps the old name if ``holds`` says that it is still true of
    the cluster. If a new name is taken, a number is added to it.
    """
    clusters = assign(features, fitted)["cluster_id"]
    matched = {}
    if reference_segments is not None:
        shared = features.index.intersection(reference_segments.index)
        matched, _ = match(reference_segments.loc[shared], clusters.loc[shared])
    old_names = {}
    last = 0
    if len(reference):
        last = int(reference["last_key"].max())
        old_names = dict(zip(reference["segment_key"], reference["segment_name"], strict=True))
    keys, labels = {}, {}
    for cluster in sorted(fitted["cluster_id"].unique()):
        if cluster in matched:
            keys[cluster] = matched[cluster]
            if holds(cluster, old_names[keys[cluster]]):
                labels[cluster] = old_names[keys[cluster]]
            continue
        last += 1
        keys[cluster] = f"{segmentation}-{last}"
    for cluster in keys:
        if cluster not in labels:
            name = base = names.get(cluster, "No one at the time of the fit")
            number = 2
            while name in labels.values():
                name, number = f"{base} ({number})", number + 1
            labels[cluster] = name
    return fitted.assign(
        segmentation=segmentation,
        version=version,
        segment_key=fitted["cluster_id"].map(keys),
        segment_name=fitted["cluster_id"].map(labels),
    ).reindex(columns=list(VERSION_PARAMETER_TYPES))


def version_row(
    segmentation: str,
    features: pd.DataFrame,
    parameters: pd.DataFrame,
    chosen: pd.Series,
    reference: pd.DataFrame,
    due_rows: pd.DataFrame,
    *,
    agreement: float,
    source_name: str,
    min_agreement: float,
) -> dict:
    """Return the record of one new version, promoted or refused, with the reason.

    ``chosen`` is the chosen run, ``reference`` the parameters of the version in force and
    ``agreement`` the share of customers who keep their segment. A version is refused if the
    agreement is below ``min_agreement``, unless nothing is in force.
    """
    now, before = set(parameters["segment_key"]), set(reference["segment_key"])
    exceeded = due_rows[due_rows["is_exceeded"].astype(bool)]
    is_first = not reference["is_in_force"].astype(bool).any()
    is_promoted = is_first or bool(agreement >= min_agreement)
    if is_first:
        reason = "promoted: the first on that day"
    elif is_promoted:
        reason = f"promoted: {agreement:.1%} of customers keep their segment"
    else:
        reason = (
            f"refused: {agreement:.1%} of customers would keep their segment, "
            f"segmentation_min_agreement is {min_agreement:.0%}"
        )
    row = {name: chosen[name] for name in VERSION_TYPES if name in chosen.index}
    return row | {
        "source_name": source_name,
        "segmentation": segmentation,
        "segment_count": len(now),
        "refit_reason": ", ".join(exceeded["measure"]),
        "agreement": agreement,
        "new_segments": ", ".join(sorted(now - before)),
        "retired_segments": ", ".join(sorted(before - now)),
        "is_promoted": is_promoted,
        "reason": reason,
        "configuration": due_rows["configuration"].iloc[0],
        "baseline": baseline(features[sorted(parameters["feature"].unique())]),
    }


def named(
    segmentation: str,
    features: pd.DataFrame,
    fitted: pd.DataFrame,
    *,
    itemset_labels: dict[str, str],
    **limits: int,
) -> tuple[dict[int, str], Callable[[int, str], bool]]:
    """Return a name for each cluster of a fit, and whether any name is true of a cluster."""
    clusters = assign(features, fitted)["cluster_id"]
    if segmentation == "baskets":
        columns = sorted(fitted["feature"].unique())
        return basket_names(features[columns], clusters, itemset_labels)
    return behaviour_names(features, clusters, **limits)
