"""The table of customers: what its YAML may say, how it is read, and who is a prospect."""

import json

import duckdb
import pandas as pd
import pytest
from conftest import PROJECT
from sources.exports import csv_text, source

from clientele.sources.checking import source_problems
from clientele.sources.common import UnreadableSource
from clientele.sources.importing import import_source
from clientele.summary import summary

PLANTED = json.loads((PROJECT / "tests/python/sample_truth/truth.json").read_text())["attributes"]
NAMES = ["who", "born", "since", "tier", "agreed"]
COLUMNS = {"customer_id": "who", "consent": "agreed"}
ATTRIBUTES = {
    "birth_year": {"column": "born", "kind": "number"},
    "signed_up": {"column": "since", "kind": "date"},
    "plan": {"column": {"expression": "lower(tier)"}, "kind": "category"},
}
ROWS = [["ANN ", "1980", "24.12.2023", "Plus", "ja"], ["cid", "1990", "13.01.2024", "basic", ""]]


def read(folder, rows=ROWS, names=NAMES, **settings):
    """Import a shop whose customers are in a CSV; return their rows and what is noticed."""
    (folder / "orders.csv").write_text(csv_text())
    (folder / "customers.csv").write_text(csv_text(rows, names))
    shop = source(folder / "orders.csv")
    table = {
        "path": str(folder / "customers.csv"), "columns": COLUMNS, "attributes": ATTRIBUTES,
    } | settings  # fmt: skip
    shop["tables"]["customers"] = table
    assert source_problems(shop) == []
    made = import_source(shop, None, folder / "imports")
    found = duckdb.sql(f"from '{made.folder}/customers.parquet'").fetchall()
    return found, made


def test_customers_are_spelled_as_in_the_orders_and_values_are_in_one_notation(tmp_path):
    found, _ = read(tmp_path)
    assert found == [
        ("ann", "ja", "1980.0", "2023-12-24", "plus"),
        ("cid", None, "1990.0", "2024-01-13", "basic"),
    ]


def test_what_does_not_read_is_told_and_never_another_number(tmp_path):
    """With decimal commas `1.5` is no number; SQL would read it as one."""
    rows = [[f"c{i}", '"1,5"', "24.12.2023", "a", "yes"] for i in range(30)]
    rows += [["c30", "1.5", "24.12.2023", "a", "yes"]]
    found, made = read(tmp_path, [[*row] for row in rows], decimal=",")
    assert found[0][2] == "1.5" and found[30][2] == "unreadable: 1.5"
    assert any("1 of 31 values for `birth_year` does not read" in note for note in made.notes)


def test_a_column_that_mostly_does_not_read_is_refused(tmp_path):
    with pytest.raises(UnreadableSource, match="1 of 2 values for `birth_year` does not read"):
        read(tmp_path, [["ann", "old", "", "", ""], ["bob", "1980", "", "", ""]])


def test_one_table_gives_lines_their_person_and_has_attributes(tmp_path):
    rows = [["ann", "P1", "1980"], ["bob", "P1", "1980"], ["cid", "", "1990"]]
    attributes = {"born": {"column": "born", "kind": "number"}}
    columns = {"customer_id": "who", "person_id": "person"}
    found, made = read(
        tmp_path, rows, ["who", "person", "born"], columns=columns, attributes=attributes
    )
    assert [(row[0], row[2]) for row in found] == [
        ("P1", "1980.0"), ("P1", "1980.0"), ("cid", "1990.0"),
    ]  # fmt: skip
    buyers = duckdb.sql(f"select distinct customer_id from '{made.folder}/order_lines.parquet'")
    assert "P1" in {row[0] for row in buyers.fetchall()}


def test_rows_of_a_customer_that_differ_give_lines_no_person(tmp_path):
    rows = [["ann", "P1"], ["ann", "P2"]]
    columns = {"customer_id": "who", "person_id": "person"}
    shop = source(tmp_path / "orders.csv")
    (tmp_path / "orders.csv").write_text(csv_text())
    (tmp_path / "customers.csv").write_text(csv_text(rows, ["who", "person"]))
    shop["tables"]["customers"] = {"path": str(tmp_path / "customers.csv"), "columns": columns}
    made = import_source(shop, None, tmp_path / "imports")
    lines = duckdb.sql(f"select distinct customer_id from '{made.folder}/order_lines.parquet'")
    assert "ann" in {row[0] for row in lines.fetchall()}
    assert not (made.folder / "customers.parquet").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"attributes": {"plan": {"column": "tier"}}}, "attribute `plan`: add `kind`, one of"),
        ({"attributes": {"plan": {"kind": "category"}}}, "attribute `plan`: add `column:"),
        ({"attributes": {"plan": "tier"}}, "attribute `plan`: write {column: <yours>, kind:"),
        ({"attributes": ["plan"]}, "`attributes` must be pairs of a name and"),
        ({"attributes": {"Plan": {}}}, "attribute `Plan`: a name has a-z, 0-9 and _"),
        ({"attributes": {"group": {}}}, "attribute `group`: it is a word of SQL"),
        ({"attributes": {"consent": {}}}, "map it under `columns` as `consent`"),
        (
            {"attributes": {"plan": {"column": "tier", "kind": "category", "sensitiv": True}}},
            "`sensitiv` is not a setting of an attribute, did you mean `sensitive`?",
        ),
        (
            {"attributes": {"plan": {"column": "tier", "kind": "category", "sensitive": "no"}}},
            "`sensitive: no` must be true or false",
        ),
        ({"attributes": {}, "columns": {"customer_id": "who"}}, "the table says nothing but keys"),
        ({"columns": {"consent": "agreed"}}, "`customer_id` is not mapped"),
    ],
)
def test_mistakes_in_the_yaml_are_named(change, problem):
    shop = source("orders.csv")
    table = {"path": "customers.csv", "columns": COLUMNS, "attributes": ATTRIBUTES} | change
    shop["tables"]["customers"] = table
    assert any(problem in found for found in source_problems(shop)), source_problems(shop)


