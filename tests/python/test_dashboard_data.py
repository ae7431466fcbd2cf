"""The dashboard's data: no figure of few customers leaves the marts, and the others are exact."""

import csv
import io
import re

import duckdb
import pandas as pd
import pytest
from browsing import PAGES, stricter, tables_of

from clientele.dashboard import contacts, members, offers
from clientele.dashboard.baskets import bundles
from clientele.dashboard.cohorts import MAX_HIDDEN_SHARE
from clientele.dashboard.index import joined_countries
from clientele.dashboard.quality import joined_reasons
from clientele.dashboard.tables import ALL, Page
from clientele.dashboard.value import joined_steps

WITH_TABLES = [name for name in PAGES if name != "glossary"]


@pytest.fixture(scope="module")
def strict(publication, tmp_path_factory):
    """A copy of the publication that shows no figure of fewer than 100 customers."""
    return stricter(publication, tmp_path_factory.mktemp("strict") / "copy", 100)


@pytest.mark.parametrize("name", WITH_TABLES)
@pytest.mark.parametrize("min_cell", [5, 100])
def test_no_figure_of_fewer_customers_leaves_the_marts(documents, strict, name, min_cell):
    tables = documents(name) if min_cell == 5 else tables_of(name, strict)
    told = 0
    for table, content in tables.items():
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
    assert told


@pytest.mark.parametrize("min_cell", [5, 100])
def test_shares_of_attributes_that_few_customers_have_are_not_shown(documents, strict, min_cell):
    tables = documents("segments") if min_cell == 5 else tables_of("segments", strict)
    told = 0
    for row in tables["profiles"]["rows"]:
        assert row["attribute"] != "first_language"
        if row["attribute_value"] == "mean" or row["segment_value"] is None:
            assert row["attribute_value"] == "mean" or row["difference"] is None
            continue
        count = round(row["segment_value"] * row["customer_count"])
        for part in (count, row["customer_count"] - count):
            assert part == 0 or part >= min_cell, row
        told += 1
    assert told > 20


def test_lists_name_every_customer_with_segments_country_and_offers(publication, marts):
    offered = offers.load(Page(publication))
    assert not re.search(r"%| times |: ", " ".join(offered["reasons"]))
    for customer, products, reasons in offered["customers"][:20]:
        expected = marts(
            "select product_label, reason from marts.fct_product_recommendations "
            "where customer_id = ? order by rank",
            customer,
        )
        assert [offered["products"][i] for i in products] == [label for label, _ in expected]
        for i, (_, reason) in zip(reasons, expected, strict=True):
            assert reason.startswith(offered["reasons"][i] + ": ")
    listed = members.load(Page(publication))["members"]
    assert len(listed) == marts("select count(*) from marts.fct_customer_features")[0]
    memberships = marts(
        "select customer_id, segmentation, segment_key from marts.fct_segment_memberships "
        "where is_current"
    )
    assert sorted(memberships) == sorted(
        (customer, segmentation, key)
        for customer, segments, _ in listed
        for segmentation, key in segments.items()
    )


def test_each_customer_is_contacted_once_for_the_reason_of_the_mart(publication, marts):
    rows = contacts.load(Page(publication))
    assert len({row[0] for row in rows}) == len(rows) > 100
    expected = marts(
        "select customer_id, contact_group, recommended_action, action_reason, "
        "cast(expected_order_date as varchar) from marts.fct_customer_actions "
        "where contact_group is not null"
    )
    assert sorted((row[0], *row[3:7]) for row in rows) == sorted(expected)
    shown = {
        row["state"]: row["customer_count"]
        for row in tables_of("week", publication)["states"]["rows"]
        if row["place"] == ALL
    }
    for group in {row[1] for row in expected}:
        count = sum(row[1] == group for row in expected)
        assert shown[group] == (count if count >= 5 else None), group


def test_reasons_lose_the_figures_of_every_method(publication, tmp_path):
    copy = stricter(publication, tmp_path / "copy", 5)
    reasons = {
        "Bought Mug: who has Mug has Pan 3.1 times as often as chance": "Bought Mug",
        "Bought Mug and 17 more products that go with it: who has Mug has Pan 2 times as often "
        "as chance": "Bought Mug and others that go with it",
        "Bought Mug, Pan: 63% of such baskets hold Pot, 5.2 times chance": "Bought Mug, Pan",
        "To fill the list. Popular: 3.4% of all customers bought it within 90 days": "To fill the "
        "list. Popular",
        "Bought before, last on 2025-05-01: 62% of its customers bought it again": "Bought before, "
        "last on 2025-05-01",
    }
    with duckdb.connect(str(copy / "clientele.duckdb")) as connection:
        for rank, reason in enumerate(reasons, 1):
            connection.execute(
                "update marts.fct_product_recommendations set reason = ? where rank = ?",
                [reason, rank],
            )
    assert set(reasons.values()) <= set(offers.load(Page(copy))["reasons"])


