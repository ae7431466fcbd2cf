"""Segmentations in the warehouse, over builds: refits, refusals, past days, every method."""

import json
import shutil

import duckdb
import pytest
from conftest import NO_TESTS
from sql_assignment import assert_sql_assigns_as_the_package

BUILD = ["build", *NO_TESTS, "--select"]
MARTS = ["fct_segmentation_versions", "fct_segmentation_runs", "fct_segment_memberships"]
SELECT = [*BUILD, *(f"+{mart}" for mart in [*MARTS, "rpt_segmentation_drift"])]
# What is not at issue here is tried less of.
FEW = {"segmentation_methods": ["kmeans"], "segmentation_cluster_counts": [4, 5]}
# What assigns customers to segments, given the features; before it come these.
ASSIGN = [f"+ml_customers__{name},path:models/ml" for name in ("behaviour", "baskets")]
FEATURES = [
    f"+ml_customers__{name},path:{folder}"
    for name in ("behaviour", "baskets")
    for folder in ("models/staging", "models/intermediate", "models/features", "seeds")
]

# As if an earlier version of the project had written the tables: columns less, and columns more.
FORMER = [
    "runs drop column is_predictive",
    "parameters drop column knot_10",
    "parameters add column remark string",
    "versions add column note string",
    "sensitivity add column note string",
]


def build(warehouse, *options, select=SELECT, **variables):
    return warehouse.dbt(*select, "--vars", json.dumps(FEW | variables), *options)


@pytest.fixture(scope="module")
def assigned(new_warehouse):
    """Return a function from vars to a warehouse whose segments they decide.

    The vars are not about the features, so these are computed once.
    """
    features = build(new_warehouse("features"), select=[*BUILD, *FEATURES])
    assert features.exit_code == 0, features.output[-5000:]

    def run(**variables):
        warehouse = new_warehouse("assigned")
        shutil.copy(features.database, warehouse.database)
        return build(warehouse, select=[*BUILD, *ASSIGN], **variables)

    return run


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
        "former tables": {"segmentation_refit": True},
    }
    left = {}
    for name, variables in builds.items():
        if name == "interrupted":
            with duckdb.connect(str(warehouse.database)) as connection:
                connection.execute("delete from ml.ml_segmentation__versions where version = 4")
        if name == "former tables":
            with duckdb.connect(str(warehouse.database)) as connection:
                for change in FORMER:
                    connection.execute(f"alter table ml.ml_segmentation__{change}")
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
            "left behind": warehouse.query(
                "select table_name from duckdb_tables() where contains(table_name, '__dbt_')"
            ),
            "due": warehouse.query(
                "select measure from marts.rpt_segmentation_drift where is_exceeded"
            ),
        }
    return left


def test_a_build_without_a_reason_fits_nothing_and_repeats_itself(story):
    assert len(story["second"]["versions"]) == 1 and story["second"]["due"] == []
    assert story["second"]["memberships"] == story["first"]["memberships"]


def test_builds_leave_no_tables_of_their_steps_behind(story):
    assert [build["left behind"] for build in story.values()] == [[]] * len(story)


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


def test_tables_of_an_earlier_version_of_the_project_are_appended_to(story):
    left = story["former tables"]
    assert left["versions"]["version"].tolist() == [1, 2, 3, 5, 6]
    assert left["versions"]["is_in_force"].tolist()[-1]
    assert left["memberships"] == story["first"]["memberships"]


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
def test_a_var_that_makes_no_sense_is_named(assigned, variables, message):
    warehouse = assigned(**variables)
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
def test_every_method_and_scaling_scores_in_sql_as_in_python(assigned, variables):
    """Pinned one by one: SQL gives every customer on every day what the package gives."""
    warehouse = assigned(**variables)
    assert warehouse.exit_code == 0, warehouse.output[-5000:]
    assert_sql_assigns_as_the_package(warehouse)
