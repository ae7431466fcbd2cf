"""Choose one of many segmentations by a stated rule."""

import numpy as np
import pandas as pd

FORWARD_BASELINES = ("rfm_groups", "random")
FIT_KEY = ["feature_set", "method", "cluster_count"]
RUN_TYPES = {
    "segmentation": "string",
    "version": "int",
    "as_of_date": "date",
    "feature_set": "string",
    "method": "string",
    "cluster_count": "int",
    "segment_count": "int",
    "smallest_share": "double",
    "noise_share": "double",
    "approximation_agreement": "double",
    "silhouette": "double",
    "silhouette_error": "double",
    "silhouette_gain": "double",
    "davies_bouldin": "double",
    "calinski_harabasz": "double",
    "stability": "double",
    "stability_worst": "double",
    "forward_value": "double",
    "forward_value_error": "double",
    "forward_spend_r2": "double",
    "forward_churn_r2": "double",
    "is_predictive": "boolean",
    "agreement": "double",
    "mean_rank": "double",
    "is_eligible": "boolean",
    "is_chosen": "boolean",
    "verdict": "string",
}
MAX_NOISE_SHARE = 0.25
MIN_STABILITY = 0.6
# Share of the best forward value below which a candidate predicts too little.
TOO_COARSE = 0.8
# Standard errors by which a forward value must exceed 0 to be more than chance. It is the best of
# many candidates, and its error comes from ten folds.
BEYOND_CHANCE = 2
# Candidates whose stability is measured, the best by the cheaper measures.
SHORTLIST = 5
# Where nothing predicts: the most segments of a simple candidate, and the difference in stability
# that is too small to matter.
SIMPLE = 4
AS_STABLE = 0.05
# Measures that are ranked, and whether a smaller value is better.
RANKED = {"silhouette": False, "davies_bouldin": True, "forward_value": False}


def choose_candidate(
    runs: pd.DataFrame,
    *,
    min_share: float,
    method: str | None = None,
    cluster_count: int | None = None,
    incumbent: tuple[str, str, int] | None = None,
    measure=None,
) -> pd.DataFrame:
    """Choose one candidate; return ``runs`` with the verdict on each.

    1. A candidate is eligible if it has at least two segments, none below ``min_share``, at most
       a quarter noise, and a bootstrap stability of at least 0.6.
    2. The feature set is the one of the eligible candidate with most structure: the highest
       silhouette beyond that of shuffled features. A set whose best forward value is not beyond
       chance (over 2 standard errors above 0) is passed over.
    3. Candidates of this set predict too little if their forward value is not beyond chance, or
       less than four fifths of the set's best.
    4. The five of the lowest mean rank over silhouette, Davies-Bouldin and forward value are
       short-listed (the next five if none of them is stable). Of those that are eligible, the
       lowest mean rank over these measures and stability wins. Ties go to fewer segments, then
       to the order of methods.
    5. The ``incumbent`` (feature set, method, count) stays if it is eligible and its forward
       value is within a standard error of the winner's.

    If no set predicts beyond chance, the choice would follow noise. Then the simplest of the most
    stable wins: of the eligible candidates with at most four segments (or the fewest there are),
    the fewest segments within 0.05 of the highest stability; the ``incumbent`` stays if it is
    among these. If forward values cannot be measured, they decide nothing.

    ``is_predictive`` states whether a measured forward value is beyond chance. The verdict also
    states whether the chosen candidate predicts nothing, or RFM groups predict more.

    ``measure(what, rows)`` returns further columns of some rows, see
    `clientele.segmentation.trials.Trials.measure`; it is called only for what the rule needs, so
    that expensive measures are null for candidates that lost before. Without it, ``runs`` must
    hold all measures. ``method`` and ``cluster_count`` pin these choices. If no candidate is
    eligible, the most stable is chosen and its verdict states this.

    Raises ``ValueError`` if a pin fits no candidate.
    """
    rule = _Rule(runs, min_share, measure)
    fitted = rule.runs[~rule.runs["method"].isin(FORWARD_BASELINES)]
    if fitted.empty:
        return rule.runs
    pinned = _pinned(fitted, method, cluster_count)
    rule.say(fitted.index.difference(pinned.index), "not what is pinned")
    possible = rule.large_enough(pinned)
    sets = rule.feature_sets(possible)
    if not sets:
        rule.measured("stability", pinned.index)
        order = rule.runs.loc[pinned.index].sort_values(
            ["stability", "cluster_count"], ascending=[False, True]
        )
        return rule.chosen(order.index[0], "chosen: the most stable, none is eligible")
    is_incumbent = (rule.runs.loc[possible, FIT_KEY] == list(incumbent or (None,) * 3)).all(axis=1)
    same = possible[is_incumbent.to_numpy()]
    taken = next((name for name in sets if rule.tells(possible, name)), None)
    if taken is None:
        return rule.chosen(*rule.most_stable(possible, same))
    stable = possible.difference(rule.unstable)
    final = stable[rule.runs.loc[stable, "feature_set"] == taken]
    less = sets[: sets.index(taken)]
    passed = rule.runs.loc[stable, "feature_set"].isin(less).to_numpy()
    rule.say(stable[passed], "predicts nothing beyond chance")
    rule.say(stable[~passed].difference(final), "less structure in its features")
    winner = rule.best_rank(rule.predicting(final))
    verdict = "chosen: best mean rank"
    if len(same) and rule.is_stable(same[0]) and rule.is_as_good(same, winner):
        winner, verdict = same[0], "chosen: incumbent, none is clearly better"
    return rule.chosen(winner, verdict)


