import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import make_blobs
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_samples,
    silhouette_score,
)

from clientele.segmentation.clustering import fit
from clientele.segmentation.measures import (
    bootstrap_stability,
    forward_value,
    internal_measures,
    match,
    null_silhouettes,
    sampled_silhouettes,
    silhouettes,
)
from clientele.segmentation.prototypes import NOISE


@pytest.fixture
def blobs():
    return make_blobs(n_samples=[300, 200, 100], centers=None, cluster_std=0.7, random_state=4)


def test_indices_are_scikit_learns_with_noise_left_out(blobs):
    points, blob = blobs
    labels = np.where(np.arange(len(blob)) % 10 == 0, NOISE, blob)
    kept = labels != NOISE
    found = internal_measures(points, labels, random_seed=1)
    assert found["silhouette"] == pytest.approx(silhouette_score(points[kept], blob[kept]))
    assert found["davies_bouldin"] == davies_bouldin_score(points[kept], blob[kept])
    assert found["calinski_harabasz"] == calinski_harabasz_score(points[kept], blob[kept])
    assert found["noise_share"] == pytest.approx(0.1) and found["segment_count"] == 3
    assert found["smallest_share"] == pytest.approx((kept & (blob == 2)).mean())


def test_the_sampled_silhouette_is_within_its_error():
    points, blob = make_blobs(n_samples=9000, centers=4, cluster_std=2, random_state=1)
    found = internal_measures(points, blob, random_seed=1)
    assert 0 < found["silhouette_error"] < 0.01
    off = found["silhouette"] - silhouette_score(points, blob)
    assert abs(off) < 4 * found["silhouette_error"]


def test_one_segment_has_no_indices():
    found = internal_measures(np.ones((9, 2)), np.zeros(9, dtype=int), random_seed=1)
    assert np.isnan(found["silhouette"]) and found["segment_count"] == 1


def test_shuffled_features_have_as_little_structure_as_chance_leaves():
    points, blob = make_blobs(n_samples=600, n_features=5, centers=4, random_state=4)
    here = internal_measures(points, blob, random_seed=1)["silhouette"]
    assert here > null_silhouettes(points, [4], random_seed=1)[4] + 0.5
    # Independent features have nothing beyond chance.
    nothing = np.random.default_rng(1).normal(size=(1500, 3))
    found = fit(nothing, method="kmeans", cluster_counts=[3], random_seed=1)[3].nearest(nothing)[0]
    there = internal_measures(nothing, found, random_seed=1)["silhouette"]
    assert abs(there - null_silhouettes(nothing, [3], random_seed=1)[3]) < 0.05


def stability(points, count):
    def refit(rows):
        return fit(rows, method="kmeans", cluster_counts=[count], random_seed=1, starts=1)

    labels = fit(points, method="kmeans", cluster_counts=[count], random_seed=1)[count]
    labels = {count: labels.nearest(points)[0]}
    return bootstrap_stability(points, labels, refit, random_seed=1)[count]


def test_clusters_that_are_there_are_stable_and_halves_of_one_are_not(blobs):
    points, _ = blobs
    assert min(stability(points, 3).values()) > 0.97
    rng = np.random.default_rng(1)
    assert min(stability(rng.normal(size=(600, 4)), 6).values()) < 0.6


@pytest.fixture
def outcomes():
    rng = np.random.default_rng(3)
    group = rng.integers(4, size=4000)
    count = rng.poisson([0.1, 0.5, 1.5, 4][0:4] * np.ones((4000, 4)))[np.arange(4000), group]
    frame = pd.DataFrame(
        {"forward_order_count": count, "forward_amount": count * rng.lognormal(3, 0.5, 4000)}
    )
    return group, frame


def test_labels_that_predict_have_the_r2_of_their_means(outcomes):
    group, frame = outcomes
    found = forward_value(group, frame)
    churn = (frame["forward_order_count"] == 0).to_numpy(float)
    within = churn - pd.Series(churn).groupby(group).transform("mean").to_numpy()
    in_sample = 1 - (within**2).sum() / ((churn - churn.mean()) ** 2).sum()
    assert found["forward_churn_r2"] == pytest.approx(in_sample, abs=0.005)
    assert found["forward_churn_r2"] < in_sample
    assert found["forward_value"] == pytest.approx(
        (found["forward_churn_r2"] + found["forward_spend_r2"]) / 2
    )
    assert 0 < found["forward_value_error"] < 0.03


