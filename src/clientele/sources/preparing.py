"""What dbt and the command line ask of a source before a build: is it sound, and is it imported?"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from clientele.sources.checking import source_problems
from clientele.sources.common import UnreadableSource
from clientele.sources.importing import import_source


def imports_folder() -> Path:
    """Return the folder of all imports, in dbt's target path."""
    return Path(os.environ.get("DBT_TARGET_PATH") or "target") / "sources"


def prepare(
    source: object, data: str | None = None, tell: Callable[[str], None] = lambda step: None
) -> dict:
    """Check a source's YAML and import its text files; ``tell`` is called with each step.

    Returns:
        `problems` (sentences; nothing can be built if there are any), `notes` (what the import
        noticed), `folder` (of the import), and `tables` (those in it; SQL reads the others where
        they are).
    """
    problems, imported = source_problems(source), None
    if not problems:
        try:
            imported = import_source(source, data, imports_folder(), tell)
        except UnreadableSource as error:
            problems = [f"{str(error).rstrip('.')}."]
    if imported is None:
        return {"problems": problems, "notes": [], "folder": "", "tables": []}
    folder = imported.folder.absolute()
    return {
        "problems": [],
        "notes": imported.notes,
        "folder": str(folder),
        "tables": sorted(file.stem for file in folder.glob("*.parquet")),
    }


def prepare_as_json(source: str) -> str:
    """Do the same for dbt, whose macros pass and receive JSON: {"source": ..., "data": ...}."""
    given = json.loads(source)
    return json.dumps(prepare(given["source"], given["data"]))
