import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler
from threadpoolctl import threadpool_info

from clientele.segmentation import clustering
from clientele.segmentation.clustering import (
    METHODS,
    NOISE,
    Prototypes,
    apply_scaling,
    assign,
    candidates,
    dbscan_settings,
    fit,
    fit_scaling,
    prototypes,
)

SIZES = [30, 20, 10]


@pytest.fixture
def spenders():
    """Spenders of about 10, 100 and 1000 pounds, fewer of them the more they spend."""
    rng = np.random.default_rng(7)
    spend = np.repeat([10.0, 100.0, 1000.0], SIZES) * rng.uniform(0.7, 1.3, sum(SIZES))
    return pd.DataFrame({"monetary": spend}).rename_axis("customer_id")


@pytest.fixture
def noise():
    """Customers without clusters: every boundary is arbitrary."""
    values = np.random.default_rng(7).uniform(1, 100, (400, 4))
    return pd.DataFrame(values, columns=["recency", "frequency", "monetary", "variety"])


@pytest.fixture
def blobs():
    return make_blobs(n_samples=[150, 100, 60], centers=None, cluster_std=0.6, random_state=4)


def kmeans(features, count, *, scaling="log1p", **knobs):
    return candidates(
        features,
        method="kmeans",
        feature_sets={"all": list(features.columns)},
        scaling=scaling,
        cluster_counts=[count],
        **{"random_seed": 1} | knobs,
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_groups_a_constant_factor_apart_are_found_whatever_the_start(spenders, seed, init):
    found = assign(spenders, kmeans(spenders, 3, random_seed=seed, init=init))["cluster_id"]
    assert found.tolist() == np.repeat([0, 1, 2], SIZES).tolist()


def test_without_the_logarithm_the_largest_spenders_decide(spenders):
    found = assign(spenders, kmeans(spenders, 3, scaling="standard"))["cluster_id"]
    assert adjusted_rand_score(np.repeat([0, 1, 2], SIZES), found) < 0.7


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


@pytest.mark.parametrize("method", clustering.LINKAGES)
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


@pytest.mark.parametrize("method", METHODS)
def test_no_bit_depends_on_the_order_of_customers_or_features(noise, method):
    knobs = {"method": method, "cluster_counts": [2, 5], "random_seed": 1}
    expected = candidates(noise, feature_sets={"all": list(noise)}, **knobs)
    for seed in range(3):
        shuffled = noise.sample(frac=1, random_state=seed)
        columns = shuffled.sample(frac=1, axis=1, random_state=seed).columns
        found = candidates(shuffled, feature_sets={"all": list(columns)}, **knobs)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_fits_run_in_one_thread_so_that_sums_have_one_order(noise, monkeypatch):
    threads = []

    class Watched(clustering.KMeans):
        def fit(self, values):
            threads.extend(pool["num_threads"] for pool in threadpool_info())
            return super().fit(values)

    monkeypatch.setattr(clustering, "KMeans", Watched)
    kmeans(noise, 2)
    assert threads and set(threads) == {1}


def test_a_warm_start_keeps_the_solution_of_equal_worth(noise):
    first = kmeans(noise, 8, random_seed=1, starts=30)
    labels = assign(noise, first)["cluster_id"]
    cold = assign(noise, kmeans(noise, 8, random_seed=99, starts=1))["cluster_id"]
    warm = assign(noise, kmeans(noise, 8, random_seed=99, starts=1, reference=labels))
    assert adjusted_rand_score(labels, cold) < 0.9
    assert adjusted_rand_score(labels, warm["cluster_id"]) == 1


def test_a_warm_start_gives_way_to_a_clearly_better_solution(spenders):
    poor = pd.Series(np.arange(len(spenders)) % 3, index=spenders.index)
    found = assign(spenders, kmeans(spenders, 3, reference=poor))["cluster_id"]
    assert found.tolist() == np.repeat([0, 1, 2], SIZES).tolist()


def test_too_small_a_cluster_is_merged_with_its_nearest_or_stays_flagged():
    rng = np.random.default_rng(1)
    points = np.concatenate(
        [rng.normal(0, 0.1, (60, 2)), rng.normal(5, 0.1, (38, 2)), [[5.8, 5.8], [5.9, 5.9]]]
    )
    knobs = {"method": "kmeans", "cluster_counts": [3], "random_seed": 1, "min_share": 0.05}
    merged = fit(points, **knobs)[3]
    flagged = fit(points, **knobs, small="flag")[3]
    assert np.bincount(merged.nearest(points)[0]).tolist() == [60, 40]
    # It keeps its prototype, under the other's number.
    assert len(merged.centres) == 3
    assert np.bincount(flagged.nearest(points)[0]).tolist() == [60, 38, 2]


def test_pairwise_methods_see_a_bounded_number_of_points(monkeypatch):
    sizes = []
    monkeypatch.setattr(
        clustering, "linkage", lambda points, method: sizes.append(len(points)) or linkage(points)
    )
    points = np.random.default_rng(1).normal(size=(20_000, 3))
    found = fit(points, method="hierarchical", cluster_counts=[2, 3], random_seed=1)
    assert sizes == [clustering.PAIRWISE_POINTS] and set(found) == {2, 3}
    assert all(len(each.centres) <= clustering.PROTOTYPES + 10 for each in found.values())


def test_a_customer_beyond_reach_is_noise():
    found = Prototypes.plain(np.array([[0.0], [4.0]]), np.array([0, 1]), reach=[1.0, np.inf])
    labels, distance = found.nearest(np.array([[0.5], [-1.5], [9.0]]))
    assert labels.tolist() == [0, NOISE, 1] and distance.tolist() == [0.5, 1.5, 5.0]


@pytest.mark.parametrize(
    ("scaling", "library"),
    [("standard", StandardScaler()), ("robust", RobustScaler()), ("log1p", StandardScaler())],
)
def test_scaling_is_scikit_learns(noise, scaling, library):
    values = np.log1p(noise) if scaling == "log1p" else noise
    expected = library.fit_transform(values[sorted(noise)])
    found = apply_scaling(noise, fit_scaling(noise, scaling))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_quantile_scaling_is_the_share_of_customers_up_to_a_value():
    values = pd.DataFrame({"monetary": np.random.default_rng(1).lognormal(0, 2, 5000)})
    scalings = fit_scaling(values, "quantile")
    found = apply_scaling(values, scalings)[:, 0] * scalings["scale"][0] + scalings["location"][0]
    library = QuantileTransformer(n_quantiles=11, subsample=None).fit_transform(values)[:, 0]
    np.testing.assert_allclose(found, library, atol=0.02)
    # Where many are equal the share jumps, and who lies outside the fit is at an end.
    tied = pd.DataFrame({"share": [0.0] * 60 + list(np.linspace(0.1, 1, 40))})
    scalings = fit_scaling(tied, "quantile")
    ends = apply_scaling(pd.DataFrame({"share": [-9.0, 0.0, 9.0]}), scalings)[:, 0]
    share = ends * scalings["scale"][0] + scalings["location"][0]
    np.testing.assert_allclose(share, [0, 0.5, 1], atol=0.11)


@pytest.mark.parametrize("constant", [[0.3] * 6, [0.3, 0.3 * (1 + 5e-15)] * 3])
@pytest.mark.parametrize("scaling", clustering.SCALINGS)
def test_a_constant_feature_has_scale_1_and_decides_nothing(constant, scaling):
    features = pd.DataFrame({"monetary": [1, 1, 1, 1, 99, 99], "share": constant})
    parameters = kmeans(features, 2, scaling=scaling)
    share = parameters[parameters["feature"] == "share"]
    if scaling != "quantile":
        assert share["scale"].tolist() == [1, 1]
        np.testing.assert_allclose(share["centre"], 0, atol=1e-12)
    assert assign(features, parameters)["cluster_id"].tolist() == [0, 0, 0, 0, 1, 1]


def test_counts_beyond_the_distinct_customers_are_left_out():
    points = np.array([[1.0], [1.0], [2.0], [9.0]])
    for method in ("kmeans", "hierarchical", "gaussian_mixture"):
        assert set(fit(points, method=method, cluster_counts=[1, 3, 4], random_seed=1)) == {1, 3}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_customers_make_hardly_any_candidates(method, count):
    features = pd.DataFrame({"monetary": [3.0, 8.0][:count]})
    found = candidates(
        features,
        method=method,
        feature_sets={"all": ["monetary"]},
        cluster_counts=[1, 2, 3],
        random_seed=1,
    )
    counts = set(found["cluster_count"])
    assert counts <= {1, 2} and len(counts) <= count
    assert {"feature", "centre", "far_distance"} <= set(found.columns)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-0.5, "monetary is negative for 1 customers"),
        (np.nan, "monetary is null or infinite for 1 customers"),
        (np.inf, "monetary is null or infinite for 1 customers"),
        ("much", "monetary is not numeric"),
    ],
)
def test_a_value_that_has_no_place_is_refused_by_name(value, message):
    features = pd.DataFrame({"frequency": [1, 2, 3], "monetary": [10, 20, value]})
    with pytest.raises(ValueError, match=message):
        kmeans(features, 2)


