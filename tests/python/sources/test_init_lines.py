"""Lines among the goods that are none: totals, payments, shipping, tips, fees."""

import pytest
from sources.exports import GROSS, SOLD, SOLD_NAMES
from sources.test_init_silent import first, tried


def with_lines(*made):
    """Return the lines, each followed by what functions make of it."""
    return [row for line in SOLD for row in [line, *(make(line) for make in made)]]


def extra(sku, price, order=None):
    return lambda line: [order or line[0], line[1], sku, line[3], "1", price]


def money(line):
    return f"{int(line[4]) * float(line[5]):.2f}"


def test_services_are_left_out_with_their_reason(tmp_path):
    words = {
        "shipping": ["Delivery", "Express shipping fee 2", "Versandkosten", "Frais de port"],
        "tip": ["Tip", "Trinkgeld", "Pourboire"],
        "fee": ["Service charge", "Servicegebühr"],
        "tax": ["Sales tax", "MwSt. 19 %"],
    }
    made = [extra(word, "4.90") for group in words.values() for word in group]
    page, _, result = tried(tmp_path, with_lines(*made))
    assert result.net == pytest.approx(GROSS)
    for reason, group in words.items():
        assert result.column("exclude_reason").count(reason) == 20 * len(group)
    assert "says Delivery, Express shipping fee 2, Frais de port, Versandkosten are" in first(page)
    assert "80 lines with 392.00 are left out" in first(page)


def test_goods_with_such_a_word_are_goods(tmp_path):
    goods = ["Tea delivery box", "Tip-Ex", "Port", "Service", "Total 10W-40 oil", "Cash"]
    _, _, result = tried(tmp_path, with_lines(*(extra(sku, "5.00") for sku in goods)))
    assert result.net == pytest.approx(GROSS + 100 * len(goods))


@pytest.mark.parametrize("values", [("delivery", "pickup"), ("cash", "card", "invoice")])
def test_what_a_whole_order_was_is_no_line_of_it(values, tmp_path):
    lines = [[*line, values[i // 2 % len(values)]] for i, line in enumerate(SOLD)]
    _, _, result = tried(tmp_path, lines, [*SOLD_NAMES, "Order type"])
    assert result.net == pytest.approx(GROSS)


def test_totals_with_a_date_are_no_order(tmp_path):
    words = ("TOTAL", "Tagessumme 3")
    made = [lambda line, word=word: [word, "", "", line[3], *line[4:]] for word in words]
    # At most half of the lines are totals.
    page, _, result = tried(tmp_path, SOLD + with_lines(*made)[1:30])
    assert result.net == pytest.approx(GROSS + sum(float(money(line)) for line in SOLD[1:10]))
    assert "are totals, no goods: " in first(page)


def test_totals_of_orders_without_a_word_are_told_by_their_money(tmp_path):
    lines = with_lines(lambda line: [line[0], line[1], "", line[3], "1", money(line)])
    _, _, result = tried(tmp_path, lines)
    assert result.net == pytest.approx(GROSS)


@pytest.mark.parametrize(("word", "sign"), [("payment", ""), ("Visa", "-"), ("Barzahlung", "")])
def test_payments_are_no_sales(word, sign, tmp_path):
    lines = with_lines(lambda line: [*line[:2], word, line[3], "1", f"{sign}{money(line)}"])
    _, _, result = tried(tmp_path, lines)
    assert result.net == pytest.approx(GROSS)
    assert set(result.column("exclude_reason")) == {None, "payment"}
