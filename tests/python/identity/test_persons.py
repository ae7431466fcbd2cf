"""Persons of a simulated shop whose accounts and guests are known, and of a small one by hand."""

import copy
import json
import random
from collections import Counter

import duckdb
import pandas as pd
import pytest
from conftest import NO_TESTS, PROJECT
from persons_by_hand import WRITTEN, quality

from clientele.simulation.generating import generate
from clientele.sources.settings import load_source

MATCHED = {"email": "email", "phone": "phone", "name": "name", "postcode": "postcode"}
SAID = {"phone_prefix": "+44", "plus_addressing": ["gmail.com"], "ignore": ["till@shop.org"]}
WAYS = {0: "email", 1: "phone", 2: "name_postcode"}


def shop_of(folder, *, is_matched=True):
    """Return the vars of a simulated shop; matched by accounts and guests' identifiers, or not."""
    settings = copy.deepcopy(load_source("generated", PROJECT / "sources")["source"])
    settings["tables"] = {name: settings["tables"][name] for name in ("order_lines", "customers")}
    if is_matched:
        settings["identities"] = {"phone_prefix": "+44"}
        for table in settings["tables"].values():
            table["identities"] = MATCHED
    return {"source": settings | {"name": "simulated"}, "data": str(folder)}


def build(warehouse, settings, *selected):
    settings = json.dumps(settings, default=str)
    warehouse.dbt("build", "--vars", settings, "--select", *selected, *NO_TESTS)
    assert warehouse.exit_code == 0, warehouse.output[-4000:]
    return warehouse


