"""The reconciliation is what pandas finds in the file, and every difference has its reason."""

import io
import json
import re
from decimal import Decimal

import pandas as pd
import pytest
from conftest import PROJECT

from clientele.reconciling import loss, reconciled
from clientele.sources import load_source

SOURCES = PROJECT / "sources"
FILE = """\
Order,Email,Date,SKU,Qty,Price,Status,Discount,Shipping,Tax,Refund,Total
1,a@x.de,2024-01-05 10:00:00,mug,2,10.00,paid,3.00,5.00,4.00,,30.00
1,,,cup,1,4.00,,,,,,
2,b@x.de,2024-01-06 10:00:00,mug,1,10.00,paid,,5.00,2.00,12.00,17.00
3,a@x.de,2024-02-06 10:00:00,cup,3,4.00,cancelled,2.00,5.00,2.00,,17.00
4,c@x.de,2024-02-07 10:00:00,cup,3,n.a.,paid,,0.00,0.00,,0.00
5,a@x.de,2024-02-08 10:00:00,pot,1,20.00,paid,,5.00,4.00,,29.50
6,b@x.de,2024-02-09 10:00:00,pot,1,0.00,paid,,,,,
6,b@x.de,2024-02-09 10:00:00,mug,1,10.00,paid,,5.00,2.00,,17.00
7,d@x.de,soon,mug,1,10.00,paid,,5.00,2.00,,17.00
8,d@x.de,2024-02-10 10:00:00,mug,1,10.00,paid,,5.00,2.00,,17.00
"""
COLUMNS = {
    "order_id": "Order", "customer_id": "Email", "ordered_at": "Date", "product_id": "SKU",
    "quantity": "Qty", "unit_price": "Price",
}  # fmt: skip
AMOUNTS = ["Discount", "Shipping", "Tax", "Refund", "Total"]
EXPECTED = {"orders": 8, "net": 71, "gross": 98, "tax": 18, "tips": 1, "total": 145}


@pytest.fixture(scope="module")
def shop(new_warehouse, tmp_path_factory):
    """The file, built by the command line in a project with a source of its own."""
    project, template = tmp_path_factory.mktemp("project"), load_source("template", SOURCES)
    for entry in PROJECT.iterdir():
        if entry.name not in ("sources", "target", "logs"):
            (project / entry.name).symlink_to(entry)
    (project / "shop.csv").write_text(FILE)
    table = {
        "path": "{data}", "columns": COLUMNS, "fill_down": ["Email", "Date", "Status"],
        "order_amounts": {name.lower(): name for name in AMOUNTS},
        "exclude": [{"when": "Status = 'cancelled'", "reason": "cancelled"}],
    }  # fmt: skip
    source = template["source"] | {
        "name": "shop", "tables": {"order_lines": table}, "expected": EXPECTED,
        "currency": "EUR", "max_unreadable_share": 0.5,
    }  # fmt: skip
    (project / "sources").mkdir()
    text = json.dumps({"source": source}, default=str)
    (project / "sources/shop.yml").write_text(text)
    warehouse = new_warehouse("reconciled")
    warehouse.project = project
    warehouse.clientele("build", "--source", "shop", "--data", project / "shop.csv")
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    return warehouse


@pytest.fixture(scope="module")
def file():
    """The file as pandas reads it, with why each line is left out."""
    raw = pd.read_csv(io.StringIO(FILE), dtype=str)
    raw[["Email", "Date", "Status"]] = raw.groupby("Order")[["Email", "Date", "Status"]].ffill()
    price = pd.to_numeric(raw["Price"], errors="coerce")
    raw["gross"] = (price * raw["Qty"].astype(int)).fillna(0)
    raw["month"] = pd.to_datetime(raw["Date"], errors="coerce").dt.strftime("%Y-%m")
    raw["month"] = raw["month"].fillna("unknown")
    raw["reason"] = None
    raw.loc[price == 0, "reason"] = "zero_price"
    raw.loc[price.isna(), "reason"] = "invalid_price"
    raw.loc[raw["month"] == "unknown", "reason"] = "invalid_timestamp"
    raw.loc[raw["Status"] == "cancelled", "reason"] = "excluded: cancelled"
    for name in AMOUNTS:
        raw[name] = raw[name].astype(float).fillna(0)
    return raw


def steps(shop, measure, period="all"):
    """Return the platform's figure, the reasons with their amounts, and the marts' figure."""
    rows = shop.query(
        "select step, reason, amount from marts.rpt_reconciliation "
        f"where measure = '{measure}' and period = '{period}' and step <> 'expected'"
    )
    figures = {step: float(amount) for step, _, amount in rows if step != "reason"}
    reasons = {reason: float(amount) for step, reason, amount in rows if step == "reason"}
    return figures["platform"], reasons, figures["marts"]


@pytest.mark.parametrize("period", ["all", "2024-01", "2024-02", "unknown"])
def test_lines_and_money_of_every_month_are_those_of_the_file(shop, file, period):
    part = file if period == "all" else file[file["month"] == period]
    left_out, kept = part[part["reason"].notna()], part[part["reason"].isna()]
    by_reason = left_out.groupby("reason")
    lines = {reason: -float(n) for reason, n in by_reason.size().items()}
    assert steps(shop, "lines", period) == (len(part), lines, len(kept))
    gross = {reason: -g for reason, g in by_reason["gross"].sum().items() if g}
    platform, reasons, marts = steps(shop, "gross", period)
    assert (platform, marts) == (part["gross"].sum(), kept["gross"].sum())
    assert {name: amount for name, amount in reasons.items() if amount} == gross
    # Each order's discount is on the lines that stay, or on those of an order that does not.
    discounts = left_out.groupby("reason")["Discount"].sum()
    expected = {reason: -amount for reason, amount in discounts.items() if amount}
    stated, reasons, _ = steps(shop, "discounts", period)
    assert (stated, reasons) == (part["Discount"].sum(), expected)


