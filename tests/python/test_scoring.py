"""What SQL computes from fitted parameters is what the package computes."""

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT

from clientele.clustering import assign
from clientele.clv import score

VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]


@pytest.fixture(params=["sample", "online_retail"])
def warehouse(request):
    return request.getfixturevalue(request.param)


def test_sql_assigns_every_customer_to_the_cluster_that_python_does(warehouse):
    parameters = warehouse.frame("from ml.ml_kmeans__parameters")
    features = warehouse.frame("from marts.fct_customer_features").set_index("customer_id")
    expected = assign(
        features[VARS["segmentation_features"]].astype(float).clip(lower=0), parameters
    )
    found = warehouse.frame("from ml.ml_customers__kmeans").set_index("customer_id")["cluster_id"]
    assert len(found) > 2000
    pd.testing.assert_series_equal(
        found.sort_index(), expected.sort_index(), check_dtype=False, check_names=False
    )


def test_sql_values_every_customer_as_python_does(warehouse):
    parameters = warehouse.frame("from ml.ml_clv__parameters")
    histories = (
        warehouse.frame("from features.feat_customers__purchase_days")
        .rename(columns={"t": "T"})
        .set_index("customer_id")
    )
    expected = score(
        histories,
        parameters,
        horizons_days=VARS["clv_horizons_days"],
        annual_discount_rate=VARS["clv_annual_discount_rate"],
        margin_share=VARS["clv_margin_share"],
    )
    keys = ["customer_id", "horizon_days"]
    expected = expected.reset_index().set_index(keys).sort_index()
    found = warehouse.frame("from marts.fct_customer_values").set_index(keys).sort_index()
    for column in ["p_alive", "expected_orders", "expected_order_value", "clv"]:
        np.testing.assert_allclose(
            found[column], expected.loc[found.index, column], rtol=1e-9, err_msg=column
        )
    assert len(found) == len(expected) > 8000
