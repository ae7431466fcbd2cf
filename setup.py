"""Put the files of the dbt project into the wheel, for `clientele new`.

`[tool.clientele] project` of pyproject.toml lists them, and all else stands there. An editable
installation reads them where they are.
"""

import shutil
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithProject(build_py):
    """Build the package, and add the project's files as data of it."""

    def _project(self):
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        found = [p for glob in settings["tool"]["clientele"]["project"] for p in ROOT.glob(glob)]
        return sorted(
            str(path.relative_to(ROOT))
            for path in set(found)
            if path.is_file() and "__pycache__" not in path.parts
        )

    def run(self):
        """Build, and copy the project's files."""
        super().run()
        if not self.editable_mode:
            base = Path(self.build_lib) / "clientele" / "project"
            # A file that the project no longer has may be left from an earlier build.
            shutil.rmtree(base, ignore_errors=True)
            for name in self._project():
                (base / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, base / name)

    def get_source_files(self):
        """Return the files of the source distribution, from which a wheel may be built too."""
        return [*super().get_source_files(), *self._project()]


setup(cmdclass={"build_py": BuildWithProject})
