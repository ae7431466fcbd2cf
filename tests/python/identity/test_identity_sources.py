"""What a source may say about matching its customers, and how its files are read for it."""

import duckdb
import pytest
from sources.exports import csv_text, source

from clientele.sources.checking import source_problems
from clientele.sources.importing import import_source

CUSTOMERS = {"path": "customers.csv", "columns": {"customer_id": "who"}}


def problems(lines=None, customers=None, said=None):
    shop = source("orders.csv")
    if lines is not None:
        shop["tables"]["order_lines"]["identities"] = lines
    if customers is not None:
        shop["tables"]["customers"] = CUSTOMERS | {"identities": customers}
    if said is not None:
        shop["identities"] = said
    return source_problems(shop)


def test_identifiers_of_one_table_or_both_are_fine():
    said = {"plus_addressing": ["gmail.com"], "phone_prefix": "+44", "ignore": ["shop@x.org"]}
    assert problems({"email": "mail"}, said=said | {"plus_addressing": True}) == []
    assert problems(None, {"email": {"expression": "lower(mail)"}}, said) == []
    assert problems({"name": "n"}, {"postcode": "zip"}) == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"lines": {"mail": "m"}}, "`identities: mail` is unknown, did you mean `email`?"),
        ({"lines": ["email"]}, "`identities` must be pairs of a kind and your column"),
        ({"lines": {"email": 3}}, "`identities: email` must be a column name or"),
        ({"lines": {"name": "n"}}, "`identities: name` matches only together with a postcode"),
        ({"customers": {"postcode": "z"}}, "matches only together with a name; add `name` too"),
        ({"said": {"phone_prefix": "+44"}}, "does nothing: no table says what to match by"),
        (
            {"lines": {"email": "m"}, "said": {"plus": True}},
            "`identities: plus` is not a setting of a source",
        ),
        (
            {"lines": {"email": "m"}, "said": {"email": "m"}},
            "the columns to match by stand under `identities` of a table",
        ),
        ({"lines": {"email": "m"}, "said": ["email"]}, "the columns to match by stand under"),
        ({"lines": {"email": "m"}, "said": {"plus_addressing": "yes"}}, "or a list of domains"),
        ({"lines": {"phone": "p"}, "said": {"phone_prefix": "UK"}}, 'no country\'s; write "+44"'),
        ({"lines": {"phone": "p"}, "said": {"ignore": "0800"}}, "must list values, such as"),
    ],
)
def test_mistakes_are_named_with_their_remedy(given, problem):
    found = problems(**given)
    assert any(problem in sentence for sentence in found), found


def test_other_tables_have_no_identifiers():
    shop = source("orders.csv")
    shop["tables"]["products"] = {
        "path": "products.csv", "columns": {"product_id": "p"}, "identities": {"email": "m"},
    }  # fmt: skip
    found = source_problems(shop)
    assert any("`identities` belong to the tables order_lines and customers" in s for s in found)


def test_a_table_of_customers_may_have_identifiers_only(tmp_path):
    """Their texts are kept as they are: a leading zero is part of a telephone number."""
    (tmp_path / "orders.csv").write_text(csv_text())
    rows = [["ann", "0044 7", "A@x.org"], ["bob", "", "b@x.org"]]
    (tmp_path / "customers.csv").write_text(csv_text(rows, ["who", "tel", "mail"]))
    shop = source(tmp_path / "orders.csv")
    shop["tables"]["customers"] = CUSTOMERS | {
        "path": str(tmp_path / "customers.csv"), "identities": {"phone": "tel", "email": "mail"},
    }  # fmt: skip
    assert source_problems(shop) == []
    made = import_source(shop, None, tmp_path / "imports")
    found = duckdb.sql(
        f"select customer_id, match_phone, match_email from '{made.folder}/customers.parquet'"
    )
    assert found.fetchall() == [("ann", "0044 7", "A@x.org"), ("bob", None, "b@x.org")]


def test_an_order_has_the_identifiers_of_any_of_its_lines(tmp_path):
    names = ["nr", "sku", "at", "qty", "price", "mail"]
    rows = [
        ["1", "mug", "2024-01-05 10:00:00", "1", "5.00", "a@x.org"],
        ["1", "cup", "2024-01-05 10:00:00", "1", "5.00", ""],
    ]
    (tmp_path / "orders.csv").write_text(csv_text(rows, names))
    table = {
        "path": str(tmp_path / "orders.csv"),
        "columns": {
            "order_id": "nr", "product_id": "sku", "ordered_at": "at", "quantity": "qty",
            "unit_price": "price",
        },
        "identities": {"email": "mail"},
    }  # fmt: skip
    shop = {"name": "shop", "timezone": "UTC", "currency": "EUR", "tables": {"order_lines": table}}
    assert source_problems(shop) == []
    made = import_source(shop, None, tmp_path / "imports")
    found = duckdb.sql(f"select distinct match_email from '{made.folder}/order_lines.parquet'")
    assert found.fetchall() == [("a@x.org",)]
