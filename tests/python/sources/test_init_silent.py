"""`clientele init` says no wrong figure without a doubt: objects, counts, returns, units, signs."""

import json

import pytest
from sources.exports import GROSS, SOLD, csv_text
from sources.exports import SOLD_NAMES as NAMES
from sources.test_init import initialised


def amount(line):
    return int(line[4]) * float(line[5])


def tried(folder, lines, names=NAMES):
    path = folder / "orders.csv"
    path.write_text(csv_text(lines, names), encoding="utf-8")
    return initialised(path, folder)


def added(name, values, lines=SOLD):
    """Return names and lines with one more column, whose values come in turn."""
    return [[*row, values[i % len(values)]] for i, row in enumerate(lines)], [*NAMES, name]


def first(page):
    return page.split("  1. ")[1].splitlines()[0]


# ------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [({"id": "A", "name": "Ann"}, {"id": "A", "name": "Bob"}, "customer.id"),
     ({"id": 7, "first_name": "Ann"}, {"id": 7, "first_name": "B"}, "customer.id"),
     ({"id": "A", "country": "DE"}, {"id": "A", "country": "FR"}, "customer.id"),
     ({"id": "A", "tags": ["x"]}, {"id": "A", "tags": []}, "customer.id"),
     ({"name": "Ann", "vip": True}, {"name": "Ann", "vip": False}, "customer.name")],
)  # fmt: skip
@pytest.mark.parametrize("is_nested", [True, False])
def test_a_json_object_is_never_a_key(one, other, key, is_nested, tmp_path):
    records = []
    for i in range(6):
        line = {"product": {"sku": f"p{i % 2}", "colour": str(i)}, "qty": 1, "price": 9.5}
        record = {"id": f"A{i}", "created_at": f"2024-03-0{i + 1}T10:00:00"}
        record["customer"] = other if i % 2 else one
        records.append(record | ({"items": [line, line | {"qty": 2}]} if is_nested else line))
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(records))
    page, source, result = initialised(path, tmp_path)
    columns = source["tables"]["order_lines"]["columns"]
    assert columns["customer_id"] == key
    assert columns["product_id"] == ("items.product.sku" if is_nested else "product.sku")
    assert len(set(result.column("customer_id"))) == 1
    assert " 1 customer," in page


# ------------------------------------------------------------------------------ counts of returns


@pytest.mark.parametrize(
    "name", ["qty refunded", "returned qty", "refunded_quantity", "Retourenmenge", "Nb pcs retour"]
)
def test_a_count_of_pieces_given_back_is_no_money_and_the_first_doubt(name, tmp_path):
    lines, names = added(name, ["0", "0", "0", "1"])
    page, source, result = tried(tmp_path, lines, names)
    table = source["tables"]["order_lines"]
    assert "order_amounts" not in table and "refunded_amount" not in table["columns"]
    money = sum(float(line[5]) for line in SOLD[3::4])
    assert f"'{name}' counts 5 pieces that were given back, on 5 lines" in first(page)
    assert f"cost {money:,.2f}" in first(page)
    assert result.net == GROSS


def test_a_column_returned_that_is_never_more_than_the_quantity_is_a_count(tmp_path):
    lines = [[*line, line[4] if i % 4 == 3 else "0"] for i, line in enumerate(SOLD)]
    page, source, result = tried(tmp_path, lines, [*NAMES, "Returned"])
    pieces = sum(int(line[4]) for line in SOLD[3::4])
    assert f"'Returned' counts {pieces} pieces" in first(page)
    assert result.net == GROSS
    money = [[*line, line[5] if i % 4 == 3 else "0"] for i, line in enumerate(SOLD)]
    _, _, result = tried(tmp_path, money, [*NAMES, "Returned"])
    assert result.net == GROSS - sum(float(line[5]) for line in SOLD[3::4])


# ---------------------------------------------------------------------------- words for returns


@pytest.mark.parametrize(
    ("name", "sale", "back"),
    [("type", "Sale", "Refund"), ("Type", "SALE", "RETURN"), ("Doc type", "INV", "CN"),
     ("Belegart", "Rechnung", "Gutschrift"), ("Type", "Facture", "Avoir"),
     ("Tipo", "Vendita", "Rimborso"), ("doc", "Invoice", "Credit note")],
)  # fmt: skip
@pytest.mark.parametrize("money", ["Price", "Line total"])
def test_lines_that_a_word_calls_returns_are_subtracted(name, sale, back, money, tmp_path):
    sold = [line if money == "Price" else [*line[:5], f"{amount(line):.2f}"] for line in SOLD]
    lines, names = added(name, [sale, sale, sale, sale, back], sold)
    names[5] = money
    page, _, result = tried(tmp_path, lines, names)
    given = sum(map(amount, SOLD[4::5]))
    assert f"Lines with the {name} {back} are taken for returns: 4 lines" in first(page)
    assert f"{given:,.2f}" in first(page)
    assert result.net == GROSS - 2 * given
    assert f" {GROSS - 2 * given:,.2f} net of" in page
    assert [q < 0 for q in result.column("quantity")] == [i % 5 == 4 for i in range(20)]


