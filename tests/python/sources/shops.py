"""Invent a shop and write its orders as shops, languages and spreadsheets write them."""

import csv
import datetime
import io
import json
import random
import re
import zipfile
from dataclasses import dataclass, field

from sources.exports import workbook

# Names of the columns by language: order, customer, mail, sku, name, time, quantity, unit price,
# line amount, discount, status, shipping, order total; the words for a sale and a cancelled order.
LANGUAGES = {
    "en": ["Order ID", "Customer ID", "Email", "SKU", "Product name", "Order date", "Quantity",
           "Unit price", "Line total", "Discount", "Status", "Shipping", "Order total",
           "completed", "cancelled"],
    "en2": ["order_no", "customer_no", "customer_email", "item_code", "item_name", "created_at",
            "qty", "price", "amount", "discount_amount", "order_status", "shipping_amount",
            "grand_total",
            "paid", "voided"],
    "de": ["Bestellnummer", "Kundennummer", "E-Mail", "Artikelnummer", "Artikelbezeichnung",
           "Bestelldatum", "Menge", "Einzelpreis", "Gesamtpreis", "Rabatt", "Status",
           "Versandkosten", "Gesamtsumme", "abgeschlossen", "storniert"],
    "fr": ["Numéro de commande", "Numéro client", "Courriel", "Référence article", "Libellé",
           "Date de commande", "Quantité", "Prix unitaire", "Montant", "Remise", "État",
           "Livraison", "Total TTC", "terminée", "annulée"],
    "es": ["Número de pedido", "Cliente", "Correo electrónico", "Código de artículo", "Descripción",
           "Fecha de pedido", "Cantidad", "Precio unitario", "Importe", "Descuento", "Estado",
           "Envío", "Total", "completado", "anulado"],
    "it": ["Numero ordine", "Codice cliente", "Email", "Codice articolo", "Descrizione",
           "Data ordine", "Quantità", "Prezzo unitario", "Importo", "Sconto", "Stato",
           "Spedizione", "Totale",
           "completato", "annullato"],
    "nl": ["Bestelnummer", "Klantnummer", "E-mail", "Artikelnummer", "Omschrijving", "Besteldatum",
           "Aantal", "Stuksprijs", "Bedrag", "Korting", "Status", "Verzendkosten", "Totaal",
           "afgerond", "geannuleerd"],
}  # fmt: skip
DATES = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", 
         "%m/%d/%Y %H:%M", "%d-%m-%Y", "%Y/%m/%d", "%d.%m.%y", "%b %d, %Y %I:%M %p",
         "%d %b %Y"]  # fmt: skip
KINDS = ["csv", "csv", "csv", "xlsx", "jsonl", "zip", "folder"]


