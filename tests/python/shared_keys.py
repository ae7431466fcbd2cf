"""Order lines whose customers and order numbers must be settled, and what they become.

Both engines run the same: test_settled_keys.py and spark/test_settled_keys_on_spark.py.
"""

COLUMNS = {
    "order_id": "number", "customer_id": "customer", "product_id": "sku",
    "ordered_at": "placed", "quantity": "qty", "unit_price": "price",
}  # fmt: skip
# name: (pairs of order number, customer and day; what they become; what is told)
CASES = {
    "clean keys stay as they are": (
        [("1", "ann", "2024-01-01"), ("1", "ann", "2024-01-01"), ("2", None, "2024-01-02")],
        [("1", "ann"), ("1", "ann"), ("2", None)],
        [],
    ),
    "a customer has the spelling that is used most": (
        [("1", "Ann@X.io", "2024-01-01"), ("2", "ann@x.io", "2024-01-02"),
         ("3", "ann@x.io ", "2024-01-03"), ("4", "Zo\u00eb  B", "2024-01-03"),
         ("5", "zoe\u0308 b", "2024-01-03"), ("6", "zo\u00eb b", "2024-01-03"),
         ("7", "zo\u00eb b", "2024-01-03"), ("8", "17.0", "2024-01-03"),
         ("9", "17", "2024-01-03"), ("10", "17", "2024-01-03"), ("11", "bob", "2024-01-03")],
        [("1", "ann@x.io"), ("2", "ann@x.io"), ("3", "ann@x.io"), ("4", "zo\u00eb b"),
         ("5", "zo\u00eb b"), ("6", "zo\u00eb b"), ("7", "zo\u00eb b"), ("8", "17"),
         ("9", "17"), ("10", "17"), ("11", "bob")],
        ["3 customers are written in several ways"],
    ),
    "a number of two customers is an order for each": (
        [("1", "ann", "2024-01-01"), ("1", "bob", "2024-01-01"), ("2", "bob", "2024-02-01"),
         # The same customer used number 3 in two years.
         ("3", "cid", "2023-02-01"), ("3", "cid", "2024-02-01")],
        [("1 / ann", "ann"), ("1 / bob", "bob"), ("2", "bob"),
         ("3 / cid / 2023-02-01", "cid"), ("3 / cid / 2024-02-01", "cid")],
        ["1 order number is shared by several customers, for example '1'"],
    ),
    "spellings of one customer share no number": (
        [("1", "Ann", "2024-01-01"), ("1", "ann", "2024-01-01"), ("2", "ann", "2024-01-01"),
         ("2", "bob", "2024-01-01")],
        [("1", "ann"), ("1", "ann"), ("2 / ann", "ann"), ("2 / bob", "bob")],
        ["1 customer is written in several ways", "1 order number is shared"],
    ),
}  # fmt: skip


def raw(case):
    """Return the SQL of a case's raw lines."""
    rows = []
    for line, (number, customer, day) in enumerate(CASES[case][0]):
        who = f"'{customer}'" if customer else "null::varchar"
        rows.append(f"({line}, '{number}', {who}, timestamp '{day}', 'mug', 1, 2.5)")
    return (
        f"select * from (values {', '.join(rows)}) "
        "as t(line, number, customer, placed, sku, qty, price)"
    )


def check(staged, case, folder, suffix, **settings):
    """Assert that the keys of a case become what they must, and that it is told."""
    _, wanted, told = CASES[case]
    table = {"columns": COLUMNS | {"line_id": "line"}, **settings}
    rows = staged(["line_id", "order_id", "customer_id"], raw(case), table, folder, suffix)
    found = [(order, customer) for _, order, customer in sorted(rows, key=lambda r: int(r[0]))]
    assert found == wanted
    notes = [text for text in staged.said if "source: " in text]
    assert len(notes) == len(told), notes
    assert all(text in note for text, note in zip(told, notes, strict=True)), notes
