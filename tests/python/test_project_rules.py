"""The project keeps its rules, and each rule is seen to catch what breaks it."""

import copy

import pytest
from project_rules import RULES


def model(manifest, name):
    return manifest["nodes"][f"model.clientele.{name}"]


def exposure(manifest, name):
    return manifest["exposures"][f"exposure.clientele.{name}"]


def reads(manifest, name, *parents):
    """Have a model read others too."""
    model(manifest, name)["depends_on"]["nodes"] += [f"model.clientele.{p}" for p in parents]


def without_tests(manifest, kind, name):
    """Take the data tests of that kind from a model."""
    manifest["nodes"] = {
        key: node
        for key, node in manifest["nodes"].items()
        if node.get("attached_node") != f"model.clientele.{name}"
        or node["test_metadata"]["name"] != kind
    }


def without_key(manifest, name):
    """Leave the key out of a model's checks."""
    for node in manifest["nodes"].values():
        if node.get("attached_node") == f"model.clientele.{name}":
            node["test_metadata"]["kwargs"].pop("key", None)


def checks(manifest, name, column):
    """Return the rules that stand on a column, to be changed."""
    return model(manifest, name)["columns"][column]["config"]["meta"].setdefault("checks", [])


def added(manifest, like, name, **changes):
    """Add a copy of a model under another name."""
    new = copy.deepcopy(model(manifest, like)) | {"name": name} | changes
    manifest["nodes"][f"model.clientele.{name}"] = new | {"unique_id": f"model.clientele.{name}"}


def source(manifest, table):
    return manifest["sources"][f"source.clientele.raw.{table}"]


def macro(manifest, name):
    return manifest["macros"][f"macro.clientele.{name}"]


