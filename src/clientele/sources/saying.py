"""Tell by words what a text says that is no goods, or no customer: see lines.yml."""

import re
from functools import cache
from pathlib import Path

import yaml

from clientele.sources.common import literal, quoted
from clientele.sources.naming import plain

KINDS = yaml.safe_load(Path(__file__).with_name("lines.yml").read_text(encoding="utf-8"))
ANY = set(KINDS.pop("any").split())
LONGEST = 60


@cache
def says(kind: str, text: str) -> bool:
    """Return whether a plain text says one kind of `lines.yml`, and nothing else."""
    words = KINDS[kind]
    rest, found = re.subn(rf"\b(?:{words['words']})\b", " ", text)
    beside = set(words["with"].split()) | ANY
    return bool(found) and all(w in beside or re.fullmatch(r"[\d%]+", w) for w in rest.split())


def values_that_say(connection, relation: str, name: str, kind: str) -> list[str]:
    """Return the texts of a column, trimmed, that say a kind of `lines.yml`."""
    # Words of one kind are few; accents and signs are for `says`.
    text = "regexp_replace(strip_accents(lower(text)), '[^a-z0-9%]+', ' ', 'g')"
    words = rf"\b(?:{KINDS[kind]['words']})\b"
    rows = connection.execute(
        f"""
        select text from (select distinct trim({quoted(name)}) as text from {relation})
        where length(text) <= {LONGEST} and regexp_matches({text}, {literal(words)})
        order by 1
        """
    ).fetchall()
    return [value for (value,) in rows if says(kind, plain(value.lower()))]


def is_one_of(name: str, values: list[str]) -> str:
    """Return the SQL of whether a column's text is one of some."""
    return f"trim({quoted(name)}) in ({', '.join(map(literal, values))})"
