"""Texts become numbers, times and keys in one way for a whole column, or are refused."""

import datetime

import duckdb
import pytest
from sources.exports import LINES, NAMES, Result, csv_text, imported, replaced, source

from clientele.sources.common import UnreadableSource
from clientele.sources.importing import import_source
from clientele.sources.values import number

PRICE, AT, CUSTOMER = NAMES.index("price"), NAMES.index("at"), NAMES.index("customer")
READ = {
    (".", ","): {
        "1,455.60": 1455.6, "$ 12.00": 12, "USD 5": 5, "(12.50)": -12.5, "3-": -3, "−4.5": -4.5,
        "€7": 7, "US$3": 3, "1,23,456.00": 123456, "2.5e-05": 0, "-$5.00": -5, "12.00 kr": 12,
        "+3": 3, "10%": None, "abc": None, "1,2": None, "1.2.3": None, "": None, "12 13": None,
    },
    (",", "."): {"1.234,5": 1234.5, "118,80\u202f$": 118.8, "8": 8, "1.234": 1234, "1.23": None},
    (",", " "): {"1\u00a0234,50 €": 1234.5, "1\u202f234,5": 1234.5, "12,5": 12.5, "12 34": None},
    (".", "'"): {"1'234.50": 1234.5},
}  # fmt: skip


@pytest.mark.parametrize(
    ("marks", "text"), [(marks, text) for marks, texts in READ.items() for text in texts]
)
def test_a_text_is_a_number_or_nothing(marks, text):
    sql = f"select {number('x', *marks, 'decimal(18, 2)')} from (select ? as x)"
    found = duckdb.connect().execute(sql, [text]).fetchone()[0]
    assert (None if found is None else float(found)) == READ[marks][text]


@pytest.mark.parametrize(
    ("prices", "total"),
    [
        (("36,39", "8", "1.000,50"), 2 * 36.39 + 8 + 1000.5),
        (("36.39", "8", "1,000.50"), 2 * 36.39 + 8 + 1000.5),
        (("36,39", "8", "1000,5"), 2 * 36.39 + 8 + 1000.5),
        (("€ 36,39", "8,00 €", "1 000,50 EUR"), 2 * 36.39 + 8 + 1000.5),
    ],
)
def test_the_decimal_mark_is_that_of_the_whole_column(prices, total, tmp_path):
    content = csv_text(replaced(PRICE, *prices), delimiter=";")
    assert imported(tmp_path, content).net == pytest.approx(total)


def test_numbers_that_can_be_read_in_two_ways_are_refused(tmp_path):
    content = csv_text(replaced(PRICE, "1,455", "2,000", "3,125"), delimiter=";")
    with pytest.raises(UnreadableSource, match="can be read in two ways .*`decimal"):
        imported(tmp_path, content)
    assert imported(tmp_path, content, decimal=",").net == pytest.approx(2 * 1.455 + 2 + 3.125)
    assert imported(tmp_path, content, decimal=".").net == pytest.approx(2 * 1455 + 2000 + 3125)


@pytest.mark.parametrize(
    "texts",
    [
        ("2024-08-01 09:14", "2024-08-02 09:14", "2024-08-13 00:00"),
        ("2024-08-01T09:14:00", "2024-08-02T09:14:00", "2024-08-13"),
        ("01.08.2024 09:14", "02.08.2024 09:14", "13.08.2024 00:00"),
        ("08/01/2024 9:14 AM", "08/02/2024 9:14 AM", "08/13/2024 12:00 AM"),
        ("01/08/24 09:14", "02/08/24 09:14", "13/08/24 00:00"),
        ("Aug 1, 2024 9:14:00 AM", "Aug 2, 2024 9:14:00 AM", "Aug 13, 2024 12:00:00 AM"),
        ("45505.38472", "45506.38472", "45517"),
        ("1722503640", "1722590040", "1723507200"),
        ("1722503640000", "1722590040000", "1723507200000"),
    ],
)
def test_times_are_read_as_they_are_written(texts, tmp_path):
    content = csv_text([[f"{i}", *row[1:]] for i, row in enumerate(replaced(AT, *texts))], NAMES)
    content = content.replace("Aug 1,", '"Aug 1,').replace("Aug 2,", '"Aug 2,')
    content = content.replace("Aug 13,", '"Aug 13,').replace("AM", 'AM"').replace('AM""', 'AM"')
    if "Aug" not in content:
        content = content.replace('"', "")
    assert [str(at) for at in imported(tmp_path, content).column("ordered_at")] == [
        "2024-08-01 09:14:00",
        "2024-08-02 09:14:00",
        "2024-08-13 00:00:00",
    ]


