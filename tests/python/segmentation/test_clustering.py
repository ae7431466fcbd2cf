import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn import cluster
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_info

from clientele.segmentation.clustering import assign, candidates, fit, prototypes
from clientele.segmentation.methods import METHODS
from clientele.segmentation.prototypes import NOISE, Prototypes
from clientele.segmentation.scaling import SCALINGS, apply_scaling, fit_scaling

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

    class Watched(cluster.KMeans):
        def fit(self, values):
            threads.extend(pool["num_threads"] for pool in threadpool_info())
            return super().fit(values)

    monkeypatch.setattr(cluster, "KMeans", Watched)
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


def test_a_customer_beyond_reach_is_noise():
    found = Prototypes.plain(np.array([[0.0], [4.0]]), np.array([0, 1]), reach=[1.0, np.inf])
    labels, distance = found.nearest(np.array([[0.5], [-1.5], [9.0]]))
    assert labels.tolist() == [0, NOISE, 1] and distance.tolist() == [0.5, 1.5, 5.0]


@pytest.mark.parametrize("constant", [[0.3] * 6, [0.3, 0.3 * (1 + 5e-15)] * 3])
@pytest.mark.parametrize("scaling", SCALINGS)
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
    np.testing.assert_allclose(far, np.quantile(expected.nearest(z)[1], 0.99, method="higher"))


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


def test_small_clusters_are_merged_until_none_is_left_and_sizes_are_counted_again():
    """Three small clusters in a row: merged with each other they are still too small."""
    rng = np.random.default_rng(1)
    middles, sizes = [0, 10, 30, 31, 32.5], [60, 40, 3, 2, 2]
    points = np.concatenate(
        [
            middle + rng.uniform(-0.05, 0.05, (size, 1))
            for middle, size in zip(middles, sizes, strict=True)
        ]
    )
    knobs = {"method": "kmeans", "cluster_counts": [5], "random_seed": 1, "starts": 20}
    assert np.bincount(fit(points, **knobs)[5].nearest(points)[0]).tolist() == [60, 40, 3, 2, 2]
    merged = fit(points, **knobs, min_share=0.06)[5]
    assert np.bincount(merged.nearest(points)[0]).tolist() == [60, 40, 7]
    merged = fit(points, **knobs, min_share=0.1)[5]
    assert np.bincount(merged.nearest(points)[0]).tolist() == [60, 47]
    merged = fit(points, **knobs, min_share=0.9)[5]
    assert np.bincount(merged.nearest(points)[0]).tolist() == [107]


def test_equal_clusters_are_numbered_by_position():
    points = np.array([[5.0], [5.0], [1.0], [1.0], [9.0]])
    found = fit(points, method="kmeans", cluster_counts=[3], random_seed=1)[3]
    assert found.nearest(points)[0].tolist() == [1, 1, 0, 0, 2]


def test_an_unknown_knob_is_refused_by_name():
    with pytest.raises(TypeError, match="fit has no knob start_count"):
        fit(np.ones((3, 1)), method="kmeans", cluster_counts=[1], random_seed=1, start_count=1)
