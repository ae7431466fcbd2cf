"""Keep segments the same segments: when to refit, which fit to take, which keys it inherits."""

import json

import numpy as np
import pandas as pd

from clientele.frames import collect
from clientele.segmentation.clustering import (
    CANDIDATE_TYPES,
    METHODS,
    NOISE,
    apply_scaling,
    assign,
    candidates,
    fit,
    fit_scaling,
)
from clientele.segmentation.explaining import basket_names, behaviour_names
from clientele.segmentation.judging import FIT_KEY, RUN_TYPES, choose, judge, match

PSI_FLOOR = 1e-4
CANDIDATE_KEY = [
    "segmentation",
    "is_current",
    "feature_set",
    "method",
    "cluster_count",
    "prototype_id",
    "feature",
]
DUE_TYPES = {
    "measure": "string",
    "value": "double",
    "threshold": "double",
    "is_exceeded": "boolean",
    "version": "int",
}
PARAMETER_TYPES = {
    "segmentation": "string",
    "version": "int",
    "segment_key": "string",
    "segment_name": "string",
    **{name: kind for name, kind in CANDIDATE_TYPES.items() if name != "segmentation"},
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
SENSITIVITY_TYPES = {
    "segmentation": "string",
    "version": "int",
    "variation": "string",
    "changed_to": "string",
    "segment_count": "int",
    "changed_share": "double",
}


def baseline(features: pd.DataFrame) -> str:
    """Return the distribution of each feature as JSON: upper edges of up to ten bins, and shares.

    Edges are deciles, equal ones once; the last bin is open.
    """
    found = {}
    for name in sorted(features.columns):
        values = np.sort(features[name].to_numpy(dtype=float))
        edges = np.unique(np.quantile(values, np.linspace(0.1, 0.9, 9), method="inverted_cdf"))
        found[name] = {"edges": edges.tolist(), "shares": _shares(values, edges).tolist()}
    return json.dumps(found)


def _shares(values, edges):
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return counts / max(len(values), 1)


def population_stability(features: pd.DataFrame, fitted: str) -> dict[str, float]:
    """Return each feature's population stability index against the distribution of the fit.

    The sum over bins of (share now - share then) * ln(share now / share then), shares of at
    least 0.0001; by convention below 0.1 is no shift and above 0.25 a large one (Siddiqi 2006).
    """
    found = {}
    for name, then in json.loads(fitted).items():
        if name in features.columns and len(features):
            now = _shares(features[name].to_numpy(dtype=float), np.array(then["edges"]))
            now, old = np.maximum(now, PSI_FLOOR), np.maximum(then["shares"], PSI_FLOOR)
            found[name] = float(((now - old) * np.log(now / old)).sum())
    return found


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
    """Return why the segmentations are due for a refit, a row per measure, and its version.

    ``reference`` holds the parameters of the versions in force with ``is_in_force``,
    ``version_as_of_date``, ``configuration``, ``baseline`` and ``last_version`` (the highest
    number given so far); no rows where nothing was ever fitted. A refit is due if any measure
    exceeds its threshold: nothing in force, the flag, another configuration, age in days, the
    drift of a feature, or the share of customers beyond the fit's 99th percentile of distance.
    If a refit of the same configuration was refused less than ``retry_days`` ago, only the flag
    asks for another.
    """
    in_force = reference[reference["is_in_force"].astype(bool)]
    own = in_force[in_force["segmentation"] == "behaviour"]
    measures = [("nothing_in_force", float(own.empty), 0.0), ("refit_flag", float(refit), 0.0)]
    if not own.empty:
        first = own.iloc[0]
        age = (pd.Timestamp(as_of_date) - pd.Timestamp(first["version_as_of_date"])).days
        measures += [
            ("configuration_changed", float(first["configuration"] != _text(configuration)), 0.0),
            ("age_days", float(age), np.nan if refit_days is None else float(refit_days)),
        ]
        if len(features):
            distance = assign(features, own)["distance"]
            far = float((distance > first["far_distance"]).mean())
            measures.append(("far_share", far, refit_far_share))
        for name, value in population_stability(features, first["baseline"]).items():
            measures.append((f"psi_{name}", value, refit_psi))
    frame = pd.DataFrame(measures, columns=["measure", "value", "threshold"])
    # With nobody to fit on there is nothing to do.
    frame["is_exceeded"] = (frame["value"] > frame["threshold"]) & (len(features) > 0)
    if not own.empty and own["refused_configuration"].iloc[0] == _text(configuration):
        since = (pd.Timestamp(as_of_date) - pd.Timestamp(own["refused_date"].iloc[0])).days
        if since < retry_days:
            frame.loc[frame["measure"] != "refit_flag", "is_exceeded"] = False
    last = reference["last_version"].max() if len(reference) else 0
    return frame.assign(version=int(last) + 1)


def _text(configuration: dict) -> str:
    return json.dumps(configuration, sort_keys=True, default=str)


def split(sample: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a sample's customers of today and of the forward cut-off, each by ``customer_id``.

    Dates become timestamps at midnight, on whichever engine the sample was read.
    """
    sample = sample.assign(as_of_date=pd.to_datetime(sample["as_of_date"]))
    now = sample["is_current"].astype(bool)
    return tuple(sample[mask].set_index("customer_id").sort_index() for mask in (now, ~now))


def fitted(
    samples: dict[str, pd.DataFrame],
    due_rows: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    method: str,
    methods: list[str],
    pinned_method: str | None,
    feature_sets: dict[str, list[str]],
    cluster_counts: list[int],
    n_clusters: int | None,
    scaling: str,
    random_seed: int,
    min_share: float,
    knobs: dict,
) -> pd.DataFrame:
    """Return the candidates of one method for every segmentation that is due, else no rows.

    ``samples`` holds, by segmentation, today's customers and those of the forward cut-off
    (``is_current``, ``version``). ``behaviour`` is fitted on each of ``feature_sets`` by every
    method; ``baskets``, on its itemsets, by k-means alone.
    """
    wanted = {pinned_method} if pinned_method else set(methods)
    if unknown := wanted - set(METHODS):
        raise ValueError(
            f"segmentation_method(s) {', '.join(sorted(unknown))}: give of {', '.join(METHODS)}"
        )
    counts = sorted({*cluster_counts, *([n_clusters] if n_clusters else [])})
    parts = []
    for segmentation, sample in samples.items() if is_due(due_rows) else ():
        if segmentation == "baskets" and method != "kmeans":
            continue
        if segmentation == "behaviour" and method not in wanted:
            continue
        own = reference[reference["segmentation"] == segmentation]
        now, past = split(newest(sample, due_rows))
        sets, how = feature_sets, scaling
        if segmentation == "baskets":
            sets = {"itemsets": itemset_columns(now)}
            # Most shares are 0: their quantiles say nothing.
            how = "log1p" if scaling == "quantile" else scaling
        known = None
        if len(own):
            known = current_segments(split(of_reference(sample, own))[0], own)
        for is_current, features in ((True, now), (False, past)):
            if not len(features) or not all(sets.values()):
                continue
            found = candidates(
                features,
                method=method,
                feature_sets=sets,
                scaling=how,
                reference=known if is_current else None,
                cluster_counts=counts,
                random_seed=random_seed,
                min_share=min_share,
                **knobs,
            )
            parts.append(
                found.assign(
                    segmentation=segmentation,
                    is_current=is_current,
                    as_of_date=features["as_of_date"].iloc[0],
                )
            )
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(CANDIDATE_TYPES))


def itemset_columns(sample: pd.DataFrame) -> list[str]:
    """Return the itemsets of a sample that anybody bought; fewer than two make no segments."""
    names = [name for name in sample.columns if name.startswith("itemset_")]
    used = [name for name in names if sample[name].max() > 0]
    return used if len(used) > 1 else []


def newest(sample: pd.DataFrame, due_rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows made for the version that is due; a sample without versions whole."""
    if "version" not in sample.columns:
        return sample
    return sample[sample["version"] == due_rows["version"].iloc[0]]


def of_reference(sample: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Return the rows made for the version in force; a sample without versions whole."""
    if "version" not in sample.columns:
        return sample
    return sample[sample["version"] == reference["version"].iloc[0]]


def refit(
    samples: dict[str, pd.DataFrame],
    fits: pd.DataFrame,
    due_rows: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    random_seed: int,
    min_share: float,
    method: str | None,
    cluster_count: int | None,
    knobs: dict,
) -> pd.DataFrame:
    """Return the runs of every segmentation that is due: all candidates judged, one chosen each.

    A pinned ``method`` and ``cluster_count`` are of the segmentation ``behaviour``.
    """
    parts = []
    for segmentation, sample in samples.items():
        own_fits = fits[fits["segmentation"] == segmentation]
        if own_fits.empty:
            continue
        own = reference[reference["segmentation"] == segmentation]
        now, past = split(newest(sample, due_rows))
        segments = incumbent = None
        if len(own):
            segments = current_segments(split(of_reference(sample, own))[0], own)
            first = own.iloc[0]
            incumbent = (
                first["version_feature_set"],
                first["version_method"],
                int(first["version_cluster_count"]),
            )
        is_behaviour = segmentation == "behaviour"
        runs = judge(
            now,
            past,
            own_fits.assign(is_current=own_fits["is_current"].astype(bool)),
            reference=segments,
            random_seed=random_seed,
            min_share=min_share,
            knobs=knobs,
        )
        runs = choose(
            runs,
            min_share=min_share,
            method=method if is_behaviour else None,
            cluster_count=cluster_count if is_behaviour else None,
            incumbent=incumbent,
        )
        parts.append(
            runs.assign(
                segmentation=segmentation,
                version=int(due_rows["version"].iloc[0]),
                as_of_date=now["as_of_date"].iloc[0],
            )
        )
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(RUN_TYPES))


def promoted_parameters(
    samples: dict[str, pd.DataFrame],
    fits: pd.DataFrame,
    runs: pd.DataFrame,
    reference: pd.DataFrame,
    itemsets: pd.DataFrame,
    *,
    active_days: int,
    lapsed_days: int,
) -> pd.DataFrame:
    """Return the parameters of each chosen fit, with the keys and names of its segments."""
    parts = []
    for segmentation, own_runs in runs.groupby("segmentation"):
        chosen = chosen_fit(own_runs, fits[fits["segmentation"] == segmentation])
        own = reference[reference["segmentation"] == segmentation]
        now, _ = split(newest(samples[segmentation], own_runs))
        segments = None
        if len(own):
            segments = current_segments(split(of_reference(samples[segmentation], own))[0], own)
        version = int(own_runs["version"].iloc[0])
        labels = itemsets[itemsets["version"] == version]
        names = named(
            segmentation,
            now,
            chosen,
            active_days=active_days,
            lapsed_days=lapsed_days,
            itemset_labels=dict(zip(labels["itemset"], labels["label"], strict=True)),
        )
        parts.append(
            keyed(
                segmentation,
                now,
                chosen,
                own,
                reference_segments=segments,
                names=names,
                version=version,
            )
        )
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(PARAMETER_TYPES))


def is_due(due_rows: pd.DataFrame) -> bool:
    """Return whether any measure asks for a refit."""
    return bool(due_rows["is_exceeded"].astype(bool).any())


def current_segments(features: pd.DataFrame, reference: pd.DataFrame) -> pd.Series | None:
    """Return the segment that each customer has by a reference version; None without one."""
    if reference.empty or features.empty:
        return None
    keys = reference.drop_duplicates("cluster_id").set_index("cluster_id")["segment_key"]
    segmentation = reference["segmentation"].iloc[0]
    clusters = assign(features, reference)["cluster_id"]
    return clusters.map(keys).fillna(f"{segmentation}-noise")


def chosen_fit(runs: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Return the parameters of the chosen run, of today's candidates."""
    chosen = runs[runs["is_chosen"].astype(bool)]
    wanted = (fits[FIT_KEY] == chosen[FIT_KEY].iloc[0].tolist()).all(axis=1)
    return fits[wanted & fits["is_current"].astype(bool)]


def keyed(
    segmentation: str,
    features: pd.DataFrame,
    fitted: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    reference_segments: pd.Series | None,
    names: dict[int, str],
    version: int,
) -> pd.DataFrame:
    """Give the clusters of a fit their keys and names: those of the segments they match, or new.

    A new key is the next number that the segmentation never had (``last_key`` of
    ``reference``); a new name that is taken is told apart by a number.
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
            keys[cluster], labels[cluster] = matched[cluster], old_names[matched[cluster]]
            continue
        last += 1
        keys[cluster] = f"{segmentation}-{last}"
    for cluster in keys:
        if cluster not in labels:
            name = base = names.get(cluster, "Nobody at the time of the fit")
            number = 2
            while name in labels.values():
                name, number = f"{base} ({number})", number + 1
            labels[cluster] = name
    return fitted.assign(
        segmentation=segmentation,
        version=version,
        segment_key=fitted["cluster_id"].map(keys),
        segment_name=fitted["cluster_id"].map(labels),
    ).reindex(columns=list(PARAMETER_TYPES))


def version_row(
    segmentation: str,
    features: pd.DataFrame,
    parameters: pd.DataFrame,
    runs: pd.DataFrame,
    reference: pd.DataFrame,
    due_rows: pd.DataFrame,
    *,
    source_name: str,
    min_agreement: float,
    configuration: dict,
) -> dict:
    """Return the record of one new version, promoted or refused, with the reason."""
    chosen = runs[runs["is_chosen"].astype(bool)].iloc[0]
    now, before = set(parameters["segment_key"]), set(reference["segment_key"])
    exceeded = due_rows[due_rows["is_exceeded"].astype(bool)]
    row = {name: chosen[name] for name in VERSION_TYPES if name in chosen.index}
    row |= {
        "source_name": source_name,
        "segmentation": segmentation,
        "segment_count": len(now),
        "refit_reason": ", ".join(exceeded["measure"]),
        "new_segments": ", ".join(sorted(now - before)),
        "retired_segments": ", ".join(sorted(before - now)),
        "configuration": _text(configuration),
        "baseline": baseline(features[sorted(parameters["feature"].unique())]),
    }
    agreement = chosen["agreement"]
    if not reference["is_in_force"].astype(bool).any():
        verdict = True, "promoted: the first on that day"
    elif agreement >= min_agreement:
        verdict = True, f"promoted: {agreement:.1%} of customers keep their segment"
    else:
        verdict = (
            False,
            (
                f"refused: {agreement:.1%} of customers would keep their segment, "
                f"segmentation_min_agreement is {min_agreement:.0%}"
            ),
        )
    return row | {"is_promoted": verdict[0], "reason": verdict[1]}


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
    """Return the share of customers whose segment changes under other reasonable choices.

    The chosen method is fitted again with each other scaling, without each feature, with two
    other seeds and with one cluster fewer and more; clusters are matched by the customers they
    share (`clientele.segmentation.judging.match`), and who is not in the matching one has changed.
    """
    method, count = fitted["method"].iloc[0], int(fitted["cluster_count"].iloc[0])
    scaling = fitted["scaling"].iloc[0]
    columns = sorted(fitted["feature"].unique())
    base = assign(features, fitted)["cluster_id"]
    plain = {"scaling": scaling, "columns": columns, "seed": random_seed, "count": count}
    variations = [
        ("scaling", other, plain | {"scaling": other})
        for other in ("log1p", "standard", "robust", "quantile")
        if other != scaling
    ]
    if len(columns) > 1:
        variations += [
            ("feature left out", name, plain | {"columns": [c for c in columns if c != name]})
            for name in columns
        ]
    for seed in (random_seed + 1, random_seed + 2):
        variations.append(("seed", str(seed), plain | {"seed": seed}))
    if method not in ("dbscan", "hdbscan"):
        for other in (count - 1, count + 1):
            if other > 1:
                variations.append(("clusters", str(other), plain | {"count": other}))
    rows = []
    for variation, changed_to, how in variations:
        z = apply_scaling(features, fit_scaling(features[how["columns"]], how["scaling"]))
        found = fit(
            z,
            method=method,
            cluster_counts=[how["count"]],
            random_seed=how["seed"],
            min_share=min_share,
            **knobs,
        )
        for other in found.values():
            labels = pd.Series(other.nearest(z)[0], index=features.index)
            text = base.map(lambda cluster: "old-noise" if cluster == NOISE else f"old-{cluster}")
            rows.append(
                {
                    "segmentation": segmentation,
                    "version": version,
                    "variation": variation,
                    "changed_to": changed_to,
                    "segment_count": len(np.unique(other.clusters)),
                    "changed_share": 1 - match(text, labels)[1],
                }
            )
    return pd.DataFrame(rows, columns=list(SENSITIVITY_TYPES))


def named(
    segmentation: str,
    features: pd.DataFrame,
    fitted: pd.DataFrame,
    *,
    active_days: int,
    lapsed_days: int,
    itemset_labels: dict[str, str],
) -> dict[int, str]:
    """Return a name for each cluster of a fit."""
    clusters = assign(features, fitted)["cluster_id"]
    if segmentation == "baskets":
        columns = sorted(fitted["feature"].unique())
        return basket_names(features[columns], clusters, itemset_labels)
    return behaviour_names(features, clusters, active_days=active_days, lapsed_days=lapsed_days)


def inputs(sample, baskets_sample, due_rows, reference):
    """Read what every step of a refit needs from relations of the warehouse.

    Returns the samples by segmentation, the measures of `due`, and the reference's parameters.
    """
    samples = {
        "behaviour": collect(sample, key=["as_of_date", "customer_id"]).reset_index(),
        "baskets": collect(
            baskets_sample, key=["version", "as_of_date", "customer_id"]
        ).reset_index(),
    }
    reference = collect(reference, key=["segmentation", "prototype_id", "feature"]).reset_index()
    return samples, collect(due_rows, key="measure").reset_index(), reference


def of_version(session, relation, due_rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of an append-only model that belong to the version being made."""
    version = int(due_rows["version"].iloc[0])
    chosen = relation.filter(f"version = {version}")
    return chosen.toPandas() if hasattr(chosen, "toPandas") else chosen.df()


def sensitivities(samples: dict[str, pd.DataFrame], parameters: pd.DataFrame, **knobs):
    """Return `sensitivity` of every segmentation in ``parameters``."""
    parts = []
    for segmentation, own in parameters.groupby("segmentation"):
        now, _ = split(newest(samples[segmentation], own))
        version = int(own["version"].iloc[0])
        parts.append(sensitivity(segmentation, now, own, version=version, **knobs))
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(SENSITIVITY_TYPES))


def version_rows(
    samples: dict[str, pd.DataFrame],
    runs: pd.DataFrame,
    parameters: pd.DataFrame,
    reference: pd.DataFrame,
    due_rows: pd.DataFrame,
    **knobs,
) -> pd.DataFrame:
    """Return `version_row` of every segmentation that was refitted."""
    rows = []
    for segmentation, own_runs in runs.groupby("segmentation"):
        now, _ = split(newest(samples[segmentation], own_runs))
        own = parameters[parameters["segmentation"] == segmentation]
        before = reference[reference["segmentation"] == segmentation]
        rows.append(version_row(segmentation, now, own, own_runs, before, due_rows, **knobs))
    return pd.DataFrame(rows, columns=list(VERSION_TYPES))