@dataclass
class Variant:
    """How one shop writes its export; everything follows from the seed."""

    seed: int
    choice: dict = field(default_factory=dict)

    def __post_init__(self):
        rng = random.Random(self.seed)
        language = rng.choice(list(LANGUAGES))
        european = language not in ("en", "en2")
        self.choice = {
            "language": language,
            "kind": rng.choice(KINDS),
            "decimal": "," if european and rng.random() < 0.8 else ".",
            "thousands": rng.random() < 0.4,
            "sign": rng.choice(["", "", "", "€", "£", "$"]),
            "date": rng.choice(DATES),
            "delimiter": ";" if european else rng.choice([",", ",", "\t", "|"]),
            "encoding": rng.choice(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16"]),
            "customer": rng.choice(["id", "id", "mail", "both"]),
            "money": rng.choice(["unit", "unit", "line", "both"]),
            "discount": rng.choice(["none", "none", "line", "order", "first", "negative"]),
            "first": rng.random() < 0.25,
            "status": rng.random() < 0.4,
            "total": rng.random() < 0.4,
            "title": rng.random() < 0.2,
            "footer": rng.random() < 0.2,
            "blank": rng.random() < 0.2,
            "quoted": rng.random() < 0.3,
            "shuffled": rng.random() < 0.5,
        }

    def __str__(self):
        return ", ".join(f"{key} {value}" for key, value in self.choice.items())


def shop(seed: int, orders: int = 30):
    """Return the lines of a shop: order, customer, mail, sku, name, time, quantity, cents, ..."""
    rng = random.Random(seed * 7 + 1)
    start = datetime.datetime(2023, 1, 3, 8, 0)
    products = [(f"{i:05d}" if i % 3 else f"SKU-{i}", f"Tasse No {i}, groß",
                 rng.choice([250, 1999, 995, 123456, 4500])) for i in range(12)]  # fmt: skip
    lines = []
    for order in range(orders):
        at = start + datetime.timedelta(minutes=rng.randint(0, 700 * 1440))
        customer = rng.randint(1, 20)
        picked = rng.sample(products, rng.randint(1, 4))
        status = rng.random() < 0.1
        counts = [rng.randint(1, 4) for _ in picked]
        goods = sum(n * p[2] for n, p in zip(counts, picked, strict=True))
        discount = rng.choice([0, 0, goods // 20, 100])
        discount = min(discount, goods)
        for i, ((sku, name, cents), count) in enumerate(zip(picked, counts, strict=True)):
            lines.append(
                {"order": 10001 + order, "customer": customer, "sku": sku, "name": name, "at": at,
                 "qty": count, "cents": cents, "cancelled": status, "discount": discount,
                 "goods": goods, "place": i, "of": len(picked)}
            )  # fmt: skip
    return lines


def truth(variant: Variant):
    """Return order -> (day, customer, net in cents) of the orders that count."""
    found = {}
    for line in shop(variant.seed):
        if line["cancelled"] and variant.choice["status"]:
            continue
        day, customer, net = found.get(line["order"], (line["at"].date(), line["customer"], 0))
        found[line["order"]] = (day, customer, net + line["qty"] * line["cents"])
        if line["place"] == 0 and variant.choice["discount"] != "none":
            found[line["order"]] = (day, customer, found[line["order"]][2] - line["discount"])
    return found


def _money(cents, choice):
    text = f"{abs(cents) / 100:,.2f}" if choice["thousands"] else f"{abs(cents) / 100:.2f}"
    if choice["decimal"] == ",":
        text = text.replace(",", "_").replace(".", ",").replace("_", ".")
    text = (
        f"{choice['sign']}{text}"
        if choice["decimal"] == "."
        else f"{text} {choice['sign']}".strip()
    )
    return f"-{text}" if cents < 0 else text


def table(variant: Variant):
    """Return the header and the rows of the variant's export, as texts."""
    choice = variant.choice
    names = LANGUAGES[choice["language"]]
    (order, customer, mail, sku, name, at, qty, unit, amount, discount, status, shipping, total,
     good, bad) = names  # fmt: skip
    rows = []
    for line in shop(variant.seed):
        first = line["place"] == 0
        # A discount that is stated by line belongs to the first one.
        stated = line["discount"]
        lowered = {"none": None, "line": stated if first else 0, "order": stated,
                   "first": stated if first else None,
                   "negative": -stated if first else 0}[choice["discount"]]  # fmt: skip
        row = {order: str(line["order"])}
        if choice["customer"] != "mail":
            row[customer] = f"K{line['customer']:04d}"
        if choice["customer"] != "id":
            row[mail] = f"person{line['customer']}@example.com"
        row |= {sku: line["sku"], name: line["name"], at: line["at"].strftime(choice["date"]),
                qty: str(line["qty"])}  # fmt: skip
        if choice["money"] != "line":
            row[unit] = _money(line["cents"], choice)
        if choice["money"] != "unit":
            row[amount] = _money(line["cents"] * line["qty"], choice)
        if choice["discount"] != "none":
            row[discount] = "" if lowered is None else _money(lowered, choice)
        if choice["status"]:
            row[status] = bad if line["cancelled"] else good
        if choice["total"]:
            net = line["goods"] - (line["discount"] if choice["discount"] != "none" else 0)
            row[shipping] = _money(495, choice)
            row[total] = _money(net + 495, choice)
        if choice["first"] and not first:
            for key in (customer, mail, at, status, shipping, total):
                if key in row:
                    row[key] = ""
        rows.append(row)
    header = list(rows[0])
    if choice["shuffled"]:
        random.Random(variant.seed + 5).shuffle(header)
    return header, [[row[column] for column in header] for row in rows]


def write(variant: Variant, folder):
    """Write the export into a folder and return its path."""
    choice, (header, rows) = variant.choice, table(variant)
    kind = choice["kind"]
    if kind == "jsonl":
        path = folder / "orders.jsonl"
        path.write_text("\n".join(json.dumps(dict(zip(header, row, strict=True))) for row in rows))
        return path
    if kind == "xlsx":
        path = folder / "orders.xlsx"
        workbook(path, [header, *[[_cell(text, choice) for text in row] for row in rows]])
        return path
    if kind == "folder":
        keys = [row[header.index(_order(choice))] for row in rows]
        half = next(i for i in range(len(rows) // 2, len(rows)) if keys[i] != keys[i - 1])
        for number, part in enumerate((rows[:half], rows[half:])):
            (folder / f"{number}.csv").write_bytes(_csv(header, part, choice))
        return folder
    content = _csv(header, rows, choice)
    if kind == "zip":
        path = folder / "orders.csv.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("orders.csv", content)
        return path
    path = folder / "orders.csv"
    path.write_bytes(content)
    return path


def _order(choice):
    return LANGUAGES[choice["language"]][0]


def _cell(text, choice):
    """Return what a spreadsheet makes of a text: numbers without a sign become numbers."""
    if text.startswith("0") and len(text) > 1 and text[1].isdigit():
        return text
    group, mark = (",", ".") if choice["decimal"] == "." else (".", ",")
    whole = rf"\d{{1,3}}({re.escape(group)}\d{{3}})+|\d+"
    if not re.fullmatch(rf"-?({whole})({re.escape(mark)}\d+)?", text):
        return text
    return float(text.replace(group, "").replace(mark, "."))


def _csv(header, rows, choice):
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if choice["quoted"] else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=choice["delimiter"], quoting=quoting)
    if choice["title"]:
        text.write("Export 2024\r\n\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    if choice["blank"]:
        writer.writerow([""] * len(header))
    if choice["footer"]:
        writer.writerow(["Total"] + [""] * (len(header) - 2) + [str(len(rows))])
    return text.getvalue().encode(choice["encoding"])