def test_orders_and_customers_are_those_of_the_file(shop, file):
    kept = file[file["reason"].isna()].groupby("Order").agg({"gross": "sum", "Refund": "max"})
    bought = set(kept.index[kept["gross"] > kept["Refund"]])
    reasons = {"nothing_left_of_order": -1, "excluded: cancelled": -1, "invalid_price": -1}
    reasons["invalid_timestamp"] = -1
    assert steps(shop, "orders") == (file["Order"].nunique(), reasons, len(bought))
    buyers = file[file["Order"].isin(bought)]["Email"].nunique()
    expected = (file["Email"].nunique(), {"invalid_price": -1}, buyers)
    assert steps(shop, "customers") == expected


def test_money_without_a_known_amount_is_counted_and_never_zero_silently(shop):
    rows = shop.query(
        "select period, reason, unknown_amount_row_count from marts.rpt_reconciliation "
        "where measure = 'gross' and unknown_amount_row_count > 0 order by period, step_number"
    )
    assert rows == [
        (period, reason, 1) for period in ("2024-02", "all") for reason in ("", "invalid_price")
    ]


def test_refunds_and_totals_lead_to_the_marts(shop, file):
    given_back = file["Refund"].sum()
    assert steps(shop, "refunds") == (given_back, {"refund_beyond_lines": -2}, given_back - 2)
    platform, reasons, marts = steps(shop, "total")
    net = file["gross"].sum() - file["Discount"].sum() - given_back
    added = file["Shipping"].sum() + file["Tax"].sum()
    assert platform == file["Total"].sum()
    assert reasons["shipping"] + reasons["tax"] == -added
    assert reasons["refunds_not_in_total"] == -given_back
    assert reasons["unexplained"] == -(platform - added - given_back - net) != 0
    assert platform + sum(reasons.values()) == marts == steps(shop, "net")[2]


def test_the_summary_tells_the_loss_first_and_compares_what_was_expected(shop):
    page = shop.output.partition("The marts are in")[2]
    assert page.splitlines()[3].startswith("Left out: 3 of 10 lines (")
    told = page.partition("Reconciled with the source")[2]
    table = {line.split()[0]: line.split() for line in told.splitlines() if line.strip()}
    assert table["orders"][1:4] == ["8", "-4", "4"]
    assert table["net"][1:4] == ["79.00", "-18.00", "61.00"]
    for sentence in (
        "Expected orders 8: 4 more than the marts, and equal to the file before anything is left",
        "Expected net 71.00: 10.00 more than the marts, which excluded: cancelled or "
        "invalid_timestamp would make.",
        "Expected gross 98.00: 24.00 more than the marts; no one or two reasons make it.",
        "Expected tax 18.00: equal to the file.",
        "Expected tips 1.00: the file states none.",
        "Expected total 145.00: 0.50 more than the file.",
    ):
        assert sentence in told, told


def test_a_lost_reason_breaks_the_check(shop):
    """The check of the mart finds each reason that is missing, and a figure that is wrong."""
    sql = (shop.folder / "target").glob("compiled/**/adds_up_rpt_reconciliation_.sql")
    check = next(sql).read_text()
    assert shop.query(check) == []
    name = re.search(r"from (\S*rpt_reconciliation\S*)", check)[1]
    reasons = shop.query(
        "select distinct reason from marts.rpt_reconciliation where step = 'reason' and amount <> 0"
    )
    assert len(reasons) >= 8
    for (reason,) in reasons:
        without = f"(select * from marts.rpt_reconciliation where reason <> '{reason}')"
        assert shop.query(check.replace(name, without)), reason


def test_small_or_chosen_losses_are_not_told_first():
    small = [("accepted", 995, 1000, 0), ("duplicate", 5, 5, 0), ("excluded", 900, 900, 0)]
    assert loss(small) == []
    (said, _) = loss([("accepted", 191, 320, 0), ("invalid_price", 382, 680, 0)])
    assert said == ("Left out: 382 of 573 lines (68 % of the money): invalid_price 382 (680.00).")
    assert loss([("accepted", 999, 100, 0), ("zero_price", 1, 50, 0)])


def test_two_reasons_together_can_make_a_difference():
    rows = [
        ("EUR", "net", "platform", "", Decimal(100), 0),
        ("EUR", "net", "reason", "duplicate", Decimal(-30), 0),
        ("EUR", "net", "reason", "test_row", Decimal(-20), 0),
        ("EUR", "net", "reason", "zero_price", Decimal(-7), 0),
        ("EUR", "net", "marts", "", Decimal(43), 0),
        ("EUR", "net", "expected", "", Decimal(70), 0),
    ]
    (row,), (said,) = reconciled(rows)
    assert row[1:4] == ("100.00", "-57.00", "43.00")
    assert said == (
        "Expected net 70.00: 27.00 more than the marts, which test_row with zero_price would make."
    )
