import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from threadpoolctl import threadpool_info

from clientele import clustering
from clientele.clustering import assign, kmeans

SIZES = [30, 20, 10]
COLUMNS = ["cluster_id", "feature", "location", "scale", "centroid", "fitted_customer_count"]


@pytest.fixture
def spenders():
    """Spenders of about 10, 100 and 1000 pounds, fewer of them the more they spend."""
    rng = np.random.default_rng(7)
    spend = np.repeat([10.0, 100.0, 1000.0], SIZES) * rng.uniform(0.7, 1.3, sum(SIZES))
    return pd.DataFrame({"monetary": spend}).rename_axis("customer_id")


@pytest.fixture
def noise():
    """Customers without groups, on whom every start ends elsewhere."""
    rng = np.random.default_rng(7)
    values = np.exp(rng.normal(size=(600, 4)))
    return pd.DataFrame(values, columns=["recency", "frequency", "monetary", "variety"])


def sizes(parameters):
    return parameters.drop_duplicates("cluster_id")["fitted_customer_count"].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_textbook_blobs_are_recovered_perfectly_whatever_the_seed(seed):
    points, blob = make_blobs(n_samples=300, centers=3, cluster_std=0.60, random_state=0)
    features = pd.DataFrame(points, columns=["first", "second"])
    parameters = kmeans(features, n_clusters=3, random_seed=seed, transform="none")
    cluster = assign(features, parameters, transform="none")
    pairs = set(zip(cluster, blob, strict=True))
    assert len(pairs) == 3
    assert sizes(parameters) == [100, 100, 100]


@pytest.mark.parametrize("seed", range(5))
def test_groups_a_constant_factor_apart_are_found_and_numbered_by_size(spenders, seed):
    parameters = kmeans(spenders, n_clusters=3, random_seed=seed)
    assert assign(spenders, parameters).tolist() == np.repeat([0, 1, 2], SIZES).tolist()
    assert sizes(parameters) == SIZES


def test_the_parameters_are_a_row_per_cluster_and_feature(noise):
    parameters = kmeans(noise, n_clusters=2, random_seed=1)
    assert parameters.columns.tolist() == COLUMNS
    assert list(zip(parameters["cluster_id"], parameters["feature"], strict=True)) == [
        (cluster, feature)
        for cluster in range(2)
        for feature in ["frequency", "monetary", "recency", "variety"]
    ]


def test_features_are_scaled_by_mean_and_population_deviation_of_their_logarithm():
    features = pd.DataFrame({"monetary": [0.0, np.e - 1, np.e**2 - 1, np.e**5 - 1]})
    parameters = kmeans(features, n_clusters=1, random_seed=1).iloc[0]
    assert parameters["location"] == pytest.approx((0 + 1 + 2 + 5) / 4)
    assert parameters["scale"] == pytest.approx(np.sqrt((4 + 1 + 0 + 9) / 4))
    assert parameters["centroid"] == pytest.approx(0, abs=1e-12)


def test_every_centroid_is_the_mean_of_the_customers_nearest_to_it(noise):
    parameters = kmeans(noise, n_clusters=5, random_seed=1)
    cluster = assign(noise, parameters)
    assert sizes(parameters) == cluster.value_counts().sort_index().tolist()
    logs = np.log1p(noise)
    z = (logs - logs.mean()) / logs.std(ddof=0)
    expected = z.groupby(cluster).mean().stack()
    centroids = parameters.set_index(["cluster_id", "feature"])["centroid"]
    np.testing.assert_allclose(centroids[expected.index], expected, rtol=0, atol=1e-12)


def test_the_best_of_the_starts_is_kept(noise):
    def inertia(n_init):
        parameters = kmeans(noise, n_clusters=8, random_seed=3, n_init=n_init)
        wide = parameters.pivot(index="cluster_id", columns="feature", values="centroid")
        logs = np.log1p(noise)[wide.columns]
        z = (logs - logs.mean()) / logs.std(ddof=0)
        return ((z - wide.loc[assign(noise, parameters)].to_numpy()) ** 2).to_numpy().sum()

    assert inertia(20) < inertia(1)


@pytest.mark.parametrize("seed", range(3))
def test_no_bit_depends_on_the_order_of_customers_or_features(noise, seed):
    parameters = kmeans(noise, n_clusters=9, random_seed=1)
    shuffled = noise.sample(frac=1, random_state=seed).sample(frac=1, axis=1, random_state=seed)
    pd.testing.assert_frame_equal(
        kmeans(shuffled, n_clusters=9, random_seed=1), parameters, check_exact=True
    )


def test_the_fit_runs_in_one_thread_so_that_sums_have_one_order(noise, monkeypatch):
    threads = []

    class Watched(clustering.KMeans):
        def fit(self, values):
            threads.extend(pool["num_threads"] for pool in threadpool_info())
            return super().fit(values)

    monkeypatch.setattr(clustering, "KMeans", Watched)
    kmeans(noise, n_clusters=2, random_seed=1)
    assert threads
    assert set(threads) == {1}


@pytest.mark.parametrize("seed", range(5))
def test_clusters_of_one_size_are_ordered_by_their_centroids(seed):
    features = pd.DataFrame({"b": [9.0, 9.0, 1.0, 1.0], "a": [5.0, 5.0, 7.0, 7.0]})
    parameters = kmeans(features, n_clusters=2, random_seed=seed, transform="none")
    first = parameters[parameters["cluster_id"] == 0].set_index("feature")["centroid"]
    assert first.to_dict() == {"a": -1.0, "b": 1.0}