@pytest.mark.parametrize(
    ("name", "mark", "other", "factor"),
    [("type", "Refund", "Sale", 2), ("cancelled at", "2024-03-22 09:00", "", 1)],
)
def test_the_first_line_of_an_order_speaks_for_all_of_it(name, mark, other, factor, tmp_path):
    pairs = [[SOLD[i // 2 * 2][0], SOLD[i // 2 * 2][1], *line[2:]] for i, line in enumerate(SOLD)]
    lines = [
        [*line, "" if i % 2 else mark if i % 8 == 0 else other] for i, line in enumerate(pairs)
    ]
    page, _, result = tried(tmp_path, lines, [*NAMES, name])
    gone = [line for i, line in enumerate(pairs) if i % 8 < 2]
    assert f"{len(gone)} lines" in page
    assert result.net == GROSS - factor * sum(map(amount, gone))


def test_returns_that_are_negative_already_stay_so(tmp_path):
    lines, names = added("type", ["Sale", "Sale", "Sale", "Refund"])
    lines = [[*r[:4], f"-{r[4]}" if r[6] == "Refund" else r[4], *r[5:]] for r in lines]
    page, source, result = tried(tmp_path, lines, names)
    assert source["tables"]["order_lines"]["columns"]["quantity"] == "Qty"
    assert result.net == GROSS - 2 * sum(map(amount, SOLD[3::4]))
    assert "given back" not in page and "taken for returns" not in page


@pytest.mark.parametrize(
    ("name", "values"),
    [("status", ["paid", "paid", "refunded", "shipped"]),
     ("type", ["Sale", "Sale", "Refunded", "Sale"]),
     ("type", ["Web", "Web", "Return", "Phone"])],
)  # fmt: skip
def test_words_that_may_be_returns_are_the_first_doubt(name, values, tmp_path):
    lines, names = added(name, values)
    page, _, result = tried(tmp_path, lines, names)
    money = sum(map(amount, SOLD[2::4]))
    assert f"'{name}' says {values[2]} on 5 lines with {money:,.2f}" in first(page)
    assert result.net == GROSS


@pytest.mark.parametrize("values", [("Credit", "Cash"), ("credit card", "PayPal")])
def test_ways_to_pay_are_no_returns(values, tmp_path):
    lines, names = added("paid by", values)
    page, _, result = tried(tmp_path, lines, names)
    assert result.net == GROSS and "given back" not in page


# ------------------------------------------------------------------------------------------ cents


@pytest.mark.parametrize(
    ("name", "each"),
    [("unit_price_cents", True), ("price (pence)", True), ("Preis in Cent", True),
     ("prix (centimes)", True), ("amount_in_cents", False), ("line total cents", False)],
)  # fmt: skip
def test_cents_are_divided(name, each, tmp_path):
    lines = [
        [*line[:5], f"{(float(line[5]) if each else amount(line)) * 100:.0f}"] for line in SOLD
    ]
    page, _, result = tried(tmp_path, lines, [*NAMES[:5], name])
    assert result.net == GROSS
    assert f" {GROSS:,.2f} net of" in page
    assert f"'{name}' is divided by 100" in page


def test_cents_beside_amounts_with_commas_are_divided(tmp_path):
    lines = [[*line[:5], line[5].replace(".", ""), "4,90"] for line in SOLD]
    path = tmp_path / "orders.csv"
    path.write_text(csv_text(lines, [*NAMES[:5], "Preis (Cent)", "Versandkosten"], ";"))
    assert initialised(path, tmp_path)[2].net == GROSS


def test_cents_with_fractions_are_the_first_doubt(tmp_path):
    lines = [[*line[:5], f"{line[5][:-1]}5"] for line in SOLD]
    page, _, result = tried(tmp_path, lines, [*NAMES[:5], "price cents"])
    assert "'price cents' says cents, and does not hold whole numbers only" in first(page)
    assert result.net > GROSS


# ------------------------------------------------------------------------------- what builds count


def test_money_of_other_currencies_is_not_added(tmp_path):
    lines, names = added("Currency", ["EUR", "EUR", "EUR", "EUR", "JPY"])
    page, _, _ = tried(tmp_path, lines, names)
    other = sum(map(amount, SOLD[4::5]))
    assert f" {GROSS - other:,.2f} net of" in page
    assert "16 orders" in page


def test_the_money_of_a_doubt_is_of_one_currency(tmp_path):
    lines, names = added("Currency", ["EUR", "EUR", "EUR", "EUR", "JPY"])
    lines = [[*line, "Refund" if i % 4 == 3 else "Sale"] for i, line in enumerate(lines)]
    page, _, _ = tried(tmp_path, lines, [*names, "type"])
    money = sum(amount(line) for i, line in enumerate(SOLD) if i % 4 == 3 and i % 5 != 4)
    assert f"5 lines, whose {money:,.2f} are subtracted" in first(page)


def test_what_is_no_code_of_a_currency_is_the_first_doubt(tmp_path):
    lines, names = added("Currency", ["EUR", "EUR", "€", "Euro"])
    page, _, _ = tried(tmp_path, lines, names)
    for part in ("'€' on 5 lines", "'EURO' on 5 lines", f"{sum(map(amount, SOLD[2::4])):,.2f}"):
        assert part in first(page)
    assert f" {sum(map(amount, SOLD[0::4] + SOLD[1::4])):,.2f} net of" in page


def test_quantity_and_price_that_are_both_negative_are_the_first_doubt(tmp_path):
    back = ["B1", "c1", "p1", "2024-03-21 10:00", "-1", "-20.00"]
    page, _, _ = tried(tmp_path, [*SOLD, back])
    assert "1 lines, with 20.00, have a negative quantity" in first(page)
    assert "`negative_price`" in first(page)
    assert f" {GROSS:,.2f} net of" in page


def test_a_source_without_money_is_not_ready(tmp_path):
    page, _, _ = tried(tmp_path, [[*line[:5], "0.00"] for line in SOLD])
    assert first(page).startswith("No line counts")
    assert "not ready" in page and "clientele build" not in page


def test_a_net_of_nothing_is_the_first_doubt(tmp_path):
    back = [[f"B{i}", *line[1:4], f"-{line[4]}", line[5]] for i, line in enumerate(SOLD)]
    page, _, _ = tried(tmp_path, [*SOLD, *back])
    assert first(page).startswith("The lines that count give 0.00 together")


def test_a_source_without_customers_that_count_is_the_first_doubt(tmp_path):
    lines, names = added("Currency", ["EUR", "EUR", "JPY"])
    lines = [[line[0], line[1] if line[6] == "JPY" else "", *line[2:]] for line in lines]
    page, _, _ = tried(tmp_path, lines, names)
    assert first(page).startswith("No line that counts names a customer")


def test_lines_without_quantity_and_money_are_lost(tmp_path):
    lines = []
    for line in SOLD:
        lines += [line, [line[0], line[1], "", line[3], "", ""]]
    page, _, _ = tried(tmp_path, lines)
    assert "20 of 40 lines (50.0%) have no quantity or no money" in first(page)
    assert "not ready: 50% of the lines are lost" in page


# ------------------------------------------------------------------------- cancelled and refunded


@pytest.mark.parametrize(
    ("name", "mark", "no"),
    [("cancelled at", "2024-03-22 09:00", ""), ("Storniert am", "2024-03-22", ""),
     ("canceled", "yes", "no"), ("is_cancelled", "true", "false")],
)  # fmt: skip
def test_orders_with_a_time_of_cancellation_are_left_out(name, mark, no, tmp_path):
    lines, names = added(name, [no, no, no, mark])
    page, source, result = tried(tmp_path, lines, names)
    assert source["tables"]["order_lines"]["exclude"][0]["reason"] == "cancelled"
    assert f"in '{name}', are left out: 5 lines" in page
    assert result.net == GROSS - sum(map(amount, SOLD[3::4]))


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [("refunded", "yes", "no"), ("Refunded", "1", "0"), ("returned", "true", "false"),
     ("refunded at", "2024-03-22 09:00", "")],
)  # fmt: skip
def test_a_column_that_says_refunded_is_the_first_doubt(name, yes, no, tmp_path):
    lines, names = added(name, [no, no, no, yes])
    page, source, result = tried(tmp_path, lines, names)
    assert f"'{name}' says " in first(page)
    assert f"on 5 lines with {sum(map(amount, SOLD[3::4])):,.2f}" in first(page)
    assert result.net == GROSS and "order_amounts" not in source["tables"]["order_lines"]


# ------------------------------------------------------------------------------------------ taxes


@pytest.mark.parametrize(
    "names",
    [("price excl. VAT", "price incl. VAT"), ("price incl. VAT", "price excl. VAT"),
     ("Preis inkl. MwSt", "Preis exkl. MwSt")],
)  # fmt: skip
def test_a_price_with_and_one_without_tax_are_a_doubt(names, tmp_path):
    lines = [[*line, f"{float(line[5]) * 1.2:.2f}"] for line in SOLD]
    page, _, _ = tried(tmp_path, lines, [*NAMES[:5], *names])
    doubts = page.split("To check")[1]
    assert any(all(f"'{n}' (" in line for n in names) for line in doubts.splitlines())
