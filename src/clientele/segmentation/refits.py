"""Refit the segmentations that are due: try candidates, fit the winner, give keys and names."""

from functools import cached_property

import numpy as np
import pandas as pd

from clientele.frames import collect
from clientele.segmentation.choosing import FIT_KEY, RUN_TYPES
from clientele.segmentation.clustering import assign, candidates
from clientele.segmentation.configuration import Configuration
from clientele.segmentation.drift import is_due
from clientele.segmentation.methods import METHODS
from clientele.segmentation.trials import thinned, tried
from clientele.segmentation.versions import (
    VERSION_PARAMETER_TYPES,
    VERSION_TYPES,
    keyed,
    named,
    version_row,
)


class Refit:
    """What every step of a refit reads, by segmentation.

    ``samples`` holds, by segmentation, the sampled customers on ``as_of_date``: today
    (``period_number`` 0) and the forward cut-off. The sample of ``baskets`` has a ``version``,
    because its features are those of a version. ``due_rows`` is the result of
    `clientele.segmentation.drift.due`, ``reference`` the parameters of the versions in force.
    """

    def __init__(
        self, samples: dict[str, pd.DataFrame], due_rows: pd.DataFrame, reference: pd.DataFrame
    ):
        """Store the inputs; see the class."""
        self.samples, self.due_rows, self.reference = samples, due_rows, reference
        self.is_due = is_due(due_rows)
        self.version = int(due_rows["version"].iloc[0])

    @classmethod
    def collect(cls, sample, baskets_sample, due_rows, reference) -> "Refit":
        """Read the relations of the warehouse that make up a refit."""
        day = ["as_of_date", "customer_id"]
        samples = {
            "behaviour": collect(sample, key=day).reset_index(),
            "baskets": collect(baskets_sample, key=["version", *day]).reset_index(),
        }
        key = ["segmentation", "prototype_id", "feature"]
        return cls(
            samples,
            collect(due_rows, key="measure").reset_index(),
            collect(reference, key=key).reset_index(),
        )

    @cached_property
    def configuration(self) -> Configuration:
        """Return the settings of the fits."""
        return Configuration.read(self.due_rows)

    def customers(self, segmentation: str, version: int | None = None) -> tuple:
        """Return the customers of today and those of the forward cut-off, each by key.

        Their features are those of ``version``, by default the one that is being made.
        """
        sample = self.samples[segmentation]
        if "version" in sample.columns:
            sample = sample[sample["version"] == (self.version if version is None else version)]
        return split(sample)

    def in_force(self, segmentation: str) -> pd.DataFrame:
        """Return the parameters of a segmentation's version in force."""
        return self.reference[self.reference["segmentation"] == segmentation]

    def segments(self, segmentation: str) -> pd.Series | None:
        """Return the current segment of each of today's customers, None without one."""
        own = self.in_force(segmentation)
        if own.empty:
            return None
        today, _ = self.customers(segmentation, own["version"].iloc[0])
        return current_segments(today, own)

    def settings(self, segmentation: str) -> dict:
        """Return what a segmentation's fits are told: the configuration, or less for baskets.

        ``baskets`` is fitted on the shares of its itemsets, by k-means alone.
        """
        configuration = self.configuration
        settings = {
            "feature_sets": configuration.feature_sets,
            "methods": configuration.tried_methods,
            "cluster_counts": configuration.tried_counts,
            "scaling": configuration.scaling,
            "random_seed": configuration.random_seed,
            "min_share": configuration.min_share,
            "knobs": configuration.knobs,
        }
        if segmentation == "baskets":
            settings["feature_sets"] = {"itemsets": itemset_columns(self.customers("baskets")[0])}
            settings["methods"] = ["kmeans"]
            settings["cluster_counts"] = sorted(set(configuration.cluster_counts))
            # Most shares are 0, so that their quantiles carry no information.
            if configuration.scaling == "quantile":
                settings["scaling"] = "log1p"
        return settings

    def fit_chosen(self, segmentation: str, chosen: pd.Series) -> pd.DataFrame:
        """Fit the chosen candidate on all sampled customers; return its table of parameters.

        Methods that compare all pairs see the customers that the candidates were fitted on.
        """
        settings = self.settings(segmentation)
        feature_set, method, count = chosen[FIT_KEY]
        method_of = METHODS[method]
        today, _ = self.customers(segmentation)
        table = candidates(
            thinned(today) if method_of.is_joint else today,
            method=method,
            feature_sets={feature_set: settings["feature_sets"][feature_set]},
            scaling=settings["scaling"],
            reference=self.segments(segmentation),
            cluster_counts=settings["cluster_counts"] if method_of.is_joint else [int(count)],
            random_seed=settings["random_seed"],
            min_share=settings["min_share"],
            **settings["knobs"],
        )
        as_of_date = today["as_of_date"].iloc[0]
        return table[table["cluster_count"] == count].assign(as_of_date=as_of_date)


