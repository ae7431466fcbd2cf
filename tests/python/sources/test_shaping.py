"""Lines become orders: cells are filled, money is allotted, persons are one, all of it told."""

import random

import pytest
from sources.exports import COLUMNS, LINES, NAMES, Result, csv_text, imported, source, told

from clientele.sources.common import UnreadableSource
from clientele.sources.importing import import_source


def test_empty_cells_take_the_value_of_their_order(tmp_path):
    lines = [["1", "", *LINES[0][2:]], ["1", "ann", *LINES[1][2:]], ["2", "", *LINES[2][2:]]]
    result = imported(tmp_path, csv_text(lines))
    assert result.column("customer_id") == ["ann", "ann", None]
    assert told(result, "took the value of their order", "`customer_id` of 1 line")


def test_cells_of_the_first_line_are_filled_down_within_the_order(tmp_path):
    content = (
        "order,customer,sku,at,qty,price,status\n1,ann,a,2024-01-01,1,2,paid\n1,,b,2024-01-01,1,3,\n"
        "2,bob,a,2024-01-02,1,4,void\n2,,b,2024-01-02,1,5,\n3,cid,a,2024-01-03,1,6,\n"
    )
    rule = {"when": "status = 'void'", "reason": "cancelled"}
    result = imported(tmp_path, content, fill_down=["status"], exclude=[rule])
    assert result.query("order_id, reject_reason, exclude_reason") == [
        ("1", None, None),
        ("1", None, None),
        ("2", "excluded", "cancelled"),
        ("2", "excluded", "cancelled"),
        ("3", None, None),
    ]


def test_a_condition_that_cannot_be_computed_is_named(tmp_path):
    with pytest.raises(UnreadableSource, match="the condition `qty > 'x' \\+ 1` of `exclude`"):
        imported(tmp_path, csv_text(), exclude=[{"when": "qty > 'x' + 1"}])


def test_spellings_of_a_customer_are_one(tmp_path):
    names = ["Ann@X.io", "ann@x.io", "ann@x.io ", "ann  b", "Ann B", "ann b", "ann b"]
    lines = [[str(i), name, *LINES[0][2:]] for i, name in enumerate(names)]
    result = imported(tmp_path, csv_text(lines))
    assert result.column("customer_id") == ["ann@x.io"] * 3 + ["ann b"] * 4
    assert told(result, "2 customers are written in several ways")
    kept = imported(tmp_path, csv_text(lines), customer_ids="as_written")
    assert len(set(kept.column("customer_id"))) == 5


def test_an_order_number_of_several_customers_is_an_order_for_each(tmp_path):
    lines = [
        ["1", "ann", "mug", "2024-01-01", "1", "10"],
        ["1", "bob", "mug", "2024-01-01", "1", "90"],
        ["2", "bob", "mug", "2024-02-01", "1", "50"],
        # The same customer used number 3 in two years.
        ["3", "cid", "mug", "2023-02-01", "1", "50"],
        ["3", "cid", "mug", "2024-02-01", "1", "50"],
    ]
    result = imported(tmp_path, csv_text(lines))
    assert len(set(result.column("order_id"))) == 5
    assert told(result, "1 order number is shared by several customers")
    alone = imported(tmp_path, csv_text(lines[2:]))
    assert alone.column("order_id") == ["2", "3", "3"]


def test_an_orders_discount_is_allotted_exactly(tmp_path):
    """Each line gets its share to within a unit, and the parts add up to the discount."""
    generator = random.Random(7)
    rows, due = [], {}
    for order in range(40):
        count = generator.randint(1, 6)
        amounts = [generator.randint(0, 5000) / 100 for _ in range(count)]
        due[str(order)] = (min(generator.randint(1, 900) / 100, sum(amounts)), amounts)
        for i, amount in enumerate(amounts):
            stated = due[str(order)][0] if i == 0 else ""
            rows.append(
                [str(order), "ann", f"p{i}", "2024-01-01", "1", f"{amount:.2f}", str(stated)]
            )
    amounts = {"discount": "discount"}
    for order in due:
        assert due[order][0] >= 0
    content = csv_text(rows, [*NAMES, "discount"])
    result = imported(tmp_path, content, order_amounts=amounts, zero_prices="keep")
    for order, (discount, prices) in due.items():
        parts = [
            float(part or 0)
            for key, part in result.query("order_id, discount_amount")
            if key == order
        ]
        assert sum(parts) == pytest.approx(discount, abs=1e-9)
        if sum(prices):
            for part, price in zip(parts, prices, strict=True):
                assert abs(part - discount * price / sum(prices)) < 1.0001e-4
    # Repeated on each line, it counts once.
    for row in rows:
        row[-1] = str(due[row[0]][0])
    again = imported(tmp_path, csv_text(rows, [*NAMES, "discount"]), "again.csv",
                     order_amounts=amounts, zero_prices="keep")  # fmt: skip
    assert again.column("discount_amount") == result.column("discount_amount")


def test_an_orders_discount_counts_on_whichever_line_it_stands(tmp_path):
    rows = [[*line, off] for line, off in zip(LINES, ["", "2.90", ""], strict=True)]
    amounts = {"discount": "off"}
    result = imported(tmp_path, csv_text(rows, [*NAMES, "off"]), order_amounts=amounts)
    assert result.net == pytest.approx(1028.99 - 2.90)
    assert result.column("discount_amount")[0] > 2


