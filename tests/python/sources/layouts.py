"""Export layouts of many programs, as columns and what they hold, filled with an invented shop."""

import datetime
import random
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Layout:
    """One program's export.

    Attributes:
        columns: Names of the columns, each with a key of `cells`.
        style: How values are written.
        customer: What names a customer here: id, email, name, or None.
        net: What the money of an order is: `net` (goods without discounts), `goods`, or `total`.
        grain: `line`, `first` (order cells on the first line only) or `order` (one row an order).
    """

    columns: dict
    style: dict
    customer: str | None = "id"
    net: str = "net"
    grain: str = "line"


def _layout(columns: str, **settings) -> Layout:
    """Return a layout whose columns are a text such as `Order ID = order | Order date = at`."""
    pairs = (column.split(" = ") for column in " ".join(columns.split()).split(" | "))
    return Layout(dict(pairs), **settings)


FILE = Path(__file__).with_name("layouts.yml")
LAYOUTS = {
    name: _layout(**layout)
    for name, layout in yaml.safe_load(FILE.read_text(encoding="utf-8")).items()
}
PRODUCTS = [
    ("00123", 'Mug 12" "Ada"', "Kitchen", 1250),
    ("SKU-7", "Tea; green, loose", "Food", 399),
    ("LMP-1", "Lamp", "Home", 123456),
    ("040400", "Towel (set of 2)", "Home", 2199),
    ("B-9", "Candle & holder", "Home", 800),
]


def shop(seed: int, count: int = 45) -> list[dict]:
    """Return orders: number, customer, time, lines, and money in cents."""
    rng = random.Random(seed)
    orders = []
    for number in range(count):
        lines = []
        for sku, product, category, cents in rng.sample(PRODUCTS, rng.randint(1, 4)):
            qty = rng.choice([1, 1, 1, 2, 3])
            discount = rng.choice([0, 0, 0, 10]) * cents * qty // 100
            refund = cents if rng.random() < 0.06 else 0
            lines.append(
                {
                    "sku": sku,
                    "product": product,
                    "category": category,
                    "cents": cents,
                    "qty": qty,
                    "discount": discount,
                    "refund": refund,
                }
            )
        goods = sum(line["cents"] * line["qty"] for line in lines)
        orders.append(
            {
                "number": 20001 + number,
                "customer": rng.randint(1, 15),
                "at": datetime.datetime(2023, 2, 1)
                + datetime.timedelta(minutes=rng.randint(0, 900000)),
                "lines": lines,
                "goods": goods,
                "discount": rng.choice([0, 0, goods // 10]),
                "cancelled": rng.random() < 0.08,
                "shipping": rng.choice([0, 495]),
            }
        )
    return orders


def has_status(layout: Layout) -> bool:
    """Return whether a layout tells which orders were cancelled."""
    return any(what.startswith("status") for what in layout.columns.values())


def truth(layout: Layout, seed: int) -> dict:
    """Return order -> (day, customer, net in cents) of the orders that count."""
    found = {}
    for order in shop(seed):
        if order["cancelled"] and has_status(layout):
            continue
        net = {
            "goods": order["goods"],
            "line_net": order["goods"] - sum(line["discount"] for line in order["lines"]),
            "net": order["goods"] - sum(line["discount"] for line in order["lines"]),
            "net_of_order": order["goods"] - order["discount"],
            "net_of_refund": order["goods"] - sum(line["refund"] for line in order["lines"]),
            "total": order["goods"] - order["discount"] + order["shipping"],
        }[layout.net]
        found[str(order["number"])] = (order["at"].date(), order["customer"], net)
    return found


def rows(layout: Layout, seed: int) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a layout, as texts."""
    table, number = [], 0
    for order in shop(seed):
        lines = order["lines"][:1] if layout.grain == "order" else order["lines"]
        for place, line in enumerate(lines):
            number += 1
            cells = _cells(layout, order, line, place, number)
            if layout.grain == "first" and place:
                cells = {key: "" if key in ORDER_CELLS else cell for key, cell in cells.items()}
            table.append([cells[what] for what in layout.columns.values()])
    return list(layout.columns), table


ORDER_CELLS = {"at", "id", "name", "email", "order_disc", "shipping", "total", "goods", "status"}


def _cells(layout, order, line, place, number):
    style = layout.style

    def money(cents):
        text = f"{cents / 100:,.2f}" if style.get("thousands") else f"{cents / 100:.2f}"
        if style["decimal"] == ",":
            text = text.replace(",", "_").replace(".", ",").replace("_", ".")
        return style.get("sign", "") + text

    at, customer = order["at"], order["customer"]
    discount = order["discount"] if "order_disc" in layout.columns.values() else 0
    discount = order["discount"] if layout.net == "total" else discount
    gross = line["cents"] * line["qty"]
    bad = order["cancelled"]
    return {
        "line_gross": money(round(gross * 1.2)),
        "unit_gross": money(round(line["cents"] * 1.2)),
        "many": str(customer * 3),
        "status_pt": "Cancelado" if bad else "Enviado",
        "status_sv": "Avbruten" if bad else "Skickad",
        "row": str(number),
        "order": str(order["number"]),
        "at": at.strftime(style["date"]),
        "day": at.strftime(style["date"]),
        "clock": at.strftime("%I:%M %p"),
        "epoch": str(int(at.replace(tzinfo=datetime.UTC).timestamp())),
        "later": (at + datetime.timedelta(days=4)).strftime(style["date"]),
        "mode": "Standard",
        "id": f"C{customer:04d}",
        "name": f"Ada Person{chr(64 + customer)}",
        "email": f"person{customer}@example.com",
        "phone": f"+1 555 01{customer:02d}",
        "segment": "Consumer",
        "country": "Utopia",
        "city": "Springfield",
        "zip": "01001",
        "sku": line["sku"],
        "product": line["product"],
        "category": line["category"],
        "qty": str(line["qty"]),
        "shipped": str(line["qty"]),
        "pieces": str(sum(each["qty"] for each in order["lines"])),
        "unit": money(line["cents"]),
        "line": money(gross),
        "line_net": money(gross - line["discount"]),
        "line_disc": money(line["discount"]),
        "share": "0.1" if line["discount"] else "0",
        "profit": money(gross // 3 - 500),
        "cost": money(line["cents"] // 2),
        "msrp": money(line["cents"] + 500),
        "status": "Cancelled" if bad else "Shipped",
        "status_de": "Storniert" if bad else "Versendet",
        "status_es": "Cancelado" if bad else "Entregado",
        "status_fr": "Annulée" if bad else "Expédiée",
        "state": "Paid",
        "quarter": str((at.month + 2) // 3),
        "month": str(at.month),
        "year": str(at.year),
        "line_no": str(place + 1),
        "gender": "Female",
        "age": "34",
        "goods": money(order["goods"]),
        "order_disc": money(discount),
        "coupon": "TEN" if discount else "",
        "shipping": money(order["shipping"]),
        "tax": money(order["goods"] // 10),
        "vat": "19",
        "total": money(
            order["goods"]
            - discount
            + order["shipping"]
            + (order["goods"] // 10 if "tax" in layout.columns.values() else 0)
        ),
        "refund": money(line["refund"]),
        "refund_at": at.strftime(style["date"]) if line["refund"] else "",
        "currency": "EUR",
        "empty": "",
        "balance": money(100000 + number),
        "tracking": f"1Z{number:09d}",
    }
