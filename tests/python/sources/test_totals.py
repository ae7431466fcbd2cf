"""Totals that orders state are compared with their lines; what they contradict is refused."""

import random

import pytest
import yaml
from sources.exports import COLUMNS, Result, csv_text, imported, source, told

from clientele.sources.common import UnreadableSource
from clientele.sources.importing import import_source
from clientele.sources.init import init

NAMES = ["order", "customer", "sku", "at", "qty", "price", "discount", "shipping", "total"]
LIST = {"mug": 1250, "tea": 399, "pot": 5100, "cup": 777}
ORDERS = 24


def shop(rng, usual=True):
    """Return orders with lines of (sku, quantity, price, discount), in cents, and their shipping.

    Each second order has a discount of a tenth on each line. Without ``usual``, no price of a
    product is seen twice.
    """
    for number in range(ORDERS):
        lines = []
        for sku in rng.sample(list(LIST), 2):
            price = LIST[sku] if usual else LIST[sku] + 10 * number
            quantity = rng.randint(2, 4)
            lines.append((sku, quantity, price, price * quantity // 10 if number % 2 else 0))
        yield number, lines, rng.choice([0, 495])


def export(price="list", total="net", usual=True):
    """Return the rows of the shop, money in one of several notations.

    ``price`` is of the list, after the discount (``paid``), or of the whole line (``line``);
    ``total`` is after discounts with shipping (``net``) or before them (``gross``).
    """
    rows = []
    for number, lines, shipping in shop(random.Random(1), usual):
        net = sum(q * p - d for _, q, p, d in lines) + shipping
        gross = sum(q * p for _, q, p, _ in lines) + shipping
        for sku, q, p, d in lines:
            shown = {"list": p, "paid": (q * p - d) / q, "line": q * p}[price]
            stated = {"net": net, "gross": gross}[total]
            rows.append(
                [f"A{number}", f"ann{number % 7}", sku, f"2024-01-{number + 1:02}", str(q)]
                + [f"{cents / 100:.4f}" for cents in (shown, d, shipping, stated)]
            )
    return rows


COLS = COLUMNS | {"discount_amount": "discount"}
AMOUNTS = {"shipping": "shipping", "total": "total"}


def read(tmp_path, rows, columns=COLS, amounts=AMOUNTS, names=NAMES, **settings):
    return imported(
        tmp_path, csv_text(rows, names), columns=columns, order_amounts=amounts, **settings
    )


def test_totals_that_agree_are_told(tmp_path):
    result = read(tmp_path, export())
    assert told(
        result, f"The totals that {ORDERS} orders state equal lines - discounts + shipping."
    )


def test_totals_may_leave_out_what_is_mapped(tmp_path):
    rows = [[*row[:-1], f"{float(row[-1]) - float(row[-2]):.2f}"] for row in export()]
    assert told(read(tmp_path, rows), "orders state equal lines - discounts.")


def test_a_few_other_totals_are_told_with_their_money_and_examples(tmp_path):
    rows = [[*row[:-1], f"{float(row[-1]) + (5 if row[0] == 'A3' else 0):.2f}"] for row in export()]
    result = read(tmp_path, rows)
    [stated] = {row[-1] for row in rows if row[0] == "A3"}
    assert told(result, f"1 of {ORDERS} totals that orders state (4.2%) differ from lines")
    assert told(result, f"by 5.00 together: 'A3' states {stated} and gives")


def test_orders_that_are_left_out_say_nothing(tmp_path):
    rows = [[*row[:-1], "0" if row[0] == "A3" else row[-1]] for row in export()]
    leave = [{"when": "total = '0'", "reason": "cancelled"}]
    assert told(read(tmp_path, rows, exclude=leave), f"The totals that {ORDERS - 1} orders state")


def test_totals_before_discounts_are_recognised_by_the_usual_prices(tmp_path):
    assert told(read(tmp_path, export(total="gross")), "equal lines before discounts + shipping.")


@pytest.mark.parametrize(
    "rows, columns, remedy",
    [
        (export("paid"), COLS, "prices are after the discount already: take the discount out"),
        (export("paid", usual=False), COLS, "prices are after the discount already"),
        (export("line"), COLS, "`unit_price` is the amount of the whole line: map it to `line_am"),
        (
            export(),
            {k: v for k, v in COLS.items() if k != "unit_price"} | {"line_amount": "price"},
            "`line_amount` is the price of one piece: map it to `unit_price`",
        ),
    ],
)
def test_a_mapping_that_totals_contradict_is_refused_with_the_right_one(
    tmp_path, rows, columns, remedy
):
    with pytest.raises(UnreadableSource) as refused:
        read(tmp_path, rows, columns)
    assert remedy in str(refused.value) and "max_differing_totals: " in str(refused.value)
    assert "states" in str(refused.value) and "'A" in str(refused.value)


def test_a_discount_that_is_given_twice_is_refused(tmp_path):
    rows = export()
    whole = {}
    for row in rows:
        whole[row[0]] = whole.get(row[0], 0) + float(row[6])
    rows = [[*row, f"{whole[row[0]]:.2f}"] for row in rows]
    amounts = AMOUNTS | {"discount": "order_discount"}
    with pytest.raises(UnreadableSource, match="is that of its lines again: take it out of `order"):
        read(tmp_path, rows, amounts=amounts, names=[*NAMES, "order_discount"])


def test_a_difference_can_be_allowed(tmp_path):
    (tmp_path / "data.csv").write_text(csv_text(export("line"), NAMES))
    given = source(tmp_path / "data.csv", COLS, order_amounts=AMOUNTS)
    result = Result(import_source(given | {"max_differing_totals": 1}, None, tmp_path / "imports"))
    assert told(result, "(100.0%) differ from lines - discounts + shipping")
    assert told(result, "Perhaps money of the orders is not mapped")


EXPORT = ["Order", "Customer", "SKU", "Date", "Quantity", "Unit price", "Discount", "Shipping",
          "Order total"]  # fmt: skip


def test_init_takes_the_mapping_that_the_totals_prove(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(csv_text(export("line", usual=False), EXPORT))
    page = init(str(path), "shop", tmp_path / "sources", yes=True)
    assert "Changed, because stated totals fit" in page
    assert f"The totals that {ORDERS} orders state equal lines" in page
    table = yaml.safe_load((tmp_path / "sources/shop.yml").read_text())["source"]["tables"]
    assert table["order_lines"]["columns"]["line_amount"] == "Unit price"


def test_init_refuses_or_asks_where_the_totals_leave_two_mappings(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(csv_text(export("paid", usual=False), EXPORT))
    with pytest.raises(ValueError, match="Or else the totals are before discounts. Run `clientele"):
        init(str(path), "shop", tmp_path / "sources", yes=True)
    asked = []
    for position, kept in ((0, False), (1, True)):

        def answer(question, choices, position=position):
            asked.append(question)
            return choices[position]

        init(str(path), "shop", tmp_path / "sources", force=True, ask=answer)
        source = yaml.safe_load((tmp_path / "sources/shop.yml").read_text())["source"]
        columns = source["tables"]["order_lines"]["columns"]
        assert ("discount_amount" in columns) == kept == ("max_differing_totals" in source)
    assert len(asked) == 2 and "differ from lines - discounts + shipping" in asked[0]


def with_repeats(orders, is_stated=True):
    """Return the rows of the shop where a piece of some orders stands on two equal lines.

    Their totals hold both lines, unless they are not ``is_stated`` so.
    """
    rows = export()
    for row in [row for row in rows if int(row[0][1:]) in orders and row[2] == "mug"]:
        rows.append(row)
        if is_stated:
            money = float(row[4]) * float(row[5]) - float(row[6])
            total = f"{float(row[8]) + money:.4f}"
            for line in [line for line in rows if line[0] == row[0]]:
                line[8] = total
    return rows


def mugs():
    """Return the numbers of the orders that have a mug."""
    return sorted({int(row[0][1:]) for row in export() if row[2] == "mug"})


def test_equal_lines_that_the_totals_hold_are_real(tmp_path):
    path, chosen = tmp_path / "orders.csv", mugs()[:6]
    path.write_text(csv_text(with_repeats(chosen), EXPORT))
    page = init(str(path), "shop", tmp_path / "sources", yes=True)
    assert "6 lines" in page and "6 of the orders' totals hold each of them: they are real" in page
    table = yaml.safe_load((tmp_path / "sources/shop.yml").read_text())["source"]["tables"]
    assert table["order_lines"]["repeated_lines"] == "keep"
    net = sum(float(r[4]) * float(r[5]) - float(r[6]) for r in with_repeats(chosen))
    assert f"{net:,.2f} net" in page
    # A build with a YAML that does not say so tells it, and the YAML decides.
    assert told(read(tmp_path, with_repeats(chosen)), "they are real. With `repeated_lines: keep`")


def test_equal_lines_that_the_totals_do_not_hold_are_duplicates(tmp_path):
    path, chosen = tmp_path / "orders.csv", mugs()[:6]
    path.write_text(csv_text(with_repeats(chosen, is_stated=False), EXPORT))
    page = init(str(path), "shop", tmp_path / "sources", yes=True)
    assert "left out as duplicates, which 6 totals of their orders confirm" in page
    assert "repeated_lines" not in (tmp_path / "sources/shop.yml").read_text()


def test_a_few_totals_and_a_second_file_do_not_make_equal_lines_real(tmp_path):
    assert told(read(tmp_path, with_repeats(mugs()[:2])), "If a till writes each piece")
    folder = tmp_path / "months"
    folder.mkdir()
    for name in ("one.csv", "two.csv"):
        (folder / name).write_text(csv_text(with_repeats(mugs()[:6]), EXPORT))
    init(str(folder), "shop", tmp_path / "sources", yes=True)
    assert "repeated_lines" not in (tmp_path / "sources/shop.yml").read_text()
