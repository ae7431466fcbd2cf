"""SQL puts every customer into the segment that the package and scikit-learn put them into."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sql_assignment import assert_sql_assigns_as_the_package


@pytest.fixture(params=["sample", "online_retail"])
def warehouse(request):
    return request.getfixturevalue(request.param)


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
