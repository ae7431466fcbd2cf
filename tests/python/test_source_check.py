"""A source that is not what its YAML says stops the run, in words, before anything is built."""

import copy
import os

import duckdb
import pytest
import yaml
from conftest import PROJECT
from dbt.cli.main import dbtRunner

COLUMNS = {
    "order_id": "order_no",
    "customer_id": "customer",
    "product_id": "sku",
    "ordered_at": "placed",
    "quantity": "qty",
    "unit_price": "price",
}
GOOD = """
    select 'o1' as order_no, 'c1' as customer, 'p1' as sku, timestamp '2024-01-01' as placed,
        1 as qty, 2.5 as price
"""


@pytest.fixture(scope="module")
def macros(tmp_path_factory):
    """A project of this project's macros alone: it parses in a moment."""
    folder = tmp_path_factory.mktemp("macros")
    (folder / "dbt_project.yml").write_text(
        yaml.safe_dump(
            {
                "name": "clientele",
                "profile": "clientele",
                "macro-paths": [str(PROJECT / "macros")],
                "vars": {"source": None, "data": None},
            }
        )
    )
    return folder


@pytest.fixture(scope="module")
def target():
    """The engine; spark/test_source_check_on_spark.py runs the same tests with the other."""
    return "duckdb"


@pytest.fixture
def check(macros, tmp_path, monkeypatch, target):
    """Return a function from a raw table's SQL, or None, and a change, to what the check says."""
    monkeypatch.setenv("CLIENTELE_DB", str(tmp_path / "check.duckdb"))
    monkeypatch.delenv("CLIENTELE_DATA", raising=False)
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")

    def run(sql=GOOD, change=lambda source: None, suffix="parquet"):
        path = tmp_path / f"lines.{suffix}"
        if sql is not None:
            options = "(format csv, header)" if suffix == "csv" else f"(format {suffix})"
            duckdb.connect().execute(f"copy ({sql}) to '{path}' {options}")
        source = {
            "name": "shop",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "tables": {"order_lines": {"path": str(path), "columns": copy.copy(COLUMNS)}},
        }
        change(source)
        messages = []

        def listen(event):
            if event.info.level == "error":
                messages.append(event.info.msg)

        result = dbtRunner(callbacks=[listen]).invoke(
            ["run-operation", "check_source", "--vars", yaml.safe_dump({"source": source})]
            + ["--target", target, "--project-dir", str(macros), "--profiles-dir", str(PROJECT)]
            + ["--log-level", "none", "--target-path", str(macros / "target")]
        )
        os.chdir(PROJECT)
        assert result.success == (not messages)
        return "\n".join(messages)

    return run


def mapped(name, value):
    return lambda source: source["tables"]["order_lines"]["columns"].update({name: value})


def test_a_good_source_passes(check):
    assert check() == ""


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_text_formats_pass_too(check, suffix):
    assert check(suffix=suffix) == ""


def test_a_missing_file_is_named(check):
    message = check(sql=None)
    assert "no file at" in message and "lines.parquet" in message and "DATA" in message


def test_an_empty_source_is_refused(check):
    assert "has no rows" in check(sql=f"{GOOD} limit 0")


def test_an_empty_csv_is_refused(check):
    assert "has no rows" in check(sql=f"{GOOD} limit 0", suffix="csv")


def test_a_missing_column_is_named_with_those_there_are(check):
    message = check(change=mapped("unit_price", "cost"))
    assert "no column 'cost' for `unit_price`" in message and "it has order_no, customer" in message


def test_another_case_is_no_match_but_a_hint(check):
    assert "did you mean 'price'?" in check(change=mapped("unit_price", "Price"))


@pytest.mark.parametrize(
    ("column", "value", "type_name", "kind"),
    [
        ("price", "date '2024-01-01'", "DATE", "number"),
        ("price", "true", "BOOLEAN", "number"),
        ("placed", "5", "INTEGER", "timestamp"),
        ("sku", "[1, 2]", "INTEGER[]", "key"),
        # 13085.0 is what pandas makes of a key with gaps; as text it would be another key.
        ("customer", "13085.0::double", "DOUBLE", "key"),
    ],
)
def test_a_column_of_the_wrong_type_is_named(check, column, value, type_name, kind):
    message = check(sql=f"select * replace ({value} as {column}) from ({GOOD})")
    assert f"column '{column}'" in message and f"is {type_name}, not a {kind}" in message


