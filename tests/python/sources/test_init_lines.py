"""What is no goods, no customer or no sale, and money that a file states in another way."""

import pytest
from sources.exports import GROSS, LINES, SOLD, SOLD_NAMES, csv_text, imported, told
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


def test_what_stands_on_first_lines_is_of_the_order(tmp_path):
    lines = [[*row, "Express delivery" if i % 2 == 0 else ""]
             for i, row in enumerate(with_lines(extra("tea", "5.00")))]  # fmt: skip
    _, _, result = tried(tmp_path, lines, [*SOLD_NAMES, "Ship by"])
    assert result.net == pytest.approx(GROSS + 100)


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


def test_transfers_to_a_bank_and_commissions_are_no_sales(tmp_path):
    kinds = [("payout", "-50.00"), ("commission", "-1.00"), ("General Withdrawal", "-9.00")]

    def made(n, kind, price):
        number = "" if kind == "commission" else f"x{n}"
        return lambda line: [f"{number}{line[0]}", "", "", line[3], "1", price, kind]

    kept = with_lines(*(made(n, *entry) for n, entry in enumerate(kinds)))
    lines = [[*row, "charge"][:7] for row in kept]
    _, _, result = tried(tmp_path, lines, [*SOLD_NAMES, "reporting category"])
    assert result.net == pytest.approx(GROSS)


def test_bank_transfer_is_a_way_to_pay(tmp_path):
    lines = [[*line, "bank transfer" if i % 2 else "card"] for i, line in enumerate(SOLD)]
    _, _, result = tried(tmp_path, lines, [*SOLD_NAMES, "Paid with"])
    assert result.net == pytest.approx(GROSS)


def test_drafts_and_quotes_are_no_orders(tmp_path):
    lines = [[*line, ["done", "Draft", "Angebot"][i % 3]] for i, line in enumerate(SOLD)]
    _, _, result = tried(tmp_path, lines, [*SOLD_NAMES, "Status"])
    assert result.net == pytest.approx(sum(float(money(line)) for line in SOLD[::3]))


def test_lines_side_by_side_are_refused(tmp_path):
    names = [*SOLD_NAMES[:4:3], "Item 1 SKU", "Item 1 Price", "Item 2 SKU", "Item 2 Price"]
    lines = [[line[0], line[3], line[2], line[5], "tea", "3.00"] for line in SOLD]
    with pytest.raises(ValueError, match="'Item 1 Price' and 'Item 2 Price' are of several lines"):
        tried(tmp_path, lines, names)


# ------------------------------------------------------------------------------- money and times


def columns(*names_and_values):
    """Return names and lines with columns after the first five: values, or functions of a line."""
    names = [*SOLD_NAMES[:5], *(name for name, _ in names_and_values)]
    lines = [
        [*line[:5], *(v(line) if callable(v) else v[i % len(v)] for _, v in names_and_values)]
        for i, line in enumerate(SOLD)
    ]
    return lines, names


def price(line):
    return line[5]


@pytest.mark.parametrize(
    ("name", "values"), [("Discount %", ["0", "10", "20"]), ("Rabatt", ["", "10%", "20 %"])]
)  # fmt: skip
def test_a_share_is_subtracted_from_prices_before_it(name, values, tmp_path):
    lines, names = columns(("Price", price), (name, values))
    page, _, result = tried(tmp_path, lines, names)
    lowered = [float(money(line)) * (1 - i % 3 / 10) for i, line in enumerate(SOLD)]
    assert result.net == pytest.approx(sum(lowered), abs=0.005 * len(SOLD))
    assert f"'Price' is taken as it was before '{name}', by what the products usu" in page


def test_a_share_is_left_out_where_prices_are_after_it(tmp_path):
    lines, names = columns(("Discount %", ["0", "10", "20"]))
    lines = [[*line, f"{float(SOLD[i][5]) * (1 - i % 3 / 10):.2f}"] for i, line in enumerate(lines)]
    page, _, result = tried(tmp_path, lines, [*names, "Price"])
    assert result.net == pytest.approx(sum(int(line[4]) * float(line[6]) for line in lines))
    assert "'Price' is after 'Discount %'" in page


