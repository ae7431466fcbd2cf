import numpy as np
import pandas as pd
import pytest

from clientele.segmentation.choosing import RUN_TYPES, choose_candidate


@pytest.fixture
def runs():
    """Candidates of two feature sets, and the baselines."""
    rows = [
        # method, set, count, smallest, noise, silhouette, gain, davies_bouldin, stability, forward
        ("kmeans", "a", 2, 0.40, 0.0, 0.50, 0.10, 0.5, 0.95, 0.10),
        ("kmeans", "a", 4, 0.20, 0.0, 0.40, 0.30, 0.6, 0.90, 0.24),
        ("kmeans", "a", 6, 0.10, 0.0, 0.30, 0.20, 0.9, 0.70, 0.25),
        ("kmeans", "b", 4, 0.20, 0.0, 0.90, 0.25, 0.1, 0.62, 0.30),
        ("kmeans", "a", 9, 0.01, 0.0, 0.60, 0.90, 0.4, 0.99, 0.90),
        ("kmeans", "a", 8, 0.10, 0.0, 0.60, 0.90, 0.4, 0.50, 0.90),
        ("dbscan", "a", 4, 0.10, 0.4, 0.60, 0.90, 0.4, 0.99, 0.90),
        ("dbscan", "b", 1, 1.00, 0.0, np.nan, np.nan, np.nan, 0.99, 0.90),
        ("rfm_groups", "none", 11, *[np.nan] * 6, 0.20),
        ("random", "none", 11, *[np.nan] * 6, 0.00),
    ]
    columns = ["method", "feature_set", "cluster_count", "smallest_share", "noise_share"]
    columns += ["silhouette", "silhouette_gain", "davies_bouldin", "stability", "forward_value"]
    frame = pd.DataFrame(rows, columns=columns).reindex(
        columns=[name for name in RUN_TYPES if name not in ("verdict", "is_chosen", "is_eligible")]
    )
    return frame.assign(segment_count=frame["cluster_count"], forward_value_error=0.02)


def chosen(runs, **knobs):
    found = choose_candidate(runs, min_share=0.02, **knobs)
    assert found["is_chosen"].sum() == 1
    row = found[found["is_chosen"]].iloc[0]
    return (row["feature_set"], row["method"], row["cluster_count"]), row["verdict"], found


def test_the_rule_takes_the_best_mean_rank_of_those_that_pass(runs):
    fit_, verdict, found = chosen(runs)
    # The silhouettes of set `b` are higher, but there is less in them beyond chance.
    assert fit_ == ("a", "kmeans", 4) and verdict == "chosen: best mean rank"
    assert found["verdict"].tolist() == [
        "predicts too little",
        "chosen: best mean rank",
        "ranked lower",
        "less structure in its features",
        "a segment is too small",
        "not stable",
        "too much noise",
        "one segment only",
        "baseline",
        "baseline",
    ]
    assert found["mean_rank"].dropna().tolist() == [1.25, 1.75]


def test_a_pin_wins_over_the_rule_and_a_pin_that_fits_nothing_is_refused(runs):
    assert chosen(runs, cluster_count=6)[0] == ("a", "kmeans", 6)
    assert chosen(runs, method="dbscan")[1].startswith("chosen: the most stable, none is eligible")
    with pytest.raises(ValueError, match="cluster_count=5 fits no candidate; there are 1, 2, 4"):
        choose_candidate(runs, min_share=0.02, cluster_count=5)
    with pytest.raises(ValueError, match="method=hdbscan fits no candidate"):
        choose_candidate(runs, min_share=0.02, method="hdbscan")


def test_the_incumbent_stays_unless_another_is_clearly_better(runs):
    kept, verdict, _ = chosen(runs, incumbent=("a", "kmeans", 6))
    assert kept == ("a", "kmeans", 6) and verdict.startswith("chosen: incumbent")
    worse = runs.assign(forward_value=runs["forward_value"].where(runs.index != 2, 0.215))
    assert chosen(worse, incumbent=("a", "kmeans", 6))[0] == ("a", "kmeans", 4)
    assert chosen(runs, incumbent=("b", "kmeans", 4))[0] == ("b", "kmeans", 4)
    assert chosen(runs, incumbent=("a", "kmeans", 9))[0] == ("a", "kmeans", 4)


def test_where_rfm_groups_predict_more_the_verdict_says_so(runs):
    runs.loc[runs["method"] == "rfm_groups", "forward_value"] = 0.95
    fit_, verdict, _ = chosen(runs)
    assert fit_[0] == "a" and verdict.endswith("though RFM groups predict more")


def test_without_a_past_the_rest_decides(runs):
    fit_, verdict, _ = chosen(runs.assign(forward_value=np.nan, forward_value_error=np.nan))
    assert fit_ == ("a", "kmeans", 2)
    assert verdict == "chosen: best mean rank; what it predicts cannot be tested"


def test_without_candidates_nothing_is_chosen(runs):
    assert not choose_candidate(runs.tail(2), min_share=0.02)["is_chosen"].any()