def test_a_refund_takes_the_goods_first(tmp_path):
    rows = [
        ["1", "ann", "mug", "2024-01-01", "2", "10", "2.00", "15.00"],
        ["1", "ann", "tea", "2024-01-01", "1", "10", "", ""],
        # More than the goods: the rest was shipping.
        ["2", "bob", "mug", "2024-01-02", "1", "10", "", "14.50"],
    ]
    names = [*NAMES, "discount", "refunded"]
    amounts = {"discount": "discount", "refund": "refunded"}
    result = imported(tmp_path, csv_text(rows, names), order_amounts=amounts)
    assert [float(x) for x in result.column("refunded_amount")] == [10.0, 5.0, 10.0]
    assert result.net == 30 - 2 - 15
    totals = result.query("order_id, refund_amount", "order_totals")
    assert [(key, float(amount)) for key, amount in totals] == [("1", 15.0), ("2", 14.5)]


def test_the_amount_of_a_line_is_kept_to_the_cent(tmp_path):
    """3 for 10.00, and 30,000 screws for 1,000.00: no price has so many decimals."""
    rows = [["1", "ann", "mug", "2024-01-01", "3", "10.00"],
            ["2", "ann", "screw", "2024-01-01", "30000", "1000.00"]]  # fmt: skip
    for mapped in (
        {"line_amount": "price"},
        {"unit_price": {"expression": "price / nullif(qty, 0)"}},
        {"unit_price": {"expression": "try_cast(price as double) / try_cast(qty as int)"}},
    ):
        columns = {k: v for k, v in COLUMNS.items() if k != "unit_price"} | mapped
        assert imported(tmp_path, csv_text(rows), columns=columns).net == 1010.0


def test_discounts_that_are_all_negative_lower_the_price(tmp_path):
    names, columns = [*NAMES, "off"], COLUMNS | {"discount_amount": "off"}
    rows = [[*row, off] for row, off in zip(LINES, ["-1.00", "", "-2.50"], strict=True)]
    result = imported(tmp_path, csv_text(rows, names), columns=columns)
    assert result.net == 1028.99 - 3.5
    assert told(result, "All 2 discounts are written as negative")


def test_an_orders_amounts_are_those_of_one_file_if_another_repeats_it(tmp_path):
    rows = [["1", "ann", "mug", "2024-03-01", "2", "10.00", "1.00", "28.00"],
            ["1", "ann", "tea", "2024-03-01", "1", "9.00", "", ""],
            ["2", "bob", "mug", "2024-03-02", "1", "10.00", "", "10.00"]]  # fmt: skip
    folder = tmp_path / "months"
    folder.mkdir()
    content = csv_text(rows, [*NAMES, "off", "total"])
    amounts = {"discount": "off", "total": "total"}
    found = []
    for name in ("march.csv", "march (1).csv"):
        (folder / name).write_text(content)
        read = import_source(source(folder, order_amounts=amounts), None, tmp_path / "imports")
        found.append(Result(read))
    once, twice = found
    assert told(once, "The totals that 2 orders state equal")
    assert told(twice, "The totals that 2 orders state equal")
    distinct = "distinct order_id, product_id, quantity, unit_price, discount_amount"
    assert len(twice.query()) == 2 * len(once.query()) == 6
    assert sorted(map(str, twice.query(distinct))) == sorted(map(str, once.query(distinct)))
    assert twice.query(table="order_totals") == once.query(table="order_totals")


def test_repeated_lines_are_told_before_they_go(tmp_path):
    result = imported(tmp_path, csv_text([*LINES, LINES[0]]))
    assert told(result, "1 line (25.0% of the lines", "`repeated_lines: keep`")
    kept = imported(tmp_path, csv_text([*LINES, LINES[0]]), repeated_lines="keep")
    assert not told(kept, "duplicates")


def test_a_late_order_that_decides_today_is_named(tmp_path):
    days = [[str(i), "ann", "mug", f"2024-0{m}-10", "1", "2"] for i, m in enumerate(range(1, 9))]
    late = imported(tmp_path, csv_text([*days, ["T9", "ann", "mug", "2026-11-20", "1", "1"]]))
    assert told(late, "'T9' of 2026-11-20", "832 days after", "exclude:")
    assert not told(imported(tmp_path, csv_text(days)), "decides which day is today")


def test_orders_and_customers_are_joined_by_their_keys(tmp_path):
    files = {
        "lines.csv": "order,sku,qty,price\n1,a,1,2.00\n1,b,1,3.00\n2,a,1,4.00\n9,a,1,5.00\n",
        "orders.csv": "id;user;created\n1;u1;01.02.2024\n2;u2;13.02.2024\n",
        "people.csv": "user,person,land\nu1,p,DE\nu2,p,FR\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    columns = {"order_id": "order", "product_id": "sku", "quantity": "qty", "unit_price": "price"}
    made = source(tmp_path / "lines.csv", columns)
    made["tables"]["orders"] = {
        "path": str(tmp_path / "orders.csv"),
        "columns": {"order_id": "id", "customer_id": "user", "ordered_at": "created"},
    }
    made["tables"]["customers"] = {
        "path": str(tmp_path / "people.csv"),
        "columns": {"customer_id": "user", "person_id": "person", "country": "land"},
    }
    result = Result(import_source(made, None, tmp_path / "imports"))
    assert result.query("customer_id, country, cast(ordered_at as varchar)") == [
        ("p", "DE", "2024-02-01 00:00:00"),
        ("p", "DE", "2024-02-01 00:00:00"),
        ("p", "FR", "2024-02-13 00:00:00"),
        (None, None, None),
    ]
    assert told(result, "1 line has no row in `orders`")
