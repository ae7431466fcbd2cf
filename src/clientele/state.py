"""Tell whether anything that decides a build has changed since the last one.

What decides a build has parts: the source's files, its database tables, the settings, the day where
the source does not declare it, the project's code, and the libraries. After a whole build that
passed, their state from before that build is kept among dbt's artifacts. It counts only while the
artifacts and the warehouse are those that the build left.
"""

import glob
import hashlib
import json
import os
import sys
import zoneinfo
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import yaml

from clientele.places import target_folder, warehouse_file
from clientele.publishing.builds import Build, passed_build
from clientele.publishing.copies import refuse_if_changed
from clientele.sources.checking import source_problems
from clientele.sources.common import stamp
from clientele.sources.importing import path_of

FILE = "clientele_build.json"
# The parts, as a person calls them.
PARTS = {
    "files": "files of the source",
    "tables": "database tables of the source",
    "settings": "settings",
    "day": "the day",
    "code": "the project's code",
    "libraries": "libraries",
}
# dbt's defaults, where dbt_project.yml does not say where code is.
FOLDERS = {
    "model-paths": ["models"],
    "seed-paths": ["seeds"],
    "macro-paths": ["macros"],
    "test-paths": ["tests"],
}
SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md"}


@dataclass(frozen=True)
class LastBuild:
    """A whole build that passed, and the state from which it was made."""

    build: Build
    state: dict[str, str | None]


def state_of(project: Path, settings: dict) -> dict[str, str | None]:
    """Return the state of each of `PARTS`; None where it is unknown.

    Args:
        project: The folder of dbt_project.yml.
        settings: The vars that the source's file and the command line set.
    """
    source = settings["source"]
    data = settings.get("data") or os.environ.get("CLIENTELE_DATA")
    is_sound = not source_problems(source)
    # Variables of the environment are options of dbt too.
    options = sorted(item for item in os.environ.items() if item[0].startswith("DBT_"))
    return {
        "files": _files(source, data, settings.get("campaign_exports")) if is_sound else None,
        "tables": _tables(source, warehouse_file(project)) if is_sound else None,
        "settings": _digest(json.dumps([settings, data, options], default=str)),
        "day": _day(source) if is_sound else None,
        "code": _code(project),
        "libraries": _libraries(),
    }


def changed(before: dict[str, str | None], now: dict[str, str | None]) -> list[str]:
    """Return the parts that differ, in words; a part whose state is unknown counts as changed.

    >>> changed({"files": "1", "code": "1"}, {"files": "2", "code": "1"})
    ['files of the source']
    """
    return [PARTS[name] for name in now if now[name] is None or now[name] != before.get(name)]


def last_build(project: Path) -> LastBuild | None:
    """Return the last build if it was kept and nothing was built or written since."""
    database = warehouse_file(project)
    try:
        kept = json.loads((target_folder(project) / FILE).read_text(encoding="utf-8"))
        build, _ = passed_build(target_folder(project), project)
        is_its = kept["build_id"] == build.build_id
        if is_its and kept["warehouse"] == _stamps(database):
            return LastBuild(build, kept["state"])
    except (OSError, ValueError, KeyError, TypeError):
        # If something is missing or unreadable, a build makes it again.
        pass
    return None


def keep(project: Path, state: dict[str, str | None]) -> None:
    """Keep the ``state`` from before the build that has just passed, if it can be published."""
    database = warehouse_file(project)
    try:
        build, _ = passed_build(target_folder(project), project)
        refuse_if_changed(build, database)
    except ValueError:
        # Only part of the project was built.
        return
    kept = {
        "build_id": build.build_id,
        "warehouse": _stamps(database),
        "state": state,
    }
    temporary = target_folder(project) / f".{FILE}.tmp"
    temporary.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    os.replace(temporary, target_folder(project) / FILE)


def kept_build_id(project: Path) -> str | None:
    """Return the name of the last build that was kept, even if something changed since, or None."""
    try:
        kept = json.loads((target_folder(project) / FILE).read_text(encoding="utf-8"))
        return str(kept["build_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget(project: Path) -> None:
    """Forget the last build, before another one begins."""
    (target_folder(project) / FILE).unlink(missing_ok=True)


def _stamps(database: Path) -> list[str]:
    """Return the stamps of a warehouse's file and of its log, if it has one."""
    log = database.with_name(f"{database.name}.wal")
    return [stamp(database), *([stamp(log)] if log.exists() else [])]


def _files(source, data, exports):
    """Return a digest of the stamps of all files; None for files that are elsewhere or missing."""
    stamps = []
    for name, table in sorted(source["tables"].items()):
        path = path_of(table or {}, data, source)
        if path is None:
            continue
        found = [] if "://" in path else _files_at(path)
        if not found:
            return None
        stamps += [f"{name} {stamp(file)}" for file in found]
    stamps += [f"exports {stamp(file)}" for file in _files_at(exports)] if exports else []
    return _digest(*stamps)


def _files_at(path):
    """Return the files of a path, folder or glob; rather more of them than are read."""
    # DuckDB reads `**` as any depth of folders.
    names = [path] if os.path.exists(path) else glob.glob(path, recursive=True, include_hidden=True)
    files = set()
    for place in map(Path, names):
        files |= {place} if place.is_file() else set(_files_in(place))
    return sorted(files)


def _files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def _tables(source, database):
    """Return the rows of each database table and a hash of them in any order."""
    names = sorted({table["table"] for table in source["tables"].values() if "table" in table})
    if not names:
        return ""
    if not database.is_file():
        return None
    query = "select count(*), sum(cast(hash(t) as hugeint)) from {} as t"
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            rows = [connection.execute(query.format(name)).fetchall() for name in names]
    except duckdb.Error:
        # Such as a table of another database, which only dbt's profile attaches.
        return None
    return str(rows)


def _day(source):
    """Return what the macro `extract_date` does: the declared day, or today where the shop is."""
    zone = zoneinfo.ZoneInfo(str(source["timezone"]))
    return str(source.get("extract_date") or datetime.now(zone).date())


def _code(project):
    """Return a digest of all that dbt reads of the project, and of this package."""
    settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8")) or {}
    profiles = Path(os.environ.get("DBT_PROFILES_DIR") or project, "profiles.yml")
    if not profiles.is_file():
        profiles = Path.home() / ".dbt" / "profiles.yml"
    files = [project / "dbt_project.yml", *([profiles] if profiles.is_file() else [])]
    for key, default in FOLDERS.items():
        suffixes = SUFFIXES | ({".py"} if key == "model-paths" else set())
        for folder in settings.get(key) or default:
            files += [f for f in _files_in(project / folder) if f.suffix in suffixes]
    files += _files_in(project / "audiences")
    package = Path(__file__).parent
    files += [f for f in _files_in(package) if f.suffix != ".pyc"]
    return _digest(
        *(f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in sorted(files))
    )


def _libraries():
    """Return a digest of Python's version and of the installed packages' names and versions."""
    installed = {entry.name for folder in sys.path for entry in Path(folder).glob("*.dist-info")}
    return _digest(sys.version, *sorted(installed))


def _digest(*texts):
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32]
