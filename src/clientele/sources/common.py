"""What the modules of this package share: one error, names and texts as SQL, formats by ending."""

import csv
import difflib
import glob
import re
import zipfile
import zlib
from pathlib import Path

import duckdb
import yaml

from clientele.sources.columns import FORMATS


class UnreadableSource(ValueError):
    """Raw data that cannot be read as the source's YAML says; the message names the remedy."""


# What readers raise for a file that is damaged, cut off, or no file of its kind.
DAMAGED = (duckdb.Error, csv.Error, OSError, EOFError, zipfile.BadZipFile, zlib.error)


def load_yaml(file: Path) -> dict:
    """Return the content of a YAML file of this package; libyaml reads it ten times as fast."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_text(encoding="utf-8"), loader)


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def file_literal(file: str | Path) -> str:
    """Return the path of one file as an SQL literal in which marks of a glob mean themselves."""
    return literal(glob.escape(str(file)))


def counted(number: int, noun: str, verb: str = "") -> str:
    """Return a number with a noun, such as `1 line` or `2,000 lines`, and a verb such as `is/are`.

    A noun of several words is put in the plural at its end.
    """
    said = f"{number:,} {noun}{'' if number == 1 else 's'}"
    return f"{said} {verb.split('/')[number != 1]}" if verb else said


def hint(key: str, known: list[str]) -> str:
    """Return `, did you mean ...?` with the known word that is near; empty if none is."""
    close = difflib.get_close_matches(str(key), known, 1, 0.75)
    return f", did you mean `{close[0]}`?" if close else ""


def format_of(path: str | Path) -> str:
    """Return csv, json, xlsx or parquet by the ending of a path; empty if it does not tell."""
    name = str(path).lower()
    for packed in (".gz", ".zst", ".zip"):
        name = name.removesuffix(packed)
    return FORMATS.get(name.rpartition(".")[2], "")


def first_sentence(error: BaseException) -> str:
    """Return the first sentence of an engine's message, without its name."""
    return re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", str(error).strip().split("\n")[0])


def stamp(file: Path) -> str:
    """Return a text that changes whenever a file is written: its path, size and times.

    The time of the last change of its entry is among them, because a copy may keep size and time
    of its original.
    """
    found = file.stat()
    return f"{file.absolute()} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
