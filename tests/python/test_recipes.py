"""The recipes of CONTRIBUTING.md are short and true: followed on a copy, they build."""

import os
import subprocess
import sys

import duckdb
import pytest
from conftest import PROJECT
from recipes import Step, apply, copy_of, steps_of

# The most files that a recipe may touch.
KNOBS = "segmentation_method: minibatch_kmeans\nsegmentation_methods: [minibatch_kmeans]\n"
RECIPES = {"Add a feature": 5, "Add a clustering method": 4, "Add a mart": 5}


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A copy of the project on which the recipes were followed, and what its build printed."""
    copy = copy_of(PROJECT, tmp_path_factory.mktemp("recipes") / "project")
    contributing = (PROJECT / "CONTRIBUTING.md").read_text()
    for title in RECIPES:
        for step in steps_of(contributing, title):
            if not step.target:
                apply(step, copy)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLIENTELE_")}
    environment |= {"PYTHONPATH": f"{copy}/src", "NO_COLOR": "1", "DBT_USE_COLORS": "false"}

    def run(*command):
        done = subprocess.run(
            [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    assert run("tests/python/contracts.py")[0] == 0
    source = (PROJECT / "sources/sample.yml").read_text()
    code, said = run("-m", "dbt.cli.main", "build", "--warn-error", "--vars", f"{source}\n{KNOBS}")
    assert code == 0, said[-4000:]
    return copy, run


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_touches_few_files(title):
    steps = steps_of((PROJECT / "CONTRIBUTING.md").read_text(), title)
    files = {step.file for step in steps}
    assert 2 <= len(files) <= RECIPES[title], files


def test_what_the_recipes_add_is_in_the_marts(followed):
    copy, _ = followed
    with duckdb.connect(str(copy / "clientele.duckdb"), read_only=True) as warehouse:
        methods = warehouse.sql(
            "select distinct method from marts.fct_segmentation_versions "
            "where segmentation = 'behaviour'"
        ).fetchall()
        assert methods == [("minibatch_kmeans",)]
        [(known,)] = warehouse.sql(
            "select count(line_unit_count) from marts.fct_customer_features"
        ).fetchall()
        assert known == warehouse.sql("from marts.fct_customer_features").shape[0] > 2900
        measures = warehouse.sql(
            "select distinct measure from marts.fct_segment_drivers"
        ).fetchall()
        assert ("line_unit_count",) in measures
        channels = warehouse.sql("from marts.fct_customer_channels").shape[0]
        assert channels > 2900


def test_the_project_still_keeps_its_rules(followed):
    _, run = followed
    files = ["test_project_rules.py", "test_layers.py", "test_contracts.py"]
    chosen = [f"tests/python/{file}" for file in files]
    code, said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not catches", *chosen)
    assert code == 0, said[-4000:]


def test_a_recipe_that_is_out_of_date_is_noticed(tmp_path):
    (tmp_path / "a.yml").write_text("one\ntwo\n")
    apply(Step("a.yml", "new\n", "above", "two"), tmp_path)
    assert (tmp_path / "a.yml").read_text() == "one\nnew\ntwo\n"
    with pytest.raises(ValueError, match="a.yml has no line with 'three'"):
        apply(Step("a.yml", "new\n", "below", "three"), tmp_path)
    with pytest.raises(ValueError, match="a.yml is there already"):
        apply(Step("a.yml", "new\n"), tmp_path)
    with pytest.raises(ValueError, match="no file and no command"):
        steps_of("### Add x\n\n1. Think about it.\n", "Add x")
