"""A failed check names each broken rule, its column, the number of rows, and up to three keys."""

import duckdb
import pytest

# One change for each kind of rule, and what dbt must then say.
BROKEN = {
    "update lookups.rfm_groups set rfm_group = null where r_score = 5 and f_score < 5": (
        "rfm_groups.rfm_group: 4 rows break `not_null`, such as r_score = 5, f_score = 1; "
        "r_score = 5, f_score = 2; r_score = 5, f_score = 3\n"
    ),
    "update lookups.data_quality_reasons set severity = 'odd' where reason = 'accepted'": (
        "data_quality_reasons.severity: 1 row breaks "
        "`accepted_values (values: none, info, warning, error)`, such as reason = accepted\n"
    ),
    "insert into lookups.data_quality_reasons select * from lookups.data_quality_reasons "
    "where reason in ('duplicate', 'test_row')": (
        "data_quality_reasons.reason: 2 rows break `key: unique and not null`, "
        "such as reason = duplicate; reason = test_row\n"
    ),
    "insert into lookups.non_product_codes values ('*', 'code', null, 'test', 'x')": (
        "non_product_codes.source, match_type, product_code: 1 row breaks "
        "`key: unique and not null`, such as source = *, match_type = code, product_code = null\n"
    ),
    "update marts.dim_products set max_unit_price = 0.01 where product_id = 'P1'": (
        "dim_products.max_unit_price: 1 row breaks "
        "`accepted_range (min_value: min_unit_price)`, such as product_id = P1\n"
    ),
    # Zero is out of an open range.
    "update marts.dim_products set min_unit_price = 0 where product_id = 'P2'": (
        "dim_products.min_unit_price: 1 row breaks "
        "`accepted_range (min_value: 0, inclusive: False)`, such as product_id = P2\n"
    ),
    # A warning: it is said, and stops nothing.
    "update marts.dim_products set unit_cost = -1 where product_id = 'P3'": (
        "dim_products.unit_cost: 1 row breaks "
        "`accepted_range (min_value: 0, level: warn)`, such as product_id = P3\n"
    ),
    "update marts.fct_segment_metrics set month_net_amount = null "
    "where segmentation = 'behaviour' and segment_key = 'behaviour-1' "
    "and month_date = (select max(month_date) from marts.fct_segment_metrics)": (
        "fct_segment_metrics.month_net_amount: 1 row breaks `not_null`, "
        "such as segmentation = behaviour"
    ),
    "update marts.dim_segments set monetary_mean = null where segment_key = 'behaviour-1'": (
        "dim_segments.monetary_mean: 1 row breaks "
        "`expression_is_true (expression: (monetary_mean is null) = (customer_count = 0))`, such as"
    ),
}
TABLES = "rfm_groups data_quality_reasons non_product_codes dim_products fct_segment_metrics "
TABLES += "dim_segments dim_dates"


@pytest.fixture(scope="module")
def said(sample_copy):
    """What dbt says about tables that were changed behind its back."""
    with duckdb.connect(str(sample_copy.database)) as connection:
        for change in BROKEN:
            connection.execute(change)
    selected = ["--select", *TABLES.split(), "--exclude-resource-type", "unit_test"]
    return sample_copy.dbt("test", *selected)


@pytest.mark.parametrize("change", BROKEN)
def test_a_broken_rule_is_named_with_its_column_and_keys(said, change):
    assert BROKEN[change] in said.output


def test_what_is_whole_is_not_named_and_a_warning_is_no_error(said):
    assert said.exit_code == 1
    assert "dim_dates." not in said.output
    # Six tables that fail once each, however many rules are broken, and a relationship.
    assert "WARN=1 ERROR=7 " in said.output, said.output[-3000:]


@pytest.mark.parametrize(
    ("rule", "said_of_it"),
    [
        ("'accepted_rnage', {'min_value': 0}", "dim_products.a: there is no check accepted_rnage"),
        ("'accepted_range', {'minimum': 0}", "there is no check accepted_range with minimum"),
    ],
)
def test_a_rule_that_does_not_exist_is_refused(sample_copy, rule, said_of_it):
    inline = f"{{{{ broken_when('a', {rule}, 'dim_products') }}}}"
    done = sample_copy.dbt("compile", "--inline", inline)
    assert done.exit_code != 0 and said_of_it in done.output


def test_a_rule_is_the_condition_that_a_broken_row_meets(sample_copy):
    conditions = {
        "'accepted_values', {'values': [1, 'it\\'s']}": "a not in (1, 'it''s')",
        "'accepted_range', {'min_value': 0, 'max_value': 1}": "not a >= 0 or not a <= 1",
        "'accepted_range', {'max_value': 'b', 'inclusive': false}": "not a < b",
        "'expression_is_true', {'expression': 'a < b'}": "not (a < b)",
        "'not_null', {'where': 'b > 0 or c'}": "(b > 0 or c) and (a is null)",
    }
    inline = "\n".join(f"{{{{ broken_when('a', {rule}, 't') }}}}" for rule in conditions)
    done = sample_copy.dbt("compile", "--inline", inline)
    assert "\n".join(conditions.values()) in done.output, done.output
