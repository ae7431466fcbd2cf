"""Files as shops export them are read line by line, or refused with the remedy."""

import gzip
import json
import zipfile
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources.exports import (
    COLUMNS,
    LINES,
    NAMES,
    Result,
    csv_text,
    imported,
    source,
    told,
    workbook,
)

from clientele.sources.common import UnreadableSource
from clientele.sources.importing import import_source

TOTAL = 2 * 12.50 + 3.99 + 1000


def packed(content, ending, tmp_path):
    if ending == "gz":
        return gzip.compress(content)
    if ending == "zst":
        return pa.compress(content, "zstd", asbytes=True)
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("orders.csv", content)
    return path.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        csv_text().encode(),
        csv_text().encode("utf-8-sig"),
        csv_text().encode("utf-16"),
        csv_text(delimiter=";").encode(),
        csv_text(delimiter="\t").encode(),
        csv_text().replace("\n", "\r\n").encode(),
        f"Orders of the shop\n,,,,,\n{csv_text()}".encode(),
        csv_text().replace("mug", '"mug, large"').encode(),
        (csv_text() + ",,,,,\n\n").encode(),
    ],
    ids=["utf-8", "bom", "utf-16", "semicolon", "tab", "crlf", "title", "quotes", "blank lines"],
)
def test_a_file_is_read_however_it_is_written(content, tmp_path):
    result = imported(tmp_path, content)
    assert [name[:3] for name in result.column("product_id")] == ["mug", "tea", "mug"]
    assert result.net == TOTAL


@pytest.mark.parametrize("ending", ["gz", "zst", "zip"])
def test_packed_files_are_unpacked(ending, tmp_path):
    content = packed(csv_text().encode(), ending, tmp_path)
    assert imported(tmp_path, content, f"orders.csv.{ending}").net == TOTAL


def test_a_workbook_keeps_its_numbers(tmp_path):
    path = tmp_path / "orders.xlsx"
    rows = [[r[0], r[1], r[2], 45306.41666667, int(r[4]), float(r[5])] for r in LINES]
    workbook(path, [["Export of today"], NAMES, *rows])
    result = imported(tmp_path, path.read_bytes(), "orders.xlsx")
    assert result.net == TOTAL
    assert {str(at) for at in result.column("ordered_at")} == {"2024-01-15 10:00:00"}


def test_sheets_with_the_same_columns_are_one_table_and_others_are_told(tmp_path):
    path = tmp_path / "orders.xlsx"
    workbook(path, [NAMES, *LINES[:2]], more={"Late": [["A title"], NAMES, LINES[2]]})
    made = source(path)
    result = Result(import_source(made, None, tmp_path / "imports"))
    assert result.net == pytest.approx(TOTAL - 1000)
    assert told(result, "only the first sheet is read; 1 other sheet (Late) has rows")
    made["tables"]["order_lines"]["sheet"] = ["Orders", "Late"]
    result = Result(import_source(made, None, tmp_path / "imports"))
    assert result.net == pytest.approx(TOTAL)
    workbook(path, [NAMES, *LINES], more={"Late": [["x", "y"], ["1", "2"]]})
    with pytest.raises(UnreadableSource, match="the sheet 'Late' of .* has not the columns of"):
        import_source(made, None, tmp_path / "imports")


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    with pytest.raises(UnreadableSource, match="cannot be read as a workbook"):
        imported(tmp_path, b"PK\x03\x04 nothing", "orders.xlsx")


def test_another_encoding_is_named_and_can_be_said(tmp_path):
    content = csv_text().replace("mug", "Krüge").encode("cp1252")
    with pytest.raises(UnreadableSource, match="`?encoding: windows-1252"):
        imported(tmp_path, content)
    result = imported(tmp_path, content, encoding="windows-1252")
    assert result.column("product_id")[0] == "Krüge"


def test_a_quote_late_in_the_file_is_a_quote(tmp_path):
    lines = [["1", "ann", "mug", "2024-01-15", "1", "1.00"]] * 30_000
    content = csv_text(lines) + '2,"bob","a ""b"", c",2024-01-16,1,2.00\n'
    result = imported(tmp_path, content, repeated_lines="keep")
    assert result.query("customer_id, product_id")[-1] == ("bob", 'a "b", c')


def test_quotes_that_are_no_quotes_are_kept_if_quoting_is_off(tmp_path):
    content = csv_text(delimiter="\t").replace("mug", 'bowl 18"')
    assert imported(tmp_path, content, quote="").column("product_id")[0] == 'bowl 18"'


def test_a_line_with_too_few_cells_is_kept_and_rejected(tmp_path):
    result = imported(tmp_path, csv_text() + "3,cid\n")
    assert sorted(result.column("coalesce(reject_reason, '')")) == ["", "", "", "unreadable_line"]
    assert result.net == TOTAL
    assert any("line 5" in note for note in result.notes)


