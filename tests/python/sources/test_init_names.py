"""`clientele init` reads column names word by word, and leaves no money out in silence."""

import duckdb
import pytest
import yaml
from sources.exports import Result, csv_text
from sources.test_init import initialised

from clientele.sources.importing import import_source
from clientele.sources.init import init
from clientele.sources.naming import english, plain

NAMES = ["Order", "Customer", "SKU", "Date", "Qty", "Price"]
# What five products cost, and twenty lines of them: order, customer, product, time, pieces, price.
PRICES = [10, 12, 17, 23, 41]
SOLD = [
    [f"A{i}", f"c{i % 4}", f"p{i % 5}", f"2024-03-{i + 1:02} 10:00", str(1 + i % 3), PRICES[i % 5]]
    for i in range(20)
]
GROSS = sum(int(line[4]) * line[5] for line in SOLD)


def written(lines):
    return [[*line[:5], *(f"{money:.2f}" for money in line[5:])] for line in lines]


def with_discount(is_after):
    """Return the lines with a discount of 1.50 a piece on each fourth, and what they bring."""
    lines, net = [], 0
    for i, line in enumerate(SOLD):
        pieces, lowered = int(line[4]), 1.5 if i % 4 == 0 else 0
        net += pieces * (line[5] - lowered)
        lines.append([*line[:5], line[5] - lowered * is_after, pieces * lowered])
    return written(lines), net


def export(folder, lines, names, file="orders.csv"):
    path = folder / file
    path.write_text(csv_text(lines, names), encoding="utf-8")
    return path


def answered(path, folder, *answers):
    """Let init ask, and return the import; the answers are taken in order."""
    left = list(answers)

    def ask(question, choices):
        answer = left.pop(0)
        assert answer in choices, question
        return answer

    init(str(path), "shop", folder / "sources", ask=ask)
    assert not left
    source = yaml.safe_load((folder / "sources/shop.yml").read_text())["source"]
    return Result(import_source(source, str(path), folder / "imports"))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("regeltotaal", "line total"),
        ("Bestellmenge", "order quantity"),
        ("CustomerID", "customer id"),
        ("N° de commande", "no order"),
        ("besteld op", "ordered"),
        ("price.cut", "discount"),
        ("widget", "widget"),
    ],
)
def test_names_are_read_word_by_word(name, meant):
    assert english(plain(name)) == meant


@pytest.mark.parametrize(
    "names",
    [
        ["auftrags_nr", "kd_nr", "artikel_code", "auftragsdatum", "bestellmenge", "stückpreis"],
        ["núm_encomenda", "cód_cliente", "cód_artigo", "data_venda", "qtde", "preço_venda"],
        ["bonnummer", "klantcode", "artikelcode", "verkoopdatum", "aantal_stuks", "stukprijs"],
    ],
)
def test_columns_of_unknown_programs_are_found_by_their_words(names, tmp_path):
    _, source, result = initialised(export(tmp_path, written(SOLD), names), tmp_path)
    wanted = ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
    found = source["tables"]["order_lines"]["columns"]
    assert {role: found.get(role) for role in wanted} == dict(zip(wanted, names, strict=True))
    assert result.net == GROSS


@pytest.mark.parametrize("is_after", [True, False])
def test_a_discount_is_subtracted_only_from_prices_that_are_before_it(is_after, tmp_path):
    lines, net = with_discount(is_after)
    _, _, result = initialised(export(tmp_path, lines, [*NAMES, "Discount"]), tmp_path)
    assert result.net == net


def test_an_amount_that_nothing_places_before_or_after_its_discount_is_refused_or_asked(tmp_path):
    lines, _ = with_discount(True)
    names = ["Order", "Customer", "Date", "Qty", "Line total", "Discount"]
    # Without a product, what products usually cost is not known.
    lines = [
        [*line[:2], *line[3:5], f"{float(line[5]) * int(line[4]):.2f}", line[6]] for line in lines
    ]
    path = export(tmp_path, lines, names)
    with pytest.raises(ValueError, match="'Line total' may be before or after 'Discount'"):
        initialised(path, tmp_path)
    net = sum(float(line[4]) for line in lines)
    lowered = sum(float(line[5]) for line in lines)
    assert answered(path, tmp_path, "after: 'Discount' is left out").net == pytest.approx(net)
    (tmp_path / "sources/shop.yml").unlink()
    before = answered(path, tmp_path, "before: 'Discount' is subtracted").net
    assert before == pytest.approx(net - lowered)


@pytest.mark.parametrize("name", ["prix_public", "List price", "Prezzo listino", "Catalogusprijs"])
def test_a_list_price_is_not_what_customers_paid(name, tmp_path):
    lines = [[*line[:5], line[5] * 1.25, line[5]] for line in SOLD]
    names = [*NAMES[:5], name, "Unit price"]
    _, _, result = initialised(export(tmp_path, written(lines), names), tmp_path)
    assert result.net == GROSS