def split(sample: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a sample's customers of today and of the forward cut-off, by ``customer_id``.

    Dates become timestamps at midnight, whichever engine the sample was read from.
    """
    sample = sample.assign(as_of_date=pd.to_datetime(sample["as_of_date"]))
    today = sample["period_number"] == 0
    return tuple(sample[mask].set_index("customer_id").sort_index() for mask in (today, ~today))


def itemset_columns(customers: pd.DataFrame) -> list[str]:
    """Return the itemsets that were bought; none if there are fewer than two."""
    names = [name for name in customers.columns if name.startswith("itemset_")]
    used = [name for name in names if customers[name].max() > 0]
    return used if len(used) > 1 else []


def current_segments(features: pd.DataFrame, reference: pd.DataFrame) -> pd.Series | None:
    """Return the segment that a version gives each customer; None without a version."""
    if reference.empty or features.empty:
        return None
    keys = reference.drop_duplicates("cluster_id").set_index("cluster_id")["segment_key"]
    segmentation = reference["segmentation"].iloc[0]
    clusters = assign(features, reference)["cluster_id"]
    return clusters.map(keys).fillna(f"{segmentation}-noise")


def runs(refit: Refit) -> pd.DataFrame:
    """Return the candidates of every segmentation that is due, one of each chosen.

    A pinned method and number of clusters are those of the segmentation ``behaviour``. Raises
    ``ValueError`` if a pin fits no candidate.
    """
    parts = []
    for segmentation in refit.samples if refit.is_due else ():
        today, past = refit.customers(segmentation)
        settings = refit.settings(segmentation)
        own = refit.in_force(segmentation)
        incumbent = None
        if len(own):
            first = own[[f"version_{name}" for name in FIT_KEY]].iloc[0]
            incumbent = (*first.iloc[:2], int(first.iloc[2]))
        tries = tried(
            today, past, reference=refit.segments(segmentation), incumbent=incumbent, **settings
        )
        count = refit.configuration.n_clusters
        if tries.empty and segmentation == "behaviour" and count and len(today):
            raise ValueError(
                f"cluster_count={count} fits no candidate: lower n_clusters, there are "
                f"{len(today)} customers to cluster"
            )
        if len(tries):
            as_of_date = today["as_of_date"].iloc[0]
            parts.append(tries.assign(segmentation=segmentation, as_of_date=as_of_date))
    if not parts:
        return pd.DataFrame(columns=list(RUN_TYPES))
    made = pd.concat(parts).assign(version=refit.version)
    measured = [name for name, kind in RUN_TYPES.items() if kind == "double" and name in made]
    # Further digits depend on how many threads the linear algebra happened to get.
    return made.assign(**{name: made[name].astype(float).round(9) for name in measured})


def parameters(
    refit: Refit,
    made: pd.DataFrame,
    itemsets: pd.DataFrame,
    **limits: int,
) -> pd.DataFrame:
    """Return the parameters of each chosen fit, with the keys and names of its segments.

    ``made`` holds the `runs` of the refit, ``itemsets`` the itemsets of its version. The
    ``limits`` are the days of the lifecycle stages, which segments are named after.
    """
    parts = []
    for segmentation, own_runs in made.groupby("segmentation"):
        chosen = own_runs[own_runs["is_chosen"].astype(bool)].iloc[0]
        fitted = refit.fit_chosen(segmentation, chosen)
        today, _ = refit.customers(segmentation)
        names, holds = named(
            segmentation,
            today,
            fitted,
            itemset_labels=dict(zip(itemsets["itemset"], itemsets["label"], strict=True)),
            **limits,
        )
        parts.append(
            keyed(
                segmentation,
                today,
                fitted,
                refit.in_force(segmentation),
                reference_segments=refit.segments(segmentation),
                names=names,
                holds=holds,
                version=refit.version,
            )
        )
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(VERSION_PARAMETER_TYPES))


def version_rows(
    refit: Refit,
    made: pd.DataFrame,
    fitted: pd.DataFrame,
    *,
    source_name: str,
    min_agreement: float,
) -> pd.DataFrame:
    """Return the record of every segmentation that was refitted.

    ``made`` holds the `runs` and ``fitted`` the `parameters` of the refit; see `version_row`.
    """
    rows = []
    for segmentation, own_runs in made.groupby("segmentation"):
        today, _ = refit.customers(segmentation)
        own = fitted[fitted["segmentation"] == segmentation]
        rows.append(
            version_row(
                segmentation,
                today,
                own,
                own_runs[own_runs["is_chosen"].astype(bool)].iloc[0],
                refit.in_force(segmentation),
                refit.due_rows,
                agreement=agreement(refit.segments(segmentation), current_segments(today, own)),
                source_name=source_name,
                min_agreement=min_agreement,
            )
        )
    return pd.DataFrame(rows, columns=list(VERSION_TYPES))


def agreement(before: pd.Series | None, after: pd.Series) -> float:
    """Return the share of customers with an earlier segment who keep it; NaN without any."""
    if before is None:
        return np.nan
    shared = after.index.intersection(before.index)
    if not len(shared):
        return np.nan
    return float((before.loc[shared] == after.loc[shared]).mean())


def of_version(relation, version: int) -> pd.DataFrame:
    """Return the rows of an append-only model that belong to a version."""
    chosen = relation.filter(f"version = {version}")
    return chosen.toPandas() if hasattr(chosen, "toPandas") else chosen.df()
