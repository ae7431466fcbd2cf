"""When a refit is due."""

import numpy as np
import pandas as pd
import pytest
from versions_of_segments import (
    CONFIGURATION,
    FEATURES,
    as_reference,
    first_version,
    three_kinds_of_customers,
)

from clientele.segmentation.configuration import Configuration
from clientele.segmentation.drift import baseline, due, is_due, population_stability


@pytest.fixture(scope="module")
def customers():
    return three_kinds_of_customers()


def test_psi_is_the_formula_and_zero_without_change():
    then = pd.DataFrame({"share": np.repeat([0.0, 1.0], [60, 40])})
    assert population_stability(then, baseline(then)) == {"share": 0.0}
    now = pd.DataFrame({"share": np.repeat([0.0, 1.0], [30, 70])})
    expected = (0.3 - 0.6) * np.log(0.3 / 0.6) + (0.7 - 0.4) * np.log(0.7 / 0.4)
    assert population_stability(now, baseline(then))["share"] == pytest.approx(expected)
    gone = pd.DataFrame({"share": np.ones(100)})
    assert population_stability(gone, baseline(then))["share"] > 5


OTHER = CONFIGURATION | {"n_clusters": 2}
ANOTHER = CONFIGURATION | {"n_clusters": 3}
DUE = {
    "as_of_date": "2024-06-30",
    "configuration": CONFIGURATION,
    "refit": False,
    "refit_days": 180,
    "retry_days": 30,
    "refit_psi": 0.25,
    "refit_far_share": 0.05,
}


@pytest.fixture(scope="module")
def reference(customers):
    parameters = as_reference(first_version(customers), configuration=text(CONFIGURATION))
    return parameters.assign(baseline=baseline(customers[FEATURES]))


def text(configuration):
    return Configuration(**configuration).text()


def reasons(features, reference, **knobs):
    found = due(features, reference, **DUE | knobs)
    return found[found["is_exceeded"]]["measure"].tolist()


def test_nothing_is_due_by_accident(customers, reference):
    assert reasons(customers, reference) == []
    found = due(customers, reference, **DUE)
    assert found["version"].unique().tolist() == [2] and not is_due(found)
    assert reasons(customers.sample(frac=0.8, random_state=1), reference) == []


def test_each_reason_is_seen(customers, reference):
    assert reasons(customers, reference.head(0)) == ["nothing_in_force"]
    assert reasons(customers, reference.assign(is_in_force=False)) == ["nothing_in_force"]
    assert reasons(customers, reference, refit=True) == ["refit_flag"]
    assert reasons(customers, reference, configuration=OTHER) == ["configuration_changed"]
    assert reasons(customers, reference, as_of_date="2024-12-27") == []
    assert reasons(customers, reference, as_of_date="2024-12-28") == ["age_days"]
    assert reasons(customers, reference, as_of_date="2034-01-01", refit_days=None) == []
    richer = customers.assign(monetary=customers["monetary"] * 3)
    assert "psi_monetary" in reasons(richer, reference)
    assert "psi_frequency" not in reasons(richer, reference)
    strange = customers.copy()
    strange.iloc[:200, 2] *= 1e4
    assert "far_share" in reasons(strange, reference)


def test_with_nobody_nothing_is_due(customers, reference):
    assert reasons(customers.head(0), reference.head(0)) == []


def test_a_refused_refit_is_not_tried_again_at_once(customers, reference):
    refused = reference.assign(refused_date="2024-06-10", refused_configuration=text(OTHER))
    asked = {"configuration": OTHER}
    assert reasons(customers, refused, **asked) == []
    assert reasons(customers, refused, **asked, refit=True) == ["refit_flag"]
    assert reasons(customers, refused, configuration=ANOTHER) == ["configuration_changed"]
    later = asked | {"as_of_date": "2024-07-10"}
    assert reasons(customers, refused, **later) == ["configuration_changed"]
