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


def test_examples_of_another_currency_hold_none_of_the_right_one(tmp_path):
    content = csv_text(replaced(5, "$20.00", "10 CHF", "$5.00"))
    said = init_refused(tmp_path, content, currency="USD")
    assert "than USD, such as '10 CHF' (1 value);" in said
