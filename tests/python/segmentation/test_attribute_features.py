"""Attributes of customers as features of segmentations, computed again from the raw file."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT

from clientele.sources.attributes import sensitive_problems
from clientele.sources.checking import source_problems

SOURCE = yaml.safe_load((PROJECT / "sources/sample.yml").read_text())["source"]
SOURCE["extract_date"] = str(SOURCE["extract_date"])
SOURCE["tables"]["customers"]["attributes"]["plan"]["levels"] = ["plus"]
FEATURES = ["frequency", "birth_year", "plan_plus", "consent"]
ELSEWHERE = ["marts", "ml/rules", "ml/recommendations", "ml/value"]


@pytest.fixture(scope="module")
def fitted(sample, new_warehouse):
    """A copy of the sample whose segments were fitted again, on behaviour and attributes."""
    warehouse = new_warehouse("attributes")
    warehouse.database.write_bytes(sample.database.read_bytes())
    settings = {
        "source": SOURCE, "segmentation_feature_sets": {"who": FEATURES},
        "segmentation_methods": ["kmeans"], "n_clusters": 5, "segmentation_refit": True,
        "segmentation_min_agreement": 0,
    }  # fmt: skip
    excluded = [word for path in ELSEWHERE for word in ("--exclude", f"path:models/{path}")]
    warehouse.dbt(
        "run", "--select", "ml_segmentation__reference", "feat_customers__attributes+", *excluded,
        "--vars", json.dumps(settings),
    )  # fmt: skip
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    return warehouse


@pytest.fixture(scope="module")
def by_hand(fitted):
    """Return the features of each customer today, with means where an attribute is unknown."""
    raw = pd.read_csv(PROJECT / "seeds/sample/sample_customers.csv", dtype=str)
    accounts = pd.read_csv(PROJECT / "tests/python/sample_truth/accounts.csv", dtype=str)
    second = accounts.set_index("record_id")["customer_id"]
    # A person has the values of all accounts, and none where they differ.
    persons = raw["customer_id"].map(second).fillna(raw["customer_id"])
    raw = raw.groupby(persons)[["birth_year", "plan", "newsletter"]].agg(
        lambda values: values.dropna().iloc[0] if values.nunique() == 1 else None
    )
    attributes = pd.DataFrame(
        {
            "birth_year": pd.to_numeric(raw["birth_year"], errors="coerce"),
            "plan_plus": raw["plan"].map({"plus": 1.0, "basic": 0.0}),
            "consent": raw["newsletter"].map({"yes": 1.0, "no": 0.0}),
        }
    )
    assert attributes.isna().any().all()
    behaviour = fitted.frame(
        "select customer_id, frequency from features.feat_customers__behaviour where is_current"
    ).set_index("customer_id")
    return behaviour.join(attributes).fillna(attributes.mean())[FEATURES]


def test_attributes_are_features_and_the_mean_where_they_are_unknown(fitted, by_hand):
    found = fitted.frame(
        "select * from features.feat_customers__segmentation_sample where period_number = 0"
    ).set_index("customer_id")
    assert found.index.is_unique and len(found) == len(by_hand)
    np.testing.assert_allclose(
        found[FEATURES].to_numpy(float), by_hand.loc[found.index].to_numpy(float), rtol=1e-9
    )


def test_every_customer_is_in_the_segment_that_is_nearest_in_them(fitted, by_hand):
    parameters = fitted.frame(
        "select * from ml.ml_segmentation__in_force where segmentation = 'behaviour'"
    )
    assert set(parameters["feature"]) == set(FEATURES)
    assert set(parameters["method"]) == {"kmeans"}
    scales = parameters.drop_duplicates("feature").set_index("feature").loc[FEATURES]
    scaled = (np.log1p(by_hand) - scales["location"]) / scales["scale"]
    centres = parameters.pivot(index="prototype_id", columns="feature", values="centre")[FEATURES]
    keys = parameters.drop_duplicates("prototype_id").set_index("prototype_id")["segment_key"]
    squares = ((scaled.to_numpy()[:, None] - centres.to_numpy()) ** 2).sum(axis=2)
    expected = pd.Series(keys.loc[centres.index].to_numpy()[squares.argmin(axis=1)], scaled.index)
    found = fitted.frame(
        "select b.customer_id, b.segment_key from ml.ml_customers__behaviour as b "
        "join features.feat_customers__behaviour as f using (customer_id, as_of_date) "
        "where f.is_current"
    ).set_index("customer_id")["segment_key"]
    assert found.nunique() == 5
    assert (found == expected.loc[found.index]).all()


def with_levels(levels, **change):
    """Return the problems of the sample's source with other levels of the attribute plan."""
    source = copy.deepcopy(SOURCE)
    source["tables"]["customers"]["attributes"]["plan"] |= {"levels": levels} | change
    return source_problems(source)


@pytest.mark.parametrize(
    ("levels", "change", "problem"),
    [
        (["plus"], {"kind": "number"}, "`levels` are those of a category"),
        ("plus", {}, "`levels` must be a list of texts"),
        ([1, 2], {}, "`levels` must be a list of texts"),
        (["Plus", "plus!"], {}, "the levels give the features plan_plus, plan_plus, which must"),
        (["+"], {}, "the levels give the features plan_, which must differ"),
    ],
)
def test_levels_that_cannot_be_features_are_named(levels, change, problem):
    (found,) = with_levels(levels, **change)
    assert problem in found


def test_a_sensitive_attribute_is_refused_before_dbt_starts(sample_copy):
    sets = {"who": ["frequency", "first_language"]}
    sample_copy.clientele("build", "--vars", json.dumps({"segmentation_feature_sets": sets}))
    assert sample_copy.exit_code and "Running with dbt" not in sample_copy.output
    assert "the attribute `first_language` is declared sensitive" in sample_copy.output


def test_a_level_of_a_sensitive_attribute_is_refused_too():
    source = copy.deepcopy(SOURCE)
    source["tables"]["customers"]["attributes"]["first_language"]["levels"] = ["Polish"]
    (problem,) = sensitive_problems(source, {"who": ["frequency", "first_language_polish"]})
    assert "names first_language_polish" in problem
    assert sensitive_problems(source, {"who": FEATURES}) == []


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ("first_language", "is sensitive; sensitive attributes make no segment"),
        ("plan", "name one of the levels of the attribute plan"),
        ("signed_up", "the attribute signed_up is a date"),
    ],
)
def test_attributes_that_are_no_features_are_refused_by_dbt(sample_copy, feature, said):
    sets = {"segmentation_feature_sets": {"who": ["frequency", feature]}}
    sample_copy.dbt("parse", "--vars", json.dumps(sets))
    assert sample_copy.exit_code and said in " ".join(sample_copy.output.split())