MODELS = ["+dim_identities", "+rpt_identity_merges", "+fct_orders", "+int_customer_attributes"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("persons") / "shop"
    generate(folder, customers=3_000, seed=7, progress=False)
    return folder


@pytest.fixture(scope="module")
def matched(shop, new_warehouse):
    return build(new_warehouse("matched"), shop_of(shop), *MODELS)


@pytest.fixture(scope="module")
def truth(shop):
    """Return guests and second accounts: record -> (person, way of writing); accounts too."""
    guests = duckdb.sql(f"from '{shop}/truth/guests/*.parquet'").fetchall()
    accounts = duckdb.sql(f"from '{shop}/truth/accounts/*.parquet'").fetchall()
    return {record: (person, way) for record, person, way in guests}, dict(accounts)


def test_planted_persons_are_found(matched, truth):
    """Of all pairs of records; 8 % of them differ in everything by mistakes, and cannot be."""
    guests, accounts = truth
    found = dict(matched.query("select record_id, person_key from marts.dim_identities"))
    planted = {record: record for record in found}
    planted |= {record: accounts[record] for record in accounts}
    planted |= {record: guests[record][0] for record in found if record in guests}
    precision, _ = quality(found, planted)
    assert precision >= 0.995
    # Without records that share no exact key with any other of their person.
    exact = {r: p for r, p in planted.items() if r not in guests or guests[r][1] in WAYS}
    precision, recall = quality({r: found[r] for r in exact}, exact)
    assert precision >= 0.995 and recall >= 0.95


def test_a_merge_names_the_keys_that_both_records_have(matched, truth):
    guests, _ = truth
    rows = matched.query(
        "select record_id, person_key, matched_by from marts.rpt_identity_merges "
        "where decision = 'merged'"
    )
    checked = [
        WAYS[guests[record][1]] in matched_by
        for record, person, matched_by in rows
        if record in guests and guests[record][1] in WAYS and person == guests[record][0]
    ]
    assert len(checked) > 300 and all(checked)


def test_persons_are_the_customers_of_orders_and_the_elder_names_them(matched):
    (differing,) = matched.query(
        """
        select count(*) from marts.fct_orders as orders
        inner join intermediate.int_identity_records as records using (order_id)
        inner join marts.dim_identities as persons using (record_id)
        where orders.customer_id <> persons.person_key
        """
    )
    (younger,) = matched.query(
        """
        select count(*) from marts.dim_identities as records
        inner join marts.dim_identities as elders on records.person_key = elders.record_id
        where records.first_order_date < elders.first_order_date
        """
    )
    (merged,) = matched.query(
        "select count(*) from marts.fct_orders as orders inner join marts.dim_identities as "
        "records on orders.customer_id = records.record_id and record_kind = 'guest'"
    )
    assert differing == (0,) and younger == (0,) and merged[0] > 100


def test_merging_changes_no_order_and_no_money(matched, shop, new_warehouse):
    """The law of merging: who bought may change, and nothing else."""
    plain = build(new_warehouse("unmatched"), shop_of(shop, is_matched=False), "+fct_orders")
    columns = "order_id, order_date, gross_amount, discount_amount, net_amount, line_count"
    query = f"select {columns} from marts.fct_orders order by order_id"
    rows, ours = plain.query(query), matched.query(query)
    # A guest's purchase whose return is an account's may find it now; the sum is the same.
    assert [row[:4] for row in rows] == [row[:4] for row in ours] and len(rows) > 10_000
    assert sum(row[4] for row in rows) == sum(row[4] for row in ours)
    buyers = (
        "select count(distinct customer_id), count(*) - count(customer_id) from marts.fct_orders"
    )
    (before,), (after,) = plain.query(buyers), matched.query(buyers)
    assert after[1] < before[1] / 10


def test_identifiers_are_in_no_mart(matched):
    columns = matched.query(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'marts'"
    )
    assert columns
    for table, column in columns:
        (found,) = matched.query(
            f"select count(*) from marts.{table} where cast({column} as varchar) like '%@%' "
            f"or regexp_matches(cast({column} as varchar), '(?i)^(\\+44|0044|07)[0-9 ]{{9,}}$')"
        )
        assert found == (0,), (table, column)


def test_matching_what_is_new_ends_as_matching_all_at_once(matched, shop, tmp_path, new_warehouse):
    """The first build knows a part of the orders, in no order of days, and half the customers."""
    parts = {
        name: duckdb.sql(f"from '{shop}/{name}/*.parquet'").df()
        for name in ("order_lines", "customers")
    }
    chosen = random.Random(3)
    keep = {order for order in parts["order_lines"]["order_id"].unique() if chosen.random() < 0.6}
    early = parts["order_lines"][parts["order_lines"]["order_id"].isin(keep)]
    known = parts["customers"].iloc[::2]
    grown = new_warehouse("grown")
    for lines, customers in ((early, known), (parts["order_lines"], parts["customers"])):
        for name, rows in (("order_lines", lines), ("customers", customers)):
            (tmp_path / name).mkdir(exist_ok=True)
            duckdb.from_df(rows).write_parquet(str(tmp_path / name / "part.parquet"))
        build(grown, shop_of(tmp_path), *MODELS)
    # A whole build compares nothing.
    assert grown.query("select count(*) from intermediate.int_changed_orders")[0][0] > 1_000
    ours, theirs = grown.fingerprints(), matched.fingerprints()
    assert ours == theirs and {"dim_identities", "rpt_identity_merges", "fct_orders"} <= set(ours)


def test_the_sample_merges_its_second_accounts(sample):
    planted = pd.read_csv(PROJECT / "tests/python/sample_truth/accounts.csv", dtype=str)
    merges = dict(sample.query("select record_id, person_key from marts.rpt_identity_merges"))
    # The elder is the customer who has ordered.
    assert merges == dict(zip(planted["record_id"], planted["customer_id"], strict=True))


@pytest.fixture(scope="module")
def normal_forms(new_warehouse):
    """Return the SQL of the normal form of each kind, over a column `written`."""
    warehouse = new_warehouse("normal_forms")
    source = copy.deepcopy(load_source("sample", PROJECT / "sources")["source"])
    settings = json.dumps({"source": source | {"identities": SAID}}, default=str)
    said = " ".join(
        f"{{{{ normalised('{kind}', 'written') }}}} @next {{{{ usable('{kind}', 'form') }}}} @next"
        for kind in WRITTEN
    )
    warehouse.dbt("compile", "--vars", settings, "--inline", f"@next {said}")
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    parts = warehouse.output.split("@next")[1:-1]
    return {kind: parts[2 * i : 2 * i + 2] for i, kind in enumerate(WRITTEN)}


@pytest.mark.parametrize("kind", WRITTEN)
def test_identifiers_have_one_form_however_they_are_written(normal_forms, kind):
    first, second = normal_forms[kind]
    rows = pd.DataFrame({"written": list(WRITTEN[kind])})
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        found = connection.execute(
            f"select written, {second} from (select written, {first} as form from rows)"
        ).fetchall()
    assert dict(found) == WRITTEN[kind]
    assert Counter(type(form) for _, form in found)[str] > 0
