"""Write a dbt project that is the user's own to change: `clientele new FOLDER`."""

import shutil
import tomllib
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parent
# What builds write, and must not be committed.
IGNORED = ["target/", "logs/", "*.duckdb", "*.duckdb.wal", "published/", "/campaigns/"]
IGNORED += ["dashboard/", ".user.yml"]


def new(folder: Path) -> int:
    """Write the project's files, a README and a .gitignore into ``folder``.

    Args:
        folder: A folder that does not exist or is empty.

    Returns:
        The number of files written.

    Raises:
        ValueError: the folder is a file or is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not an empty folder; choose another, which is made")
    root, names = project_files()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, folder / name)
    readme = (PACKAGE / "new_project.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(
        readme.replace("{name}", folder.resolve().name).replace("{version}", version("clientele")),
        encoding="utf-8",
    )
    (folder / ".gitignore").write_text("\n".join(IGNORED) + "\n", encoding="utf-8")
    return len(names) + 2


def project_files() -> tuple[Path, list[Path]]:
    """Return the folder of the project's files, and their paths in it.

    They are in this package if it was installed from a wheel, else in the clone that it is linked
    to, where pyproject.toml lists them.
    """
    root = PACKAGE / "project"
    if root.is_dir():
        patterns = ["**/*"]
    else:
        root = PACKAGE.parents[1]
        settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        patterns = settings["tool"]["clientele"]["project"]
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return root, sorted(
        path.relative_to(root)
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    )