def test_day_and_month_are_never_exchanged(tmp_path):
    content = csv_text(replaced(AT, "03/01/2024", "03/01/2024", "05/02/2024"))
    with pytest.raises(UnreadableSource, match=r"two ways; write `date_format: .*%d/%m.*%m/%d"):
        imported(tmp_path, content)
    read = imported(tmp_path, content, date_format="%d/%m/%Y").column("ordered_at")
    assert read[2] == datetime.datetime(2024, 2, 5)
    read = imported(tmp_path, content, date_format="%m/%d/%Y").column("ordered_at")
    assert read[2] == datetime.datetime(2024, 5, 2)


@pytest.mark.parametrize(
    ("text", "timezone", "local"),
    [
        ("2024-08-01 09:14:00 +0200", "America/New_York", "2024-08-01 03:14:00"),
        ("2024-01-15 00:30:00 CET", "Europe/Berlin", "2024-01-15 00:30:00"),
        ("2024-07-15 23:30:00 UTC", "Europe/Berlin", "2024-07-16 01:30:00"),
        ("2024-10-21T00:19:34Z", "America/New_York", "2024-10-20 20:19:34"),
        ("2024-10-21 00:19:34.5-05:30", "UTC", "2024-10-21 05:49:34.500000"),
        ("2024-10-21 00:19", "America/New_York", "2024-10-21 00:19:00"),
    ],
)
def test_instants_become_local_times(text, timezone, local, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(csv_text([[*LINES[0][:AT], text, *LINES[0][AT + 1 :]]]))
    made = import_source(source(path, timezone=timezone), None, tmp_path / "imports")
    assert str(Result(made).column("ordered_at")[0]) == local


def test_times_of_another_zone_can_be_said(tmp_path):
    content = csv_text(replaced(AT, *["2024-07-01 23:00"] * 3))
    read = imported(tmp_path, content, timestamps_in="America/New_York").column("ordered_at")
    assert str(read[0]) == "2024-07-02 03:00:00"


def test_what_does_not_read_is_missing_and_told_or_stops(tmp_path):
    lines = [[str(i), "ann", "mug", "2024-01-15", "1", "2.00"] for i in range(100)]
    lines[7][PRICE] = "two"
    result = imported(tmp_path, csv_text(lines))
    assert result.column("unit_price").count(None) == 1
    assert any("1 of 100 values for `unit_price`" in n and "'two'" in n for n in result.notes)
    for line in lines[:10]:
        line[PRICE] = "1.5%"
    with pytest.raises(UnreadableSource, match=r"10 of 100 values for `unit_price`.*'1.5%'.*row 1"):
        imported(tmp_path, csv_text(lines))


def test_words_that_mean_nothing_are_no_customer(tmp_path):
    content = csv_text([[str(i), word, *LINES[0][2:]] for i, word in enumerate(
        ["NULL", "nan", "None", "  ", "-", "#N/A", "Ann "])])  # fmt: skip
    assert imported(tmp_path, content).column("customer_id") == [None] * 6 + ["Ann"]
    kept = imported(tmp_path, content, null_values=["-"]).column("customer_id")
    assert kept[:2] == ["NULL", "nan"] and kept[4] is None


def test_keys_lose_a_fraction_that_a_program_added_and_no_zeros(tmp_path):
    keys = [("12013", "00123"), ("12013.0", "1.10"), ("7", "0")]
    content = csv_text([[str(i), *pair, *LINES[0][3:]] for i, pair in enumerate(keys)])
    result = imported(tmp_path, content)
    assert result.column("customer_id") == ["12013", "12013", "7"]
    assert result.column("product_id") == ["00123", "1.10", "0"]


def test_keys_whose_digits_are_lost_are_refused(tmp_path):
    content = csv_text(replaced(CUSTOMER, "1.23E+11", "1.23E+11", "1.24E+11"))
    with pytest.raises(UnreadableSource, match=r"'1.23E\+11'.*digits are lost.*as text"):
        imported(tmp_path, content)
