from clientele.summary import summary

MARTS = {
    "fct_customer_features": [(3, 15, "2024-05-01")],
    "fct_orders": [(3,)],
    "dim_segments": [],
    "count(*), coalesce(": [(0, 0, 0)],
    "select antecedent": [],
    "fct_customer_values": [(30, 0.2, None, 0.5, "mbg_nbd"), (365, 2.9, None, 0.5, "mbg_nbd")],
    "rpt_data_quality": [("accepted", 3, 15.0, "A line"), ("unreadable", 1, None, "No amount")],
}


def answer(sql):
    return next(rows for words, rows in MARTS.items() if words in sql)


def test_a_shop_without_repeat_purchases_has_orders_of_unknown_value():
    lines = summary(answer, currency="EUR").splitlines()
    start = lines.index("Expected from these customers (mbg_nbd)")
    assert [line.split() for line in lines[start + 2 : start + 4]] == [
        ["30", "days", "0", "unknown"],
        ["365", "days", "3", "unknown"],
    ]
    assert lines[-1].split() == ["unreadable", "1", "0.00", "No", "amount"]
