"""The command line refuses wrong input in words, with exit code 2, and touches nothing."""

import pytest

from clientele import cli
from clientele.sources import load_source


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "dbt_project.yml").touch()
    (tmp_path / "sources").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIENTELE_DB", raising=False)
    return tmp_path


def write(project, text, name="shop"):
    (project / "sources" / f"{name}.yml").write_text(text)
    return project / "sources"


def test_a_source_is_read_as_vars(project):
    folder = write(project, "source: {name: shop, currency: EUR}")
    assert load_source("shop", folder) == {"source": {"name": "shop", "currency": "EUR"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "source:\n  name: shop\n  tables:\n    order_lines:\n      columns:\n"
            "        order_id: a\n        order_id: b\n",
            "line 7: 'order_id' is given twice",
        ),
        ("source: [", "is no valid YAML"),
        ("tables: {}", "must hold `source:`"),
        ("source: {name: other}", "`name` must be 'shop'"),
    ],
)
def test_a_broken_source_file_is_named(project, text, message, capsys):
    write(project, text)
    assert cli.main(["build", "--source", "shop"]) == 2
    assert message in capsys.readouterr().err
    assert not (project / "clientele.duckdb").exists()


def test_an_unknown_source_lists_the_known_ones(project, capsys):
    write(project, "source: {name: shop}")
    assert cli.main(["build", "--source", "shoop"]) == 2
    assert "no source 'shoop'" in (error := capsys.readouterr().err) and "are shop" in error


def test_a_folder_that_is_no_project_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["build"]) == 2
    assert "holds no dbt_project.yml" in capsys.readouterr().err


def test_a_summary_without_a_warehouse_says_how_to_get_one(project, capsys):
    assert cli.main(["summary"]) == 2
    assert "run `make run`" in capsys.readouterr().err


def test_a_summary_of_a_catalog_that_is_gone_is_refused(project, capsys):
    assert cli.main(["summary", "--target", "spark"]) == 2
    assert "ends with its build" in capsys.readouterr().err


def test_a_wrong_option_is_refused(project):
    with pytest.raises(SystemExit) as refusal:
        cli.main(["summary", "--sauce", "x"])
    assert refusal.value.code == 2
