"""Arguments for dbt never replace what `clientele build` passes: they are merged, or refused."""

import datetime

import pytest
from conftest import PROJECT

from clientele import build_command, building, cli
from clientele.build_command import settings_of
from clientele.dbt_arguments import combine

SHOP = {"source": {"name": "shop"}, "data": "/orders.csv"}


@pytest.mark.parametrize(
    ("arguments", "more", "left"),
    [
        (["--full-refresh"], {}, ["--full-refresh"]),
        (["--vars", "{n_clusters: 4}", "-s", "a"], {"n_clusters": 4}, ["-s", "a"]),
        (["--vars={n_clusters: 4}"], {"n_clusters": 4}, []),
        (["--vars", "a: 1", "--vars", "b: 2"], {"a": 1, "b": 2}, []),
        # What says the same is no conflict.
        (["--vars", "{data: /orders.csv, a: 1}"], {"a": 1}, []),
    ],
)
def test_vars_are_added_to_those_of_the_source(arguments, more, left):
    assert combine(SHOP, arguments) == (SHOP | more, left)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vars", "{source: {name: other}}"], "`source`.*--source chooses the source"),
        (["--vars", "{data: /else.csv}"], "`data`.*--source chooses"),
        (["--vars", "{as_of_date: '2024-01-02'}"], "`as_of_date`.*another value"),
        (["--vars", "a: 1", "--vars", "a: 2"], "`a`.*another value"),
        (["--vars", "n_clusters=4"], "must be a YAML mapping"),
        (["--vars"], "must be a YAML mapping"),
        (["--vars", "{a: ["], "no valid YAML"),
        (["--project-dir", ".."], "--project-dir.*change to the project's folder"),
        (["--profiles-dir=.."], "DBT_PROFILES_DIR"),
        (["--target-path", "x"], "DBT_TARGET_PATH"),
        (["--log-path", "x"], "DBT_LOG_PATH"),
        (["-tspark"], "write --target"),
        (["-t", "spark"], "write --target"),
        (["--log-level", "debug"], "--verbose"),
    ],
)
def test_what_cannot_be_combined_is_refused_with_a_remedy(arguments, message):
    day = SHOP | {"as_of_date": datetime.date(2024, 1, 1)}
    with pytest.raises(ValueError, match=message):
        combine(day, arguments)


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A project with a source; what `clientele build` would run is kept instead."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/shop.yml").write_text("source: {name: shop, currency: EUR}")
    (tmp_path / "dbt_project.yml").write_text("vars: {n_clusters: null}")
    monkeypatch.chdir(tmp_path)
    calls = []

    def build(project, variables, dbt_arguments, **options):
        calls.append((variables, dbt_arguments))
        return 1

    monkeypatch.setattr(building, "build", build)
    # The source has no data.
    monkeypatch.setattr(build_command, "prepare_source", lambda _: None)
    return calls


def test_the_command_line_keeps_the_source_beside_vars(built):
    command = ["build", "--source", "shop", "--data", "f.csv", "--vars", "{n_clusters: 4}"]
    assert cli.main(command) == 1
    variables, left = built[0]
    assert variables["source"] == {"name": "shop", "currency": "EUR"}
    assert variables["data"].endswith("/f.csv") and variables["n_clusters"] == 4
    assert left == []


@pytest.mark.parametrize("option", ["--target-path", "--project-dir", "--profiles-dir"])
def test_the_command_line_refuses_what_it_decides_itself(built, option, capsys):
    assert cli.main(["build", "--source", "shop", option, "elsewhere"]) == 2
    assert f"{option} cannot be passed to dbt" in capsys.readouterr().err
    assert built == []


def test_data_for_a_source_that_reads_bundled_data_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'sample' reads bundled data only, and not orders.csv"):
        settings_of(PROJECT, "sample", "orders.csv", None, [])
    assert "data" not in settings_of(PROJECT, "sample", None, None, [])[0]
