"""Follow the recipes of CONTRIBUTING.md on a copy of the project, as a reader would."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PLACE = re.compile(r"In `(?P<file>[^`]+)`, (?P<where>below|above) `(?P<text>[^`]+)`")
CREATE = re.compile(r"Create `(?P<file>[^`]+)`")
BLOCK = re.compile(r"^   ```\w*\n(?P<code>.*?)^   ```$", re.M | re.S)


@dataclass
class Step:
    """One numbered step: a file that is created, a block that is inserted, or a make target."""

    file: str
    code: str = ""
    where: str = ""
    text: str = ""
    target: str = ""


def steps_of(contributing: str, title: str) -> list[Step]:
    """Return the steps of a recipe; raise ``ValueError`` for a step that says nothing to do."""
    section = re.search(rf"^### {title}$(.*?)(?=^### |\Z)", contributing, re.M | re.S)[1]
    steps = []
    for text in re.split(r"^\d+\. ", section, flags=re.M)[1:]:
        said, block = " ".join(text.split()), BLOCK.search(text)
        code = re.sub(r"^   ", "", block["code"], flags=re.M) if block else ""
        if place := PLACE.search(said):
            steps.append(Step(place["file"], code, place["where"], place["text"]))
        elif create := CREATE.search(said):
            steps.append(Step(create["file"], code))
        elif "`make contracts`" in said:
            steps.append(Step("docs/contracts.csv", target="contracts"))
        else:
            raise ValueError(f"{title}: no file and no command in step {said[:80]!r}")
    return steps


def copy_of(project: Path, folder: Path) -> Path:
    """Copy the project's files as git knows them, new ones included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (project / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project / name, folder / name)
    return folder


def apply(step: Step, project: Path) -> None:
    """Do what a step says to a copy of the project; ``make`` targets are the caller's.

    Raises ``ValueError`` where the text that the block goes next to is not in the file, or where
    the file to be created is there already.
    """
    path = project / step.file
    if not step.where:
        if path.exists():
            raise ValueError(f"{step.file} is there already")
        path.write_text(step.code)
        return
    lines = path.read_text().splitlines(keepends=True)
    found = [number for number, line in enumerate(lines) if step.text in line]
    if not found:
        raise ValueError(f"{step.file} has no line with {step.text!r}")
    lines.insert(found[0] + (step.where == "below"), step.code)
    path.write_text("".join(lines))