def test_a_null_of_a_nullable_column_is_refused_too():
    features = pd.DataFrame({"frequency": pd.array([1, None, 3], dtype="Int32")})
    with pytest.raises(ValueError, match="frequency is null or infinite for 1 customers"):
        kmeans(features, 2)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"cluster_counts": [0]}, "must be at least 1"),
        ({"starts": 0}, "starts=0"),
        ({"method": "magic"}, "method='magic' is none of kmeans"),
        ({"linkage_method": "near"}, "linkage='near' is none of ward"),
        ({"small": "drop"}, "small='drop' is neither merge nor flag"),
    ],
)
def test_knobs_out_of_range_are_refused(knobs, message):
    with pytest.raises(ValueError, match=message):
        fit(
            np.ones((3, 1)),
            **{"method": "kmeans", "cluster_counts": [1], "random_seed": 1} | knobs,
        )


def test_an_unknown_scaling_is_refused(noise):
    with pytest.raises(ValueError, match="scaling='sqrt' is none of log1p"):
        fit_scaling(noise, "sqrt")


def test_of_equally_near_prototypes_the_first_decides():
    found = Prototypes.plain(np.array([[1.0], [-1.0]]), np.array([0, 1]))
    assert found.nearest(np.array([[0.0], [-0.05], [0.05]]))[0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("method", ["kmeans", "gaussian_mixture", "dbscan"])
def test_the_table_of_parameters_holds_the_fit(noise, method):
    z = apply_scaling(noise, fit_scaling(noise))
    found = fit(z, method=method, cluster_counts=[4], random_seed=1)
    table = candidates(
        noise,
        method=method,
        feature_sets={"all": list(noise)},
        cluster_counts=[4],
        random_seed=1,
    )
    scalings, read = prototypes(table.sample(frac=1, random_state=1))
    expected = next(iter(found.values()))
    assert scalings["feature"].tolist() == sorted(noise)
    for part in ("centres", "clusters", "weights", "offsets", "reach"):
        np.testing.assert_array_equal(getattr(read, part), getattr(expected, part))
    far = table["far_distance"].unique()
    np.testing.assert_allclose(far, np.quantile(expected.nearest(z)[1], 0.99))


def test_other_customers_and_further_columns_can_be_assigned(spenders):
    parameters = kmeans(spenders, 3)
    others = pd.DataFrame({"age": [np.nan, 40], "monetary": [1e6, 11]}, index=["x", "y"])
    assert assign(others, parameters)["cluster_id"].to_dict() == {"x": 2, "y": 0}


def test_assigning_without_a_feature_of_the_fit_is_refused(noise):
    with pytest.raises(ValueError, match="features lacks monetary, recency"):
        assign(noise[["frequency", "variety"]], kmeans(noise, 2))


def test_assigning_to_no_prototypes_is_refused(noise):
    with pytest.raises(ValueError, match="parameters is empty"):
        assign(noise, kmeans(noise.head(0), 2))


def test_plain_sql_over_the_parameters_assigns_the_same(noise):
    parameters = kmeans(noise, 6)
    long = noise.rename_axis("customer_id").reset_index().melt("customer_id", var_name="feature")
    query = """
        with distances as (
            select
                customer_id,
                cluster_id,
                sum(power((ln(1 + value) - location) / scale - centre, 2)) as distance
            from long
            inner join parameters using (feature)
            group by customer_id, cluster_id
        )
        select arg_min(cluster_id, (distance, cluster_id)) as cluster_id
        from distances group by customer_id order by customer_id
    """
    with duckdb.connect() as connection:
        connection.register("long", long)
        connection.register("parameters", parameters)
        in_sql = connection.sql(query).df()["cluster_id"].tolist()
    assert in_sql == assign(noise, parameters)["cluster_id"].tolist()
