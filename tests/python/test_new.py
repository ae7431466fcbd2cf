"""A project made from the wheel builds, publishes and shows a shop without the clone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest
from conftest import PROJECT
from sources.exports import LINES, csv_text

from clientele import cli
from clientele.new import new, project_files

# What makes a wheel; the rest of the clone must not be needed.
BUILT_FROM = ["setup.py", "pyproject.toml", "README.md", "LICENSE", "requirements.lock",
              "audiences", "dbt_project.yml", "profiles.yml", "src", "analyses", "docs", "macros",
              "models", "seeds", "sources", "tests/generic", "tests/singular"]  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment with the wheel and its dependencies, but without the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, folder / "tree" / name)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "-w", folder, folder / "tree"]
    subprocess.run([*pip, *build], check=True)
    shutil.rmtree(folder / "tree")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv/bin/python"
    [wheel] = folder.glob("*.whl")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    # The dependencies of this environment; its link to the clone is a .pth file, which is not read.
    [site] = (folder / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv/bin"


def run(installed, folder, *command):
    """Run a command of the environment in a folder, without anything of this project's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CLIENTELE_", "DBT_", "PY"))}
    program = [str(installed / command[0]), *map(str, command[1:])]
    done = subprocess.run(
        program, cwd=folder, env=kept, text=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def test_a_project_from_the_wheel_builds_a_shop_and_shows_it(installed, tmp_path):
    where = run(installed, tmp_path, "python", "-c", "import clientele; print(clientele.__file__)")
    assert str(installed.parent) in where
    (tmp_path / "orders.csv").write_text(csv_text(LINES))
    run(installed, tmp_path, "clientele", "new", "shop")
    project = tmp_path / "shop"
    # Everything of the project is in the wheel, also what this small shop does not need.
    _, names = project_files()
    laid = {p.relative_to(project) for p in project.rglob("*") if p.is_file()}
    assert laid == {*names, *map(type(tmp_path), ["README.md", ".gitignore"])}
    page = run(installed, project, "clientele", "init", "../orders.csv")
    told = [line.split() for line in page.split("Next:\n")[1].splitlines()]
    assert told[0] == "clientele build --source orders --data ../orders.csv".split()
    assert [command[1] for command in told] == ["build", "publish", "dashboard"]
    for command in told:
        run(installed, project, *command)
    assert (project / "published/current/clientele.duckdb").is_file()
    assert "orders" in (project / "dashboard/dist/index.html").read_text()


def test_git_would_keep_the_project_and_nothing_that_builds_write(tmp_path):
    new(tmp_path / "shop")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "shop", check=True)
    for name in ["target/a", "logs/a", "published/a", "dashboard/dist/a", "clientele.duckdb"]:
        (tmp_path / "shop" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "shop" / name).write_text("")
    listed = ["git", "ls-files", "--others", "--exclude-standard"]
    kept = subprocess.run(listed, cwd=tmp_path / "shop", capture_output=True, text=True, check=True)
    _, names = project_files()
    assert set(kept.stdout.split()) == {*map(str, names), "README.md", ".gitignore"}


def test_every_tracked_file_of_the_project_is_laid_down():
    tracked = subprocess.run(
        ["git", "ls-files", "analyses", "macros", "models", "seeds", "sources", "tests/generic",
         "tests/singular", "dbt_project.yml", "profiles.yml"],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    if tracked.returncode:
        pytest.skip("this is no clone")
    _, names = project_files()
    assert set(tracked.stdout.split()) <= set(map(str, names))


def test_a_folder_with_anything_in_it_is_refused(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("kept")
    assert cli.main(["new", str(tmp_path / "mine")]) == 2
    assert "is not an empty folder" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    (tmp_path / "empty").mkdir()
    assert cli.main(["new", str(tmp_path / "empty")]) == 0
    assert "empty" in (tmp_path / "empty/README.md").read_text().splitlines()[0]
