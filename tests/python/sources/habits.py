"""Write a layout's table as programs and spreadsheets write files: each seed has other habits."""

import csv
import datetime
import gzip
import io
import json
import random
import re
import zipfile
import zoneinfo

import pyarrow as pa
from sources.exports import workbook

DATES = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%Y/%m/%d",
    "%b %d, %Y",
    "%d %b %Y",
    "%d-%b-%y",
    "%m/%d/%y",
    "%d/%m/%y %H:%M",
    "unpadded",
    "offset",
    "utc",
    "serial",
    "epoch",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y%m%d",
]
KINDS = ["csv"] * 6 + ["xlsx", "xlsx", "gz", "zst", "zip", "jsonl", "json", "nested", "folder"]
ORDER_CELLS = {
    "order",
    "at",
    "id",
    "name",
    "email",
    "order_disc",
    "shipping",
    "total",
    "goods",
    "status",
    "state",
    "currency",
    "country",
    "status_de",
    "status_es",
    "status_fr",
}
MONEY = {
    "unit",
    "line",
    "line_net",
    "line_disc",
    "order_disc",
    "shipping",
    "total",
    "goods",
    "tax",
    "refund",
    "profit",
    "cost",
    "msrp",
    "balance",
}


def habits(seed: int) -> dict:
    """Return how a file is written."""
    rng = random.Random(seed)
    habit = {
        "kind": rng.choice(KINDS),
        "encoding": rng.choice(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16", "latin-1"]),
        "delimiter": rng.choice([None, None, ",", ";", "\t", "|"]),
        "quoting": rng.choice(["minimal", "minimal", "all", "none"]),
        "title": rng.choice([0, 0, 0, 1, 3]),
        "footer": rng.choice(["", "", "", "total", "count", "blank"]),
        "thousands": rng.choice(["", "", "usual", "blank", "'"]),
        "sign": rng.choice(["", "", "", "$", "€ ", " €", " EUR", "USD "]),
        "date": rng.choice([None, None, *DATES]),
        "order": rng.choice(["", "", "#", "0000", ".0", "RE-2023-"]),
        "shuffled": rng.random() < 0.4,
        "index": rng.random() < 0.15,
        "trailing": rng.random() < 0.1,
        "newline": rng.choice(["\r\n", "\n"]),
    }
    if habit["encoding"] == "latin-1" and "€" in habit["sign"]:
        habit["sign"] = ""
    if habit["kind"] == "xlsx":
        # A workbook holds numbers, not what they look like.
        habit |= {"thousands": "", "sign": ""}
    return habit


def cells(layout, seed, table):
    """Return the rows of a layout with the habits of a seed; `table` are its plain rows."""
    habit, kinds = habits(seed), list(layout.columns.values())
    own = layout.style
    written = []
    for row in table:
        new = []
        for kind, cell in zip(kinds, row, strict=True):
            if not cell:
                pass
            elif kind in MONEY:
                cell = _money(cell, own["decimal"], habit)
            elif kind in ("at", "later") and habit["date"]:
                cell = _time(datetime.datetime.strptime(cell, own["date"]), habit["date"])
            elif kind == "order":
                cell = f"{cell}.0" if habit["order"] == ".0" else habit["order"] + cell
            new.append(cell)
        written.append(new)
    return written


def _money(cell, decimal, habit):
    cents = cell.replace(",", "").replace(".", "")
    value = int(cents)
    marks = {"": "", "usual": "." if decimal == "," else ",", "blank": "\xa0", "'": "'"}
    text = f"{abs(value) / 100:,.2f}".replace(",", "_").replace(".", decimal)
    text = text.replace("_", marks[habit["thousands"]])
    sign = habit["sign"]
    text = sign + text if not sign.startswith(" ") else text + sign
    return f"-{text}" if value < 0 else text


def _time(moment, form):
    if form == "unpadded":
        return f"{moment.day}/{moment.month}/{moment.year}"
    if form == "offset":
        return moment.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).strftime(
            "%Y-%m-%d %H:%M:%S %z"
        )
    if form == "utc":
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if form == "serial":
        return f"{(moment - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1):.5f}"
    if form == "epoch":
        return str(int(moment.replace(tzinfo=datetime.UTC).timestamp()))
    return moment.strftime(form)


