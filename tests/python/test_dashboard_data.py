"""The dashboard's data: no figure of few customers leaves the marts, and the others are exact."""

import csv
import io
import json
import re
import subprocess

import duckdb
import pytest
from browsing import LOADERS, program, run_loader, stricter
from conftest import PROJECT

from clientele.dashboard import ALL, Page


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("min_cell", [5, 100])
def test_no_figure_of_fewer_customers_leaves_the_marts(publication, name, min_cell, tmp_path):
    document = run_loader(name, stricter(publication, tmp_path / "copy", min_cell))
    told = 0
    for table, content in document["tables"].items():
        if content["customers"] is None:
            continue
        assert content["customers"] in content["figures"], table
        for row in content["rows"]:
            count = row[content["customers"]]
            figures = [row[figure] for figure in content["figures"]]
            if row["is_hidden"]:
                assert figures == [None] * len(figures), (table, row)
            assert count is None or count == 0 or count >= min_cell, (table, row)
            told += count is not None
    assert told or document["lists"]


def test_of_single_customers_there_are_names_and_no_figures(publication, marts):
    offers = run_loader("offers.json.py", publication)["lists"]
    assert set(offers) == {"customers", "products", "reasons"}
    assert offers["reasons"] and not re.search(r"%| times |: ", " ".join(offers["reasons"]))
    for customer, products, reasons in offers["customers"][:20]:
        expected = marts(
            "select product_label, reason from marts.fct_product_recommendations "
            "where customer_id = ? order by rank",
            customer,
        )
        assert [offers["products"][i] for i in products] == [label for label, _ in expected]
        for i, (_, reason) in zip(reasons, expected, strict=True):
            assert reason.startswith(offers["reasons"][i] + ": ")
    members = run_loader("members.json.py", publication)["lists"]["members"]
    assert {key for row in members for key in row} == {"segment_key", "customer_ids"}


def test_reasons_lose_the_figures_of_every_method(publication, tmp_path):
    copy = stricter(publication, tmp_path / "copy", 5)
    reasons = {
        "Bought Mug: who has Mug has Pan 3.1 times as often as chance": "Bought Mug",
        "Bought Mug and 17 more products that go with it: who has Mug has Pan 2 times as often "
        "as chance": "Bought Mug and others that go with it",
        "Bought Mug, Pan: 63% of such baskets hold Pot, 5.2 times chance": "Bought Mug, Pan",
        "To fill the list. Popular: 3.4% of all customers bought it within 90 days": "To fill the "
        "list. Popular",
    }
    with duckdb.connect(str(copy / "clientele.duckdb")) as connection:
        for rank, reason in enumerate(reasons, 1):
            connection.execute(
                "update marts.fct_product_recommendations set reason = ? where rank = ?",
                [reason, rank],
            )
    assert set(reasons.values()) <= set(run_loader("offers.json.py", copy)["lists"]["reasons"])


def test_tables_of_facts_count_no_customers(publication):
    for name in LOADERS:
        for table, content in run_loader(name, publication)["tables"].items():
            if content["customers"] is None and content["rows"]:
                counted = [key for key in content["rows"][0] if "customer" in key]
                assert counted == [], (name, table)


def test_members_of_a_segment_too_small_to_show_are_not_listed(publication, marts, tmp_path):
    listed = run_loader("members.json.py", stricter(publication, tmp_path / "copy", 100))
    sizes = dict(
        marts(
            "select segment_key, count(*) from marts.fct_segment_memberships "
            "where is_current group by segment_key"
        )
    )
    assert min(sizes.values()) < 100
    found = {row["segment_key"]: row["customer_ids"] for row in listed["lists"]["members"]}
    assert found
    for key, members in found.items():
        assert len(set(members)) == len(members) == sizes[key] >= 100
    assert set(sizes) - set(found) >= {key for key, size in sizes.items() if size < 100}


def test_the_loaders_say_how_to_get_a_publication(tmp_path):
    with pytest.raises(ValueError, match="no publication in .* `make run` builds and publishes"):
        Page(tmp_path)


def test_places_with_few_customers_are_one_and_the_rest_add_up(publication):
    page = Page(publication)
    sizes = dict(page.frame("select place, count(*) from placed_customers group by 1").to_numpy())
    # FR has 129 customers and DE 98.
    assert set(sizes) == {ALL, "GB", "IE", "FR", "Other countries"}
    fewer = Page(publication, place_cells=100).frame("select distinct place from placed_customers")
    assert set(fewer["place"]) == {ALL, "GB", "Other countries"}
    assert sum(sizes.values()) == 2 * sizes[ALL]


def test_a_place_of_just_enough_customers_is_shown(publication, tmp_path):
    folder = stricter(publication, tmp_path / "copy", 1)
    for cells, is_shown in ((98, True), (99, False)):
        places = Page(folder, place_cells=cells).frame("select distinct place from known_customers")
        assert ("DE" in set(places["place"])) is is_shown


