"""Recognise by words lines that sell nothing, and customers who are guests: see lines.yml."""

import re
from functools import cache
from pathlib import Path

from clientele.sources.common import literal, load_yaml, quoted
from clientele.sources.naming import plain

KINDS = load_yaml(Path(__file__).with_name("lines.yml"))
ANY = set(KINDS.pop("any").split())
LONGEST = 60


@cache
def says(kind: str, text: str) -> bool:
    """Return whether a plain text says one kind of `lines.yml`, and nothing else."""
    words = KINDS[kind]
    rest, found = re.subn(rf"\b(?:{words['words']})\b", " ", text)
    neighbours = set(words["with"].split()) | ANY
    return bool(found) and all(w in neighbours or re.fullmatch(r"[\d%]+", w) for w in rest.split())


def values_that_say(connection, relation: str, name: str, *kinds: str) -> dict[str, list[str]]:
    """Return the texts of a column, trimmed, that say each of some kinds of `lines.yml`."""
    # Words of these kinds are in few texts; accents and signs are for `says`.
    text = "regexp_replace(strip_accents(lower(text)), '[^a-z0-9%]+', ' ', 'g')"
    words = "|".join(KINDS[kind]["words"] for kind in kinds)
    pattern = literal(rf"\b(?:{words})\b")
    rows = connection.execute(
        f"""
        select trim(text) as value
        from (select distinct {quoted(name)} as text from {relation})
        where length(text) <= {LONGEST} and regexp_matches({text}, {pattern})
        group by 1 order by 1
        """
    ).fetchall()
    texts = [(value, plain(value.lower())) for (value,) in rows]
    return {kind: [value for value, text in texts if says(kind, text)] for kind in kinds}


def is_one_of(name: str, values: list[str]) -> str:
    """Return the SQL of whether a column's text is one of some."""
    return f"trim({quoted(name)}) in ({', '.join(map(literal, values))})"
