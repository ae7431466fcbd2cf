"""The list of customers to contact: each once, with reason, day, value and offer."""

import csv

import duckdb
import pytest
from conftest import PROJECT

from clientele import cli
from clientele.contacts import GROUPS, write_contacts

CUSTOMERS = [
    # customer, group, country, segment, spent
    ("a", "due", "FR", "Loyal", 10),
    ("b", "overdue", "GB", "Loyal", 20),
    ("c", "overdue", "GB", "New", 30),
    ("d", None, "GB", "New", 99),
    ("e", "second order", "GB", "It's", 5),
]


@pytest.fixture
def publication(tmp_path):
    folder = tmp_path / "published/current"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "clientele.duckdb")) as connection:
        connection.execute(
            """
            create schema marts;
            create table given (c varchar, g varchar, country varchar, s varchar, spent int);
            """
        )
        connection.executemany("insert into given values (?, ?, ?, ?, ?)", CUSTOMERS)
        connection.execute(
            """
            create table marts.fct_customer_actions as select c as customer_id,
                g as contact_group, 'Act' as action_name, 'Do, then wait' as recommended_action,
                'Because' as action_reason, date '2024-05-01' as expected_order_date,
                3 as overdue_days from given;
            create table marts.dim_customers as select c as customer_id, s as segment_name,
                'Champions' as rfm_group, country as acquisition_country,
                spent as customer_net_amount from given;
            create table marts.fct_product_recommendations as
                select * from (values ('b', 1, 'mug', 'Mug', 'Popular'), ('b', 2, 'pan', 'Pan', ''))
                as offers (customer_id, rank, product_id, product_label, reason)
            """
        )
    return folder


def written(file):
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_each_customer_stands_once_by_group_and_amount_with_one_offer(publication, tmp_path):
    file = tmp_path / "list.csv"
    counts = write_contacts(publication, file)
    assert counts == {"overdue": 2, "due": 1, "at risk": 0, "new": 0, "second order": 1}
    rows = written(file)
    assert [row["customer_id"] for row in rows] == ["c", "b", "a", "e"]
    assert rows[1] == {
        "customer_id": "b",
        "contact_group": "overdue",
        "action_name": "Act",
        "recommended_action": "Do, then wait",
        "action_reason": "Because",
        "expected_order_date": "2024-05-01",
        "overdue_days": "3",
        "segment_name": "Loyal",
        "rfm_group": "Champions",
        "country": "GB",
        "spent_amount": "20",
        "offer_product_id": "mug",
        "offer": "Mug",
        "offer_reason": "Popular",
    }


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"groups": ("due", "overdue")}, ["c", "b", "a"]),
        ({"country": "GB"}, ["c", "b", "e"]),
        ({"segment": "It's"}, ["e"]),
        ({"segment": "Loyal", "country": "GB"}, ["b"]),
        ({"limit": 1}, ["c"]),
        ({"limit": 0}, []),
    ],
)
def test_filters_leave_out_the_others(publication, tmp_path, filters, expected):
    write_contacts(publication, file := tmp_path / "list.csv", **filters)
    assert [row["customer_id"] for row in written(file)] == expected


def test_an_existing_file_is_replaced_only_if_asked(publication, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("mine")
    with pytest.raises(ValueError, match="list.csv exists.*--force"):
        write_contacts(publication, file)
    assert file.read_text() == "mine"
    write_contacts(publication, file, force=True)
    assert len(written(file)) == 4


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"segment": "Loyale"}, "segment_name 'Loyale'; known are It's, Loyal, New"),
        ({"country": "XX"}, "acquisition_country 'XX'; known are FR, GB"),
    ],
)
def test_a_filter_that_fits_nobody_is_an_error_that_lists_what_is_known(
    publication, tmp_path, filters, message
):
    with pytest.raises(ValueError, match=message):
        write_contacts(publication, tmp_path / "list.csv", **filters)
    assert not (tmp_path / "list.csv").exists()


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(publication, tmp_path):
    with pytest.raises(OSError, match="nowhere/list.csv"):
        write_contacts(publication, tmp_path / "nowhere/list.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"published"}


def test_the_command_line_reads_the_current_publication(publication, tmp_path, monkeypatch, capsys):
    (tmp_path / "dbt_project.yml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIENTELE_PUBLISH_DIR", raising=False)
    assert cli.main(["contacts", "list.csv", "--group", "due", "--group", "overdue"]) == 0
    assert capsys.readouterr().out.split() == ("3 customers in list.csv overdue 2 due 1".split())
    assert cli.main(["contacts", "list.csv"]) == 2
    monkeypatch.setenv("CLIENTELE_PUBLISH_DIR", "elsewhere")
    assert cli.main(["contacts", "other.csv"]) == 2
    assert "nothing is published" in capsys.readouterr().err


def test_the_groups_are_those_of_the_mart():
    model = (PROJECT / "models/marts/customers/fct_customer_actions.sql").read_text()
    grouped = model.split("grouped as (")[1].split("end as contact_group")[0]
    assert {f"'{group}'" in grouped for group in GROUPS} == {True}
    assert grouped.count(" then '") == len(GROUPS) + 1
