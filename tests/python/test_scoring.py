"""What SQL computes from fitted parameters is what the package computes."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from clientele.segmentation.clustering import assign


@pytest.fixture(params=["sample", "online_retail"])
def warehouse(request):
    return request.getfixturevalue(request.param)


def assert_sql_assigns_as_the_package(warehouse):
    """Hold SQL to `assign`, for every customer, segmentation and day."""
    in_force = warehouse.frame("from ml.ml_segmentation__in_force")
    behaviour = warehouse.frame("from features.feat_customers__behaviour")
    shares = warehouse.frame("from ml.ml_customers__itemsets")
    day = ["customer_id", "as_of_date"]
    for segmentation, parameters in in_force.groupby("segmentation"):
        columns = sorted(parameters["feature"].unique())
        features = behaviour
        if segmentation == "baskets":
            own = shares[shares["version"] == parameters["version"].iloc[0]]
            features = (
                behaviour[day].merge(own, on=day, how="left").fillna(dict.fromkeys(columns, 0))
            )
        features = features.set_index(day)[columns].astype(float).clip(lower=0)
        expected = assign(features, parameters)
        keys = dict(zip(parameters["cluster_id"], parameters["segment_key"], strict=True))
        expected["segment_key"] = expected["cluster_id"].map(keys | {-1: f"{segmentation}-noise"})
        found = warehouse.frame(f"from ml.ml_customers__{segmentation}").set_index(day)
        found = found.loc[expected.index]
        assert len(found) == len(behaviour) > 5000
        assert (found["segment_key"] == expected["segment_key"]).all()
        assert (found["is_noise"] == (expected["cluster_id"] == -1)).all()
        np.testing.assert_allclose(found["distance"], expected["distance"], rtol=1e-9, atol=1e-9)
        assert found["confidence"].between(0, 1).all() and (
            len(set(keys.values())) == 1 or found["confidence"].nunique() > 50
        )


def test_sql_assigns_every_customer_as_the_package_does(warehouse):
    assert_sql_assigns_as_the_package(warehouse)


def test_sql_assigns_every_customer_as_scikit_learn_predicts(warehouse):
    """scikit-learn's own scaler and predict, from the published centres, on all customers."""
    parameters = warehouse.frame(
        "from ml.ml_segmentation__in_force where segmentation = 'behaviour'"
    )
    assert set(parameters["method"]) == {"kmeans"}
    centres = parameters.pivot(index="segment_key", columns="feature", values="centre")
    features = warehouse.frame("from marts.fct_customer_features order by customer_id")
    values = features[centres.columns].astype(float).clip(lower=0).to_numpy()
    z = make_pipeline(FunctionTransformer(np.log1p), StandardScaler()).fit_transform(values)
    model = KMeans(len(centres), init=centres.to_numpy(), n_init=1, max_iter=1).fit(z)
    found = warehouse.frame(
        "select segment_key from marts.fct_segment_memberships "
        "where segmentation = 'behaviour' and is_current order by customer_id"
    )["segment_key"]
    assert len(found) == len(values) > 2900
    assert centres.index[model.predict(z)].tolist() == found.tolist()
