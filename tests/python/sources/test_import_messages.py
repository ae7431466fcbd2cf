"""An import says what it does, and in one message what is wrong and what to do."""

import io
import time

import pytest
from sources.exports import COLUMNS, LINES, NAMES, csv_text, imported, replaced, source
from sources.test_init import initialised

from clientele import cli
from clientele.build_command import prepare_source
from clientele.sources.common import UnreadableSource
from clientele.sources.importing import import_source
from clientele.sources.telling import Telling


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(Telling, "AFTER", 0.0)
    monkeypatch.setattr(Telling, "TICK", 0.01)


def said(stream, steps):
    with Telling("import", stream) as tell:
        for step in steps:
            tell(step)
            time.sleep(0.1)
    return stream.getvalue()


def test_a_terminal_has_one_line_that_is_removed():
    text = said(Terminal(), ["reading a long name.csv", "writing"])
    assert "\n" not in text
    shown = [part.strip() for part in text.split("\r")]
    assert "import: reading a long name.csv, 0 s" in shown and "import: writing, 0 s" in shown
    # Blanks over all of the longest line.
    assert text.endswith("\r" + " " * len("import: reading a long name.csv, 0 s") + "\r")


def test_a_log_has_a_line_for_each_step():
    text = said(io.StringIO(), ["reading a.csv", "writing"])
    assert text == "import: reading a.csv\nimport: writing\n"


def test_a_short_import_says_nothing(monkeypatch):
    monkeypatch.setattr(Telling, "AFTER", 60)
    assert said(Terminal(), ["reading a.csv"]) == ""


def test_an_import_tells_its_files_and_steps(tmp_path):
    for month in (1, 2):
        (tmp_path / f"m{month}.csv").write_text(csv_text())
    steps = []
    import_source(source(tmp_path, COLUMNS), None, tmp_path / "imports", steps.append)
    assert steps == [
        "reading m1.csv (1 of 2)",
        "reading m2.csv (2 of 2)",
        "numbers and times",
        "orders and customers",
        "writing",
    ]


def test_a_build_shows_the_steps_of_its_import(tmp_path, monkeypatch, capsys):
    from clientele.sources import preparing

    (tmp_path / "orders.csv").write_text(csv_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))

    def slowly(given, data, root, tell):
        import_source(given, data, root, lambda step: (tell(step), time.sleep(0.1)))

    monkeypatch.setattr(preparing, "import_source", slowly)
    prepare_source({"source": source(tmp_path / "orders.csv", COLUMNS)})
    assert "import: reading orders.csv\nimport: numbers and times\n" in capsys.readouterr().err


def refused(tmp_path, content, **settings):
    """Return why the import of a file is refused."""
    with pytest.raises(UnreadableSource) as error:
        imported(tmp_path, content, **settings)
    return str(error.value)


def init_refused(tmp_path, content, **given):
    """Return why init refuses a file."""
    (tmp_path / "orders.csv").write_text(content)
    with pytest.raises(ValueError) as error:
        initialised(tmp_path / "orders.csv", tmp_path, **given)
    assert not (tmp_path / "sources/shop.yml").exists()
    return str(error.value)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--date-format", "DD.MM.YYYY", "is no format of times; write '%d.%m.%Y'"),
        ("--date-format", "%Q", "has the unknown code %Q"),
        ("--currency", "euros", "is no currency; write its ISO 4217 code, EUR"),
        ("--currency", "£", "is no currency; write its ISO 4217 code, GBP"),
        ("--timezone", "Berlin", "is no time zone; write an IANA name such as Europe/Berlin"),
    ],
)
def test_a_wrong_option_of_init_is_told_before_anything_is_read(
    option, value, words, tmp_path, monkeypatch, capsys
):
    (tmp_path / "dbt_project.yml").write_text("name: clientele\nvars: {}\n")
    (tmp_path / "orders.csv").write_text(csv_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("clientele.sources.init.look", lambda *_: pytest.fail("it was read"))
    assert cli.main(["init", "orders.csv", option, value]) == 2
    assert f"{option} '{value}' {words}" in capsys.readouterr().err


def test_a_missing_file_is_told_in_few_words(tmp_path):
    with pytest.raises(ValueError) as error:
        initialised(tmp_path / "nope.csv", tmp_path)
    assert str(error.value) == f"there is no file {tmp_path / 'nope.csv'}"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="the folder .*empty holds no CSV"):
        initialised(tmp_path / "empty", tmp_path)


def test_a_name_that_stands_twice_is_told_as_it_is_written(tmp_path):
    said = init_refused(tmp_path, csv_text([[*line, "1"] for line in LINES], [*NAMES, "price"]))
    assert "'price' in column 6 and 'price' in column 7; rename one" in said
    assert "price_2" not in said