# Loader, table, column, the rows that are taken, and what the marts say.
FIGURES = [
    ("overview", "totals", "customer_count", {"place": ALL},
     "select count(*) from marts.fct_customer_features"),
    ("overview", "totals", "net_amount", {"place": "GB"},
     "select sum(monetary) from marts.fct_customer_features join marts.dim_customers "
     "using (customer_id) where acquisition_country = 'GB'"),
    ("overview", "totals", "repeat_customer_count", {"place": ALL},
     "select count(*) from marts.fct_customer_features where frequency >= 2"),
    ("overview", "totals", "active_customer_count", {"place": ALL},
     "select count(*) from marts.fct_customer_features join marts.dim_customers "
     "using (customer_id) where lifecycle_stage = 'new' or lifecycle_stage = 'active'"),
    ("overview", "months", "order_count", {"place": ALL, "month_date": "2025-11-01"},
     "select count(*) from marts.fct_orders join marts.fct_customer_features using (customer_id) "
     "where is_purchase and year(order_date) = 2025 and month(order_date) = 11"),
    ("overview", "years", "net_amount", {"place": ALL, "year": "recent"},
     "select sum(net_amount) from marts.fct_orders join marts.fct_customer_features "
     "using (customer_id) where order_date between date '2025-01-01' and date '2025-12-31'"),
    ("overview", "values", "clv", {"place": ALL},
     "select sum(clv) from marts.fct_customer_values where horizon_days = 365"),
    ("quality", "all_lines", "rejected_count", {},
     "select sum(row_count) from marts.rpt_data_quality where reason != 'accepted'"),
    ("cohorts", "curve", "cohort_size", {"place": ALL, "months_since_first": 6},
     "select count(*) from marts.fct_customer_months where months_since_first = 6 and is_complete"),
    ("cohorts", "curve", "customer_count", {"place": ALL, "months_since_first": 6},
     "select count(*) from marts.fct_customer_months where months_since_first = 6 and is_complete "
     "and is_retained"),
    ("value", "totals", "value_at_risk", {"horizon_days": 90},
     "select sum(value_at_risk) from marts.fct_customer_values where horizon_days = 90"),
    ("value", "histogram", "customer_count",
     {"segmentation": "rfm", "segment_key": "all", "horizon_days": 365, "step": 11},
     "select count(*) from marts.fct_customer_values where horizon_days = 365 "
     "and clv >= 100 and clv < power(10, 2.2)"),
    ("migration", "totals", "customer_count",
     {"segmentation": "rfm", "kind": "stayed", "to_as_of_date": "2025-12-31"},
     "select sum(customer_count) from marts.fct_segment_migrations where segmentation = 'rfm' "
     "and from_segment_key = to_segment_key and to_as_of_date = date '2025-12-31'"),
]  # fmt: skip


@pytest.fixture(scope="module")
def documents(publication):
    """The loaders' documents, each made once."""
    made = {}
    return lambda name: (
        made.get(name) or made.setdefault(name, run_loader(f"{name}.json.py", publication))
    )


@pytest.mark.parametrize(
    ("name", "table", "column", "where", "sql"), FIGURES, ids=[" ".join(row[:3]) for row in FIGURES]
)
def test_figures_are_those_of_the_marts(documents, marts, name, table, column, where, sql):
    rows = documents(name)["tables"][table]["rows"]
    (row,) = [row for row in rows if where.items() <= row.items()]
    assert row[column] == pytest.approx(float(marts(sql)[0]), rel=1e-12)


def test_downloads_are_csv_that_a_spreadsheet_reads_as_text(tmp_path):
    """Quotes, commas and lines stay in their cell, and no cell is a formula."""
    rows = [
        {"a": 'say "hi", you', "b": "two\nlines"},
        {"a": "=1+1", "b": -2.5},
        {"a": "@x", "b": "-1"},
        {"a": "+1", "b": "\tx"},
        {"a": None, "b": "a-b=c"},
        {"a": '"quoted"', "b": "last"},
    ]
    module = PROJECT / "dashboard/src/components/data.js"
    script = tmp_path / "csv.mjs"
    script.write_text(
        f"import {{csv}} from {json.dumps(module.as_uri())};"
        f"process.stdout.write(csv({json.dumps(rows)}, ['a', 'b']));"
    )
    done = subprocess.run([program("node"), script], capture_output=True, check=True)
    assert done.stdout.decode().startswith("a,b\r\n")
    assert list(csv.reader(io.StringIO(done.stdout.decode(), newline=""))) == [
        ["a", "b"],
        ['say "hi", you', "two\nlines"],
        ["'=1+1", "-2.5"],
        ["'@x", "'-1"],
        ["'+1", "'\tx"],
        ["", "a-b=c"],
        ['"quoted"', "last"],
    ]


def test_a_rule_of_few_customers_is_hidden_however_many_orders_it_has(publication, tmp_path):
    copy = stricter(publication, tmp_path / "copy", 5)
    rule = "antecedent = 'Copper Ring' and consequent = 'Ivory Ring' and scope = 'all'"

    def shown():
        rows = run_loader("baskets.json.py", copy)["tables"]["rules"]["rows"]
        sides = {(r["antecedent"], r["consequent"]) for r in rows if r["scope"] == "all"}
        return ("Copper Ring", "Ivory Ring") in sides

    assert shown()
    with duckdb.connect(str(copy / "clientele.duckdb")) as connection:
        # All orders that hold both become orders of one of four customers.
        connection.execute(
            "update marts.fct_orders set customer_id = 'c' || (hash(order_id) % 4)::varchar "
            "where order_id in (select order_id from marts.fct_order_lines as lines "
            "join marts.dim_products using (product_id) where product_name = 'Ivory Ring')"
        )
        assert (
            connection.execute(
                f"select order_count from marts.fct_association_rules where {rule}"
            ).fetchone()[0]
            > 100
        )
    assert not shown()