@pytest.mark.parametrize("constant", [[0.3] * 6, [0.3, 0.3 * (1 + 5e-15)] * 3])
def test_a_constant_feature_has_scale_1_and_decides_nothing(constant):
    features = pd.DataFrame({"monetary": [1, 1, 1, 1, 99, 99], "share": constant})
    parameters = kmeans(features, n_clusters=2, random_seed=1)
    share = parameters[parameters["feature"] == "share"]
    assert share["scale"].tolist() == [1, 1]
    np.testing.assert_allclose(share["centroid"], 0, atol=1e-12)
    assert assign(features, parameters).tolist() == [0, 0, 0, 0, 1, 1]


def test_as_many_clusters_as_distinct_customers_are_found():
    features = pd.DataFrame({"frequency": [1, 2, 2, 40, 40, 40], "monetary": [5, 5, 5, 5, 5, 5]})
    parameters = kmeans(features, n_clusters=3, random_seed=1)
    assert assign(features, parameters).tolist() == [2, 1, 1, 0, 0, 0]


def test_one_customer_makes_one_cluster():
    parameters = kmeans(pd.DataFrame({"monetary": [7]}), n_clusters=1, random_seed=1)
    row = parameters.iloc[0]
    assert (row["location"], row["scale"], row["centroid"]) == (np.log(8), 1, 0)


def test_no_customers_make_an_empty_table_with_the_same_columns_and_types(noise):
    empty = kmeans(noise.head(0), n_clusters=5, random_seed=1)
    assert empty.empty
    expected = kmeans(noise, n_clusters=5, random_seed=1).dtypes
    pd.testing.assert_series_equal(empty.dtypes, expected)
    assert assign(noise.head(0), empty).empty


def test_more_clusters_than_distinct_customers_are_refused():
    features = pd.DataFrame({"monetary": [1, 1, 1, 2]})
    message = "n_clusters=3 exceeds the 2 distinct rows among 4 customers"
    with pytest.raises(ValueError, match=message):
        kmeans(features, n_clusters=3, random_seed=1)


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
        kmeans(features, n_clusters=2, random_seed=1)


def test_a_null_of_a_nullable_column_is_refused_too():
    features = pd.DataFrame({"frequency": pd.array([1, None, 3], dtype="Int32")})
    with pytest.raises(ValueError, match="frequency is null or infinite for 1 customers"):
        kmeans(features, n_clusters=2, random_seed=1)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"n_clusters": 0}, "n_clusters=0 .* at least 1"),
        ({"n_init": 0}, "n_init=0 must be at least 1"),
        ({"transform": "sqrt"}, "transform='sqrt' is none of log1p, none"),
    ],
)
def test_knobs_out_of_range_are_refused(noise, knobs, message):
    with pytest.raises(ValueError, match=message):
        kmeans(noise, **({"n_clusters": 2, "random_seed": 1} | knobs))


def test_customers_without_features_are_refused(noise):
    with pytest.raises(ValueError, match="features has no column"):
        kmeans(noise[[]], n_clusters=1, random_seed=1)


def test_of_equally_near_centroids_the_lowest_number_wins():
    parameters = pd.DataFrame(
        {
            "cluster_id": [1, 0],
            "feature": "balance",
            "location": 10.0,
            "scale": 2.0,
            "centroid": [-1.0, 1.0],
            "fitted_customer_count": 1,
        }
    )
    between = pd.DataFrame({"balance": [10.0, 9.9, 10.1]})
    assert assign(between, parameters, transform="none").tolist() == [0, 1, 0]


def test_the_order_of_the_parameter_table_is_of_no_matter(noise):
    features = noise * [1, 10, 100, 1000]
    parameters = kmeans(features, n_clusters=4, random_seed=1)
    shuffled = parameters.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(assign(features, shuffled), assign(features, parameters))


def test_other_customers_and_further_columns_can_be_assigned(spenders):
    parameters = kmeans(spenders, n_clusters=3, random_seed=1)
    others = pd.DataFrame({"age": [np.nan, 40], "monetary": [1e6, 11]}, index=["x", "y"])
    cluster = assign(others, parameters)
    assert cluster.to_dict() == {"x": 2, "y": 0}
    assert cluster.name == "cluster_id"


def test_assigning_without_a_feature_of_the_fit_is_refused(noise):
    parameters = kmeans(noise, n_clusters=2, random_seed=1)
    with pytest.raises(ValueError, match="features lacks monetary, recency"):
        assign(noise[["frequency", "variety"]], parameters)


def test_assigning_to_no_clusters_is_refused(noise):
    with pytest.raises(ValueError, match="parameters is empty"):
        assign(noise, kmeans(noise.head(0), n_clusters=2, random_seed=1))


def test_plain_sql_over_the_parameters_assigns_the_same(noise):
    parameters = kmeans(noise, n_clusters=6, random_seed=1)
    customers = noise.rename_axis("customer_id").reset_index()
    long = customers.melt("customer_id", var_name="feature")
    query = """
        with distances as (
            select
                customer_id,
                cluster_id,
                sum(power((ln(1 + value) - location) / scale - centroid, 2)) as distance
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
    assert in_sql == assign(noise, parameters).tolist()