def write(layout, seed, folder, header, table):
    """Write the rows of a layout into a folder with the habits of a seed, and return the path."""
    habit, rng = habits(seed), random.Random(seed + 1)
    table, kinds = cells(layout, seed, table), list(layout.columns.values())
    header = list(header)
    at = kinds.index("order")
    groups = [re.sub(r"\.0$", "", row[at]) for row in table]
    if habit["shuffled"]:
        places = list(range(len(header)))
        rng.shuffle(places)
        header, kinds = [header[i] for i in places], [kinds[i] for i in places]
        table = [[row[i] for i in places] for row in table]
    if habit["index"]:
        header, kinds = ["", *header], ["row", *kinds]
        table = [[str(number), *row] for number, row in enumerate(table)]
    kind = habit["kind"]
    if kind in ("jsonl", "json", "nested"):
        return _json(kind, folder, header, kinds, table, groups)
    if kind == "xlsx":
        titles = [["Orders report"], []][: habit["title"]]
        path = folder / "export.xlsx"
        workbook(path, [*titles, header, *[[_typed(c, layout) for c in row] for row in table]])
        return path
    if kind == "folder":
        half = next(i for i in range(len(table) // 2, len(table)) if groups[i] != groups[i - 1])
        for name, part in (("2023-01.csv", table[:half]), ("2023-02.csv", table[half:])):
            (folder / name).write_bytes(_text(layout, habit, header, part))
        return folder
    content = _text(layout, habit, header, table)
    path = folder / ("export.csv" if kind == "csv" else f"export.csv.{kind}")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("export.csv", content)
    elif kind == "gz":
        path.write_bytes(gzip.compress(content))
    elif kind == "zst":
        with pa.output_stream(str(path), compression="zstd") as stream:
            stream.write(content)
    else:
        path.write_bytes(content)
    return path


def _typed(text, layout):
    """Return what a spreadsheet makes of a text: numbers, but for those with leading zeros."""
    plain = text.replace(",", ".") if layout.style["decimal"] == "," and "." not in text else text
    if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", plain):
        return float(plain)
    return text


def _json(kind, folder, header, kinds, table, groups):
    records = [dict(zip(header, row, strict=True)) for row in table]
    if kind == "nested":
        outer = [name for name, what in zip(header, kinds, strict=True) if what in ORDER_CELLS]
        orders = {}
        for group, record in zip(groups, records, strict=True):
            order = orders.setdefault(group, {name: record[name] for name in outer} | {"items": []})
            order["items"].append({k: v for k, v in record.items() if k not in outer})
        records = list(orders.values())
    path = folder / ("export.jsonl" if kind == "jsonl" else "export.json")
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) if kind == "jsonl" else f"[{', '.join(lines)}]")
    return path


def _text(layout, habit, header, table):
    delimiter = habit["delimiter"] or layout.style["delimiter"]
    if habit["quoting"] == "none" and any('"' in c for row in table for c in row):
        # Without quoting, a cell must not hold the delimiter.
        delimiter = "\t"
    end, rows = habit["newline"], [header, *table]
    if habit["trailing"]:
        rows = [[*row, ""] for row in rows]
    if habit["quoting"] == "none" and delimiter == "\t":
        body = "".join(delimiter.join(row) + end for row in rows)
    else:
        target = io.StringIO()
        quoting = csv.QUOTE_ALL if habit["quoting"] == "all" else csv.QUOTE_MINIMAL
        csv.writer(target, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
        body = target.getvalue()
    title = "".join(line + end for line in ["Orders report", "Shop: Example", ""][: habit["title"]])
    wide = len(rows[0]) - 1
    footer = {
        "": "",
        "total": f"Total{delimiter * (wide - 1)}{delimiter}999",
        "count": f"{len(table)} records",
        "blank": delimiter * wide,
    }[habit["footer"]]
    text = title + body + (footer + end if footer else "")
    return text.encode(habit["encoding"], "replace")
