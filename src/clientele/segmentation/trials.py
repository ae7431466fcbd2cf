"""Try every method on every feature set, and measure no more than the choice needs."""

import numpy as np
import pandas as pd

from clientele.segmentation.choosing import (
    FIT_KEY,
    FORWARD_BASELINES,
    RUN_TYPES,
    choose_candidate,
)
from clientele.segmentation.clustering import centres_of, fit, one_thread
from clientele.segmentation.measures import (
    bootstrap_stability,
    forward_value,
    match,
    null_silhouettes,
    sampled_silhouettes,
    sizes,
    spread,
)
from clientele.segmentation.methods import METHODS
from clientele.segmentation.scaling import apply_scaling, fit_scaling

# Customers of a day that candidates are fitted and measured on; the winner is fitted on all.
TRIED_CUSTOMERS = 6_000
# Customers that bootstrap refits are compared on, and that are shuffled for the null silhouette.
STABILITY_POINTS = 3_000


def thinned(customers: pd.DataFrame, count: int = TRIED_CUSTOMERS) -> pd.DataFrame:
    """Return at most ``count`` customers, evenly spaced in the order of their keys."""
    if len(customers) <= count:
        return customers
    return customers.iloc[np.linspace(0, len(customers) - 1, count).round().astype(int)]


