"""`clientele init` on one shop that thirteen programs exported: orders, customers, days and money.

No test touches the YAML that the command writes. The truth is in files next to the exports.
"""

import re
from zoneinfo import ZoneInfo

import duckdb
import pytest
import yaml

from clientele.cli import main
from clientele.sources.importing import import_source

FOLDER = "shop_exports/made_up_one_shop"
NEW_YORK = ZoneInfo("America/New_York")


def _net(order):
    return order["subtotal"] - order["discount"]


def _after_refunds(order):
    # A refund also gave back shipping and tax, which are no lines.
    return _net(order) - min(order["refunded"], _net(order))


# File -> money of an order that the layout holds, states that it lacks or leaves out, whether it
# names customers, and the truth's number of an order.
FIRST = r"(\d+)"
LAYOUTS = {
    "shopify_orders_export.csv": (_after_refunds, "cancelled", True, FIRST, 0),
    "shopify_bulk_orders.jsonl": (_after_refunds, "cancelled", True, FIRST, 0),
    "woocommerce_advanced_order_export.csv": (_after_refunds, "cancelled", True, FIRST, 0),
    "woocommerce_analytics_orders.csv": (_after_refunds, "cancelled", True, FIRST, 0),
    "woocommerce_analytics_orders_fr.csv": (_after_refunds, "cancelled", True, FIRST, 0),
    "bigcommerce_orders.csv": (_after_refunds, "cancelled", True, FIRST, 900),
    "squarespace_orders_excel_resaved.csv": (_after_refunds, "cancelled", True, FIRST, 1000),
    "gumroad_sales.csv": (_after_refunds, "cancelled pending", True, FIRST, 0),
    # Neither refunds nor prices of pending orders.
    "amazon_all_orders.txt": (_net, "cancelled pending", False, r"-(\d+)-", -1000000),
    "amazon_all_orders_cp1252.txt": (_net, "cancelled pending", False, r"-(\d+)-", -1000000),
    # Prices before discounts, no refunds.
    "ebay_orders_report.csv": (lambda o: o["subtotal"], "cancelled pending", True, r"-(\d+)-", 0),
    # No discounts.
    "magento_sales_order_grid.csv": (
        lambda o: o["subtotal"] - min(o["refunded"], o["subtotal"]), "cancelled", True, FIRST, 1000,
    ),
    # Totals with shipping and tax only; orders are numbered by letters.
    "prestashop_orders.csv": (lambda o: o["total"], "cancelled", True, None, 1000),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project's folder that is the current one."""
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def orders_of(folder, path, *options):
    """Write the YAML of an export by the command, and return order -> (day, customer, net)."""
    assert main(["init", str(path), "--name", "shop", "--yes", *options]) == 0
    source = yaml.safe_load((folder / "sources/shop.yml").read_text(encoding="utf-8"))["source"]
    lines = import_source(source, str(path), folder / "imports").folder / "order_lines.parquet"
    rows = duckdb.sql(
        f"""
        select order_id, cast(min(ordered_at) as date), min(customer_id),
            count(distinct customer_id),
            sum(coalesce(line_amount, quantity * unit_price) - coalesce(discount_amount, 0)
                - coalesce(refunded_amount, 0)) as net
        from '{lines}' where reject_reason is null group by 1 having net is not null
        """
    ).fetchall()
    assert all(row[3] <= 1 for row in rows)
    assert not duckdb.sql(f"from '{lines}' where reject_reason = 'unreadable_line'").fetchall()
    return {row[0]: (row[1], row[2], row[4]) for row in rows}


@pytest.fixture(scope="module")
def truth(real_data):
    path = real_data(f"{FOLDER}/truth_orders.parquet")
    frame = duckdb.sql(f"from '{path}'").df()
    return {int(order["order_no"]): order for order in frame.to_dict("records")}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_gives_the_orders_days_customers_and_money_that_it_holds(
    folder, truth, real_data, name
):
    money, lacking, has_customers, number, added = LAYOUTS[name]
    path = real_data(f"{FOLDER}/{name}")
    found = orders_of(folder, path, "--timezone", "America/New_York")
    if number is None:
        numbers = duckdb.sql(
            f"from read_csv('{path}', delim = ';', all_varchar = true)"
        ).df().set_index("Référence")["ID"]  # fmt: skip
        numbered = {added + int(numbers[key]): order for key, order in found.items()}
    else:
        numbered = {added + int(re.search(number, key)[1]): o for key, o in found.items()}
    expected = {n: order for n, order in truth.items() if order["status"] not in lacking.split()}
    assert set(numbered) == set(expected)
    days = {n: order["created_utc"].astimezone(NEW_YORK).date() for n, order in expected.items()}
    assert {n: order[0] for n, order in numbered.items()} == days
    nets = {n: round(money(order) * 100) for n, order in expected.items()}
    assert {n: float(order[2] * 100) for n, order in numbered.items()} == nets
    pairs = {(expected[n]["customer_key"], order[1]) for n, order in numbered.items()}
    if not has_customers:
        assert {customer for _, customer in pairs} == {None}
        return
    # Two customers have neither address nor number: they are guests, and never one customer.
    guests = {key for key, customer in pairs if customer is None}
    assert guests <= {"C08", "C20"}
    known = [(key, customer) for key, customer in pairs if customer is not None]
    assert len({key for key, _ in known}) == len({c for _, c in known}) == len(known)


def test_offsets_tell_the_time_zone(folder, truth, real_data):
    path = real_data(f"{FOLDER}/shopify_orders_export.csv")
    orders_of(folder, path)
    assert "timezone: America/New_York" in (folder / "sources/shop.yml").read_text()


def test_layout_without_customers_says_so(folder, real_data, capsys):
    orders_of(folder, real_data(f"{FOLDER}/amazon_all_orders.txt"))
    assert "names no customers" in capsys.readouterr().out