def test_tables_of_facts_count_no_customers(documents):
    for name in WITH_TABLES:
        for table, content in documents(name).items():
            if content["customers"] is None and content["rows"]:
                counted = [key for key in content["rows"][0] if "customer" in key]
                assert counted == [], (name, table)


def test_a_page_says_how_to_get_a_publication(tmp_path):
    with pytest.raises(ValueError, match="no publication in .* `clientele publish` makes"):
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
    ("index", "totals", "customer_count", {"place": ALL},
     "select count(*) from marts.fct_customer_features"),
    ("index", "totals", "net_amount", {"place": "GB"},
     "select sum(monetary) from marts.fct_customer_features join marts.dim_customers "
     "using (customer_id) where acquisition_country = 'GB'"),
    ("index", "totals", "repeat_customer_count", {"place": ALL},
     "select count(*) from marts.fct_customer_features where frequency >= 2"),
    ("index", "totals", "active_customer_count", {"place": ALL},
     "select count(*) from marts.fct_customer_features join marts.dim_customers "
     "using (customer_id) where lifecycle_stage = 'new' or lifecycle_stage = 'active'"),
    ("index", "months", "order_count", {"place": ALL, "month_date": "2025-11-01"},
     "select count(*) from marts.fct_orders join marts.fct_customer_features using (customer_id) "
     "where is_purchase and year(order_date) = 2025 and month(order_date) = 11"),
    ("index", "windows", "customer_count", {"place": ALL, "months_back": 12},
     "select count(distinct customer_id) from marts.fct_orders join marts.fct_customer_features "
     "using (customer_id) where order_date between date '2024-10-01' and date '2024-12-31'"),
    ("index", "values", "clv", {"place": ALL, "horizon_days": 365},
     "select sum(clv) from marts.fct_customer_values where horizon_days = 365"),
    ("quality", "all_lines", "rejected_count", {},
     "select sum(row_count) from marts.rpt_data_quality where reason != 'accepted'"),
    ("cohorts", "curve", "cohort_size", {"place": ALL, "age": 6},
     "select count(*) from marts.fct_customer_months where months_since_first = 6 and is_complete "
     "and cohort_month_date <> date '2024-01-01'"),
    ("cohorts", "curve", "customer_count", {"place": ALL, "age": 6},
     "select count(*) from marts.fct_customer_months where months_since_first = 6 and is_complete "
     "and is_retained and cohort_month_date <> date '2024-01-01'"),
    ("value", "totals", "value_at_risk", {"horizon_days": 90},
     "select sum(value_at_risk) from marts.fct_customer_values where horizon_days = 90"),
    ("value", "histogram", "customer_count",
     {"horizon_days": 365, "step": 5},
     "select count(*) from marts.fct_customer_values where horizon_days = 365 "
     "and clv >= 100 and clv < power(10, 2.5)"),
    ("migration", "kinds", "customer_count",
     {"segmentation": "rfm", "kind": "stayed", "to_as_of_date": "2025-12-31"},
     "select sum(customer_count) from marts.fct_segment_migrations where segmentation = 'rfm' "
     "and from_segment_key = to_segment_key and to_as_of_date = date '2025-12-31'"),
]  # fmt: skip


@pytest.fixture(scope="module")
def documents(publication):
    """The tables of pages, each made once."""
    made = {}
    return lambda name: made.get(name) or made.setdefault(name, tables_of(name, publication))


@pytest.mark.parametrize(
    ("name", "table", "column", "where", "sql"), FIGURES, ids=[" ".join(row[:3]) for row in FIGURES]
)
def test_figures_are_those_of_the_marts(documents, marts, name, table, column, where, sql):
    rows = documents(name)[table]["rows"]
    (row,) = [row for row in rows if where.items() <= row.items()]
    assert row[column] == pytest.approx(float(marts(sql)[0]), rel=1e-12)


def test_downloads_are_csv_that_a_spreadsheet_reads_as_text(visit):
    """Quotes, commas and lines stay in their cell, and no cell is a formula."""
    rows = [
        {"a": 'say "hi", you', "b": "two\nlines"},
        {"a": "=1+1", "b": -2.5},
        {"a": "@x", "b": "-1"},
        {"a": "+1", "b": "\tx"},
        {"a": None, "b": "a-b=c"},
        {"a": '"quoted"', "b": "last"},
    ]
    text = visit("glossary").evaluate("rows => clientele.csv(rows, ['a', 'b'])", rows)
    assert text.startswith("a,b\r\n")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
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
        rows = tables_of("baskets", copy)["rules"]["rows"]
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


