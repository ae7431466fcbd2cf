"""Read column names: in plain letters, and word by word in English."""

import functools
import itertools
import re
import unicodedata
from pathlib import Path

from clientele.sources.common import UnreadableSource, load_yaml

ROLES = load_yaml(Path(__file__).with_name("words.yml"))
GLOSSARY = load_yaml(Path(__file__).with_name("glossary.yml"))
ENGLISH = {word: english for english, words in GLOSSARY.items() for word in words.split()}
# Words that say nothing: articles, prepositions, currencies.
EMPTY = set(
    "a am an au aux da das de del della den der des di die do dos du e el em het il in je la le "
    "les of op per por the to van von zu zum l d "
    "brl chf dkk eur euro euros gbp nok pln r sek usd".split()
)
# Words whose meaning hangs on their neighbours.
PHRASES = (
    ("mw st", "mwst"),
    ("sub total", "subtotal"),
    ("commandee? le", "ordered"),
    ("p u", "unit price"),
    ("price (cut|drop)s?", "discount"),
    ("nota fiscal", "invoice"),
)
# A name that counts pieces is no money, unless it says so; a quantity discount is money.
COUNTED = r"\b(qty|quantity|quantities|units|pieces|pcs)\b"
PRICED = r"\b(price|amount|value|cost)\b"
UNCOUNTED = ("unit_price", "line_amount", "refund", "shipping", "tax", "total", "unit_cost")
# What a name says about the tax in an amount. The amount without it is the likelier one.
TAX = r"(?:tax(?:es)?|vat|gst|mwst|mw st|ust|steuer|tva|taxes?|iva|btw|moms)"
BEFORE_TAX = (
    "excl?|excluding|exclusive|excluded|exkl|ex|ohne|hors|sans|sin|senza|zonder|sem|before|without|"
    "net of"
)
AFTER_TAX = "incl?|including|inclusive|included|inkl|mit|with|avec|con|met|com|after"
TAXED = re.compile(
    rf"\b(?:(?:{BEFORE_TAX}|({AFTER_TAX})) {TAX}|{TAX} (?:{BEFORE_TAX}|({AFTER_TAX})))\b"
)
# Shortest word that may be a part of a longer one, and what joins such parts.
SHORTEST, JOINTS = 4, ("", "s", "n", "en", "e", "es", "er")


def plain(name: str) -> str:
    """Return a column name in lower case without accents, words apart by one blank."""
    name = re.sub("[nN]°", " no ", name).replace("ß", "ss").replace("#", " no ")
    text = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    text = re.sub(r"([a-z])([A-Z])|(?<=[A-Z])([A-Z][a-z])", r"\1 \2\3", text).lower()
    return re.sub(r"[^a-z0-9%]+", " ", text).strip()


def english(name: str) -> str:
    """Return the words of a plain name in English; a word that is not known stays as it is."""
    for written, meant in PHRASES:
        name = re.sub(rf"\b{written}\b", meant, name)
    words = [part for word in name.split() if word not in EMPTY for part in _parts(word)]
    return " ".join(word for word, _ in itertools.groupby(words))


@functools.cache
def _parts(word: str) -> tuple[str, ...]:
    """Return the English parts of a word; of a compound whose last part is known, at least that."""
    if known := _known(word):
        return (known,)
    for start in range(SHORTEST, len(word) - 1):
        last = _known(word[start:]) if _may_end(word[start:]) else None
        if not last:
            continue
        for joint in JOINTS:
            head = word[:start].removesuffix(joint) if word[:start].endswith(joint) else ""
            if first := _known(head):
                return (first, last)
    for start in range(1, len(word) - SHORTEST):
        if last := _known(word[start:]):
            return (word[:start], last)
    return (word,)


def _may_end(word: str) -> bool:
    return len(word) >= SHORTEST or word in ("nr", "no", "id", "code", "ref")


def _known(word: str) -> str | None:
    if word in GLOSSARY:
        return word
    return ENGLISH.get(word)


def matched_role(role: str, text: str) -> tuple[bool, int, bool] | None:
    """Return how well a plain name fits a role of words.yml, the least the best; None if not.

    A name that fits as it is fits better than one that fits in English, and an amount without tax
    better than one with it.
    """
    is_taxed = False
    if role in ("unit_price", "line_amount", "total") and (taxed := TAXED.search(text)):
        is_taxed = bool(taxed[1] or taxed[2])
        text = " ".join(TAXED.sub(" ", text).split())
    names = text, english(text)
    unlike = ROLES[role].get("not")
    if unlike and any(re.search(unlike, name) for name in names):
        return None
    if role in UNCOUNTED and any(re.search(COUNTED, name) for name in names):
        if not any(re.search(PRICED, name) for name in names):
            return None
    for is_translated, name in enumerate(names):
        for i, words in enumerate(ROLES[role]["words"]):
            if re.search(words, name):
                return bool(is_translated), i, is_taxed
    return None


def unique_names(record: list[str]) -> list[str]:
    """Return the names of a header: trimmed, unnamed ones numbered, repeated ones with a suffix."""
    names, seen = [], {}
    for position, cell in enumerate(record, start=1):
        name = cell.strip() or f"column_{position}"
        seen[name.lower()] = seen.get(name.lower(), 0) + 1
        names.append(name if seen[name.lower()] == 1 else f"{name}_{seen[name.lower()]}")
    return names


def refuse_ambiguous(names: list[str], record: list[str], wanted: list[str], file: Path) -> None:
    """Refuse a header in which a wanted name stands twice.

    Raises:
        UnreadableSource: it does; the message names both columns.
    """
    cells = [cell.strip() for cell in record]
    for name, cell in zip(names, cells, strict=True):
        twins = [i for i, other in enumerate(cells) if other.lower() == cell.lower()]
        if name in wanted and cell and len(twins) > 1:
            places = " and ".join(f"'{cells[i]}' in column {i + 1}" for i in twins)
            raise UnreadableSource(
                f"the name '{cell}' is ambiguous: the header of {file} has {places}; rename one "
                "in the file"
            )