def test_columns_that_only_seem_to_be_numbered_twins_are_no_twins(tmp_path):
    content = csv_text([[*line, "1"] for line in LINES], [*NAMES, "price_2"])
    assert imported(tmp_path, content).net == 1028.99


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ("qty < 0", "try_cast(qty as double) < 0"),
        ("\"qty\" * 2 >= 6 and sku <> 'x'", "try_cast(\"qty\" as double) * 2 >= 6 and sku <> 'x'"),
        ("0 > qty", "0 > try_cast(qty as double)"),
        ("price between 1 and 2", "try_cast(price as double) between 1 and 2"),
    ],
)
def test_a_condition_that_compares_text_with_a_number_is_told_with_one_that_works(
    condition, meant, tmp_path
):
    lines = replaced(4, "2", "-1", "1")
    said = refused(tmp_path, csv_text(lines), exclude=[{"when": condition}])
    assert said.endswith(f"its columns are text; write `{meant}`")
    assert "VARCHAR" not in said
    imported(tmp_path, csv_text(lines), exclude=[{"when": meant}])


def test_another_condition_that_cannot_be_computed_is_told_with_examples(tmp_path):
    said = refused(tmp_path, csv_text(), exclude=[{"when": "abs(qty) > 1"}])
    assert "its columns are text. Convert numbers, such as `try_cast(" in said


def test_a_currency_in_small_letters_is_written_in_capitals(tmp_path):
    (tmp_path / "orders.csv").write_text(csv_text())
    assert initialised(tmp_path / "orders.csv", tmp_path, currency="gbp")[1]["currency"] == "GBP"


def test_examples_of_another_currency_hold_none_of_the_right_one(tmp_path):
    content = csv_text(replaced(5, "$20.00", "10 CHF", "$5.00"))
    said = init_refused(tmp_path, content, currency="USD")
    assert "than USD, such as '10 CHF' (1 value);" in said


WIDER = [*LINES, ["3", "cem", "pot", "2024-02-21 11:30", "1", "10.50"]]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            [[*line, ""] for line in WIDER],
            "7 cells under the 6 names of the header, such as line 2",
        ),
        ([[*line, ""] for line in WIDER], "Each line ends with a delimiter: add one"),
        ([[*line[:5], *line[5].split(".")] for line in WIDER], "If a number such as 10,50"),
        ([line[:5] for line in WIDER], "5 cells under the 6 names of the header"),
    ],
)
def test_lines_that_are_wider_or_narrower_than_the_header_are_told(lines, words, tmp_path):
    content = csv_text(lines)
    for said in (init_refused(tmp_path, content), refused(tmp_path, content)):
        assert "4 of 4 lines have " in said and words in said


def test_a_file_of_which_a_few_lines_are_wider_is_read(tmp_path):
    assert imported(tmp_path, csv_text([*LINES[:2], [*LINES[2], ""]])).net == 28.99


MANY = [[str(i), "ann", f"mug {i}", "2024-01-15 10:00", "1", "2.50"] for i in range(40)]
QUOTED = csv_text([[*line[:2], f'"{line[2]}, red"', *line[3:5], f'"{line[5]}"'] for line in MANY])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (csv_text(MANY)[:-12], "the last line (41) breaks off: the file may be cut off"),
        (QUOTED[:-30], "the last line (41) breaks off inside a quoted field: the file may be cut"),
        # Without quotes no line is broken, but all texts keep their marks.
        (QUOTED.replace(", red", "")[:-3], "the last line (41) breaks off inside a quoted field"),
        (QUOTED[:-3], "the last line (41) breaks off inside a quoted field: the file may be cut"),
    ],
)
def test_a_file_that_is_cut_off_is_the_first_doubt(content, words, tmp_path):
    (tmp_path / "orders.csv").write_text(content)
    page, settings, result = initialised(tmp_path / "orders.csv", tmp_path)
    assert f"  1. {tmp_path / 'orders.csv'}: {words}" in page
    assert "quote" not in settings["tables"]["order_lines"]
    assert any(words in note for note in result.notes)
    assert result.net == 39 * 2.5


def test_a_quotation_mark_that_is_never_closed_is_told(tmp_path):
    result = imported(tmp_path, QUOTED.replace('mug 30, red"', "mug 30, red"))
    assert any("opens in line 32 is never closed" in note for note in result.notes)


@pytest.mark.parametrize("content", [csv_text(MANY)[:-1], csv_text([*MANY, ["Total", "40"]])])
def test_a_whole_file_is_not_called_cut_off(content, tmp_path):
    (tmp_path / "orders.csv").write_text(content)
    page, _, result = initialised(tmp_path / "orders.csv", tmp_path)
    assert "cut off" not in page and result.net == 40 * 2.5


