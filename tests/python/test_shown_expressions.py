"""SQL that docs, YAML or messages show can be pasted, for any format of the data."""

import re

import pytest
import yaml
from shown_expressions import SHOWN, check, collected
from sources.exports import COLUMNS, LINES, csv_text, imported
from staging_alone import Staging

FORMATS = ["csv", "json", "parquet"]


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("macros")
        patch.setenv("CLIENTELE_DB", str(folder / "shown.duckdb"))
        patch.delenv("CLIENTELE_DATA", raising=False)
        yield Staging(folder, "duckdb")


def test_every_expression_that_is_shown_is_run():
    found = collected()
    assert {sql: files for sql, files in found.items() if sql not in SHOWN} == {}
    assert [sql for sql in SHOWN if sql not in found] == []


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("expression", SHOWN)
def test_a_shown_expression_gives_its_value(expression, suffix, staged, tmp_path):
    check(staged, expression, tmp_path, suffix)


def settings_in(result, word):
    """Return the YAML that a note of an import tells the user to write."""
    [note] = [note for note in result.notes if f"{word}: " in note]
    shown = re.search(rf"{word}: (\[.*?\](?=[,.]|$)|\{{.*\}}(?=\.$))", note)
    return yaml.safe_load(shown[0])


def test_what_the_note_about_a_late_order_shows_leaves_it_out(tmp_path):
    late = ["it's 9", "bob", "mug", "2026-02-20", "1", "10"]
    text = csv_text([*LINES, late])
    advice = settings_in(imported(tmp_path, text), "exclude")
    result = imported(tmp_path, text, **advice)
    assert result.query("order_id, exclude_reason from lines where exclude_reason <> '' --") == [
        ("it's 9", "test")
    ]


def test_what_the_note_about_shared_numbers_shows_tells_years_apart(tmp_path):
    rows = [["1", "ann", "mug", f"{day}.05.2023", "1", "2"] for day in (10, 20)]
    rows += [["1", "bob", "mug", f"{day}.05.2024", "1", "2"] for day in (11, 21)]
    advice = settings_in(imported(tmp_path, csv_text(rows)), "order_id")
    result = imported(tmp_path, csv_text(rows), columns=COLUMNS | advice)
    assert set(result.column("order_id")) == {"1/2023", "1/2024"}