def test_two_exports_in_one_file_are_refused(tmp_path):
    for second in (csv_text(), csv_text(names=[*NAMES, "country"])):
        with pytest.raises(UnreadableSource, match="a second header"):
            imported(tmp_path, csv_text() + second)


def test_footers_are_left_out_if_they_are_named(tmp_path):
    content = csv_text() + "Total,,,,4,1028.99\n"
    assert imported(tmp_path, content, skip_footer=1).net == TOTAL


def test_a_folder_is_one_table(tmp_path):
    folder = tmp_path / "months"
    folder.mkdir()
    (folder / "a.csv").write_text(csv_text(LINES[:2]))
    (folder / "b.csv").write_text(csv_text([r[::-1] for r in LINES[2:]], NAMES[::-1]))
    assert Result(import_source(source(folder), None, tmp_path / "imports")).net == TOTAL
    (folder / "c.csv").write_text(csv_text(names=[*NAMES[:-1], "unit price"]))
    with pytest.raises(UnreadableSource, match=r"no column 'price' in .*c\.csv, unlike other"):
        import_source(source(folder), None, tmp_path / "imports")


def test_nested_orders_are_unnested(tmp_path):
    orders = [
        {
            "id": 10001,
            "customer": {"id": "C013"},
            "at": "2024-08-01T09:14:00+01:00",
            "line_items": [
                {"sku": "a", "quantity": 3, "price": "8.38"},
                {"sku": "b", "quantity": 1, "price": "2.00"},
            ],
        },
        {"id": "10002", "customer": None, "at": "2024-08-02T09:14:00+01:00", "line_items": []},
    ]
    columns = {
        "order_id": "id",
        "customer_id": "customer.id",
        "product_id": "line_items.sku",
        "ordered_at": "at",
        "quantity": "line_items.quantity",
        "unit_price": "line_items.price",
    }
    for name, text in {
        "orders.jsonl": "\n".join(map(json.dumps, orders)),
        "orders.json": json.dumps(orders),
    }.items():
        result = imported(tmp_path, text, name, columns=columns, unnest="line_items")
        assert result.query("order_id, customer_id, product_id") == [
            ("10001", "C013", "a"),
            ("10001", "C013", "b"),
            ("10002", None, None),
        ]
        assert str(result.column("ordered_at")[0]) == "2024-08-01 08:14:00"
    with pytest.raises(UnreadableSource, match="write `unnest: line_items`"):
        listed = columns | {"product_id": "line_items", "quantity": "id", "unit_price": "at"}
        imported(tmp_path, json.dumps(orders), "again.json", columns=listed)


def test_a_list_that_is_not_unnested_gives_the_sum_of_its_numbers(tmp_path):
    refunds = [{"at": "x", "parts": [{"amount": "1.50"}, {"amount": 2}]}, {"parts": []}]
    orders = [
        {"order": "1", "at": "2024-01-15", "refunds": refunds, "items": [
            {"sku": "mug", "qty": 2, "price": "12.50"}, {"sku": "tea", "qty": 1, "price": 3.99}]},
        {"order": "2", "at": "2024-02-20", "items": [{"sku": "mug", "qty": 1, "price": 1000}]},
    ]  # fmt: skip
    columns = {ours: theirs if ours in ("order_id", "ordered_at") else f"items.{theirs}"
               for ours, theirs in COLUMNS.items() if ours != "customer_id"}  # fmt: skip
    (tmp_path / "orders.json").write_text(json.dumps(orders))
    made = source(tmp_path / "orders.json", columns, unnest="items",
                  order_amounts={"refund": "refunds.parts.amount"})  # fmt: skip
    result = Result(import_source(made, None, tmp_path / "imports"))
    assert result.net == pytest.approx(TOTAL - 3.50)


def test_an_object_around_the_records_is_no_record(tmp_path):
    item = {"sku": "mug", "qty": 2, "price": 3}
    orders = [{"order": n, "at": "2024-01-15", "items": [item]} for n in ("1", "2")]
    columns = {"order_id": "order", "product_id": "items.sku", "ordered_at": "at",
               "quantity": "items.qty", "unit_price": "items.price"}  # fmt: skip
    (tmp_path / "orders.json").write_text(json.dumps({"page": 1, "orders": orders}))
    made = source(tmp_path / "orders.json", columns, unnest="items")
    assert Result(import_source(made, None, tmp_path / "imports")).net == pytest.approx(12)


def test_a_file_whose_name_holds_marks_of_a_glob_is_a_file(tmp_path):
    (tmp_path / "orders 1.csv").write_text("another file")
    assert imported(tmp_path, csv_text(), "orders [1].csv").net == pytest.approx(TOTAL)