# For each rule what breaks it, and how the offence begins.
BREAKS = {
    "each_layer_reads_what_it_may": [
        (lambda m: reads(m, "fct_orders", "stg_products"), "fct_orders (marts) reads stg_products"),
        (lambda m: reads(m, "int_orders", "fct_orders"), "int_orders (intermediate) reads fct_"),
        (
            lambda m: reads(m, "ml_customers__segments", "int_as_of_dates", "int_orders"),
            "ml_customers__segments (ml) reads int_orders (intermediate)",
        ),
        (
            lambda m: exposure(m, "offers")["depends_on"]["nodes"].append(
                "model.clientele.int_orders"
            ),
            "offers (exposures) reads int_orders (intermediate)",
        ),
    ],
    "a_raw_table_is_read_once_and_by_itself": [
        (
            lambda m: model(m, "stg_products")["depends_on"]["nodes"].append(
                "seed.clientele.sample_order_lines"
            ),
            "stg_products reads 2 raw tables",
        ),
    ],
    "a_raw_table_is_declared_once": [
        (
            lambda m: source(m, "products").update(identifier="order_lines"),
            "clientele.raw.order_lines is declared twice",
        ),
    ],
    "tables_are_read_through_ref": [
        (
            lambda m: model(m, "fct_orders").update(raw_code="select 1 from marts.fct_orders"),
            "fct_orders says from marts.fct_orders",
        ),
        (
            lambda m: m["nodes"]["analysis.clientele.second_order"].update(
                raw_code='select 1 from {{ ref(\'dim_customers\') }} join "x"."y" using (z)'
            ),
            'second_order says join "x"."y',
        ),
    ],
    "every_model_reads_something": [
        (lambda m: model(m, "fct_orders")["depends_on"].update(nodes=[]), "fct_orders"),
    ],
    "every_private_model_is_read": [
        (lambda m: added(m, "int_orders", "int_nothing"), "int_nothing"),
    ],
    "a_private_model_has_three_leaves_at_most": [
        (
            lambda m: (
                [added(m, "rpt_data_quality", f"rpt_{n}") for n in "abcd"]
                and [reads(m, f"rpt_{n}", "feat_items") for n in "abcd"]
            ),
            "feat_items is read by the leaves fct_association_rule_items, "
            "fct_sequential_rules, rpt_a",
        ),
    ],
    "a_model_reads_eight_others_at_most": [
        (lambda m: reads(m, "fct_audience_members", "fct_orders"), "fct_audience_members reads 12"),
        (lambda m: reads(m, "dim_customers", "fct_order_lines"), "dim_customers reads 9"),
    ],
    "views_are_stacked_three_high_at_most": [
        (
            lambda m: [
                model(m, name)["config"].update(materialized="view")
                for name in ("int_order_lines__screened", "int_orders")
            ],
            "int_orders is 5 high",
        ),
    ],
    "marts_are_stored_unless_they_only_rename": [
        (
            lambda m: model(m, "dim_customers")["config"].update(materialized="view"),
            "dim_customers is a view with group by",
        ),
    ],
    "models_are_named_after_their_layer": [
        (lambda m: model(m, "fct_orders").update(name="orders"), "orders"),
    ],
    "a_model_lies_in_the_room_of_its_family_beside_its_yaml": [
        (
            lambda m: model(m, "fct_orders").update(original_file_path="models/fct_orders.sql"),
            "fct_orders lies in models/fct_orders.sql",
        ),
        (
            lambda m: model(m, "fct_orders").update(
                original_file_path="models/marts/misc/fct_orders.sql"
            ),
            "fct_orders lies in models/marts/misc/fct_orders.sql",
        ),
        (
            lambda m: model(m, "fct_orders").update(
                patch_path="clientele://models/marts/orders/all.yml"
            ),
            "fct_orders is described in clientele://models/marts/orders/all.yml",
        ),
    ],
    "marts_are_public_and_under_contract_and_the_rest_is_private": [
        (lambda m: model(m, "int_orders").update(access="public"), "int_orders"),
        (lambda m: model(m, "fct_orders")["config"]["contract"].update(enforced=False), "fct_or"),
        (lambda m: model(m, "int_orders")["config"].update(group=None), "int_orders"),
    ],
    "everything_says_more_than_its_name": [
        (lambda m: model(m, "fct_orders").update(description="Fct orders."), "fct_orders"),
        (
            lambda m: model(m, "fct_orders")["columns"]["channel"].update(description="Channel"),
            "fct_orders.channel",
        ),
        (lambda m: exposure(m, "offers").update(description=""), "offers"),
        (
            lambda m: m["nodes"]["analysis.clientele.second_order"].update(description="Second."),
            "second_order",
        ),
        (lambda m: source(m, "products").update(description=""), "products"),
        (lambda m: source(m, "products").update(source_description="Raw."), "raw"),
        (
            lambda m: m["metrics"]["metric.clientele.repeat_rate"].update(description="Rate."),
            "repeat_rate",
        ),
        (
            lambda m: m["semantic_models"]["semantic_model.clientele.orders"].update(
                description=None
            ),
            "orders",
        ),
        (
            lambda m: m["groups"]["group.clientele.clientele"].update(description="Clientele"),
            "clientele",
        ),
        (
            lambda m: m["nodes"]["seed.clientele.segment_names"].update(description="Segment."),
            "segment_names",
        ),
    ],
    "every_macro_is_used_in_a_file_that_says_what_for": [
        (
            lambda m: macro(m, "matches").update(name="no_match", macro_sql="{% macro no_match("),
            "no_match is used by nothing",
        ),
        (
            lambda m: macro(m, "matches").update(
                name="endless", macro_sql="{% macro endless(n) %}{{ endless(n - 1) }}"
            ),
            "endless is used by nothing",
        ),
        (
            lambda m: m["nodes"].pop("operation.clientele.clientele-on-run-start-0"),
            "check_source is used by nothing",
        ),
        (
            lambda m: (
                macro(m, "matches").update(name="no_match", macro_sql="{% macro no_match(")
                or macro(m, "each_day").update(macro_sql="{# no_match() #} -- no_match()")
                or macro(m, "spark__matches").update(
                    name="spark__no_match", macro_sql="{{ no_match() }}"
                )
            ),
            "no_match is used by nothing",
        ),
        (
            lambda m: macro(m, "matches").update(
                original_file_path="models/marts/orders/dim_products.sql"
            ),
            "models/marts/orders/dim_products.sql begins without a comment",
        ),
    ],
    "every_table_tests_its_key": [
        (lambda m: without_tests(m, "checks", "fct_orders"), "fct_orders"),
        (lambda m: without_key(m, "fct_customer_values"), "fct_customer_values"),
        # The mart shows the rows of the model, and tested them for it.
        (lambda m: without_tests(m, "checks", "fct_order_lines"), "int_order_lines"),
        (lambda m: without_tests(m, "checks", "feat_customers__behaviour"), "feat_customers__beha"),
        (lambda m: without_tests(m, "as_many_rows_as_raw", "stg_products"), "stg_products"),
    ],
    "every_column_of_a_mart_is_tested": [
        (lambda m: without_tests(m, "checks", "dim_products"), "dim_products.category"),
        (lambda m: checks(m, "dim_products", "category").clear(), "dim_products.category"),
    ],
    "an_amount_or_count_has_one_meaning_in_marts_that_are_joined": [
        (
            lambda m: model(m, "fct_customer_months")["columns"].update(
                net_amount=model(m, "fct_customer_months")["columns"]["month_net_amount"]
            ),
            "fct_orders.net_amount and fct_customer_months.net_amount",
        ),
    ],
    "every_rule_on_a_column_is_checked": [
        (
            lambda m: without_tests(m, "checks", "dim_products"),
            "dim_products.category: accepted_range is not checked",
        ),
        (
            lambda m: checks(m, "fct_orders", "channel").append({"not_null": {"level": "warn"}}),
            "fct_orders.channel: not_null is not checked",
        ),
        (
            lambda m: checks(m, "dim_products", "unit_cost").clear(),
            "dim_products checks warn without a rule",
        ),
    ],
    "a_key_needs_no_other_check_for_nulls": [
        (
            lambda m: checks(m, "dim_products", "product_id").append("not_null"),
            "dim_products.product_id is part of the key",
        ),
    ],
    "a_relationship_points_at_a_key": [
        (lambda m: without_key(m, "fct_orders"), "relationships_fct_order_lines_order"),
    ],
    "an_exposure_depends_on_what_its_files_read": [
        (
            lambda m: exposure(m, "build_summary")["depends_on"]["nodes"].pop(),
            "build_summary reads ",
        ),
        (
            lambda m: exposure(m, "best_customers")["depends_on"]["nodes"].append(
                "model.clientele.fct_orders"
            ),
            "best_customers does not read fct_orders",
        ),
        (
            lambda m: exposure(m, "offers")["config"]["meta"]["files"].append("docs/none/**"),
            "offers: no file docs/none/**",
        ),
        (
            lambda m: exposure(m, "offers")["config"]["meta"].update(files=["docs/**/*.md"]),
            "offers reads ",
        ),
    ],
    "every_analysis_has_one_exposure": [
        (
            lambda m: m["exposures"].pop("exposure.clientele.second_order"),
            "second_order is of 0 exposures",
        ),
    ],
    "the_readme_lists_every_mart": [
        (
            lambda m: added(m, "dim_products", "dim_shelves"),
            "README.md does not list dim_shelves",
        ),
        (
            lambda m: m["nodes"].pop("model.clientele.dim_dates"),
            "README.md lists dim_dates, which is no mart",
        ),
    ],
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule, manifest):
    assert rule(manifest) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_catches_what_breaks_it(rule, manifest):
    for break_it, offence in BREAKS[rule.__name__]:
        broken = copy.deepcopy(manifest)
        break_it(broken)
        found = rule(broken)
        assert any(each.startswith(offence) for each in found), (offence, found)