@pytest.mark.parametrize("name", ["Total", "Grand Total", "Gesamtbetrag"])
def test_an_orders_total_is_its_money_without_shipping_and_tax(name, tmp_path):
    names = ["Order", "Customer", "Date", name, "Shipping", "Tax"]
    lines = [
        [line[0], line[1], line[3], f"{1.2 * float(money(line)) + 4.9:.2f}", "4.90",
         f"{0.2 * float(money(line)):.2f}"]
        for line in SOLD
    ]  # fmt: skip
    page, _, result = tried(tmp_path, lines, names)
    assert result.net == pytest.approx(GROSS)
    assert f"'{name}' is taken as the total with 'Shipping' and 'Tax'" in page


def test_a_round_rate_tells_that_an_amount_holds_the_tax(tmp_path):
    lines = [[line[0], line[1], line[3], f"{1.2 * float(money(line)):.2f}",
              f"{0.2 * float(money(line)):.2f}"] for line in SOLD]  # fmt: skip
    _, _, result = tried(tmp_path, lines, ["Order", "Customer", "Date", "Amount", "Tax"])
    assert result.net == pytest.approx(GROSS)


def test_a_lines_total_with_postage_yields_to_its_subtotal(tmp_path):
    total = ("Total price", lambda line: f"{float(money(line)) + 2:.2f}")
    lines, names = columns(("Item subtotal", money), ("Postage", ["2.00"]), total)
    page, _, result = tried(tmp_path, lines, names)
    assert result.net == pytest.approx(GROSS)
    assert "could be, too" not in page


def test_a_subtotal_holds_no_shipping(tmp_path):
    names = ["Order", "Customer", "Date", "Subtotal", "Shipping"]
    lines = [[line[0], line[1], line[3], money(line), "4.90"] for line in SOLD]
    _, _, result = tried(tmp_path, lines, names)
    assert result.net == pytest.approx(GROSS)


@pytest.mark.parametrize("at", [0, 1])
def test_of_two_amounts_the_one_without_tax_is_taken(at, tmp_path):
    both = [("Amount excl. tax", money), ("Amount incl. VAT", lambda x: f"{1.2 * float(money(x))}")]
    lines, names = columns(*(both if at == 0 else reversed(both)))
    page, _, result = tried(tmp_path, lines, names)
    assert result.net == pytest.approx(GROSS)
    assert "'Amount incl. VAT' (969.60) could be, too" in page


def test_the_time_of_day_may_have_a_column_of_its_own(tmp_path):
    lines, names = columns(("Price", price), ("Time", ["09:05", "17:30"]))
    lines = [[*line[:3], line[3][:10], *line[4:]] for line in lines]
    _, _, result = tried(tmp_path, lines, names)
    assert {(at.hour, at.minute) for at in result.column("ordered_at")} == {(9, 5), (17, 30)}


# ------------------------------------------------------------------------------ customers, tests


def test_words_for_a_guest_are_no_customer(tmp_path):
    words = ["walk-in", "Walk-in Customer", "Laufkundschaft", "client de passage", "-", "n/a"]
    lines = [[line[0], words[i % 8] if i % 8 < 6 else line[1], *line[2:]]
             for i, line in enumerate(SOLD)]  # fmt: skip
    page, _, result = tried(tmp_path, lines)
    assert set(result.column("customer_id")) == {None, "c2", "c3"}
    assert "in the place of a customer are guests: 12 lines" in page


def test_a_source_by_hand_is_told_of_customers_who_are_none(tmp_path):
    result = imported(tmp_path, csv_text([[line[0], "guest", *line[2:]] for line in LINES]))
    assert told(result, "'guest' counts as a customer", "make it a guest")


def test_a_note_that_says_test_leaves_the_order_out(tmp_path):
    notes = ["TEST", "gift", "", "Test the doorbell", *[""] * 16]
    lines, names = columns(("Price", price), ("Note", notes))
    page, _, result = tried(tmp_path, lines, names)
    assert result.net == pytest.approx(GROSS - float(money(SOLD[0])))
    assert "Test orders, with TEST in 'Note', are left out: 1 line." in page


def test_a_group_named_test_is_no_test(tmp_path):
    lines, names = columns(("Price", price), ("Group", ["test", "control"]))
    _, _, result = tried(tmp_path, lines, names)
    assert result.net == pytest.approx(GROSS)
