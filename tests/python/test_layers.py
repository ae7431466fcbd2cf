"""What the project's files may say; test_project_rules.py has the rules of its graph."""

import re
from collections import Counter

import yaml
from conftest import PROJECT
from project_rules import nodes


def test_every_metric_says_what_it_is_and_in_which_unit(manifest):
    metrics = manifest["metrics"].values()
    silent = [
        metric["name"]
        for metric in metrics
        if not metric["label"]
        or len(metric["description"].split()) < 3
        or not metric["config"]["meta"]["unit"]
    ]
    parts = [
        (semantic["name"], part["name"])
        for semantic in manifest["semantic_models"].values()
        for part in [semantic, *semantic["dimensions"], *semantic["measures"]]
        if not part["description"]
    ]
    assert len(metrics) > 15 and silent == [] and parts == []


def test_every_sql_model_that_decides_has_a_unit_test(manifest):
    tests = manifest["unit_tests"].values()
    tested = {parent for test in tests for parent in test["depends_on"]["nodes"]}
    excused = {
        # They rename, join or group, and decide nothing.
        "stg_order_lines",
        "stg_order_totals",
        "stg_campaigns",
        "stg_customers",
        "stg_events",
        "stg_reviews",
        "fct_customer_reviews",
        "stg_products",
        "ml_clv__histories",
        "fct_customer_category_shares",
        "fct_order_lines",
        "dim_identities",
        "dim_products",
        "fct_campaign_results",
        "fct_customer_visits",
        "fct_segment_memberships",
        "rpt_segmentation_drift",
        "ml_segments__sample",
        # Compared with the package, row by row, by pytest.
        "ml_customers__clv",
        "ml_segments__values",
        # Compared with scipy, row by row, by pytest.
        "fct_segment_profiles",
        # Compared with scikit-learn and with texts by hand; tests/python/reviews.
        "feat_reviews",
        "ml_reviews__scored",
        "fct_review_topics",
        "dim_topics",
        "rpt_review_quality",
        "rpt_sentiment_backtests",
        # Followed by pytest, because the sample's lines have no identifiers; tests/python/identity.
        "int_identity_records",
        "int_order_lines__of_persons",
        # What earlier builds left cannot be mocked; test_segmentation.py builds one after another.
        "ml_segmentation__reference",
        # The same holds here; tests/python/orders follows histories of builds.
        "int_changed_orders",
        "rpt_build_changes",
    }
    untested = {
        model["name"]
        for model in nodes(manifest, "model")
        if model["language"] == "sql" and model["unique_id"] not in tested
    }
    assert untested - excused == set() and excused - untested == set()


def test_no_model_asks_the_clock():
    clocks = re.compile(r"current_date|current_timestamp|getdate|now\(\)|today\(\)", re.IGNORECASE)
    files = [*PROJECT.glob("models/**/*.sql"), *PROJECT.glob("macros/**/*.sql")]
    assert files and [file.name for file in files if clocks.search(file.read_text())] == []


def test_the_default_source_is_the_sample_file():
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    sample = yaml.safe_load((PROJECT / "sources/sample.yml").read_text())
    assert project["vars"]["source"] == sample["source"]


def test_engine_differences_stay_in_the_portable_macros():
    functions = re.compile(
        r"\b(regexp_matches|read_parquet|read_csv|read_json|strptime|epoch|isodow|dayofweek|rlike"
        r"|unnest|explode|list_[a-z]+|struct_pack|json_extract[a-z_]*|at time zone|::)",
        re.IGNORECASE,
    )
    files = [*PROJECT.glob("models/**/*.sql"), *PROJECT.glob("analyses/*.sql")]
    assert files and [f.name for f in files if functions.search(f.read_text())] == []


def test_test_modules_have_names_of_their_own():
    # pytest imports test modules by their base name: two of one name cannot both be collected.
    names = Counter(path.name for path in (PROJECT / "tests" / "python").rglob("*.py"))
    assert [name for name, times in names.items() if times > 1] == []
