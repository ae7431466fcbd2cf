"""`clientele init` writes a YAML that imports an export without a hand on it, or refuses."""

import csv
import io
import os

import duckdb
import pytest
import yaml
from sources.exports import LINES, Result, csv_text

from clientele import cli
from clientele.sources.importing import import_source
from clientele.sources.init import init
from clientele.sources.mapping import columns_of
from clientele.sources.recognising import presets
from sources import shops

VARIANTS = int(os.environ.get("CLIENTELE_VARIANTS", "25"))
# Not those that the words and rules were found with.
SEEDS = range(5000, 5000 + VARIANTS)


def initialised(path, folder, **given):
    """Let init write the YAML of a path, import with it, and return the page, YAML and import."""
    page = init(str(path), "shop", folder / "sources", yes=True, force=True, **given)
    source = yaml.safe_load((folder / "sources/shop.yml").read_text())["source"]
    return page, source, Result(import_source(source, str(path), folder / "imports"))


def orders_of(result):
    """Return order -> (day, customer, net in cents) of the lines that count."""
    rows = result.query(
        "order_id, min(cast(ordered_at as date)), min(customer_id), cast(round(100 * sum("
        "coalesce(line_amount, quantity * unit_price) - coalesce(discount_amount, 0) "
        "- coalesce(refunded_amount, 0))) as bigint) "
        "from lines where reject_reason is null group by order_id --"
    )
    return {order: (day, customer, net) for order, day, customer, net in rows}


def compared(seed, folder):
    """Return `right`, `refused`, or how the import of a variant differs from its shop."""
    variant = shops.Variant(seed)
    (folder / "export").mkdir()
    path = shops.write(variant, folder / "export")
    try:
        _, _, result = initialised(path, folder)
    except ValueError as error:
        return "refused", f"{error} | {variant}"
    found, wanted = orders_of(result), shops.truth(variant)
    sums = {key: (day, net) for key, (day, _, net) in found.items()}
    if sums != {str(key): (day, net) for key, (day, _, net) in wanted.items()}:
        return "wrong", str(variant)
    if len({c for _, c, _ in found.values()}) != len({c for _, c, _ in wanted.values()}):
        return "wrong", f"customers | {variant}"
    return "right", ""


def test_exports_that_were_never_seen_import_untouched_and_none_is_wrong(tmp_path):
    outcomes = []
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcomes.append((*compared(seed, folder), seed))
    assert [(why, seed) for outcome, why, seed in outcomes if outcome == "wrong"] == []
    right = sum(outcome == "right" for outcome, _, _ in outcomes)
    assert right >= 0.95 * VARIANTS, [row for row in outcomes if row[0] != "right"]


def test_what_can_be_read_in_two_ways_is_asked_or_refused(tmp_path):
    path = tmp_path / "orders.csv"
    rows = [[*line[:3], f"0{i + 1}/02/2024", *line[4:]] for i, line in enumerate(LINES)]
    path.write_text(csv_text(rows))
    with pytest.raises(ValueError, match=r"--date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'"):
        init(str(path), "shop", tmp_path / "sources", yes=True)
    assert not (tmp_path / "sources").exists()
    asked = []

    def ask(question, choices):
        asked.append((question, choices))
        return choices[1]

    init(str(path), "shop", tmp_path / "sources", ask=ask)
    assert len(asked) == 1 and "01/02/2024" in asked[0][0]
    table = yaml.safe_load((tmp_path / "sources/shop.yml").read_text())["source"]["tables"]
    assert table["order_lines"]["date_format"] == asked[0][1][1] == "%m/%d/%Y"
    _, source, result = initialised(path, tmp_path, date_format="%d/%m/%Y")
    assert str(result.column("ordered_at")[2]) == "2024-02-03 00:00:00"


