"""`clientele init` says what is wrong with a file, in one message, and calls no half file ready."""

import gzip
import json
import zipfile

import pyarrow as pa
import pytest
from sources.exports import GROSS, SOLD, csv_text
from sources.exports import SOLD_NAMES as NAMES
from sources.exports import imported as read
from sources.test_init import initialised

from clientele.cli import main
from clientele.sources.currencies import currencies_of
from clientele.sources.importing import import_source


def export(folder, lines, names=NAMES, file="orders.csv", delimiter=","):
    path = folder / file
    path.write_text(csv_text(lines, names, delimiter), encoding="utf-8")
    return path


def priced(*prices):
    """Return the lines with prices in turn."""
    return [[*line[:5], prices[i % len(prices)]] for i, line in enumerate(SOLD)]


# ------------------------------------------------------------------------------------- currencies


def test_amounts_of_several_currencies_in_a_column_are_refused(tmp_path):
    path = export(tmp_path, priced("USD 10.00", "EUR 20.00", "JPY 2000", "USD 30.00"))
    with pytest.raises(ValueError) as refused:
        initialised(path, tmp_path)
    for part in ("'Price'", "'EUR 20.00'", "'JPY 2000'", "`currency`", "`exclude`"):
        assert part in str(refused.value)
    # The source is in dollars.
    assert "'USD" not in str(refused.value)
    assert not (tmp_path / "sources/shop.yml").exists()


@pytest.mark.parametrize("prices", [("JPY 2000", "JPY 300"), ("2000 JPY", "300 JPY")])
def test_the_currency_is_that_of_the_amounts(prices, tmp_path):
    page, source, _ = initialised(export(tmp_path, priced(*prices)), tmp_path)
    assert source["currency"] == "JPY"
    assert "EUR" not in page


def test_a_stated_currency_that_the_amounts_contradict_is_refused(tmp_path):
    path = export(tmp_path, priced("£10.00", "£2.00"))
    with pytest.raises(ValueError, match="'Price' holds amounts in another currency than EUR"):
        initialised(path, tmp_path, currency="EUR")
    assert initialised(path, tmp_path, currency="GBP")[1]["currency"] == "GBP"


def amounts(tmp_path, *prices, **settings):
    rows = [
        [str(i), "ann", "mug", "2024-01-15", "1", price, "USD" if "USD" in price else "EUR"]
        for i, price in enumerate(prices)
    ]
    names = ["order", "customer", "sku", "at", "qty", "price", "code"]
    return read(tmp_path, csv_text(rows, names), **settings)


def test_a_currency_column_or_exclude_answers_for_other_currencies(tmp_path):
    from sources.exports import COLUMNS

    shown = ["10.00 EUR", "USD 5.00", "7.00"]
    with pytest.raises(ValueError, match="'price' holds .* than EUR, such as 'USD 5.00'"):
        amounts(tmp_path, *shown)
    columns = COLUMNS | {"currency": "code"}
    assert amounts(tmp_path, *shown, columns=columns).column("currency") == ["EUR", "USD", "EUR"]
    left_out = amounts(tmp_path, *shown, exclude=[{"when": "code = 'USD'", "reason": "dollars"}])
    assert left_out.net == 17


@pytest.mark.parametrize(
    ("sign", "code", "other"),
    [("$", "USD", "EUR"), ("$", "CAD", "GBP"), ("CA$", "CAD", "USD"), ("R$", "BRL", "USD"),
     ("kr.", "DKK", "EUR"), ("¥", "JPY", "EUR"), ("CHF", "CHF", "EUR")],
)  # fmt: skip
def test_signs_stand_for_currencies(sign, code, other):
    assert code in currencies_of(sign)
    assert other not in currencies_of(sign)


def test_letters_that_are_no_currency_are_not_judged():
    assert currencies_of("PCS") == set()


