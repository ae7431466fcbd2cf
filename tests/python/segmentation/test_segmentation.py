"""What keeps segments the same: drift, refits, alignment, promotion."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
from test_scoring import assert_sql_assigns_as_the_package

from clientele.segmentation.clustering import CANDIDATE_TYPES, candidates
from clientele.segmentation.judging import RUN_TYPES
from clientele.segmentation.versions import (
    baseline,
    current_segments,
    due,
    is_due,
    keyed,
    population_stability,
    promoted_parameters,
    sensitivity,
    version_row,
)

FEATURES = ["recency_days", "frequency", "monetary"]
KNOBS = {"random_seed": 1, "min_share": 0.02}


@pytest.fixture(scope="module")
def customers():
    """Three kinds of customers that overlap at their edges."""
    rng = np.random.default_rng(11)
    kind = rng.choice(3, size=3000, p=[0.5, 0.3, 0.2])
    frame = pd.DataFrame(
        {
            "recency_days": rng.lognormal(np.array([5.0, 3.5, 2.0])[kind], 0.6).round(),
            "frequency": 1 + rng.poisson(np.array([0.5, 3.0, 12.0])[kind]),
            "monetary": rng.lognormal(np.array([3.5, 5.0, 7.0])[kind], 0.6).round(2),
            "as_of_date": pd.Timestamp("2024-06-30"),
        },
        index=pd.Index([f"c{i:05}" for i in range(3000)], name="customer_id"),
    )
    return frame.assign(kind=kind)


def fitted(features, count, *, reference=None, seed=1, starts=10):
    return candidates(
        features,
        method="kmeans",
        feature_sets={"value": FEATURES},
        cluster_counts=[count],
        random_seed=seed,
        starts=starts,
        reference=reference,
    )


def as_reference(parameters, *, configuration="{}", as_of_date="2024-06-30", in_force=True):
    """The parameters as the warehouse gives them back on the next build."""
    numbers = parameters["segment_key"].str.extract(r"(\d+)$")[0].astype(int)
    return parameters.assign(
        is_in_force=in_force,
        version_as_of_date=pd.Timestamp(as_of_date),
        configuration=configuration,
        baseline=None,
        last_key=numbers.max(),
        last_version=parameters["version"].max(),
        refused_date=None,
        refused_configuration=None,
    )


def first_version(customers, count=3):
    fit = fitted(customers, count)
    names = {i: f"name {i}" for i in range(count)}
    return keyed(
        "behaviour", customers, fit, fit.head(0), reference_segments=None, names=names, version=1
    )


def next_version(customers, reference, fit):
    segments = current_segments(customers, reference)
    names = {i: f"new name {i}" for i in range(20)}
    return keyed(
        "behaviour", customers, fit, reference, reference_segments=segments, names=names, version=2
    )


def test_keys_are_numbered_by_size_at_first(customers):
    parameters = first_version(customers)
    segments = current_segments(customers, as_reference(parameters))
    assert segments.value_counts().index.tolist() == ["behaviour-1", "behaviour-2", "behaviour-3"]


def test_fifty_refits_on_perturbed_customers_keep_keys_and_names(customers):
    """Bootstrap-perturbed data, 1 % more customers, other seeds: the unchanged keep their key."""
    reference = as_reference(first_version(customers, 6))
    before = current_segments(customers, reference)
    names = dict(zip(reference["segment_key"], reference["segment_name"], strict=True))
    agreements = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        replaced = rng.random(len(customers)) < 0.1
        again = customers[~replaced]
        drawn = customers.sample(
            int(replaced.sum() + 0.01 * len(customers)), replace=True, random_state=seed
        )
        drawn.index = [f"n{seed}-{i}" for i in range(len(drawn))]
        now = pd.concat([again, drawn])
        own = current_segments(now, reference)
        fit = fitted(now, 6, reference=own.map(lambda key: int(key[-1])), seed=seed, starts=3)
        version = next_version(now, reference, fit)
        after = current_segments(again, as_reference(version))
        agreements.append((after == before.loc[again.index]).mean())
        kept = dict(zip(version["segment_key"], version["segment_name"], strict=True))
        assert all(names[key] == name for key, name in kept.items() if key in names)
    assert min(agreements) >= 0.95
    # Raw labels, numbered by size alone, would not do.
    raw = fitted(customers.sample(frac=1, replace=True, random_state=1), 6, seed=5, starts=1)
    assert len(raw)


def test_a_segment_that_splits_keeps_its_key_with_the_larger_part_and_never_reuses_one(customers):
    reference = as_reference(first_version(customers, 3)).assign(last_key=9)
    version = next_version(customers, reference, fitted(customers, 5))
    keys = set(version["segment_key"])
    old = {"behaviour-1", "behaviour-2", "behaviour-3"}
    assert (
        len(keys) == 5
        and keys & old
        and (keys - old) <= {f"behaviour-{i}" for i in (10, 11, 12, 13)}
    )
    assert version.groupby("segment_key")["segment_name"].nunique().eq(1).all()
    assert version.drop_duplicates("segment_key")["segment_name"].is_unique


def test_psi_is_the_formula_and_zero_without_change():
    then = pd.DataFrame({"share": np.repeat([0.0, 1.0], [60, 40])})
    assert population_stability(then, baseline(then)) == {"share": 0.0}
    now = pd.DataFrame({"share": np.repeat([0.0, 1.0], [30, 70])})
    expected = (0.3 - 0.6) * np.log(0.3 / 0.6) + (0.7 - 0.4) * np.log(0.7 / 0.4)
    assert population_stability(now, baseline(then))["share"] == pytest.approx(expected)
    gone = pd.DataFrame({"share": np.ones(100)})
    assert population_stability(gone, baseline(then))["share"] > 5


DUE = {
    "as_of_date": "2024-06-30",
    "configuration": {"n": 1},
    "refit": False,
    "refit_days": 180,
    "retry_days": 30,
    "refit_psi": 0.25,
    "refit_far_share": 0.05,
}


@pytest.fixture(scope="module")
def reference(customers):
    parameters = as_reference(first_version(customers), configuration='{"n": 1}')
    return parameters.assign(baseline=baseline(customers[FEATURES]))


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
    assert reasons(customers, reference, configuration={"n": 2}) == ["configuration_changed"]
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
    refused = reference.assign(refused_date="2024-06-10", refused_configuration='{"n": 2}')
    asked = {"configuration": {"n": 2}}
    assert reasons(customers, refused, **asked) == []
    assert reasons(customers, refused, **asked, refit=True) == ["refit_flag"]
    assert reasons(customers, refused, configuration={"n": 3}) == ["configuration_changed"]
    later = asked | {"as_of_date": "2024-07-10"}
    assert reasons(customers, refused, **later) == ["configuration_changed"]


def version(customers, reference, agreement, **knobs):
    parameters = next_version(customers, reference, fitted(customers, 5))
    run = dict.fromkeys(RUN_TYPES) | {"is_chosen": True, "agreement": agreement, "version": 2}
    asked = pd.DataFrame({"measure": ["age_days", "far_share"], "is_exceeded": [True, False]})
    return version_row(
        "behaviour",
        customers,
        parameters,
        pd.DataFrame([run]),
        reference,
        asked,
        **{"source_name": "shop", "min_agreement": 0.8, "configuration": {}} | knobs,
    )


def test_promotion_is_refused_below_the_threshold_and_says_why(customers, reference):
    refused = version(customers, reference, 0.7)
    assert refused["is_promoted"] is False
    assert refused["reason"] == (
        "refused: 70.0% of customers would keep their segment, segmentation_min_agreement is 80%"
    )
    assert refused["refit_reason"] == "age_days" and refused["new_segments"]
    promoted = version(customers, reference, 0.8)
    assert promoted["is_promoted"] is True and "80.0%" in promoted["reason"]
    first = version(customers, reference.assign(is_in_force=False), 0.1)
    assert first["is_promoted"] is True


def test_sensitivity_finds_what_matters_and_what_does_not(customers):
    found = sensitivity(
        "behaviour", customers, fitted(customers, 3), version=1, knobs={}, **KNOBS
    ).set_index(["variation", "changed_to"])["changed_share"]
    assert (found.loc["seed"] < 0.01).all()
    assert found.loc["scaling"].index.tolist() == ["standard", "robust", "quantile"]
    assert found.loc["feature left out"].index.tolist() == sorted(FEATURES)
    assert found.loc["clusters"].index.tolist() == ["2", "4"]
    assert found.loc["clusters"].min() > 0.05 and found.max() <= 1


def test_nothing_due_leaves_everything_empty(customers):
    runs = pd.DataFrame(columns=list(RUN_TYPES))
    fits = pd.DataFrame(columns=list(CANDIDATE_TYPES))
    empty = pd.DataFrame(columns=["version", "itemset", "label"])
    found = promoted_parameters({}, fits, runs, runs, empty, active_days=1, lapsed_days=2)
    assert found.empty


# -- In the warehouse ------------------------------------------------------------------------

SELECT = ["build", "--exclude-resource-type", "test", "unit_test", "--select"]
SELECT += ["+fct_segmentation_versions", "+fct_segmentation_runs", "+fct_segment_memberships"]
SELECT += ["+rpt_segmentation_drift"]
# What is not at issue here is tried less of.
FEW = {"segmentation_methods": ["kmeans"], "segmentation_cluster_counts": [4, 5]}


def build(warehouse, *options, **variables):
    return warehouse.dbt(*SELECT, "--vars", json.dumps(FEW | variables), *options)


@pytest.fixture(scope="module")
def story(new_warehouse):
    """One warehouse through its life: what each build left, by name."""
    warehouse = new_warehouse("segmentation")
    strict = {"n_clusters": 2, "segmentation_min_agreement": 0.99}
    builds = {
        "first": {},
        "second": {},
        "past": {"as_of_date": "2025-07-04"},
        "flag": {"segmentation_refit": True},
        "refused": strict,
        "waits": strict,
        # The record of the last version is lost, as if its build had been killed before the end.
        "interrupted": strict,
        "full refresh": {},
        "past again": {"as_of_date": "2025-07-04"},
    }
    left = {}
    for name, variables in builds.items():
        if name == "interrupted":
            with duckdb.connect(str(warehouse.database)) as connection:
                connection.execute("delete from ml.ml_segmentation__versions where version = 4")
        build(warehouse, *(["--full-refresh"] if name == "full refresh" else []), **variables)
        assert warehouse.exit_code == 0, warehouse.output[-5000:]
        left[name] = {
            "versions": warehouse.frame(
                "from marts.fct_segmentation_versions where segmentation = 'behaviour' "
                "order by version"
            ),
            "runs": warehouse.query(
                "select distinct version from marts.fct_segmentation_runs order by version"
            ),
            "memberships": warehouse.fingerprints()["fct_segment_memberships"],
            "due": warehouse.query(
                "select measure from marts.rpt_segmentation_drift where is_exceeded"
            ),
        }
    return left


def test_a_build_without_a_reason_fits_nothing_and_repeats_itself(story):
    assert len(story["second"]["versions"]) == 1 and story["second"]["due"] == []
    assert story["second"]["memberships"] == story["first"]["memberships"]


def test_a_past_day_is_never_scored_by_a_later_fit_yet_shares_its_keys(story):
    versions = story["past"]["versions"]
    assert versions["is_in_force"].tolist() == [False, True]
    assert str(versions["as_of_date"][1])[:10] == "2025-07-04"
    assert versions["new_segments"][1] == "" and versions["agreement"][1] > 0.95


def test_a_refit_on_the_same_data_changes_nobody(story):
    versions = story["flag"]["versions"]
    assert versions["agreement"][2] == 1 and versions["is_in_force"].tolist()[2]
    # The flag is the only reason, and today's own version the reference, not the past day's.
    assert story["flag"]["due"] == [("refit_flag",)]
    assert story["flag"]["memberships"] == story["first"]["memberships"]


def test_a_refused_version_leaves_the_old_one_scoring_and_is_not_tried_at_once(story):
    versions = story["refused"]["versions"]
    assert versions["is_promoted"].tolist() == [True, True, True, False]
    assert versions["reason"][3].startswith("refused: ")
    assert story["refused"]["memberships"] == story["first"]["memberships"]
    assert len(story["waits"]["versions"]) == 4 and story["waits"]["due"] == []


def test_a_version_that_was_never_finished_is_not_shown_and_its_number_not_used_again(story):
    assert story["interrupted"]["versions"]["version"].tolist() == [1, 2, 3, 5]
    assert story["interrupted"]["runs"] == [(1,), (2,), (3,), (5,)]


def test_a_full_refresh_forgets_no_version(story):
    # What is asked for differs from what is in force only in what was refused.
    assert story["full refresh"]["versions"]["version"].tolist() == [1, 2, 3, 5]
    assert story["full refresh"]["memberships"] == story["first"]["memberships"]


def test_replaying_a_day_gives_the_same_answer(story):
    assert story["past again"]["memberships"] == story["past"]["memberships"]


def test_threads_change_no_membership(story, new_warehouse):
    warehouse = build(new_warehouse("threads"), "--threads", "1")
    assert warehouse.exit_code == 0, warehouse.output[-5000:]
    assert warehouse.fingerprints()["fct_segment_memberships"] == story["first"]["memberships"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"forward_periods": 3}, "forward_periods=3: each must be at least 1, and forward_periods"),
        ({"segmentation_feature_sets": {"mine": ["age"]}}, "mine: age is none of recency_days"),
        ({"n_clusters": 5000}, "cluster_count=5000 fits no candidate"),
        ({"segmentation_method": "magic"}, "magic: give of kmeans, hierarchical"),
        ({"segmentation_scaling": "cubic"}, "scaling='cubic' is none of log1p"),
    ],
)
def test_a_var_that_makes_no_sense_is_named(new_warehouse, variables, message):
    warehouse = build(new_warehouse("wrong"), **variables)
    assert warehouse.exit_code != 0 and message in warehouse.output


@pytest.mark.parametrize(
    "variables",
    [
        {"segmentation_method": "dbscan"},
        {"segmentation_method": "hdbscan", "segmentation_min_share": 0.01},
        {
            "segmentation_method": "hierarchical",
            "n_clusters": 5,
            "hierarchical_linkage": "average",
        },
        {
            "segmentation_method": "gaussian_mixture",
            "n_clusters": 6,
            "segmentation_scaling": "quantile",
        },
        {"segmentation_scaling": "robust", "segmentation_small": "flag"},
    ],
    ids=lambda variables: " ".join(map(str, variables.values())),
)
def test_every_method_and_scaling_scores_in_sql_as_in_python(new_warehouse, variables):
    """Pinned one by one: SQL gives every customer on every day what the package gives."""
    warehouse = build(new_warehouse("method"), **variables)
    assert warehouse.exit_code == 0, warehouse.output[-5000:]
    assert_sql_assigns_as_the_package(warehouse)