def test_a_yaml_is_never_replaced_without_being_told_to(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dbt_project.yml").touch()
    (tmp_path / "My Orders.csv").write_text(csv_text())
    assert cli.main(["init", "My Orders.csv", "--currency", "CHF"]) == 0
    printed = capsys.readouterr().out
    assert "clientele build --source my_orders --data 'My Orders.csv'\n  clientele pub" in printed
    written = tmp_path / "sources/my_orders.yml"
    assert yaml.safe_load(written.read_text())["source"]["currency"] == "CHF"
    written.write_text("mine")
    assert cli.main(["init", "My Orders.csv"]) == 2
    assert "--force" in capsys.readouterr().err and written.read_text() == "mine"
    assert cli.main(["init", "My Orders.csv", "--force"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "My Orders.csv",
        "dbt_project.yml",
        "sources",
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("orders.csv", b"", "is empty"),
        ("orders.csv", b"\x00\x01\x02\x00" * 900, "is no text"),
        ("orders.pdf", b"%PDF-1.7", "tells no format"),
        ("orders.xlsx", b"PK\x03\x04", "cannot be read as a workbook"),
        ("orders.csv", b"name,age\nann,3\nbob,4\n", "no column looks like an order's number"),
        ("orders.csv", csv_text([["1.23E+11", *r[1:]] for r in LINES]).encode(), "digits are lost"),
        ("orders.json", b'["a", "b"]', "holds no JSON records"),
    ],
)
def test_what_is_no_export_is_refused_in_words(name, content, words, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        init(str(path), "shop", tmp_path / "sources", yes=True)
    assert not (tmp_path / "sources").exists()


def columns_in(preset):
    """Return the columns that a preset names, without those that it makes itself."""
    with duckdb.connect() as connection:
        table, found = preset["table"], [*preset["recognise"]]
        for part in ("columns", "order_amounts"):
            for mapped in table.get(part, {}).values():
                found += columns_of(connection, mapped)
    found += [names[0] for names in preset.get("any", {}).values()]
    made = table.get("unpack", {}).get("column")
    return [c for c in dict.fromkeys(found) if not (made and c.startswith(f"{made}."))]


# The test of shared layouts has the one that is JSON.
TABLES = [preset for preset in presets() if "parent_key" not in preset["table"]]


@pytest.mark.parametrize("preset", TABLES, ids=lambda preset: preset["platform"])
def test_a_platform_is_recognised_by_its_header(preset, tmp_path):
    """Each column in its place and some more; the cells are what their names say."""
    table = preset["table"]
    time = table["columns"]["ordered_at"]
    money = {table["columns"].get("unit_price"), table["columns"].get("line_amount")}
    money |= {names[0] for key, names in preset.get("any", {}).items() if key == "unit_price"}
    header = ["Another column", *columns_in(preset)]

    def cell(name, row):
        if name == time or name in ("Date",):
            return f"2024-05-{row + 10}"
        if name == "Time":
            return "10:00:00"
        if name in money or name in table.get("order_amounts", {}).values():
            return "10.00" if name in money else "0"
        if name == table.get("unpack", {}).get("column"):
            return (
                "Product ID: 1, Product Qty: 1, Product SKU: a, Product Name: b, Product "
                "Variation Details: , Product Unit Price: 10.00, Product Total Price: 10.00"
            )
        return {"quantity": "1", "qty": "1", "status": "Paid"}.get(name.lower(), f"{row + 1}")

    text = io.StringIO()
    delimiter = table.get("delimiter", ",")
    quoting = {"quoting": csv.QUOTE_NONE} if table.get("quote") == "" else {}
    writer = csv.writer(text, delimiter=delimiter, **quoting)
    writer.writerow(header)
    writer.writerows([[cell(name, row) for name in header] for row in range(6)])
    path = tmp_path / "export.csv"
    path.write_text(text.getvalue())
    page, source, result = initialised(path, tmp_path)
    assert page.splitlines()[0].endswith(f"It is an export of {preset['platform']}.")
    assert len(result.query()) == 6
    for note in preset.get("notes", []):
        assert note in page and note in (tmp_path / "sources/shop.yml").read_text()


def test_real_layouts_import(real_data, tmp_path):
    folder = real_data("shop_exports/real_scrubbed")
    for file in sorted(folder.glob("*.csv")):
        page, _, result = initialised(file, tmp_path)
        assert "It is an export of" in page, file
        assert result.net > 0, file
    # A folder of one platform's yearly files is one source.
    etsy = tmp_path / "etsy"
    etsy.mkdir()
    for file in folder.glob("etsy_sold*.csv"):
        (etsy / file.name).write_bytes(file.read_bytes())
    _, _, result = initialised(etsy, tmp_path)
    assert len(result.query()) == 70 + 136 + 56 + 4


def test_the_page_says_what_was_understood_and_what_is_unsure(tmp_path):
    path = tmp_path / "orders.csv"
    german = ["Bestellnummer", "Name", "Artikelnummer", "Bestelldatum", "Menge", "Einzelpreis"]
    path.write_text(csv_text(names=german))
    page, source, _ = initialised(path, tmp_path)
    assert "order_id" in page and "Bestellnummer" in page and "by its name" in page
    assert "3 lines, 2 orders, 2 customers, 1,028.99 net" in page
    assert "two persons of one name are one customer" in page
    assert page.index("Nothing tells the currency") < page.index("two persons")
    assert source["currency"] == "EUR"


@pytest.mark.parametrize(
    "header, cancelled, language",
    [
        ("Datum,Bestellnummer #,N.- Umsatz (formatiert),Status,Kunde,Kundentyp,Produkt(e),"
         "Verkaufte Artikel,Gutschein(e),Nettoumsatz", "Storniert", "German"),
        ("Fecha,Pedido #,Ingresos netos (formateado),Estado,Cliente,Tipo de cliente,Producto(s),"
         "Artículos vendidos,Cupón(es),Ventas netas", "Cancelado", "Spanish"),
    ],
)  # fmt: skip
def test_woocommerce_analytics_speak_other_languages(tmp_path, header, cancelled, language):
    path = tmp_path / "orders.csv"
    path.write_text(
        f"{header}\n2025-03-22 00:02:41,1080,110 €,ok,Ann Lee,x,2× Mug,2,,110.00\n"
        f"2025-03-23 10:02:41,1081,20 €,{cancelled},Bo Li,x,1× Mug,1,,20.00\n"
    )
    page, source, result = initialised(path, tmp_path)
    assert f"WooCommerce, analytics of orders ({language})" in page
    assert result.query("order_id, line_amount, reject_reason from lines --") == [
        ("1080", 110, None), ("1081", 20, "excluded"),
    ]  # fmt: skip


def test_long_files_are_judged_by_blocks_of_lines(tmp_path, monkeypatch):
    """Arithmetic on texts is slow: with all of 200,000 lines, init takes twice as long."""
    from clientele.sources import guessing, multiplying

    seen, agreement = [], multiplying.agreement

    def counted(connection, relation, *columns):
        seen.append(connection.execute(f"select count(*), count(distinct {order}) from {relation}"))
        seen[-1] = seen[-1].fetchone()
        return agreement(connection, relation, *columns)

    order = '"order"'
    monkeypatch.setattr(multiplying, "agreement", counted)
    monkeypatch.setattr(guessing, "SPREAD", 2000)
    # Three lines an order, with what is needed for quantity, price and amount.
    rows = [
        [f"A{i // 3}", f"c{i % 40}", f"p{i % 7}", f"2024-01-{1 + i % 28:02}", str(1 + i % 4)]
        + [f"{2 + i % 7}.50", f"{(1 + i % 4) * (2.5 + i % 7):.2f}"]
        for i in range(30_000)
    ]
    path = tmp_path / "orders.csv"
    path.write_text(csv_text(rows, ["order", "customer", "sku", "date", "qty", "price", "amount"]))
    _, source, result = initialised(path, tmp_path)
    assert source["tables"]["order_lines"]["columns"]["unit_price"] == "price"
    [(lines, orders)] = seen
    assert 1500 <= lines <= 4000
    # Blocks cut an order at each edge at most.
    assert lines / orders > 2.9
    assert len(result.column("order_id")) == 30_000
