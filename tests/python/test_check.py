"""`make check` chooses what a change concerns."""

import importlib
import subprocess
import sys

from conftest import PROJECT

sys.path.append(str(PROJECT / "tests"))
check = importlib.import_module("check")


def names(manifest, *files):
    return {key.split(".")[-1] for key in check.affected_models(manifest, list(files))}


def test_a_changed_model_or_its_yaml_concerns_the_model_and_its_readers(manifest):
    for suffix in ("sql", "yml"):
        chosen = names(manifest, f"models/intermediate/orders/int_returns.{suffix}")
        assert {"int_returns", "int_order_lines"} <= chosen
        assert "dim_products" not in chosen


def test_a_changed_macro_concerns_the_models_that_use_it_through_others_too(manifest):
    chosen = names(manifest, "macros/customers/behaviour_to_date.sql")
    assert {"feat_customers__behaviour", "feat_customers__segmentation_sample"} <= chosen


def test_a_changed_seed_concerns_its_readers(manifest):
    chosen = names(manifest, "seeds/lookups/value_checks.csv")
    assert {"value_checks", "rpt_value_warnings"} <= chosen


def test_a_changed_module_concerns_the_tests_that_import_it_or_its_readers():
    for module, file in [
        ("rules/significance", "test_significance.py"),
        ("value/ranges", "test_ranges.py"),
        ("value/ranges", "test_scores_in_sql.py"),
    ]:
        chosen = check.pytest_files([f"src/clientele/{module}.py"])
        assert file in {path.name for path in chosen}


def test_a_changed_test_runs_itself_and_a_page_runs_nothing():
    chosen = check.pytest_files(["tests/python/test_cli.py", "README.md"])
    assert [path.name for path in chosen] == ["test_cli.py"]


def test_what_builds_is_no_quick_test():
    """But the rest of its file is, such as the tests of a publication's folder."""
    command = [sys.executable, "-m", "pytest", "--quick", "--collect-only", "-q"]
    command += ["tests/python/test_publishers.py", "tests/python/test_sample.py"]
    command += ["tests/python/segmentation/test_sql_assignment.py"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert "test_everything_is_on_the_disk_before_it_has_its_name" in done.stdout
    for slow in ("test_sample.py", "test_sql_assignment.py", "killed"):
        assert slow not in done.stdout


def test_imports_are_those_of_the_syntax_tree(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("import a.b\nfrom c import (\n    d,\n    e as f,\n)\n# from x import y\n")
    assert check.imported_by(module) == {"a.b", "c", "c.d", "c.e"}
