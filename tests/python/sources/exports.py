"""Write small exports as shops write them, and import them."""

import zipfile
from xml.sax.saxutils import escape

import duckdb

from clientele.sources.importing import import_source

COLUMNS = {
    "order_id": "order",
    "customer_id": "customer",
    "product_id": "sku",
    "ordered_at": "at",
    "quantity": "qty",
    "unit_price": "price",
}
NAMES = list(COLUMNS.values())
LINES = [
    ["1", "ann", "mug", "2024-01-15 10:00", "2", "12.50"],
    ["1", "ann", "tea", "2024-01-15 10:00", "1", "3.99"],
    ["2", "bob", "mug", "2024-02-20 11:30", "1", "1000.00"],
]
# Twenty orders of a line each, and their money.
SOLD_NAMES = ["Order", "Customer", "SKU", "Date", "Qty", "Price"]
SOLD = [
    [f"A{i}", f"c{i % 4}", f"p{i % 5}", f"2024-03-{i + 1:02} 10:00", str(1 + i % 3)]
    + [f"{[10, 12, 17, 23, 41][i % 5]}.00"]
    for i in range(20)
]
GROSS = sum(int(line[4]) * float(line[5]) for line in SOLD)


def csv_text(lines=LINES, names=NAMES, delimiter=","):
    """Return a CSV of lines under names, without quoting."""
    return "".join(delimiter.join(row) + "\n" for row in [names, *lines])


def replaced(position, *values):
    """Return the lines with other values in the column at a position."""
    return [
        [*row[:position], value, *row[position + 1 :]]
        for row, value in zip(LINES, values, strict=True)
    ]


def source(path, columns=COLUMNS, timezone="UTC", **settings):
    """Return the `source:` of a file, with settings of its table of order lines."""
    table = {"path": str(path), "columns": dict(columns), **settings}
    tables = {"order_lines": table}
    return {"name": "shop", "timezone": timezone, "currency": "EUR", "tables": tables}


class Result:
    """An import: its rows as dictionaries, by the raw order, and its notes."""

    def __init__(self, imported):
        self.folder, self.notes = imported.folder, imported.notes

    def query(self, selected="*", table="order_lines"):
        """Return the rows of a query on an imported table, named `lines`."""
        with duckdb.connect() as connection:
            connection.execute(f"create view lines as from '{self.folder}/{table}.parquet'")
            return connection.execute(f"select {selected} from lines").fetchall()

    def column(self, name):
        """Return a column of the order lines as a list."""
        return [row[0] for row in self.query(name)]

    @property
    def net(self):
        """The money of the lines that count."""
        return float(
            self.query(
                "sum(coalesce(line_amount, quantity * unit_price) - coalesce(discount_amount, 0)"
                " - coalesce(refunded_amount, 0)) filter (reject_reason is null)"
            )[0][0]
        )


def imported(tmp_path, content, name="orders.csv", **settings):
    """Write a file and import it."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Result(import_source(source(path, **settings), None, tmp_path / "imports"))


def told(result, *words):
    """Return whether a note has all of the words."""
    return any(all(word in note for word in words) for note in result.notes)


def workbook(path, rows, sheet="Orders", more=None):
    """Write a workbook of a sheet, and more by name: numbers as numbers, the rest as text."""

    def cell(value):
        if isinstance(value, (int, float)):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rels = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    sheets = list(enumerate(({sheet: rows} | (more or {})).items(), start=1))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{rels}"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, (name, _) in sheets)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{rels}">'
        + "".join(
            f'<Relationship Id="r{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i, _ in sheets
        )
        + "</Relationships>",
    }
    for i, (_, written) in sheets:
        data = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in written)
        parts[f"xl/worksheets/sheet{i}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>'
        )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