# ------------------------------------------------------------------------------------ test orders


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [("Test", "true", "false"), ("is_test", "1", "0"), ("Testbestellung", "Ja", "Nein"),
     ("pedido_prueba", "Sí", ""), ("Commande test", "oui", "non")],
)  # fmt: skip
def test_orders_that_a_column_marks_as_tests_are_left_out(name, yes, no, tmp_path):
    lines = [[*line, yes if i % 5 == 4 else no] for i, line in enumerate(SOLD)]
    page, source, result = initialised(export(tmp_path, lines, [*NAMES, name]), tmp_path)
    assert source["tables"]["order_lines"]["exclude"][0]["reason"] == "test"
    assert f"Test orders, with the {name} {yes}, are left out: 4 lines" in page
    assert result.net == GROSS - sum(
        int(line[4]) * float(line[5]) for i, line in enumerate(SOLD) if i % 5 == 4
    )


@pytest.mark.parametrize("values", [("A", "B"), ("false", "false"), ("true", "true")])
def test_a_column_named_test_that_marks_no_part_of_the_lines_excludes_none(values, tmp_path):
    lines = [[*line, values[i % 2]] for i, line in enumerate(SOLD)]
    _, _, result = initialised(export(tmp_path, lines, [*NAMES, "Test"]), tmp_path)
    assert result.net == GROSS


# ---------------------------------------------------------------------------------- damaged files

# Texts that do not repeat, so that packed ones are long.
TEXT = csv_text([[*line[:1], f"{hash(str(line)) ** 3}", *line[2:]] for line in SOLD * 9], NAMES)
RECORDS = json.dumps([dict(zip(NAMES, line, strict=True)) for line in SOLD])


