import numpy as np
import pandas as pd
import pytest
from scipy.cluster import hierarchy
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from clientele.segmentation import methods
from clientele.segmentation.clustering import fit
from clientele.segmentation.methods import METHODS, dbscan_settings
from clientele.segmentation.prototypes import NOISE


@pytest.fixture
def noise():
    """Customers without clusters: every boundary is arbitrary."""
    values = np.random.default_rng(7).uniform(1, 100, (400, 4))
    return pd.DataFrame(values, columns=["recency", "frequency", "monetary", "variety"])


@pytest.fixture
def blobs():
    return make_blobs(n_samples=[150, 100, 60], centers=None, cluster_std=0.6, random_state=4)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_blobs_and_numbers_them_by_size(blobs, method):
    points, blob = blobs
    found = fit(points, method=method, cluster_counts=[3], random_seed=1)[3]
    labels, distance = found.nearest(points)
    kept = labels != NOISE
    assert adjusted_rand_score(blob[kept], labels[kept]) > 0.98 and kept.mean() > 0.8
    assert (np.diff(np.bincount(labels[kept])) < 0).all()
    assert found.agreement > 0.9 and (distance >= 0).all()


def test_kmeans_is_scikit_learns(noise):
    z = StandardScaler().fit_transform(noise.sort_values(list(noise)))
    library = KMeans(6, n_init=10, random_state=1, tol=0, max_iter=1000)
    ours = fit(z, method="kmeans", cluster_counts=[6], random_seed=1)[6]
    order = np.lexsort(z.T[::-1])
    library.fit(z[order])
    assert adjusted_rand_score(library.labels_, ours.nearest(z[order])[0]) == 1


def test_a_centre_is_the_mean_of_its_members(noise):
    z = noise.to_numpy()
    found = fit(z, method="kmeans", cluster_counts=[9], random_seed=1)[9]
    labels = found.nearest(z)[0]
    means = pd.DataFrame(z).groupby(labels).mean().to_numpy()
    np.testing.assert_allclose(found.centres, means, rtol=1e-12)


@pytest.mark.parametrize("method", methods.LINKAGES)
def test_the_tree_is_scipys(blobs, method):
    points, _ = blobs
    points = points[np.lexsort(points.T[::-1])]
    expected = fcluster(linkage(points, method), 3, "maxclust")
    found = fit(
        points,
        method="hierarchical",
        cluster_counts=[3],
        random_seed=1,
        linkage_method=method,
        prototype_count=len(points),
    )[3]
    # With a prototype for every few points the assignment is the tree's own.
    assert found.agreement > 0.99
    assert adjusted_rand_score(expected, found.nearest(points)[0]) > 0.99


def test_single_linkage_follows_what_is_not_round():
    """The literature's min-distance formula: crescents are one cluster each, as Ward's are not."""
    points, moon = make_moons(400, noise=0.04, random_state=1)
    for method, holds in (("single", True), ("ward", False)):
        found = fit(
            points, method="hierarchical", cluster_counts=[2], random_seed=1, linkage_method=method
        )[2]
        assert (adjusted_rand_score(moon, found.nearest(points)[0]) > 0.95) == holds


@pytest.mark.parametrize("method", ["dbscan", "hdbscan"])
def test_density_labels_are_scikit_learns(method):
    points, _ = make_moons(500, noise=0.06, random_state=2)
    points = np.concatenate([points, [[5.0, 5.0], [-4.0, 3.0]]])
    points = points[np.lexsort(points.T[::-1])]
    model = (
        DBSCAN(**dbscan_settings(points))
        if method == "dbscan"
        else HDBSCAN(min_cluster_size=round(0.02 * len(points)), copy=True)
    )
    expected = model.fit_predict(points)
    found = next(iter(fit(points, method=method, cluster_counts=[2], random_seed=1).values()))
    labels = found.nearest(points)[0]
    assert len(np.unique(found.clusters)) == expected.max() + 1
    assert found.agreement == pytest.approx(_agreement(labels, expected))
    assert found.agreement > 0.9
    # Noise stays visible.
    assert labels[np.abs(points).max(axis=1) > 3].tolist() == [NOISE, NOISE]


def _agreement(labels, expected):
    """Share of equal labels, the numbers of clusters being free."""
    table = pd.crosstab(expected, labels)
    clusters = table.loc[table.index >= 0, table.columns >= 0]
    noise = table.loc[-1, -1] if -1 in table.index and -1 in table.columns else 0
    return (clusters.max(axis=1).sum() + noise) / len(labels)


def test_the_knee_lies_between_neighbours_and_strangers():
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(0, 0.1, (300, 2)), rng.uniform(-5, 5, (15, 2))])
    settings = dbscan_settings(points)
    assert 0.05 < settings["eps"] < 1.5 and settings["min_samples"] == 4
    assert dbscan_settings(points, 0.3)["eps"] == 0.3


def test_the_mixture_assigns_as_scikit_learn_predicts(blobs):
    points, _ = blobs
    points = points[np.lexsort(points.T[::-1])] * [1, 3]
    library = GaussianMixture(
        3, covariance_type="diag", n_init=2, reg_covar=1e-3, max_iter=500, random_state=1
    )
    expected = library.fit(points).predict(points)
    found = fit(points, method="gaussian_mixture", cluster_counts=[3], random_seed=1)[3]
    assert adjusted_rand_score(expected, found.nearest(points)[0]) == 1
    others = points + np.random.default_rng(0).normal(0, 2, points.shape)
    assert adjusted_rand_score(library.predict(others), found.nearest(others)[0]) == 1


def test_pairwise_methods_see_a_bounded_number_of_points(monkeypatch):
    sizes = []
    monkeypatch.setattr(
        hierarchy, "linkage", lambda points, method: sizes.append(len(points)) or linkage(points)
    )
    points = np.random.default_rng(1).normal(size=(20_000, 3))
    found = fit(points, method="hierarchical", cluster_counts=[2, 3], random_seed=1)
    assert sizes == [methods.PAIRWISE_POINTS] and set(found) == {2, 3}
    assert all(len(each.centres) <= methods.PROTOTYPES + 10 for each in found.values())