def test_numbers_that_an_expression_computes_need_no_marks(tmp_path):
    lines = [[*line[:5], line[5].replace(".", ",")] for line in LINES]
    columns = COLUMNS | {"unit_price": {"expression": "price / nullif(qty, 0)"}}
    (tmp_path / "orders.csv").write_text(csv_text(lines, delimiter=";"))
    made = source(tmp_path / "orders.csv", columns)
    result = Result(import_source(made, None, tmp_path / "imports"))
    assert result.net == pytest.approx(12.50 + 3.99 + 1000)


def test_only_the_table_that_needs_it_is_imported(tmp_path):
    pq.write_table(pa.table({ours: ["1"] for ours in ("order_id", "customer_id", "product_id")}
                            | {"ordered_at": [datetime(2024, 1, 1)], "quantity": [1.0],
                               "unit_price": [2.5]}), tmp_path / "lines.parquet")  # fmt: skip
    (tmp_path / "sent.csv").write_text("campaign,customer,at\nspring,1,01.02.2024\n")
    made = source(tmp_path / "lines.parquet", {ours: ours for ours in COLUMNS})
    sent = {"campaign_id": "campaign", "customer_id": "customer", "assigned_at": "at"}
    made["tables"]["campaigns"] = {"path": str(tmp_path / "sent.csv"), "columns": sent,
                                   "date_format": "%d.%m.%Y"}  # fmt: skip
    folder = import_source(made, None, tmp_path / "imports").folder
    assert [file.name for file in folder.glob("*.parquet")] == ["campaigns.parquet"]
    sent["customer_id"] = "client"
    with pytest.raises(UnreadableSource, match="no column 'client' in .*sent.csv"):
        import_source(made, None, tmp_path / "imports")
    sent["customer_id"] = "customer"
    made["tables"]["order_lines"]["columns"]["quantity"] = "pieces"
    with pytest.raises(UnreadableSource, match="no column 'pieces' for `quantity` in .*lines.par"):
        import_source(made, None, tmp_path / "imports")


def test_children_of_records_are_lines(tmp_path):
    records = [
        {"id": "o/1", "name": "#1", "at": "2024-01-01"},
        {"id": "l/1", "sku": "a", "qty": 2, "price": "1.50", "__parentId": "o/1"},
        {"id": "l/2", "sku": "b", "qty": 1, "price": "4", "__parentId": "o/1"},
        {"id": "o/2", "name": "#2", "at": "2024-01-02"},
    ]
    columns = {
        "order_id": "name",
        "product_id": "line.sku",
        "ordered_at": "at",
        "quantity": "line.qty",
        "unit_price": "line.price",
    }
    text = "\n".join(map(json.dumps, records))
    result = imported(tmp_path, text, "bulk.jsonl", columns=columns, parent_key="__parentId")
    assert result.query("order_id, product_id") == [("#1", "a"), ("#1", "b"), ("#2", None)]
    assert result.net == 7.0


def test_a_cell_with_several_lines_is_unpacked(tmp_path):
    content = (
        'order,at,items\n1,2024-01-01,"Qty: 2, SKU: a, Price: 3.00|Qty: 1, SKU: b, Price: 4"\n'
    )
    columns = {
        "order_id": "order",
        "ordered_at": "at",
        "product_id": "items.sku",
        "quantity": "items.qty",
        "unit_price": "items.price",
    }
    pattern = r"Qty: (?P<qty>\d+), SKU: (?P<sku>\w+), Price: (?P<price>[\d.]+)"
    unpack = {"column": "items", "pattern": pattern}
    result = imported(tmp_path, content, columns=columns, unpack=unpack)
    assert result.query("product_id, quantity") == [("a", 2), ("b", 1)]
    assert result.net == 10.0
    # A cell in which nothing matches keeps its row.
    again = imported(tmp_path, f"{content}2,2024-01-02,nothing\n", columns=columns, unpack=unpack)
    assert again.query("order_id, product_id")[-1] == ("2", None)


def test_a_column_that_is_missing_or_there_twice_is_named(tmp_path):
    with pytest.raises(UnreadableSource, match="no column 'cost' in .*it has order, customer"):
        imported(tmp_path, csv_text(), columns=COLUMNS | {"unit_price": "cost"})
    with pytest.raises(UnreadableSource, match="ambiguous: .* 'price' in column 6 and 'Price' in"):
        imported(tmp_path, csv_text([[*r, "1"] for r in LINES], [*NAMES, "Price"]))


def test_an_import_is_made_once_and_again_when_the_file_changes(tmp_path):
    first = imported(tmp_path, csv_text())
    made = (first.folder / "order_lines.parquet").stat().st_mtime_ns
    path = tmp_path / "orders.csv"
    again = Result(import_source(source(path), None, tmp_path / "imports"))
    assert again.folder == first.folder
    assert (again.folder / "order_lines.parquet").stat().st_mtime_ns == made
    path.write_text(csv_text(LINES[:2]))
    assert len(Result(import_source(source(path), None, tmp_path / "imports")).query()) == 2