def test_text_that_never_reads_as_its_type_is_named(check):
    message = check(sql=f"select * replace ('yesterday' as placed) from ({GOOD})")
    assert "placed for `ordered_at`" in message
    assert "1 values and none reads as a timestamp" in message


def test_some_unreadable_values_are_left_to_the_accounts(check):
    good_and_bad = f"{GOOD} union all select * replace ('n/a' as placed) from ({GOOD})"
    assert check(sql=good_and_bad.replace("timestamp '2024", "'2024")) == ""


def test_an_unmapped_required_column_is_named(check):
    message = check(change=lambda s: s["tables"]["order_lines"]["columns"].pop("quantity"))
    assert "`quantity` is not mapped" in message


def test_an_unknown_canonical_column_is_named(check):
    assert "`costumer` is not a canonical column" in check(change=mapped("costumer", "customer"))


def test_a_column_mapped_twice_is_named(check):
    message = check(change=mapped("customer_id", "order_no"))
    assert "'order_no' is mapped twice, to `order_id` and to `customer_id`" in message


def test_a_list_of_columns_is_an_ambiguous_mapping(check):
    assert "an ambiguous mapping" in check(change=mapped("unit_price", ["price", "qty"]))


def test_a_name_that_several_columns_bear_is_ambiguous(check):
    message = check(sql=f'select *, 3.5 as "Price" from ({GOOD})')
    assert "'price' for `unit_price` is ambiguous" in message


def test_two_locations_are_refused(check):
    message = check(change=lambda s: s["tables"]["order_lines"].update(table="main.lines"))
    assert "exactly one of `seed`, `path`, `table`; it has path and table" in message


def test_a_missing_table_is_named(check):
    def to_table(source):
        del source["tables"]["order_lines"]["path"]
        source["tables"]["order_lines"]["table"] = "main.lines"

    assert "no table main.lines in the database" in check(change=to_table)


def test_an_unknown_format_is_named(check):
    message = check(change=lambda s: s["tables"]["order_lines"].update(path="lines.xlsx"))
    assert "lines.xlsx does not tell its format" in message


@pytest.mark.parametrize("key", ["name", "timezone", "currency"])
def test_a_missing_setting_is_named(check, key):
    assert f"`{key}` is missing" in check(change=lambda s: s.pop(key))


def test_an_unknown_setting_is_named(check):
    assert "`time_zone` is not a setting" in check(change=lambda s: s.update(time_zone="UTC"))


def test_an_unknown_rule_is_named(check):
    assert "rule `cancel` is unknown" in check(change=lambda s: s.update(rules={"cancel": "^C"}))


def test_a_source_without_order_lines_is_refused(check):
    assert "must hold `tables: order_lines:`" in check(change=lambda s: s.update(tables={}))


def test_a_column_with_its_own_time_zone_wants_utc(check):
    message = check(sql=f"select * replace (placed::timestamptz as placed) from ({GOOD})")
    assert "carries its own time zone; set `timezone: UTC`" in message


@pytest.mark.parametrize("text", ["2024-01-01T10:00:00Z", "2024-01-01 10:00:00.5+02:00"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_text_with_its_own_time_zone_wants_utc_too(check, text, suffix):
    sql = f"select * replace ('{text}' as placed) from ({GOOD})"
    assert "carries its own time zone; set `timezone: UTC`" in check(sql=sql, suffix=suffix)
    assert check(sql, lambda source: source.update(timezone="UTC"), suffix) == ""


def test_everything_wrong_is_said_at_once(check):
    def two_mistakes(source):
        mapped("unit_price", "cost")(source)
        mapped("quantity", "pieces")(source)

    message = check(change=two_mistakes)
    assert "'cost'" in message and "'pieces'" in message