def test_a_second_price_that_its_name_does_not_rule_out_is_said_first(tmp_path):
    lines = [[*line[:5], line[5] * 1.25, line[5]] for line in SOLD]
    names = [*NAMES[:5], "Price a", "Price b"]
    page, _, _ = initialised(export(tmp_path, written(lines), names), tmp_path)
    assert "'Price b' (412.00) could be, too" in page


@pytest.mark.parametrize("name", ["Zug", "Price adj"])
def test_amounts_that_no_name_explains_are_refused_when_nobody_can_be_asked(name, tmp_path):
    lines, _ = with_discount(False)
    with pytest.raises(ValueError, match=f"'{name}' holds amounts, and its name does not tell "):
        initialised(export(tmp_path, lines, [*NAMES, name]), tmp_path)
    assert not (tmp_path / "sources/shop.yml").exists()


def test_an_amount_on_all_lines_is_no_discount_and_is_said(tmp_path):
    lines = [[*line, line[5] * 0.7] for line in SOLD]
    page, _, result = initialised(export(tmp_path, written(lines), [*NAMES, "Zug"]), tmp_path)
    assert "'Zug' holds amounts on nearly all lines, and is not used" in page
    assert result.net == GROSS


def test_amounts_that_no_name_explains_are_asked(tmp_path):
    lines, net = with_discount(False)
    path = export(tmp_path, lines, [*NAMES, "Zug"])
    assert answered(path, tmp_path, "a discount").net == net


def test_a_second_discount_is_refused(tmp_path):
    lines, _ = with_discount(False)
    path = export(tmp_path, [[*line, line[-1]] for line in lines], [*NAMES, "Discount", "Zug"])
    with pytest.raises(ValueError, match="'Discount' and 'Zug' are each a discount"):
        answered(path, tmp_path, "a discount")


def test_a_folder_whose_needed_column_changes_its_name_is_refused(tmp_path):
    (tmp_path / "months").mkdir()
    export(tmp_path / "months", written(SOLD), NAMES, "a.csv")
    export(tmp_path / "months", written(SOLD), [*NAMES[:5], "Einzelpreis"], "b.csv")
    with pytest.raises(ValueError, match="no column '.*' in .*unlike other files"):
        initialised(tmp_path / "months", tmp_path)


@pytest.mark.parametrize("word", ["Summe", "Total général", "Totale generale:"])
@pytest.mark.parametrize("first", [0, 2])
def test_a_line_of_totals_is_told_by_its_first_word(first, word, tmp_path):
    order = [first, *(i for i in range(6) if i != first)]
    footer = ["", "", "", "", "40", f"{GROSS}.00"]
    footer[first] = word
    lines = [[line[i] for i in order] for line in [*written(SOLD), footer]]
    path = export(tmp_path, lines, [NAMES[i] for i in order])
    _, source, result = initialised(path, tmp_path)
    assert source["tables"]["order_lines"]["skip_footer"] == 1
    assert result.net == GROSS


def test_typed_parquet_is_understood(tmp_path):
    rows = ", ".join(
        f"('{a}', '{b}', '{c}', timestamp '{d}', {e}, {f}::decimal(9, 2))"
        for a, b, c, d, e, f in SOLD
    )
    path = tmp_path / "orders.parquet"
    names = ", ".join(NAMES).replace("Order", '"Order"')
    duckdb.sql(f"copy (from (values {rows}) as sold({names})) to '{path}'")
    page = init(str(path), "shop", tmp_path / "sources", yes=True)
    assert f"{GROSS}" in page.replace(",", "")


def test_serial_numbers_of_days_may_have_a_decimal_comma(tmp_path):
    lines = [[*line[:3], f"{45352 + i},5", *line[4:]] for i, line in enumerate(written(SOLD))]
    path = tmp_path / "orders.csv"
    path.write_text(csv_text(lines, NAMES, ";").replace(".00", ",00"))
    _, _, result = initialised(path, tmp_path)
    assert {str(at) for at in result.column("ordered_at")} >= {"2024-03-01 12:00:00"}


def test_a_discount_of_shares_and_money_is_refused(tmp_path):
    lines = [[*line, "10%" if i % 2 else "1.50"] for i, line in enumerate(written(SOLD))]
    with pytest.raises(ValueError, match="holds both shares and money"):
        initialised(export(tmp_path, lines, [*NAMES, "Discount"]), tmp_path)


def test_statuses_that_all_count_are_said(tmp_path):
    lines = [[*line, "open" if i % 2 else "sent"] for i, line in enumerate(written(SOLD))]
    page, _, _ = initialised(export(tmp_path, lines, [*NAMES, "Status"]), tmp_path)
    assert "All orders count, whatever their Status: open, sent" in page
