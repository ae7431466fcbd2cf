"""The command line refuses wrong input with a message and exit code 2, and changes nothing."""

import pytest
from conftest import PROJECT

from clientele import cli
from clientele.sources import load_source, project_vars
from clientele.summary import summary


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "dbt_project.yml").touch()
    (tmp_path / "sources").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIENTELE_DB", raising=False)
    return tmp_path


def write(project, text, name="shop"):
    (project / "sources" / f"{name}.yml").write_text(text)
    return project / "sources"


def test_a_source_is_read_as_vars(project):
    folder = write(project, "source: {name: shop, currency: EUR}")
    assert load_source("shop", folder) == {"source": {"name": "shop", "currency": "EUR"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "source:\n  name: shop\n  tables:\n    order_lines:\n      columns:\n"
            "        order_id: a\n        order_id: b\n",
            "line 7: 'order_id' is given twice",
        ),
        ("source: [", "is no valid YAML"),
        ("tables: {}", "must hold `source:`"),
        ("source: {name: other}", "`name` must be 'shop'"),
    ],
)
def test_a_broken_source_file_is_named(project, text, message, capsys):
    write(project, text)
    assert cli.main(["build", "--source", "shop"]) == 2
    assert message in capsys.readouterr().err
    assert not (project / "clientele.duckdb").exists()


def test_an_unknown_source_lists_the_known_ones(project, capsys):
    write(project, "source: {name: shop}")
    assert cli.main(["build", "--source", "shoop"]) == 2
    assert "no source 'shoop'" in (error := capsys.readouterr().err) and "are shop" in error


def test_a_folder_that_is_no_project_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["build"]) == 2
    assert "has no dbt_project.yml" in capsys.readouterr().err


def test_a_summary_without_a_warehouse_says_how_to_get_one(project, capsys):
    assert cli.main(["summary"]) == 2
    assert "run `clientele build`" in capsys.readouterr().err


def test_a_summary_of_a_catalog_that_is_gone_is_refused(project, capsys):
    assert cli.main(["summary", "--target", "spark"]) == 2
    assert "ends with its build" in capsys.readouterr().err


def test_a_wrong_option_is_refused(project):
    with pytest.raises(SystemExit) as refusal:
        cli.main(["summary", "--sauce", "x"])
    assert refusal.value.code == 2


def test_vars_of_the_project_are_overridden_one_by_one(project):
    (project / "dbt_project.yml").write_text("vars: {a: 1, b: {c: 2}}")
    assert project_vars(project, {"b": 3}) == {"a": 1, "b": 3}
    (project / "dbt_project.yml").write_text("name: no_vars")
    assert project_vars(project) == {}


