"""A long import says what it does: one line in a terminal, a line for each step elsewhere."""

import io
import time

import pytest
from sources.exports import COLUMNS, csv_text, source

from clientele.build_command import prepare_source
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
