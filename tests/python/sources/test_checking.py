"""The YAML of a source: every mistake is named, and everything that docs show is accepted."""

import re
import string

import duckdb
import pytest
import yaml
from conftest import PROJECT
from sources.exports import COLUMNS, source

from clientele import cli
from clientele.sources import columns
from clientele.sources.checking import source_problems
from clientele.sources.readable import format_problem
from clientele.sources.settings import load_source

JINJA = (PROJECT / "macros/source/canonical_columns.sql").read_text()


def changed(**settings):
    """Return a sound source with settings of its table changed."""
    return source("orders.csv", **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"decimel": ","}, "did you mean `decimal`?"),
        ({"decimal": ";"}, "`decimal` must be one of '.', ','"),
        ({"repeated_lines": True}, "`repeated_lines` must be one of 'drop', 'keep'"),
        ({"exclude": [{"condition": "x"}]}, "each `exclude` is {when:"),
        ({"order_amounts": {"postage": "x"}}, "`order_amounts: postage` is unknown"),
        ({"unpack": {"column": "a", "pattern": "("}}, "`unpack` is {column:"),
        ({"unpack": {"column": "a", "pattern": "b"}}, "`unpack` is {column:"),
        ({"columns": COLUMNS | {"unit_price": {"sql": "x"}}}, "{expression:"),
        ({"columns": COLUMNS | {"customer_id": [1]}}, "must list column names"),
        ({"columns": COLUMNS | {"custmer_id": "x"}}, "did you mean `customer_id`?"),
        ({"format": "excel"}, "`format: excel` is none of"),
        ({"date_format": "DD.MM.YYYY"}, "`date_format: DD.MM.YYYY` is no format of times; write"),
        ({"date_format": "DD.MM.YYYY HH:mm"}, "write '%d.%m.%Y %H:%M' (codes"),
        ({"date_format": ["iso", "%Q"]}, "`date_format: %Q` has the unknown code %Q"),
        ({"date_format": "%H:%M"}, "`date_format: %H:%M` has no day"),
        ({"date_format": "yyyy-MM-dd'T'HH:mm"}, "write '%Y-%m-%dT%H:%M' (codes"),
        ({"date_format": "ISO"}, "write 'iso'"),
        ({"delimiter": ";;"}, "`delimiter: ';;'` must be one character"),
        ({"quote": "||"}, "`quote: '||'` must be one character"),
        ({"delimiter": "|", "quote": "|"}, "`quote: '|'` is the delimiter, too"),
        ({"decimal": ",", "thousands": ","}, "`thousands: ','` is the decimal mark, too"),
        ({"header_row": "two"}, "`header_row: 'two'` must be a number of lines, 1 or more"),
        ({"skip_footer": -1}, "`skip_footer: -1` must be a number of lines, 0 or more"),
        ({"encoding": "utf-88"}, "`encoding: 'utf-88'` is unknown"),
        ({"timestamps_in": "Europe/Berln"}, "such as Europe/Berlin"),
        ({"null_values": "none"}, "`null_values: 'none'` must be a list"),
        ({"sheet": 2024}, "`sheet: 2024` must be a text"),
    ],
)
def test_a_mistake_is_named(settings, words):
    problems = source_problems(changed(**settings))
    assert len(problems) == 1 and words in problems[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_unreadable_share": "5%"}, "`max_unreadable_share: 5%` must be a share from 0 to 1; "
         "write 0.05,"),
        ({"max_differing_totals": 10}, "`max_differing_totals: 10` must be a share from 0 to 1; "
         "write 0.1,"),
        ({"currency": "£"}, "`currency: £` is no currency; write its ISO 4217 code, GBP"),
        ({"currency": "euros"}, "ISO 4217 code, EUR"),
        ({"currency": "bitcoin"}, "three letters such as EUR or USD"),
        ({"currency": "US"}, "ISO 4217 code, USD"),
        ({"currency": "coins of gold"}, "three letters such as EUR or USD"),
        ({"currencies": {"US": 0.9}}, "`currencies: US` is no currency; write its ISO"),
        ({"currencies": {"USD": "0,9"}}, "`currencies: USD: 0,9` must be the worth of one USD"),
        ({"currencies": ["USD"]}, "`currencies` must be pairs"),
        ({"expected": {"net": "1,234.00"}}, "`expected: net: 1,234.00` must be a number"),
        ({"extract_date": "31.12.2024"}, "`extract_date: 31.12.2024` is no day"),
    ],
)  # fmt: skip
def test_a_mistake_of_the_source_itself_is_named(settings, words):
    problems = source_problems(changed() | settings)
    assert len(problems) == 1 and words in problems[0]


