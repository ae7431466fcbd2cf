"""The YAML of a source: every mistake is named, and everything that docs show is accepted."""

import re

import pytest
import yaml
from conftest import PROJECT
from sources.exports import COLUMNS, source

from clientele import cli
from clientele.sources import columns
from clientele.sources.checking import source_problems

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
    ],
)
def test_a_mistake_is_named(settings, words):
    problems = source_problems(changed(**settings))
    assert len(problems) == 1 and words in problems[0]


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