def test_the_sample_has_what_was_planted(sample):
    rows = {row[0]: row[1:] for row in sample.query(
        "select attribute, source_row_count, listed_customer_count, repeated_row_count, "
        "known_count, missing_count, unreadable_count, conflicting_count "
        "from marts.rpt_customer_attributes"
    )}  # fmt: skip
    # Persons: a second account is another row of its customer.
    listed = PLANTED["customers"]
    again = PLANTED["conflicting_plans"] + PLANTED["second_accounts"]
    assert PLANTED["rows"] - listed == again
    unknown = {
        "birth_year": (PLANTED["missing_birth_years"], PLANTED["unreadable_birth_years"], 0),
        "plan": (0, 0, PLANTED["conflicting_plans"]),
        "consent": (PLANTED["unknown_consents"], 0, 0),
    }
    assert rows.keys() == {*unknown, "region", "signed_up", "first_language"}
    for name, found in rows.items():
        missing = unknown.get(name, (0, 0, 0))
        assert found == (
            PLANTED["rows"], listed, PLANTED["rows"] - listed, listed - sum(missing),
            *missing,
        ), name  # fmt: skip


def test_prospects_are_those_without_a_purchase_and_in_no_mart_of_purchases(sample):
    raw = pd.read_csv(PROJECT / "seeds/sample/sample_customers.csv", dtype=str)
    buyers = {row[0] for row in sample.query(
        "select customer_id from marts.fct_orders where is_purchase and customer_id is not null"
    )}  # fmt: skip
    prospects = {row[0] for row in sample.query(
        "select distinct customer_id from marts.dim_customer_attributes where is_prospect"
    )}  # fmt: skip
    accounts = pd.read_csv(PROJECT / "tests/python/sample_truth/accounts.csv", dtype=str)
    assert prospects == set(raw["customer_id"]) - set(accounts["record_id"]) - buyers
    planted = {customer for customer in prospects if customer.startswith("V")}
    assert len(planted) == PLANTED["prospects"] > 100
    for mart in ("dim_customers", "fct_customer_features", "fct_customer_values"):
        known = {row[0] for row in sample.query(f"select customer_id from marts.{mart}")}
        assert not known & planted


def test_sensitive_attributes_are_in_profiles_and_in_no_mart_by_customer(sample):
    published = sample.query("select distinct attribute from marts.dim_customer_attributes")
    assert "first_language" not in {row[0] for row in published} and len(published) == 5
    (flags,) = sample.query(
        "select distinct is_sensitive from marts.fct_segment_profiles "
        "where attribute = 'first_language'"
    )
    assert flags == (True,)


def test_no_one_is_contacted_who_did_not_agree(sample):
    raw = pd.read_csv(PROJECT / "seeds/sample/sample_customers.csv", dtype=str)
    agreed = set(raw.loc[raw["newsletter"] == "yes", "customer_id"])
    members = {row[0] for row in sample.query("select customer_id from marts.fct_audience_members")}
    assert len(members) > 100 and members <= agreed
    consents = dict(sample.query("select customer_id, has_consent from marts.dim_customers"))
    assert {customer for customer, said in consents.items() if said} == agreed & consents.keys()
    assert set(consents.values()) == {True, False}


def test_the_summary_tells_the_prospects_and_what_is_known(sample):
    page = summary(sample.query, marts={"rpt_customer_attributes"})
    prospects = sample.query("select max(prospect_count) from marts.rpt_customer_attributes")[0][0]
    assert f"lists {PLANTED['customers']:,}, of whom {prospects:,} never bought" in page
    assert f"Of birth_year, {PLANTED['unreadable_birth_years']} do not read." in page
    assert "The table `customers`" not in summary(sample.query)