def test_nul_bytes_anywhere_are_told(tmp_path):
    content = csv_text(MANY * 50) + "\0" * 100
    for said in (init_refused(tmp_path, content), refused(tmp_path, content)):
        assert "orders.csv is no text: it holds NUL bytes" in said


SINGLE = [[f"A{i}", f"c{i % 4}", f"p{i % 5}", f"2024-03-{i + 1:02}", "2", f"{i + 3}.50"]
          for i in range(20)]  # fmt: skip
FEW = ["Order", "Customer", "SKU", "Date", "Qty"]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("amount", "on request", "its values, such as 'on request', do not read as numbers"),
        ("amount", "", "it is empty"),
        ("order total", None, "it is of a whole order"),
        ("Amount paid", None, "it is of a whole order"),
        ("Gross amount", None, "its name does not tell whether it is of a piece, of a line"),
    ],
)
def test_the_column_near_to_an_amount_is_named_with_why_it_does_not_do(name, value, why, tmp_path):
    lines = [[*line[:5], line[5] if value is None else value] for line in SINGLE]
    assert f"'{name}' comes near, but {why}" in init_refused(
        tmp_path, csv_text(lines, [*FEW, name])
    )


def test_an_amount_that_all_lines_of_an_order_repeat_is_told_to_be_of_the_order(tmp_path):
    lines = [[SINGLE[i - i % 2][0], *SINGLE[i][1:5], "99.00"] for i in range(20)]
    said = init_refused(tmp_path, csv_text(lines, [*FEW, "amount"]))
    assert "'amount' comes near, but it is of a whole order" in said


@pytest.mark.parametrize(
    ("month", "words"),
    [
        ("janv.", "; names of months are read in English only; write times as 2024-01-03"),
        ("févr.", "'Date' comes near, but times such as '1 févr. 2024' are in no notation that"),
    ],
)
def test_times_in_a_notation_that_cannot_be_read_are_told(month, words, tmp_path):
    lines = [[*line[:3], f"{i + 1} {month} 2024", *line[4:]] for i, line in enumerate(SINGLE)]
    assert words in init_refused(tmp_path, csv_text(lines, [*FEW, "Price"]))


def test_times_in_english_are_told_with_the_format_to_say(tmp_path):
    said = refused(tmp_path, csv_text(replaced(3, *["Jan 15/2024"] * 3)))
    assert "say how they are written with `date_format`" in said and "months" not in said


@pytest.mark.parametrize("name", ["discounts", "total_discounts", "returns"])
def test_a_plural_of_a_discount_or_refund_means_what_it_says(name, tmp_path):
    lines = [[*line, "1.50" if i % 4 == 0 else "0.00"] for i, line in enumerate(SINGLE)]
    (tmp_path / "orders.csv").write_text(csv_text(lines, [*FEW, "Price", name]))
    _, settings, result = initialised(tmp_path / "orders.csv", tmp_path)
    ours = "refunded_amount" if name == "returns" else "discount_amount"
    table = settings["tables"]["order_lines"]
    assert table["columns"].get(ours) == name or name in table["order_amounts"].values()
    assert result.net == sum(2 * float(line[5]) for line in SINGLE) - 5 * 1.5


def test_a_number_of_returned_pieces_is_no_money(tmp_path):
    lines = [[*line, "1" if i % 4 == 0 else "0"] for i, line in enumerate(SINGLE)]
    (tmp_path / "orders.csv").write_text(csv_text(lines, [*FEW, "Price", "returns"]))
    assert initialised(tmp_path / "orders.csv", tmp_path)[2].net == sum(
        2 * float(line[5]) for line in SINGLE
    )


def test_three_capitals_in_a_name_that_are_no_currency_are_not_taken_for_one(tmp_path):
    (tmp_path / "orders.csv").write_text(csv_text(SINGLE, [*FEW, "Price (RRP)"]))
    page, settings, _ = initialised(tmp_path / "orders.csv", tmp_path)
    assert settings["currency"] == "EUR" and "Nothing tells the currency" in page


@pytest.mark.parametrize("closing", [None, 30])
def test_a_quotation_mark_that_swallows_lines_is_refused_with_its_line(closing, tmp_path):
    lines = csv_text(LINES * 20).splitlines()
    lines[3] = lines[3].replace("mug", '"mug, blue"').replace("tea", '"tea, black"')
    lines[10] = lines[10].replace(",mug", ',"mug')
    if closing:
        lines[closing] = lines[closing].replace("mug", '"mug, red"')
    with pytest.raises(ValueError, match="mark that opens in line 11 is closed nowhere near"):
        imported(tmp_path, "\n".join(lines) + "\n")
