"""Every setting of a segmentation's fit is in the configuration, and asks for a refit."""

import copy
import re
from dataclasses import fields

import pytest
import yaml
from conftest import PROJECT
from versions_of_segments import (
    CONFIGURATION,
    as_reference,
    first_version,
    three_kinds_of_customers,
)

from clientele.segmentation.configuration import Configuration
from clientele.segmentation.drift import baseline, due
from clientele.segmentation.methods import KNOBS

DUE = PROJECT / "models/ml/segmentation/ml_segmentation__due.yml"
PARAMS = yaml.safe_load(DUE.read_text())["models"][0]["config"]["meta"]["params"]
VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
POLICY = {key: value for key, value in PARAMS.items() if key != "configuration"}
VAR = re.compile(r"var\(\s*'(\w+)'")


def leaves(settings, path=()):
    """Yield the path and text of each setting; `knobs` is a level of its own."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


SETTINGS = dict(leaves(PARAMS["configuration"]))


def defaults():
    """Return the configuration that dbt renders from the project's own vars."""
    configuration = {"knobs": {}}
    for (*above, key), text in SETTINGS.items():
        place = configuration[above[0]] if above else configuration
        place[key] = VARS[VAR.search(text)[1]]
    return configuration


def changed(value):
    """Return another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return 3
    if isinstance(value, str):
        return value + " changed"
    if isinstance(value, list):
        return value[:-1]
    if isinstance(value, dict):
        return {"changed": value}
    return value + 1


@pytest.fixture(scope="module")
def reference():
    customers = three_kinds_of_customers()
    parameters = as_reference(
        first_version(customers), configuration=Configuration(**defaults()).text()
    )
    return parameters.assign(baseline=baseline(customers[["monetary"]])), customers


def reasons(reference, configuration):
    parameters, customers = reference
    policy = {
        "refit": False, "refit_days": None, "retry_days": 30, "refit_psi": 9, "refit_far_share": 1,
    }  # fmt: skip
    asked = due(
        customers, parameters, as_of_date="2024-06-30", configuration=configuration, **policy
    )
    return asked[asked["is_exceeded"]]["measure"].tolist()


def test_the_settings_are_those_that_fits_can_read():
    assert {path[0] for path in SETTINGS} == {field.name for field in fields(Configuration)}
    knobs = {path[1] for path in SETTINGS if path[0] == "knobs"}
    given_by_the_code = {"random_seed", "start", "pairwise_points", "prototype_count"}
    assert knobs - {"small"} == KNOBS - given_by_the_code


def test_nothing_is_due_with_the_same_settings(reference):
    assert reasons(reference, defaults()) == []


@pytest.mark.parametrize("path", SETTINGS, ids=".".join)
def test_a_change_of_any_setting_asks_for_a_refit(reference, path):
    configuration = copy.deepcopy(defaults())
    place = configuration["knobs"] if path[0] == "knobs" else configuration
    place[path[-1]] = changed(place[path[-1]])
    if path == ("methods",):
        assert len(place["methods"]) > 1
    if path == ("method",):
        place["method"] = "dbscan"
    assert reasons(reference, configuration) == ["configuration_changed"]


def test_a_setting_that_is_missing_or_unknown_is_refused(reference):
    without = {key: value for key, value in CONFIGURATION.items() if key != "scaling"}
    with pytest.raises(TypeError, match="scaling"):
        reasons(reference, without)
    with pytest.raises(TypeError, match="sorting"):
        reasons(reference, CONFIGURATION | {"sorting": 1})


def test_fits_read_no_var_beside_the_configuration():
    """All that the models of a refit and their samples read is a setting, or decides no fit."""
    in_configuration = {VAR.search(text)[1] for text in SETTINGS.values()}
    no_fit = {VAR.search(text)[1] for text in POLICY.values()}
    # Which rows and days there are, what versions are called, and how the same sets are counted.
    no_fit |= {"source", "segmentation_min_agreement", "rules_engine", "forward_periods"}
    no_fit |= {"lifecycle_new_days", "lifecycle_active_days", "lifecycle_lapsed_days", "is_linted"}
    files = [
        *PROJECT.glob("models/ml/segmentation/*"),
        *PROJECT.glob("models/features/segmentation/*"),
        *PROJECT.glob("macros/segmentation/*"),
    ]
    read = {name for file in files for name in VAR.findall(file.read_text())}
    assert in_configuration <= read and read - in_configuration - no_fit == set()
    # And only the model that decides hands them on.
    others = [file for file in PROJECT.glob("models/ml/segmentation/*.yml") if file != DUE]
    handed = {name for file in others for name in VAR.findall(file.read_text())}
    assert handed & in_configuration == set()
