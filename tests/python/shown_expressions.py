"""Every SQL expression that docs, YAML or messages show, and what it gives in every format.

The expressions are collected from the files; one that stands in a file and not in `SHOWN` fails.
Both engines run them: test_shown_expressions.py and spark/test_shown_expressions_on_spark.py.
"""

import re

from conftest import PROJECT

WHERE = ["README.md", "docs/*.md", "sources/*.yml", "macros/source/*.sql",
         "src/clientele/*.py", "src/clientele/sources/*.py"]  # fmt: skip
# Texts that show SQL: a mapping, a condition, a conversion in a message.
PATTERNS = [
    r'expression: "((?:[^"\\]|\\.)+)"',
    r"expression: ([^\"'{}<>][^{}<>\n]*)\}",
    r'when: \\?"((?:[^"\\]|\\.)+)"',
    r"`(try_(?:cast|strptime)\([^`]*\))`",
]
# No SQL, but a word for it.
WORDS = {"...", "SQL", "<SQL over your columns>", "<SQL condition over your columns>"}

# One raw line, typed; text formats have it as text.
RAW = """
    select 7 as shop_no, 1001 as order_no, timestamp '2024-03-05 14:30:00' as placed_at,
        date '2024-03-05' as order_day, '14:30' as order_time, '05/03/2024' as day,
        'ann' as customer, 'mug' as sku, 'Blue mug' as item_name, 3 as qty, 'refund' as kind,
        12.5::decimal(9, 2) as line_total, 6.0::decimal(9, 2) as list_price,
        5.0::decimal(9, 2) as price, '4.25' as amount, 'cancelled' as status,
        2 as quantity, 8.0::double as sales_value, 1.0::double as retail_disc,
        0.5::double as coupon_match_disc, 31 as store_id
"""
BASE = {
    "order_id": "order_no", "customer_id": "customer", "product_id": "sku",
    "ordered_at": "placed_at", "quantity": "qty", "unit_price": "price",
}  # fmt: skip
# expression as it stands -> (what it is mapped to, its value; a message's placeholders)
SHOWN = {
    "line_total / nullif(qty, 0)": ("unit_price", "4.1667", {}),
    "concat(shop_no, '-', order_no)": ("order_id", "7-1001", {}),
    "concat(order_day, ' ', order_time)": ("ordered_at", "2024-03-05 14:30:00", {}),
    "(list_price - price) * qty": ("discount_amount", "3.0000", {}),
    "case when kind = 'refund' then -qty else qty end": ("quantity", "-3.000", {}),
    "coalesce(nullif(sku, ''), item_name)": ("product_id", "mug", {}),
    "concat(order_no, '/', regexp_extract(cast(placed_at as string), '([0-9]{4})', 1))": (
        "order_id", "1001/2024", {}),
    "try_cast(amount as double)": ("unit_price", "4.2500", {}),
    "try_strptime(day, '%d/%m/%Y')": ("ordered_at", "2024-03-05 00:00:00", {}),
    "try_cast({column} as double)": ("unit_price", "4.2500", {"column": '"amount"'}),
    "try_strptime({column}, '%d/%m/%Y')": ("ordered_at", "2024-03-05 00:00:00",
                                           {"column": '"day"'}),
    "status = 'cancelled'": ("exclude_reason", "test", {}),
    "(sales_value + retail_disc + coupon_match_disc) / nullif(quantity, 0)": (
        "unit_price", "4.7500", {}),
    "retail_disc + coupon_match_disc": ("discount_amount", "1.5000", {}),
    "case when {column} in ({listed}) then null else {column} end": (
        "customer_id", "ann", {"column": "customer", "listed": "'walk-in', 'guest'"}),
    "'store ' || store_id": ("channel", "store 31", {}),
}  # fmt: skip


def collected():
    """Return every expression that the files show, with the files."""
    found = {}
    for pattern in WHERE:
        for file in sorted(PROJECT.glob(pattern)):
            text = re.sub(r"\n(?!\n)", " ", file.read_text(encoding="utf-8"))
            text = re.sub(r'" *f?"', "", text) if file.suffix == ".py" else text
            for sql in (match for shape in PATTERNS for match in re.findall(shape, text)):
                sql = re.sub(r"\s+", " ", sql.replace("{{", "{").replace("}}", "}")).strip()
                if sql not in WORDS and not sql.startswith("{json.dumps"):
                    found.setdefault(sql, set()).add(file.name)
    return found


def check(staged, expression, folder, suffix):
    """Assert that a shown expression gives its value in a format."""
    column, value, placeholders = SHOWN[expression]
    sql = expression.format(**placeholders) if placeholders else expression
    if column == "exclude_reason":
        table = {"exclude": [{"when": sql, "reason": "test"}]}
    else:
        table = {"columns": BASE | {column: {"expression": sql}}}
    [[found]] = staged([column], RAW, {"columns": BASE} | table, folder, suffix)
    assert found.removesuffix(".0") == value, (expression, suffix)
