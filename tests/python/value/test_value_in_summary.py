from clientele.summary import summary

RELIABLE = (30, "mbg_nbd", "reliable", 0.2, 1234.5, None, 3, 60.0)
NO_MONEY = (30, "mbg_nbd", "reliable", 0.2, None, None, 3, 60.0)
UNTOLD = (90, "mbg_nbd", "cannot tell", 1.4, 3000.0, "One past day only", 5, 2500.0)
UNRELIABLE = (365, "mbg_nbd", "unreliable", 2.9, None, "Off by 70 % (2010-12-09)", None, None)


def page(*forecasts):
    marts = {
        "recent": list(forecasts),
        "fct_customer_features": [(3, 15, "2024-05-01")],
        "marts.fct_orders": [(3, 0, 15)],
        "dim_segments": [],
        "count(*), coalesce(": [(0, 0, 0)],
        "select antecedent": [],
        "dim_products": [(1,)],
        "select item_level": [],
        "rpt_data_quality": [
            ("accepted", 3, 15.0, 0, "A line"),
            ("unreadable", 1, None, 1, "No amount"),
        ],
        "rpt_reconciliation": [],
        "rpt_build_changes": [],
        "rpt_restatements": [],
    }
    return summary(
        lambda sql: next(rows for words, rows in marts.items() if words in sql), currency="EUR"
    )


def test_a_shop_without_repeat_purchases_has_orders_of_unknown_value():
    lines = page(NO_MONEY, UNRELIABLE).splitlines()
    start = lines.index("Expected from these customers (mbg_nbd)")
    assert [line.split()[:4] for line in lines[start + 2 : start + 4]] == [
        ["30", "days", "0", "unknown"],
        ["365", "days", "3", "unknown"],
    ]
    assert lines[-1].split() == ["unreadable", "1", "0.00", "1", "No", "amount"]


def test_every_forecast_carries_its_reliability_and_the_reason():
    text = page(RELIABLE, UNTOLD, UNRELIABLE)
    rows = {line.split(" days")[0].strip(): line for line in text.splitlines() if " days " in line}
    assert "1,234 EUR  reliable" in rows["30"] and "2,500" not in rows["30"]
    # What cannot be trusted stands next to the simple number.
    assert "3,000 EUR  cannot tell" in text and "5 orders, 2,500 EUR" in text
    assert "unknown  unreliable   0 orders, 0 EUR" in text
    assert "\n  90 days, cannot tell: One past day only" in text
    assert "\n  365 days, unreliable: Off by 70 % (2010-12-09)" in text
    assert "30 days, " not in text


def test_the_sample_prints_what_its_marts_say(sample):
    text = summary(sample.query, currency="GBP")
    for days, verdict, amount in sample.query(
        "select horizon_days, reliability, sum(clv) from marts.fct_customer_values group by all"
    ):
        line = next(row for row in text.splitlines() if row.strip().startswith(f"{days} days "))
        assert f"{amount:,.0f} GBP" in line and verdict in line
    before = sample.query(
        "select count(distinct (customer_id, order_date)) from marts.fct_orders, "
        "(select max(as_of_date) as today from marts.fct_customer_features) "
        "where is_purchase and customer_id is not null and order_date > today - 365"
    )[0][0]
    assert f"{before:,} orders, " in text