@pytest.mark.parametrize("segments", [2, 10, 400])
def test_labels_that_say_nothing_score_no_higher_by_being_more(outcomes, segments):
    _, frame = outcomes
    random = np.random.default_rng(1).integers(segments, size=len(frame))
    assert -0.3 < forward_value(random, frame)["forward_value"] < 0.003


def test_a_future_that_is_the_same_for_all_has_no_value():
    frame = pd.DataFrame({"forward_order_count": [0] * 50, "forward_amount": [0.0] * 50})
    assert np.isnan(forward_value(np.arange(50) % 2, frame)["forward_value"])
    assert np.isnan(forward_value([0, 1], frame.head(2))["forward_value"])


def test_renamed_clusters_agree_and_halves_of_one_are_not_it():
    old = pd.Series(["a"] * 6 + ["b"] * 4)
    renamed = pd.Series([1] * 6 + [0] * 4)
    assert match(old, renamed) == ({1: "a", 0: "b"}, 1.0)
    split = pd.Series([0] * 3 + [1] * 3 + [2] * 4)
    matched, agreement = match(old, split)
    # Half of `a` has a Jaccard similarity of 0.5 to it: just the same; less would not be.
    assert matched == {0: "a", 2: "b"} and agreement == 0.7
    thirds = pd.Series([0] * 2 + [1] * 2 + [3] * 2 + [2] * 4)
    assert match(old, thirds) == ({2: "b"}, 0.4)


def test_the_assignment_is_optimal_not_greedy():
    # Greedily the first new cluster would take `a`, with 5, and leave `b` with 0.
    old = pd.Series(["a"] * 9 + ["b"] * 5)
    new = pd.Series([0] * 5 + [1] * 4 + [0] * 5)
    matched, agreement = match(old, new)
    assert matched == {0: "b"} and agreement == pytest.approx(5 / 14)


def test_noise_agrees_with_noise_only():
    old = pd.Series(["s-1", "s-1", "s-noise", "s-noise"])
    assert match(old, pd.Series([0, 0, NOISE, NOISE])) == ({0: "s-1"}, 1.0)
    assert match(old, pd.Series([NOISE, NOISE, 0, 0])) == ({}, 0.0)


def test_the_bootstrap_repeats_itself_with_the_same_seed():
    shaky = np.random.default_rng(2).normal(size=(300, 3))
    rows = []

    def refit(sample):
        rows.append(sample)
        return fit(sample, method="kmeans", cluster_counts=[4], random_seed=1, starts=1)

    labels = {
        4: fit(shaky, method="kmeans", cluster_counts=[4], random_seed=1)[4].nearest(shaky)[0]
    }
    first, second, other = (
        bootstrap_stability(shaky, labels, refit, random_seed=seed, rounds=3) for seed in (1, 1, 2)
    )
    assert first == second != other
    for earlier, later in zip(rows[:3], rows[3:6], strict=True):
        np.testing.assert_array_equal(earlier, later)
    # Rounds differ from each other, and draw with replacement.
    assert not np.array_equal(rows[0], rows[1])
    assert len(np.unique(rows[0], axis=0)) < len(shaky) == len(rows[0])


def test_silhouettes_of_several_segmentations_are_scikit_learns(blobs):
    points, blob = blobs
    others = [blob, np.arange(len(blob)) % 4, np.where(np.arange(len(blob)) == 0, 9, blob)]
    distances = cdist(points, points)
    for labels, each in zip(others, silhouettes(distances, others), strict=True):
        np.testing.assert_allclose(each, silhouette_samples(points, labels), atol=1e-9)
    noisy = np.where(np.arange(len(blob)) % 7 == 0, NOISE, blob)
    sampled = sampled_silhouettes(points, [blob, noisy], random_seed=1)
    kept = noisy != NOISE
    assert sampled[0]["silhouette"] == pytest.approx(silhouette_score(points, blob))
    assert sampled[1]["silhouette"] == pytest.approx(silhouette_score(points[kept], blob[kept]))
