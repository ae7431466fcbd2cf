"""Check what a change touches, in less than a minute: `make check`.

A change is what the working tree has over a commit (`BASE`, default HEAD), new files included.
Checked are: the changed files by the linters; the whole project by dbt's parser and by the
project's rules; the unit tests of the changed models, of models that use a changed macro or seed,
and of the models that read either; and the tests of pytest files that import a changed module, or
changed themselves, unless they build a warehouse or kill processes. `make test` checks everything.
"""

import argparse
import ast
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).parents[1]
TESTS = PROJECT / "tests/python"
TARGET = PROJECT / "target/check"
# Of pytest, where all that was chosen is slow.
NO_TESTS_RAN = 5
DBT = ["--target-path", str(TARGET), "--warn-error", "--quiet"]


def changed_files(base: str) -> list[str]:
    """Return the paths of files that differ from ``base``, deleted ones left out."""
    command = ["git", "diff", "--name-only", "--diff-filter=d", base]
    tracked = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    command = ["git", "ls-files", "--others", "--exclude-standard"]
    new = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return sorted({*tracked.stdout.split(), *new.stdout.split()})


def modules_of(files: list[str]) -> set[str]:
    """Return the names under which Python imports changed files of src and of the tests.

    Modules of src that import a changed one directly count as changed.
    """
    names = set()
    for file in files:
        path = Path(file)
        if path.suffix == ".py" and path.parts[0] == "src":
            names.add(module_name(PROJECT / path))
        elif path.suffix == ".py" and file.startswith("tests/python/"):
            names.add(path.stem)
    readers = {file: imported_by(file) for file in (PROJECT / "src").rglob("*.py")}
    return names | {module_name(file) for file, read in readers.items() if names & read}


def module_name(path: Path) -> str:
    """Return the name under which Python imports a file of src."""
    parts = path.resolve().relative_to(PROJECT / "src").with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imported_by(path: Path) -> set[str]:
    """Return the modules that a file imports; of `from a import b` both `a` and `a.b`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def pytest_files(files: list[str]) -> list[Path]:
    """Return the test files that a change concerns."""
    modules = modules_of(files)
    return [
        path
        for path in sorted(TESTS.rglob("test_*.py"))
        if "spark" not in path.parts
        and (str(path.relative_to(PROJECT)) in files or modules & imported_by(path))
    ]


def affected_models(manifest: dict, files: list[str]) -> set[str]:
    """Return the ids of models that changed, that use a changed macro or seed, or their readers."""
    changed = set(files)
    macros = {
        key for key, macro in manifest["macros"].items() if macro["original_file_path"] in changed
    }
    # A macro that calls a changed macro has changed too.
    while more := {
        key
        for key, macro in manifest["macros"].items()
        if key not in macros and macros & set(macro["depends_on"]["macros"])
    }:
        macros |= more
    models = {
        key
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
        and (
            node["original_file_path"] in changed
            or (node.get("patch_path") or "").removeprefix("clientele://") in changed
            or macros & set(node["depends_on"]["macros"])
        )
    }
    readers = {
        key
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and models & set(node["depends_on"]["nodes"])
    }
    return models | readers


def lint(files: list[str]) -> list[str]:
    """Run the linters on changed files; return what they complain of."""
    python = [file for file in files if file.endswith(".py")]
    sql = [f for f in files if f.endswith(".sql") and f.split("/")[0] in ("models", "analyses")]
    commands = [
        (python, ["ruff", "check", "--quiet"]),
        (python, ["ruff", "format", "--check", "--quiet"]),
        (sql, ["sqlfluff", "lint", "--nofail", "--disable-progress-bar"]),
    ]
    failures = []
    for chosen, command in commands:
        if not chosen:
            continue
        program = Path(sys.executable).with_name(command[0])
        environment = os.environ | {"CLIENTELE_DB": str(TARGET / "lint.duckdb")}
        done = subprocess.run(
            [str(program), *command[1:], *chosen],
            cwd=PROJECT, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        said = done.stdout + done.stderr
        if done.returncode or "FAIL" in done.stdout:
            failures.append(said.strip() or f"{' '.join(command)} failed")
    return failures


def dbt(files: list[str]) -> list[str]:
    """Parse the project, apply its rules, run the unit tests concerned; return the failures."""
    os.environ["CLIENTELE_DB"] = str(TARGET / "check.duckdb")
    from dbt.cli.main import dbtRunner

    # A unit test that reads a seed keeps the rows of the parse that first saw it.
    cache, seeds = TARGET / "partial_parse.msgpack", (PROJECT / "seeds").rglob("*.csv")
    if cache.exists() and max(seed.stat().st_mtime for seed in seeds) > cache.stat().st_mtime:
        cache.unlink()
    parsed = dbtRunner().invoke(["parse", *DBT])
    if not parsed.success:
        return [str(parsed.exception)]
    sys.path.insert(0, str(TESTS))
    from project_rules import RULES

    manifest = json.loads((TARGET / "manifest.json").read_text())
    failures = [f"{rule.__name__}: {each}" for rule in RULES for each in rule(manifest)]
    affected = affected_models(manifest, files)
    tested = {
        test["depends_on"]["nodes"][0]
        for test in manifest["unit_tests"].values()
        if affected & set(test["depends_on"]["nodes"])
    }
    if failures or not tested:
        return failures
    # A unit test needs the tables that it replaces, for their columns: empty ones will do.
    names = sorted(key.split(".")[-1] for key in tested)
    parents = [f"+{name},resource_type:{kind}" for name in names for kind in ("model", "seed")]
    runner = dbtRunner(manifest=parsed.result)
    for command in (
        ["build", "--empty", "--exclude-resource-type", "test", "unit_test", "--select", *parents],
        ["test", "--select", *(f"{name},resource_type:unit_test" for name in names)],
    ):
        done = runner.invoke([*command, *DBT])
        if not done.success:
            failed = [r for r in (done.result or []) if r.status in ("error", "fail")]
            return [f"{r.node.name}: {r.message}" for r in failed] or [str(done.exception)]
    return []


def pytest(files: list[str]) -> list[str]:
    """Run the quick tests of the files concerned; return the output where one fails."""
    chosen = pytest_files(files)
    if not chosen:
        return []
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--quick", *map(str, chosen)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    if done.returncode not in (0, NO_TESTS_RAN):
        return [done.stdout[-4000:]]
    print(f"pytest: {done.stdout.splitlines()[-1].strip('= ')} (the rest is left to `make test`)")
    return []


def main() -> int:
    """Check the change; return 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="HEAD", help="commit that the change is measured from")
    files = changed_files(parser.parse_args().base)
    os.chdir(PROJECT)
    TARGET.mkdir(parents=True, exist_ok=True)
    print(f"{len(files)} changed files")
    started = time.perf_counter()
    failures = []
    with ThreadPoolExecutor() as pool:
        steps = {step.__name__: pool.submit(step, files) for step in (lint, pytest)}
        # dbt stays in the main thread, which its signal handlers ask for.
        own = dbt(files)
        for name, found in [("dbt", own), *((n, step.result()) for n, step in steps.items())]:
            print(f"{name}: {'failed' if found else 'passed'}")
            failures += found
    print(f"{time.perf_counter() - started:.0f} s")
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
