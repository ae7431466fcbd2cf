"""An order that stands in several files of a folder counts once, as the latest file has it."""

import pytest
from sources.exports import GROSS, SOLD, SOLD_NAMES, csv_text
from sources.test_init import initialised

from clientele.sources.versions import REPLACED

MARCH, APRIL = SOLD[:12], SOLD[12:]
ORDER = SOLD[3]
WORTH = int(ORDER[4]) * float(ORDER[5])


def read(folder, march, april, *more):
    """Import two files, whose names are in the order of time, and return page and import."""
    (folder / "months").mkdir()
    for name, lines in {"1": march, "2": april}.items():
        text = csv_text(lines, [*SOLD_NAMES, *more])
        (folder / "months" / f"{name}.csv").write_text(text, encoding="utf-8")
    page, _, result = initialised(folder / "months", folder)
    return page, result


def changed(position, value):
    return [*ORDER[:position], value, *ORDER[position + 1 :]]


@pytest.mark.parametrize(
    ("status", "money"), [("cancelled", GROSS - WORTH), ("completed", GROSS)]
)  # fmt: skip
def test_the_status_of_the_later_file_counts(status, money, tmp_path):
    march = [[*line, "pending" if line is ORDER else "completed"] for line in MARCH]
    april = [[*line, "completed"] for line in APRIL]
    # Another piece makes it another form also where the status is of a sale.
    again = [*ORDER, status] if status == "cancelled" else [*changed(4, "9"), status]
    page, result = read(tmp_path, march, [*april, again], "Status")
    if status == "completed":
        money += (9 - int(ORDER[4])) * float(ORDER[5])
    assert result.net == pytest.approx(money)
    assert "1 order stands in several files in different forms, such as 'A3' in 1.csv" in page
    assert len(result.column("order_id")) == len(SOLD) + 1
    assert result.column("exclude_reason").count(REPLACED) == 1


def test_what_was_cancelled_stays_so_in_a_file_of_other_days(tmp_path):
    march = [[*line, "cancelled" if line is ORDER else "completed"] for line in MARCH]
    april = [[*line, "completed"] for line in [*APRIL, ORDER]]
    _, result = read(tmp_path, march, april, "Status")
    assert result.net == pytest.approx(GROSS - WORTH)


def test_a_month_without_time_of_day_repeats_the_one_with_it(tmp_path):
    _, result = read(tmp_path, SOLD, [[*line[:3], line[3][:10], *line[4:]] for line in MARCH])
    assert result.net == pytest.approx(GROSS)
    kept = result.query("ordered_at from lines where reject_reason is null --")
    assert all(at.hour == 10 for (at,) in kept)


@pytest.mark.parametrize(
    ("position", "value"), [(1, "someone else"), (2, "another"), (3, "2024-04-03 10:00")]
)  # fmt: skip
def test_other_lines_under_the_same_number_all_count(position, value, tmp_path):
    _, result = read(tmp_path, MARCH, [*APRIL, changed(position, value)])
    assert result.net == pytest.approx(GROSS + WORTH)


def test_a_refund_in_a_later_file_is_no_version(tmp_path):
    _, result = read(tmp_path, MARCH, [*APRIL, changed(4, f"-{ORDER[4]}")])
    assert result.net == pytest.approx(GROSS - WORTH)


def test_receipts_of_guests_at_other_times_are_others(tmp_path):
    guests = [[line[0], "", *line[2:]] for line in MARCH]
    again = [ORDER[0], "", ORDER[2], ORDER[3].replace("10:00", "15:30"), *ORDER[4:]]
    _, result = read(tmp_path, guests, [*APRIL, again])
    assert result.net == pytest.approx(GROSS + WORTH)


def test_numbers_that_start_anew_in_each_file_are_the_first_doubt(tmp_path):
    shops = [[[line[0], "", line[2], f"2024-0{month}{line[3][7:]}", *line[4:]] for line in SOLD]
             for month in (3, 5)]  # fmt: skip
    page, result = read(tmp_path, *shops)
    assert result.net == pytest.approx(2 * GROSS)
    assert "  1. 20 order numbers have lines of different days in several files" in page
