"""The canonical columns of each raw table, and the keys that a table's YAML may have.

The macro `canonical_columns` has the same list for SQL; a test compares them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A canonical column: its SQL type, the kind of its values, and whether it must be mapped."""

    name: str
    kind: str
    type: str = "varchar"
    required: bool = False


MONEY = "decimal(18, 4)"
COLUMNS = {
    "order_lines": [
        Column("order_id", "key", required=True),
        Column("customer_id", "key"),
        Column("product_id", "key"),
        Column("ordered_at", "timestamp", "timestamp", required=True),
        Column("quantity", "number", "decimal(18, 3)"),
        Column("unit_price", "number", MONEY),
        Column("line_amount", "number", MONEY),
        Column("product_name", "text"),
        Column("category", "text"),
        Column("channel", "text"),
        Column("country", "text"),
        Column("currency", "text"),
        Column("discount_amount", "number", MONEY),
        Column("refunded_amount", "number", MONEY),
        Column("unit_cost", "number", MONEY),
        Column("promotion_id", "text"),
        Column("line_id", "text"),
    ],
    "products": [
        Column("product_id", "key", required=True),
        Column("product_name", "text"),
        Column("category", "text"),
        Column("unit_cost", "number", MONEY),
    ],
    "campaigns": [
        Column("campaign_id", "key", required=True),
        Column("customer_id", "key", required=True),
        Column("arm", "text"),
        Column("assigned_at", "timestamp", "timestamp", required=True),
        Column("sent_at", "timestamp", "timestamp"),
        Column("channel", "text"),
        Column("cost", "number", MONEY),
        Column("segment", "text"),
    ],
    "events": [
        Column("customer_id", "key"),
        Column("device_id", "key"),
        Column("occurred_at", "timestamp", "timestamp", required=True),
        Column("event_type", "text", required=True),
        Column("product_id", "key"),
        Column("page", "text"),
        Column("channel", "text"),
        Column("session_id", "key"),
    ],
    "reviews": [
        Column("review_id", "key"),
        Column("customer_id", "key"),
        Column("product_id", "key"),
        Column("written_at", "timestamp", "timestamp"),
        # As it is written: what does not read as a number is counted, and the text still speaks.
        Column("rating", "text"),
        Column("text", "text", required=True),
    ],
    "orders": [
        Column("order_id", "key", required=True),
        Column("customer_id", "key"),
        Column("ordered_at", "timestamp", "timestamp"),
        Column("channel", "text"),
        Column("country", "text"),
        Column("currency", "text"),
        Column("promotion_id", "text"),
    ],
    "customers": [
        Column("customer_id", "key", required=True),
        Column("person_id", "key"),
        Column("country", "text"),
        Column("consent", "text"),
    ],
}
# What tells persons, and may stand under `identities` of these tables.
IDENTIFIERS = ["loyalty_card", "email", "phone", "name", "postcode", "device"]
IDENTIFIED = ["order_lines", "customers"]
# Columns of `customers` that an import gives to the order lines.
OF_LINES = ["person_id", "country"]
# What the values of a customer's attribute may be, and how columns of that kind are read.
KINDS = {"number": "number", "category": "text", "date": "timestamp", "yes_no": "text"}
# Columns that an order has once: an empty cell takes the value of the order's other lines.
ORDER_LEVEL = ["customer_id", "ordered_at", "channel", "country", "currency"]
ORDER_LEVEL += [f"match_{kind}" for kind in IDENTIFIERS]
# Money that an order has once.
ORDER_AMOUNTS = ["discount", "refund", "shipping", "tax", "tip", "gift_card", "total"]

LOCATIONS = ["seed", "path", "table"]
READING = [
    "encoding", "delimiter", "quote", "header_row", "skip_footer", "sheet", "unnest", "parent_key",
    "unpack", "null_values", "decimal", "thousands", "date_format", "timestamps_in",
]  # fmt: skip
SHAPE = ["fill_down", "order_amounts", "repeated_lines", "zero_prices", "negative_prices",
         "customer_ids", "exclude"]  # fmt: skip
# Settings that SQL in the warehouse knows too, so that they need no import.
IN_SQL = ["exclude", "repeated_lines", "zero_prices", "negative_prices", "customer_ids"]
# Settings of the table `campaigns`; SQL knows them.
OF_CAMPAIGNS = ["randomised", "control"]
# Settings of an attribute of `customers`.
OF_ATTRIBUTES = ["column", "kind", "levels", "sensitive"]
# Settings of the table `events`; SQL knows them.
OF_EVENTS = ["event_types"]
STAGES = ["view", "cart", "checkout", "order", "other"]
CHOICES = {
    "randomised": [True, False],
    "decimal": [".", ","],
    "thousands": ["", ",", ".", " ", "'"],
    "repeated_lines": ["drop", "keep"],
    "zero_prices": ["reject", "keep"],
    "negative_prices": ["refund", "reject"],
    "customer_ids": ["normalised", "as_written"],
}
FORMATS = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "json": "json", "jsonl": "json", "ndjson": "json",
    "parquet": "parquet", "xlsx": "xlsx", "xlsm": "xlsx", "xls": "xlsx", "ods": "xlsx",
}  # fmt: skip


def columns_for(name: str, table: dict) -> list[Column]:
    """Return the canonical columns of a table, with its identifiers and declared attributes."""
    declared = (table.get("attributes") or {}) if name == "customers" else {}
    own = [Column(own, KINDS[said["kind"]]) for own, said in declared.items()]
    return COLUMNS[name] + own + [Column(match, "text") for match in identifiers_of(table)]


def identifiers_of(table: dict) -> dict:
    """Return the canonical column of each identifier of a table, and what it is mapped to."""
    return {f"match_{kind}": mapped for kind, mapped in (table.get("identities") or {}).items()}


def with_attributes(table: dict) -> dict:
    """Return a table's settings in which attributes and identifiers are mapped like columns."""
    declared = {own: said["column"] for own, said in (table.get("attributes") or {}).items()}
    columns = (table.get("columns") or {}) | declared | identifiers_of(table)
    return {**table, "columns": columns}


def describes_customers(table: dict) -> bool:
    """Return whether `customers` has attributes, a consent or identifiers, not only keys."""
    said = table.get("attributes") or table.get("identities")
    return bool(said or (table.get("columns") or {}).get("consent"))