class Trials:
    """The candidates of one segmentation: fitted on the customers of today, measured on demand.

    ``today`` and ``past`` are the sample on the as-of date and on the forward cut-off, by
    customer; ``past`` has the outcomes of `forward_value` and ``rfm_segment_key``. ``reference``
    is the segment that customers are in now. ``knobs`` are those of
    `clientele.segmentation.clustering.fit`.
    """

    def __init__(
        self,
        today: pd.DataFrame,
        past: pd.DataFrame,
        *,
        feature_sets: dict[str, list[str]],
        methods: list[str],
        cluster_counts: list[int],
        scaling: str,
        random_seed: int,
        min_share: float,
        knobs: dict,
        reference: pd.Series | None = None,
    ):
        """Take the customers that candidates are tried on; nothing is fitted yet."""
        self.today, self.past = thinned(today), thinned(past)
        self.feature_sets = {name: cols for name, cols in feature_sets.items() if cols}
        self.methods, self.cluster_counts, self.scaling = methods, cluster_counts, scaling
        self.random_seed, self.min_share = random_seed, min_share
        self.knobs = knobs
        self.reference = reference
        self._scaled = {}
        self._silhouettes = {}
        self.labels = {}

    def runs(self) -> pd.DataFrame:
        """Return the candidates with the sizes of their segments, and the baselines.

        A row per feature set, method and number of clusters, of `RUN_TYPES`. The baselines
        ``rfm_groups`` and ``random`` have their forward value.
        """
        rows = []
        for name in self.feature_sets if len(self.today) else ():
            z = self._z(name, self.today)
            for method in self.methods:
                fits = self._fit(z, method, self.cluster_counts, start=self._start(method, z))
                for count, fitted in fits.items():
                    key = (name, method, count)
                    self.labels[key] = fitted.nearest(z)[0]
                    row = dict(zip(FIT_KEY, key, strict=True)) | sizes(self.labels[key])
                    rows.append(row | {"approximation_agreement": fitted.agreement})
        rows.sort(key=lambda row: [row[column] for column in FIT_KEY])
        if rows:
            rows += self._baselines()
        return pd.DataFrame(rows).reindex(columns=[name for name in RUN_TYPES if name != "verdict"])

    def measure(self, what: str, rows: pd.DataFrame) -> pd.DataFrame:
        """Return measures of some candidates, a row for each of ``rows`` (columns `FIT_KEY`).

        ``what`` is ``silhouette`` (with its error), ``gain`` (``silhouette_gain``, with its error),
        ``spread`` (`spread`), ``forward`` (`forward_value` of the same method and number on
        ``past``), ``stability`` (and ``stability_worst``) or ``agreement``.
        """
        keys = [tuple(key) for key in rows[FIT_KEY].itertuples(index=False)]
        with one_thread():
            measured = getattr(self, f"_{what}")(keys)
        return pd.DataFrame([measured.get(key, {}) for key in keys], index=rows.index)

    def _z(self, feature_set, customers):
        """Return the scaled features of ``today`` or ``past``, kept from call to call."""
        place = feature_set, customers is self.today
        if place not in self._scaled:
            features = customers[self.feature_sets[feature_set]]
            self._scaled[place] = apply_scaling(features, fit_scaling(features, self.scaling))
        return self._scaled[place]

    def _some(self, z):
        """Return the rows that stability is measured on: the same customers in any order."""
        return np.lexsort(z.T[::-1])[:: max(1, len(z) // STABILITY_POINTS)]

    def _fit(self, z, method, counts, **knobs):
        return fit(
            z,
            method=method,
            cluster_counts=self.cluster_counts if METHODS[method].is_joint else counts,
            random_seed=self.random_seed,
            min_share=self.min_share,
            **self.knobs | knobs,
        )

    def _start(self, method, z):
        if self.reference is None or method != "kmeans":
            return None
        known = self.today.index.isin(self.reference.index)
        return centres_of(z[known], self.reference.reindex(self.today.index[known]))

    def _spread(self, keys):
        return {key: spread(self._z(key[0], self.today), self.labels[key]) for key in keys}

    def _silhouette(self, keys):
        for name, own in self._by_set(key for key in keys if key not in self._silhouettes):
            sampled = sampled_silhouettes(
                self._z(name, self.today),
                [self.labels[key] for key in own],
                random_seed=self.random_seed,
            )
            self._silhouettes |= dict(zip(own, sampled, strict=True))
        return {key: self._silhouettes[key] for key in keys}

    def _gain(self, keys):
        silhouettes = self._silhouette(keys)
        counts = {key: sizes(self.labels[key])["segment_count"] for key in keys}
        measured = {}
        for name, own in self._by_set(keys):
            z = self._z(name, self.today)
            wanted = sorted({counts[key] for key in own} - {0, 1})
            nulls = null_silhouettes(z[self._some(z)], wanted, random_seed=self.random_seed)
            for key in own:
                gain = silhouettes[key]["silhouette"] - nulls.get(counts[key], np.nan)
                measured[key] = silhouettes[key] | {"silhouette_gain": gain}
        return measured

    def _by_set(self, keys):
        """Yield each feature set with its keys."""
        keys = list(keys)
        for name in dict.fromkeys(key[0] for key in keys):
            yield name, [key for key in keys if key[0] == name]

    def _by_method(self, keys):
        """Yield feature set, method and the wanted numbers of clusters."""
        for name, method in dict.fromkeys(key[:2] for key in keys):
            yield name, method, [key[2] for key in keys if key[:2] == (name, method)]

    def _forward(self, keys):
        measured = {}
        for name, method, counts in self._by_method(keys) if len(self.past) else ():
            z = self._z(name, self.past)
            for count, fitted in self._fit(z, method, counts).items():
                if count in counts:
                    labels = fitted.nearest(z)[0]
                    measured[name, method, count] = forward_value(labels, self.past)
        return measured

    def _stability(self, keys):
        measured = {}
        for name, method, counts in self._by_method(keys):
            z = self._z(name, self.today)
            some = self._some(z)

            def refit(rows, method=method, counts=counts):
                few = {"starts": 1, "pairwise_points": 1_000, "prototype_count": 40}
                return self._fit(rows, method, counts, **few)

            labels = {count: self.labels[name, method, count][some] for count in counts}
            stability = bootstrap_stability(z[some], labels, refit, random_seed=self.random_seed)
            for count, clusters in stability.items():
                if each := list(clusters.values()):
                    measured[name, method, count] = {
                        "stability": np.mean(each),
                        "stability_worst": min(each),
                    }
        return measured

    def _agreement(self, keys):
        if self.reference is None:
            return {}
        shared = self.today.index.intersection(self.reference.index)
        measured = {}
        for key in keys:
            new = pd.Series(self.labels[key], index=self.today.index).loc[shared]
            measured[key] = {"agreement": match(self.reference.loc[shared], new)[1]}
        return measured

    def _baselines(self):
        rng = np.random.default_rng(self.random_seed)
        groups = self.past["rfm_segment_key"]
        guesses = rng.integers(max(groups.nunique(), 2), size=len(groups))
        return [
            {"feature_set": "none", "method": method, "cluster_count": len(set(labels))}
            | forward_value(labels, self.past)
            for method, labels in zip(FORWARD_BASELINES, (groups, guesses), strict=True)
        ]


def tried(
    today: pd.DataFrame,
    past: pd.DataFrame,
    *,
    min_share: float,
    method: str | None = None,
    cluster_count: int | None = None,
    incumbent: tuple[str, str, int] | None = None,
    **trials,
) -> pd.DataFrame:
    """Return all candidates of one segmentation, one of them chosen.

    ``trials`` are the settings of `Trials`; the rest is that of `choose_candidate`.
    """
    trials = Trials(today, past, min_share=min_share, **trials)
    return choose_candidate(
        trials.runs(),
        min_share=min_share,
        method=method,
        cluster_count=cluster_count,
        incumbent=incumbent,
        measure=trials.measure,
    )