def damaged(file):
    """Return the bytes of a damaged file of a name."""
    packed = gzip.compress(TEXT.encode())
    return {
        "cut.json": RECORDS[:700].encode(),
        "malformed.json": b'[{"a": 1,,}]',
        "cut.csv.gz": packed[: len(packed) // 2],
        "broken.csv.gz": packed[:100] + bytes(200) + packed[300:],
        "none.csv.gz": TEXT.encode(),
        "cut.json.gz": gzip.compress(RECORDS.encode())[:200],
        "cut.csv.zst": pa.compress(TEXT.encode(), codec="zstd", asbytes=True)[:500],
        "none.csv.zst": TEXT.encode(),
        "none.csv.zip": TEXT.encode(),
        "none.xlsx": TEXT.encode(),
        "none.parquet": TEXT.encode(),
    }[file]


@pytest.mark.parametrize(
    "file",
    ["cut.json", "malformed.json", "cut.csv.gz", "broken.csv.gz", "none.csv.gz", "cut.json.gz",
     "cut.csv.zst", "none.csv.zst", "none.csv.zip", "none.xlsx", "none.parquet"],
)  # fmt: skip
def test_a_damaged_file_is_one_message(file, tmp_path, monkeypatch, capsys):
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_bytes(damaged(file))
    assert main(["init", file, "--name", "shop", "--yes"]) == 2
    told = capsys.readouterr().err
    assert f"{file} cannot be read as" in told
    assert "Traceback" not in told and len(told.strip().splitlines()) == 1


def test_an_empty_zip_is_one_message(tmp_path):
    with zipfile.ZipFile(tmp_path / "orders.csv.zip", "w"):
        pass
    with pytest.raises(ValueError, match="holds 0 data files"):
        initialised(tmp_path / "orders.csv.zip", tmp_path)


# ---------------------------------------------------------------------- delimiters, broken lines


@pytest.mark.parametrize(("one", "other"), [(",", ";"), (";", ","), ("\t", ",")])
def test_a_folder_of_two_delimiters_names_both_files_and_the_cause(one, other, tmp_path):
    (tmp_path / "months").mkdir()
    export(tmp_path / "months", SOLD[:10], file="a.csv", delimiter=one)
    export(tmp_path / "months", SOLD[10:], file="b.csv", delimiter=other)
    with pytest.raises(ValueError, match="differ in their delimiter: .*a.csv has .*b.csv has "):
        initialised(tmp_path / "months", tmp_path)


@pytest.mark.parametrize(("broken", "is_ready"), [(range(0, 20, 3), False), ([7], True)])
def test_lines_of_another_width_are_the_first_doubt(broken, is_ready, tmp_path):
    lines = [[*line, "x", "y"] if i in broken else line for i, line in enumerate(SOLD)]
    lines += [] if len(broken) > 1 else SOLD
    page, _, _ = initialised(export(tmp_path, lines), tmp_path)
    share = len(broken) / len(lines)
    assert f"  1. {len(broken)} of {len(lines)} lines ({share:.1%}) cannot be read" in page
    assert f"(line {broken[0] + 2}" in page.split("  1. ")[1].splitlines()[0]
    assert ("not ready" not in page) is is_ready
    assert ("clientele build" in page) is is_ready


def placed(content, lines):
    """Return lines of a file with some of its own among them: position from the end -> line."""
    text = csv_text(lines, NAMES).rstrip("\n").split("\n")
    for from_end, line in content.items():
        text.insert(len(text) - from_end, line)
    return "\n".join(text) + "\n"


@pytest.mark.parametrize("from_end", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "line",
    ["A99,c1,p1,2024-03-21 10:00,1,12.00,late", "A99,c1,p1", "A99", "p1,,2,12.00", "\nA9,c1"],
)
def test_a_broken_line_near_the_end_is_no_footer(line, from_end, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(placed({from_end: line}, SOLD), encoding="utf-8")
    page, source, result = initialised(path, tmp_path)
    assert "skip_footer" not in source["tables"]["order_lines"]
    assert "  1. 1 of 21 lines (4.8%) cannot be read" in page
    assert result.net == GROSS


@pytest.mark.parametrize("total", ["Total,450.00", "Summe: 450", ",,,30,450.00", ";Total;450"])
def test_a_line_of_totals_of_another_width_is_a_footer(total, tmp_path):
    path = tmp_path / "orders.csv"
    delimiter = ";" if ";" in total else ","
    path.write_text(f"{csv_text(SOLD, NAMES, delimiter)}\n{total}\n", encoding="utf-8")
    page, source, result = initialised(path, tmp_path)
    assert source["tables"]["order_lines"]["skip_footer"] == 1
    assert "cannot be read" not in page
    assert result.net == GROSS


@pytest.mark.parametrize("total", ["Total,450.00", "Total,,,,,450.00"])
def test_a_footer_is_left_out_and_the_broken_line_before_it_counts(total, tmp_path):
    path = tmp_path / "orders.csv"
    lines = [*SOLD, *([f"B{i}", *line[1:]] for i, line in enumerate(SOLD))]
    path.write_text(placed({0: total, 2: "A99,c1"}, lines), encoding="utf-8")
    page, source, result = initialised(path, tmp_path)
    assert source["tables"]["order_lines"]["skip_footer"] == 1
    assert "  1. 1 of 41 lines (2.4%) cannot be read" in page
    assert result.net == 2 * GROSS


# --------------------------------------------------------------------- barcodes, repeated files

BARCODES = [f"40063813339{i:02}" for i in range(20)]


@pytest.mark.parametrize("at", [4, 5])
def test_barcodes_are_no_quantity_and_no_price(at, tmp_path):
    lines = [[*line[:at], code, *line[at + 1 :]] for line, code in zip(SOLD, BARCODES, strict=True)]
    told = f"'{NAMES[at]}' holds barcodes, such as {BARCODES[0]}"
    if at == 5:
        with pytest.raises(ValueError, match=told):
            initialised(export(tmp_path, lines), tmp_path)
        names = [*NAMES, "Amount"]
        lines = [[*line, whole[5]] for line, whole in zip(lines, SOLD, strict=True)]
    else:
        names = NAMES
    page, source, result = initialised(export(tmp_path, lines, names), tmp_path)
    assert told in page.split("To check")[1]
    assert NAMES[at] not in source["tables"]["order_lines"]["columns"].values()
    assert result.net < 1000


@pytest.mark.parametrize("at", [4, 5])
def test_a_barcode_among_quantities_or_prices_is_told_and_counts_no_money(at, tmp_path):
    lines = [*SOLD, ["B1", "c1", "p1", "2024-03-21 10:00", "1", "12.00"]]
    lines[-1][at] = BARCODES[3]
    page, _, _ = initialised(export(tmp_path, lines), tmp_path)
    assert f"  1. 1 line has a quantity or price that no shop has, such as {BARCODES[3]}" in page
    assert f" {GROSS:,.2f} net of" in page


def months(folder, **files):
    (folder / "months").mkdir()
    for name, lines in files.items():
        export(folder / "months", lines, file=f"{name.replace('_', ' ')}.csv")
    return folder / "months"


def test_a_month_in_two_files_is_the_first_doubt_and_counts_once(tmp_path):
    folder = months(tmp_path, march=SOLD[:12], april=SOLD[12:], march_again=SOLD[:11])
    page, _, result = initialised(folder, tmp_path)
    told = "march.csv: 11 of 12 lines of the file are in march again.csv, too, and count once"
    assert f"  1. {told}" in page
    assert f" {GROSS:,.2f} net of" in page
    assert "repeated_lines" not in page
    assert any(told in note for note in result.notes)


def test_an_orders_total_on_its_first_line_is_found_in_files_that_repeat(tmp_path):
    names, lines = [*NAMES[:5], "Total", "Unit price"], []
    for i in range(0, 20, 2):
        pair = [
            [SOLD[i][0], SOLD[i][1], line[2], SOLD[i][3], *line[4:]] for line in SOLD[i : i + 2]
        ]
        total = sum(int(line[4]) * float(line[5]) for line in pair)
        lines += [
            [*line[:5], f"{total:.2f}" if k == 0 else "", line[5]] for k, line in enumerate(pair)
        ]
    (tmp_path / "months").mkdir()
    for file in ("a.csv", "b.csv"):
        export(tmp_path / "months", lines, names, file)
    page, source, _ = initialised(tmp_path / "months", tmp_path)
    table = source["tables"]["order_lines"]
    assert table["order_amounts"] == {"total": "Total"}
    assert table["columns"]["unit_price"] == "Unit price"
    assert f" {GROSS:,.2f} net of" in page
    assert "The totals that 10 orders state equal lines" in page


def test_a_repeated_file_whose_lines_are_kept_counts_twice(tmp_path):
    folder = months(tmp_path, a=SOLD, b=SOLD)
    _, source, _ = initialised(folder, tmp_path)
    source["tables"]["order_lines"]["repeated_lines"] = "keep"
    notes = import_source(source, str(folder), tmp_path / "imports").notes
    assert any("b.csv: 20 of 20 lines" in note and "count twice" in note for note in notes)


def test_months_that_share_few_lines_are_not_repeated_files(tmp_path):
    page, _, _ = initialised(months(tmp_path, a=SOLD[:11], b=SOLD[10:]), tmp_path)
    assert "lines of the file are in" not in page
    assert "1 line (4.8% of the lines" in page


def test_addresses_in_a_column_named_customer_are_no_names(tmp_path):
    lines = [[line[0], f"{line[1]}@example.com", *line[2:]] for line in SOLD]
    page, _, result = initialised(export(tmp_path, lines), tmp_path)
    assert "a name in place of a number" not in page and "persons of one name" not in page
    assert "A customer is 'Customer': one person with two addresses is two customers" in page
    assert result.column("customer_id")[0] == "c0@example.com"