def test_rules_of_the_same_items_are_one_bundle():
    rules = pd.DataFrame(
        [("all", "product", key) for key in ("ab", "ac", "bc", "de", "abcdefg", "ea")],
        columns=["scope", "item_level", "rule_key"],
    )
    items = {key: list(key) for key in rules["rule_key"]}
    # The cups a, b and c are one bundle; seven items are too many for it; e and d are another.
    assert bundles(rules, items) == [0, 0, 0, 1, 2, 0]


def test_small_countries_are_named_with_the_next_one_and_no_filter_tells_them_apart():
    countries = pd.DataFrame(
        [
            ("UK", "UK", 500, 900, 9000), ("Other", "Eire", 3, 50, 900),
            ("Other", "Netherlands", 20, 40, 800), ("Other", "Spain", 9, 12, 90),
            ("Other", "Malta", 2, 3, 8),
        ],
        columns=["place", "country", "customer_count", "order_count", "net_amount"],
    )  # fmt: skip
    joined = joined_countries(countries, 5)
    assert list(joined["country"]) == ["UK", "Eire and Netherlands", "Spain and Malta"]
    assert list(joined["customer_count"]) == [500, 23, 11]
    assert joined["net_amount"].sum() == countries["net_amount"].sum()


def test_reasons_of_few_lines_keep_their_amount():
    lines = pd.DataFrame(
        [
            ("accepted", "none", "Good", 900, 5000),
            ("zero_price", "warning", "Free", 60, 0),
            ("adjustment", "info", "Bookkeeping", 6, -147614),
            ("reversed", "warning", "Undone", 4, 0),
        ],
        columns=["reason", "severity", "meaning", "row_count", "amount"],
    )  # fmt: skip
    joined = joined_reasons(lines, 5)
    assert list(joined["reason"]) == ["accepted", "zero_price", "adjustment; reversed"]
    assert list(joined["amount"]) == [5000, 0, -147614] and joined["row_count"].sum() == 970


def test_bars_of_few_customers_are_joined_and_none_is_lost():
    counts = [1, 2, 7, 50, 3, 9, 1]
    steps = pd.DataFrame(
        {"horizon_days": 30, "step": range(7), "customer_count": counts, "clv": counts}
    )
    joined = joined_steps(steps, 5)
    assert list(zip(joined["step"], joined["to_step"], strict=True)) == [(0, 3), (3, 4), (4, 7)]
    assert list(joined["customer_count"]) == [10, 50, 13]


def test_cohorts_of_few_customers_are_of_quarters(documents, publication, tmp_path):
    tables = documents("cohorts")
    (unit,) = tables["unit"]["rows"]
    assert unit["unit"] == "month"
    strict = tables_of("cohorts", stricter(publication, tmp_path / "copy", 40))
    (unit,) = strict["unit"]["rows"]
    assert unit["unit"] == "quarter"
    rows = strict["cohorts"]["rows"]
    assert {row["cohort_date"][5:] for row in rows} == {"01-01", "04-01", "07-01", "10-01"}
    assert sum(row["is_hidden"] for row in tables["cohorts"]["rows"]) <= MAX_HIDDEN_SHARE * len(
        tables["cohorts"]["rows"]
    )


def test_the_first_cohort_of_the_data_is_in_no_mean(documents):
    tables = documents("cohorts")
    first = min(row["cohort_date"] for row in tables["cohorts"]["rows"])
    for row in tables["cohorts"]["rows"]:
        assert row["is_truncated"] is (row["cohort_date"] == first)
    last = max(
        (row for row in tables["curve"]["rows"] if row["place"] == ALL), key=lambda row: row["age"]
    )
    # Without it the oldest age rests on the second cohort alone, and the page marks it.
    assert last["cohort_count"] == 1


def test_shares_of_moves_are_of_all_who_were_in_the_segment(documents, marts):
    tables = documents("migration")
    truth = {
        row[:3]: row[3]
        for row in marts(
            "select segmentation, to_as_of_date::varchar, from_segment_key, sum(customer_count) "
            "from marts.fct_segment_migrations where to_segment_key <> 'none' group by all"
        )
    }
    told = 0
    for row in tables["froms"]["rows"]:
        if not row["is_hidden"]:
            key = (row["segmentation"], row["to_as_of_date"], row["from_segment_key"])
            assert row["customer_count"] == truth[key]
            told += 1
    assert told >= 0.9 * len(truth)
