"""`clientele init` on lines that equal another, and on columns that number or count lines."""

import json

import pytest
from sources.exports import SOLD, SOLD_NAMES, csv_text, imported
from sources.test_init import initialised
from sources.test_init_silent import amount, tried

# Each order has two lines, and a piece of the first order stands on two equal lines.
PAIRS = [[f"A{i // 2}", f"c{i // 2 % 4}", *line[2:3], SOLD[i // 2 * 2][3], *line[4:]]
         for i, line in enumerate(SOLD)]  # fmt: skip
REPEATED = [*PAIRS[:2], PAIRS[1], *PAIRS[2:]]
NET = sum(map(amount, REPEATED))


def guessed(folder, lines, names=SOLD_NAMES):
    page, source, _ = tried(folder, lines, names)
    return page, source["tables"]["order_lines"]


def test_equal_lines_that_nothing_explains_are_a_doubt(tmp_path):
    page, table = guessed(tmp_path, REPEATED)
    assert "1 line (4.8% of the lines" in page.split("To check")[1]
    assert "repeated_lines" not in table


@pytest.mark.parametrize("name", ["Line ID", "id", "Order Item No", "Positionsnummer"])
def test_a_number_of_each_line_tells_equal_lines_apart(name, tmp_path):
    lines = [[*line, str(5000 + i)] for i, line in enumerate(REPEATED)]
    page, table = guessed(tmp_path, lines, [*SOLD_NAMES, name])
    assert table["columns"]["line_id"] == name
    assert f"{NET:,.2f} net" in page and "duplicate" not in page


@pytest.mark.parametrize("number", [lambda i: i // 2, lambda i: i % 3, lambda i: ["", i][i > 0]])
def test_a_number_that_two_lines_share_or_one_lacks_is_not_of_the_line(number, tmp_path):
    lines = [[*line, str(number(i))] for i, line in enumerate(REPEATED)]
    _, table = guessed(tmp_path, lines, [*SOLD_NAMES, "Line ID"])
    assert "line_id" not in table["columns"]


def test_orders_of_one_line_need_no_number_of_a_line(tmp_path):
    lines = [[*line, str(7000 + i)] for i, line in enumerate(SOLD)]
    _, table = guessed(tmp_path, lines, [*SOLD_NAMES, "Row ID"])
    assert "line_id" not in table["columns"]


def test_ids_of_nested_lines_and_the_total_of_their_order_are_found(tmp_path):
    orders = []
    for i in range(8):
        items = [{"id": 10 * i + k, "sku": f"p{(i + k) % 3}", "quantity": 1, "price": "4.50"}
                 for k in range(3)]  # fmt: skip
        items[2]["sku"] = items[1]["sku"]
        orders.append({
            "order_number": 1000 + i, "created_at": f"2024-03-{i + 1:02}T10:00:00",
            "customer": {"id": 70 + i % 3, "email": f"c{i % 3}@example.com"},
            "total_price": "13.50", "line_items": items,
        })  # fmt: skip
    path = tmp_path / "orders.json"
    path.write_text(json.dumps({"orders": orders}))
    page, source, _ = initialised(path, tmp_path)
    table = source["tables"]["order_lines"]
    assert table["columns"]["line_id"] == "line_items.id"
    assert table["order_amounts"] == {"total": "total_price"}
    assert "108.00 net" in page and "The totals that 8 orders state equal lines" in page


def test_a_count_of_items_is_no_product(tmp_path):
    lines = [[*line[:2], line[3], str(1 + i % 4), line[5]] for i, line in enumerate(SOLD)]
    _, table = guessed(tmp_path, lines, ["Order", "Email", "Date", "Items", "Total"])
    assert table["columns"]["quantity"] == "Items"
    assert not {"product_id", "product_name"} & set(table["columns"])


def test_items_with_names_are_products(tmp_path):
    lines = [[*line[:2], line[3], f"mug {i % 4}", line[5]] for i, line in enumerate(SOLD)]
    _, table = guessed(tmp_path, lines, ["Order", "Customer", "Date", "Items", "Total"])
    assert table["columns"]["product_name"] == "Items"


ENDS = ["\n", "\r\n", "\r"]


@pytest.mark.parametrize("one", ENDS)
@pytest.mark.parametrize("other", ENDS)
@pytest.mark.parametrize("at", [1, 3, 9])
def test_lines_may_end_in_two_ways(one, other, at, tmp_path):
    rows = csv_text(SOLD, SOLD_NAMES).splitlines()
    rows[4] = rows[4].replace("p3", '"p3\n(blue)"')
    text = "Report\n\n" * (at == 9) + one.join(rows[:at]) + one + other.join(rows[at:])
    columns = dict(zip(
        ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"],
        SOLD_NAMES, strict=True,
    ))  # fmt: skip
    result = imported(tmp_path, text.encode(), columns=columns)
    assert result.net == sum(map(amount, SOLD))
    assert len(result.column("order_id")) == 20