def test_a_file_that_cannot_be_used_is_told_in_words(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(PROJECT)
    (tmp_path / "orders").write_text("a file where the folder of the shop should be")
    assert cli.main(["generate", str(tmp_path / "orders" / "shop"), "--customers", "5"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("clientele: ") and str(tmp_path / "orders") in said
    assert "not a directory" in said and "Errno" not in said


def answers(**tables):
    """Answer the summary's queries with the rows of the mart that each of them reads."""

    first_build = (True, None, None, None, None, None)
    tables = {"dim_products": [(1,)], "rpt_build_changes": [first_build]} | tables
    tables = {"rpt_restatements": [[]]} | tables

    def query(sql):
        # A query that reads two marts is answered for the one that the test names last.
        *_, rows = [rows for mart, rows in tables.items() if f"marts.{mart}" in sql.split()]
        return rows.pop(0) if isinstance(rows[0], list) else rows

    return query


def of_ten_customers(**tables):
    """Answer the queries for a shop with little to say, but for the marts in ``tables``."""
    little = {
        "fct_customer_features": [(10, 100.0, "2025-12-31")],
        "fct_orders": [(30, 0, 100)],
        "dim_segments": [[]],
        "fct_association_rules": [[], [(0, 0, 0)], []],
        "fct_customer_values": [[]],
        "rpt_data_quality": [("accepted", 5, 12.5, 0, "Sales")],
        "rpt_reconciliation": [[]],
    }
    return answers(**little | tables)


def test_the_summary_of_a_shop_of_guests_has_no_nulls():
    page = summary(
        answers(
            fct_customer_features=[(0, None, None)],
            fct_orders=[(0, 3, 5)],
            dim_segments=[[]],
            fct_association_rules=[[], [(0, 0, 0)], [("category", 10)]],
            fct_customer_values=[[]],
            rpt_data_quality=[
                ("accepted", 5, 12.5, 0, "Sales"),
                ("invalid_price", 1, None, 1, "Unreadable"),
            ],
            rpt_reconciliation=[[]],
        ),
        currency="EUR",
    )
    assert "None" not in page
    assert page.startswith(
        "No customer: 3 orders without one, so that all about customers is empty. If the source "
        "names customers, map `customer_id` and build again.\n\n"
        "Left out: 1 of 6 lines (0 % of the money that is known; it is unknown for 1): "
        "invalid_price 1.\n\n"
        "0 customers, 0 orders, 0 EUR from known customers; guests made 3 more orders.\n"
    )
    assert "6 raw lines" in page
    assert "0 rules, 0 with lift below 1, 0 neither chance nor redundant, 10 of level categ" in page
    assert ["invalid_price", "1", "0.00", "1", "Unreadable"] in [
        line.split() for line in page.splitlines()
    ]
    assert "none; customers are too few or too similar" in page


def test_the_summary_of_a_shop_without_money_says_so_first():
    page = summary(of_ten_customers(fct_orders=[(30, 1, 0)]), currency="EUR")
    assert page.startswith("Nothing to publish: 31 orders with 0.00 EUR net.")


@pytest.mark.parametrize(
    ("is_predictive", "said"),
    [(True, None), (False, "predict nothing beyond chance"), (None, "too short to test")],
)
def test_the_summary_says_whether_segments_predict_anything(is_predictive, said):
    page = summary(
        of_ten_customers(dim_segments=[[("Active", 10, 1.0, 1.0, "None", is_predictive)]])
    )
    for text in ("predict nothing beyond chance", "too short to test", "too similar"):
        assert (text in page) == (text == said)


def test_the_summary_says_what_is_unknown_and_aligns_figures():
    page = summary(
        answers(
            fct_customer_features=[(1200, 45000.4, "2025-12-31")],
            fct_orders=[(3400, 0, 45000)],
            dim_segments=[
                [
                    ("Loyal", 1000, 0.8333, 0.9, "Thank them", True),
                    ("New", 200, 0.17, None, "", True),
                ]
            ],
            fct_association_rules=[[("A", "B", 0.5, 2.04, None, 30)], [(9, 2, 1)], []],
            fct_customer_values=[
                [
                    (90, "bg", "reliable", 12.4, None, None, 10, 5.0),
                    (365, "bg", "reliable", 50.0, 999.6, None, 40, 900.0),
                ]
            ],
            rpt_data_quality=[("accepted", 1000, 12345.678, 0, "Sales")],
            rpt_reconciliation=[[]],
        )
    )
    lines = page.splitlines()
    assert (
        lines[0] == "As of 2025-12-31: 1,200 customers, 3,400 orders, 45,000 from known customers."
    )
    loyal, new = [line for line in lines if "Loyal" in line or line.startswith("  New")]
    assert loyal.split() == ["Loyal", "1,000", "83%", "90%", "Thank", "them"]
    assert new.split() == ["New", "200", "17%", "0%"]
    assert loyal.index("1,000") + len("1,000") == new.index("200") + len("200")
    assert "9 rules, 2 with lift below 1, 1 neither chance nor redundant" in page
    assert [line.split() for line in lines if " => " in line] == [
        ["A", "=>", "B", "50%", "2.0", "30"]
    ]
    assert [line.split()[2:] for line in lines if line.split()[1:2] == ["days"]] == [
        ["12", "unknown", "reliable"],
        ["50", "1,000", "reliable"],
    ]
    assert "12,345.68" in page


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((True, None, None, None, None, None), None),
        ((False, 0, 0, 0, 0, 0), "Since the build before, no order changed."),
        (
            (False, 1200, 0, 3, 0, 900),
            "Orders since the build before: 1,200 new, 3 vanished; 900 customers computed again.",
        ),
    ],
)
def test_the_summary_says_which_orders_changed(row, said):
    page = summary(of_ten_customers(rpt_build_changes=[row]))
    assert page.splitlines()[1] == (said or "")


def test_the_summary_counts_restated_customers_by_day_and_reason():
    """A customer may have several reasons, so the first number is not their sum."""
    rows = [
        ("2025-10-02", None, 1200),
        ("2025-10-02", "others", 1190),
        ("2025-10-02", "late order", 40),
        ("2025-07-04", None, 1),
        ("2025-07-04", "correction", 1),
    ]
    page = summary(of_ten_customers(rpt_restatements=[rows]))
    assert page.splitlines()[1:4] == [
        "Restated as of 2025-10-02: 1,200 customers (1,190 others, 40 late order).",
        "Restated as of 2025-07-04: 1 customer (1 correction).",
        "",
    ]