def test_formats_and_numbers_that_are_right_pass():
    settings = {
        "date_format": ["%d.%m.%y %-H:%M:%S.%f", "%b %d, %Y %I:%M %p", "iso", "excel", "epoch_ms"],
        "delimiter": "\t", "quote": "", "header_row": 3, "skip_footer": 0, "encoding": "cp1252",
        "timestamps_in": "UTC", "null_values": ["", "none", 0], "decimal": ",", "thousands": ".",
    }  # fmt: skip
    own = {
        "currency": "usd",
        "max_unreadable_share": 1,
        "currencies": {"USD": 0.9, "JPY": 1},
        "expected": {"net": 5},
    }
    assert source_problems(changed(**settings) | own | {"extract_date": "2024-12-31"}) == []


def test_every_code_of_times_that_passes_is_one_of_the_engine():
    with duckdb.connect() as connection:
        for letter in string.ascii_letters + "%":
            for code in (f"%{letter}", f"%-{letter}"):
                try:
                    connection.execute("select try_strptime('x', ?)", [code]).fetchall()
                    is_known = True
                except duckdb.Error:
                    is_known = False
                assert ("unknown code" in format_problem(code)) != is_known, code


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("source:\n  name: shop\n\ttimezone: UTC\n", "line 3 begins with a tab; use blanks"),
        ("source:\n  name: shop\n   currency: EUR\n", "line 3, `currency: EUR`: "),
        ("source: [", "line 1, `source: [`: "),
    ],
)
def test_invalid_yaml_is_told_with_its_file_and_line(text, words, tmp_path):
    (tmp_path / "shop.yml").write_text(text)
    with pytest.raises(ValueError) as refused:
        load_source("shop", tmp_path)
    assert f"{tmp_path / 'shop.yml'} is no valid YAML: {words}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_yaml_that_is_not_utf_8_is_told(tmp_path):
    (tmp_path / "shop.yml").write_bytes("source: {name: größe}".encode("cp1252"))
    with pytest.raises(ValueError, match="shop.yml is no UTF-8 text"):
        load_source("shop", tmp_path)


def test_zones_that_are_meant_are_proposed():
    for mistyped, meant in {"Europe/Berln": "Europe/Berlin", "America/NewYork": "New_York"}.items():
        problem = source_problems(source("orders.csv", timezone=mistyped))[0]
        assert meant in problem


def test_settings_of_files_are_refused_for_a_table_of_the_database():
    table = {"table": "shop.lines", "columns": COLUMNS, "decimal": ","}
    made = source("") | {"tables": {"order_lines": table}}
    assert "make a view" in source_problems(made)[0]


def test_a_price_needs_a_quantity_and_an_amount_needs_none():
    named = {key: COLUMNS[key] for key in ("order_id", "ordered_at")}
    assert source_problems(changed(columns=named | {"line_amount": "total"})) == []
    problems = source_problems(changed(columns=named | {"unit_price": "price"}))
    assert len(problems) == 1 and "`quantity` is not mapped" in problems[0]


def test_sql_and_python_have_the_same_canonical_columns():
    for name in ("order_lines", "products"):
        part = JINJA.split(f"'{name}': [")[1].split("],")[0]
        found = re.findall(r"'name': '(\w+)', 'type': '(.*?)', 'kind': '(\w+)'", part)
        text = {"varchar": "string"}
        assert found == [(c.name, text.get(c.type, c.type), c.kind) for c in columns.COLUMNS[name]]


def test_the_docs_name_every_setting_and_the_template_passes():
    docs = (PROJECT / "docs/sources.md").read_text()
    for name in [*columns.READING, *columns.SHAPE, *columns.ORDER_AMOUNTS]:
        assert f"`{name}" in docs, name
    for file in sorted((PROJECT / "sources").glob("*.yml")):
        assert source_problems(yaml.safe_load(file.read_text())["source"]) == [], file


@pytest.mark.parametrize(
    ("name", "words"), [("mistaken", "did you mean `decimal`?"), ("absent", "no file at")]
)
def test_mistakes_are_told_before_dbt_starts(name, words, tmp_path, monkeypatch, capsys):
    """dbt takes tens of seconds to parse before it could say anything."""
    made = changed(decimel=",") if name == "mistaken" else source(tmp_path / "absent.csv")
    (tmp_path / "sources").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: clientele\nvars: {}\n")
    (tmp_path / f"sources/{name}.yml").write_text(yaml.safe_dump({"source": made | {"name": name}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("clientele.building.build", lambda *_, **__: pytest.fail("dbt started"))
    assert cli.main(["build", "--source", name]) == 2
    printed = capsys.readouterr().err
    assert "nothing was built" in printed and words in printed