def is_beyond_chance(runs: pd.DataFrame) -> pd.Series:
    """Return whether each forward value is more than chance; false where it was not measured."""
    return runs["forward_value"] > BEYOND_CHANCE * runs["forward_value_error"].fillna(0)


def _pinned(fitted, method, cluster_count):
    pinned = fitted
    for column, wanted in (("method", method), ("cluster_count", cluster_count)):
        if wanted is not None:
            pinned = pinned[pinned[column] == wanted]
            if pinned.empty:
                had = ", ".join(map(str, sorted(fitted[column].unique())))
                raise ValueError(
                    f"{column}={wanted} fits no candidate; there are {had}: "
                    "lower n_clusters, or add the method to segmentation_methods"
                )
    return pinned


class _Rule:
    """The steps of `choose_candidate` on one table of runs, each measuring what it needs."""

    def __init__(self, runs, min_share, measure):
        self.runs = runs.assign(is_eligible=False, is_chosen=False, verdict="baseline")
        self.min_share, self.measure = min_share, measure
        self.asked, self.judged = set(), set()
        self.unstable = []

    def say(self, rows, verdict):
        self.runs.loc[rows, "verdict"] = verdict

    def measured(self, what, rows):
        """Fill in a measure of ``rows`` that was not asked for before; return these runs."""
        new = [row for row in rows if (what, row) not in self.asked]
        self.asked |= {(what, row) for row in new}
        if self.measure is not None and new:
            values = self.measure(what, self.runs.loc[new])
            for column in values.columns:
                self.runs.loc[new, column] = values[column].astype(float)
        return self.runs.loc[rows]

    def large_enough(self, pinned):
        """Return the candidates that pass every requirement but stability."""
        rows = pinned.index
        for reason, failed in {
            "one segment only": pinned["segment_count"] < 2,
            "a segment is too small": pinned["smallest_share"] < self.min_share,
            "too much noise": pinned["noise_share"] > MAX_NOISE_SHARE,
        }.items():
            self.say(rows[failed.loc[rows]], reason)
            rows = rows[~failed.loc[rows]]
        return rows

    def is_stable(self, row):
        """Measure the stability of one candidate that meets all other requirements."""
        if row not in self.judged:
            self.judged.add(row)
            self.measured("stability", [row])
            is_eligible = bool(self.runs.loc[row, "stability"] >= MIN_STABILITY)
            self.runs.loc[row, "is_eligible"] = is_eligible
            if not is_eligible:
                self.say([row], "not stable")
                self.unstable.append(row)
        return row not in self.unstable

    def first_stable(self, rows):
        return next((row for row in rows if self.is_stable(row)), None)

    def feature_sets(self, possible):
        """Return the feature sets with a stable candidate, the one with most structure first."""
        if self.runs.loc[possible, "feature_set"].nunique() > 1:
            self.measured("gain", possible)
        order = self.runs.loc[possible].sort_values(
            ["silhouette_gain", "feature_set"], ascending=[False, True], kind="stable"
        )
        first = self.first_stable(order.index)
        if first is None:
            return []
        taken = self.runs.loc[first, "feature_set"]
        return [taken, *(name for name in order["feature_set"].unique() if name != taken)]

    def tells(self, possible, name):
        """Return whether a stable candidate of a feature set predicts, or none can be tested."""
        rows = possible.difference(self.unstable)
        rows = rows[(self.runs.loc[rows, "feature_set"] == name).to_numpy()]
        forward = self.measured("forward", rows)["forward_value"]
        told = rows[forward.isna()] if forward.isna().all() else self.by_forward_value(rows)
        return self.first_stable(told) is not None

    def by_forward_value(self, rows):
        """Return the candidates whose forward value is beyond chance, the highest first."""
        runs = self.runs.loc[rows]
        runs = runs[is_beyond_chance(runs)]
        return runs.sort_values("forward_value", ascending=False, kind="stable").index

    def most_stable(self, possible, same):
        """Return the candidate to take where nothing predicts, and its verdict."""
        counts = self.runs.loc[possible, "segment_count"]
        few = possible[(counts <= max(SIMPLE, counts.min())).to_numpy()].union(same)
        stable = self.measured("stability", few)["stability"].astype(float)
        for row in few:
            self.is_stable(row)
        best = stable[stable >= max(stable.max() - AS_STABLE, MIN_STABILITY)].index
        if not len(best):
            best = self.measured("stability", possible)["stability"].astype(float).nlargest(1).index
        order = self.runs.loc[best].sort_values(
            ["segment_count", "stability", "method"], ascending=[True, False, False]
        )
        self.say(possible.difference(self.unstable), "predicts nothing beyond chance")
        row = same[0] if len(same) and same[0] in best else order.index[0]
        return row, "chosen: the simplest of the most stable"

    def predicting(self, final):
        """Return the candidates that are not known to be unstable or to predict too little."""
        forward = self.measured("forward", final)["forward_value"]
        if forward.isna().all():
            return final.difference(self.unstable)
        order = self.by_forward_value(final)
        limit = TOO_COARSE * forward.loc[self.first_stable(order)]
        coarse = final.difference(order[forward.loc[order] >= limit]).difference(self.unstable)
        self.say(coarse, "predicts too little")
        return final.difference(coarse).difference(self.unstable)

    def best_rank(self, rows):
        """Return the stable candidate of the lowest mean rank, from the first short list."""
        self.say(rows, "ranked lower")
        self.measured("silhouette", rows)
        cheap = self._ranks(self.measured("spread", rows), RANKED)
        order = self._ordered(rows, cheap)
        for start in range(0, len(order), SHORTLIST):
            listed = order[start : start + SHORTLIST]
            listed = pd.Index([row for row in listed if self.is_stable(row)])
            if len(listed):
                ranks = self._ranks(self.runs.loc[listed], RANKED | {"stability": False})
                self.runs.loc[listed, "mean_rank"] = ranks
                return self._ordered(listed, ranks)[0]
        raise AssertionError("a stable candidate is among the rows")

    def _ranks(self, rows, measures):
        ranks = [
            rows[name].rank(ascending=is_smaller_better, na_option="bottom")
            for name, is_smaller_better in measures.items()
        ]
        return sum(ranks) / len(ranks)

    def _ordered(self, rows, ranks):
        order = self.runs.loc[rows].assign(mean_rank=ranks)
        return order.sort_values(
            ["mean_rank", "segment_count", "method"], ascending=[True, True, False]
        ).index

    def is_as_good(self, same, winner):
        """Return whether the incumbent predicts as much as the winner, within its error."""
        value = np.nan_to_num(self.measured("forward", same)["forward_value"].iloc[0])
        best, slack = np.nan_to_num(
            self.runs.loc[winner, ["forward_value", "forward_value_error"]].to_numpy(float)
        )
        is_beyond = is_beyond_chance(self.runs.loc[[*same, winner]])
        return value >= best - slack and bool(is_beyond.iloc[0] >= is_beyond.iloc[1])

    def chosen(self, row, verdict):
        """Mark the chosen candidate, with all its measures and its verdict."""
        for what in ("gain", "spread", "forward", "stability", "agreement"):
            self.measured(what, [row])
        tested = self.runs["forward_value"].notna()
        self.runs["is_predictive"] = is_beyond_chance(self.runs).astype(object).where(tested, None)
        value = self.runs.loc[row, "forward_value"]
        baseline = self.runs.loc[self.runs["method"] == "rfm_groups", "forward_value"].max()
        if np.isnan(value):
            verdict += "; what it predicts cannot be tested"
        elif not self.runs.loc[row, "is_predictive"]:
            verdict += ", though it predicts nothing beyond chance"
        elif value < baseline:
            verdict += ", though RFM groups predict more"
        self.runs.loc[row, ["is_chosen", "verdict"]] = [True, verdict]
        return self.runs