@pytest.mark.parametrize("best", [0.0, -0.004, 0.04])
def test_where_nothing_predicts_beyond_chance_the_simplest_of_the_most_stable_wins(runs, best):
    """Ranks, structure and the best forward value would choose by noise."""
    forward = runs["forward_value"].mask(runs["method"] != "rfm_groups", best - runs.index / 1e4)
    noise = runs.assign(forward_value=forward)
    fit_, verdict, judged = chosen(noise)
    assert fit_ == ("a", "kmeans", 2)
    assert verdict == (
        "chosen: the simplest of the most stable, though it predicts nothing beyond chance"
    )
    assert judged["verdict"].tolist()[1:4] == ["predicts nothing beyond chance"] * 3
    # 0.04 less in stability is not less stable, 0.06 less is; more than four segments never win.
    for stability, winner in [(0.91, 2), (0.89, 4)]:
        shaky = noise.assign(stability=noise["stability"].where(runs.index != 0, stability))
        shaky = shaky.assign(stability=shaky["stability"].where(runs.index != 1, 0.95))
        shaky = shaky.assign(stability=shaky["stability"].where(runs.index != 2, 0.99))
        assert chosen(shaky)[0] == ("a", "kmeans", winner)


def test_where_nothing_predicts_the_incumbent_stays_if_it_is_as_stable(runs):
    noise = runs.assign(forward_value=0.01)
    assert chosen(noise, incumbent=("a", "kmeans", 4))[0] == ("a", "kmeans", 4)
    assert chosen(noise, incumbent=("b", "kmeans", 4))[0] == ("a", "kmeans", 2)


def test_a_feature_set_that_predicts_nothing_gives_way_to_one_that_does(runs):
    """Set `a` has more structure."""
    forward = runs["forward_value"].where(runs["feature_set"] != "a", 0.01)
    fit_, verdict, judged = chosen(runs.assign(forward_value=forward))
    assert fit_ == ("b", "kmeans", 4) and verdict == "chosen: best mean rank"
    assert judged["verdict"].tolist()[:3] == ["predicts nothing beyond chance"] * 3
    assert judged["is_predictive"].tolist()[:4] == [False, False, False, True]


def test_a_forward_value_within_two_errors_is_chance(runs):
    assert chosen(runs.assign(forward_value_error=0.119))[1] == "chosen: best mean rank"
    _, verdict, judged = chosen(runs.assign(forward_value_error=0.151))
    assert verdict.endswith("though it predicts nothing beyond chance")
    assert not judged.loc[judged["is_chosen"], "is_predictive"].any()
    # What was not measured is neither.
    assert chosen(runs.assign(forward_value=np.nan))[2]["is_predictive"].isna().all()


class Measuring:
    """Measures of `runs` that `choose_candidate` has to ask for, and what it asked."""

    COLUMNS = {
        "gain": ["silhouette", "silhouette_gain"],
        "silhouette": ["silhouette"],
        "spread": ["davies_bouldin"],
        "forward": ["forward_value", "forward_value_error"],
        "stability": ["stability"],
        "agreement": ["agreement"],
    }

    def __init__(self, runs):
        self.runs, self.asked = runs, {what: set() for what in self.COLUMNS}

    def __call__(self, what, rows):
        assert not self.asked[what] & set(rows.index), "measured twice"
        self.asked[what] |= set(rows.index)
        return self.runs.loc[rows.index, self.COLUMNS[what]]

    def hidden(self):
        columns = sorted({name for names in self.COLUMNS.values() for name in names})
        is_baseline = self.runs["method"].isin(["rfm_groups", "random"]).to_numpy()
        return self.runs.assign(**{c: self.runs[c].where(is_baseline) for c in columns})


def test_only_candidates_that_can_win_are_measured_and_the_choice_is_the_same(runs):
    measuring = Measuring(runs)
    expected = choose_candidate(runs, min_share=0.02)
    judged = choose_candidate(measuring.hidden(), min_share=0.02, measure=measuring)
    columns = ["is_chosen", "is_eligible", "verdict", "mean_rank"]
    pd.testing.assert_frame_equal(judged[columns], expected[columns])
    # Four candidates fail by their sizes, set `b` by its structure, the coarsest by what it
    # predicts; 5 has the highest gain of all, but is not stable.
    assert measuring.asked["gain"] == {0, 1, 2, 3, 5}
    assert measuring.asked["forward"] == {0, 1, 2}
    assert measuring.asked["spread"] == {1, 2}
    assert measuring.asked["stability"] == {1, 2, 5}
    assert measuring.asked["agreement"] == {1}


def test_only_the_short_list_is_tested_for_stability(runs):
    """Eight equal but for the silhouette: the first five are listed, and the best is stable."""
    row = runs.iloc[1]
    many = pd.DataFrame([row] * 8).reset_index(drop=True)
    many = many.assign(cluster_count=range(3, 11), silhouette=[0.5 - i / 100 for i in range(8)])
    measuring = Measuring(many)
    judged = choose_candidate(measuring.hidden(), min_share=0.02, measure=measuring)
    assert measuring.asked["stability"] == {0, 1, 2, 3, 4}
    assert judged["is_chosen"].tolist() == [True] + [False] * 7
    # If none of the five is stable, the next ones are tested.
    shaky = many.assign(stability=[0.5] * 6 + [0.9, 0.5])
    measuring = Measuring(shaky)
    judged = choose_candidate(measuring.hidden(), min_share=0.02, measure=measuring)
    assert judged["is_chosen"].tolist() == [False] * 6 + [True, False]
    assert judged["verdict"].tolist()[:6] == ["not stable"] * 6
