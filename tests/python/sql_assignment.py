"""Hold the SQL that assigns customers to segments to the package."""

import numpy as np

from clientele.segmentation.clustering import assign


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
