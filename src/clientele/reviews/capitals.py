"""Words that are written as names are: with a capital, where no sentence begins."""

import re
from collections import Counter
from collections.abc import Iterable

import pandas as pd

MOSTLY = 0.5
WORD = r"[^\W\d_]+"
# A word after another, or after its comma, begins no sentence.
WITHIN = re.compile(rf"(?:(?<=[^\W\d_] )|(?<=[^\W\d_], )){WORD}")
FIRST = re.compile(rf"(?<![^\W\d_] )(?<![^\W\d_], )(?<![^\W\d_]){WORD}")


def mostly_capitalised(texts: pd.Series) -> set[str]:
    """Return the words, in lower case, that mostly have a capital where no sentence begins.

    A word that begins a sentence each time is among them if it has a capital each time: "Anna
    helped." may be all that is written about her. A word in capitals altogether is not: some people
    shout.

    >>> sorted(mostly_capitalised(pd.Series(["Ask for Anna. Bo knows.", "he said Anna is kind"])))
    ['anna', 'ask', 'bo']
    """
    capital, seen = _counted(texts, WITHIN)
    capital_first, first = _counted(texts, FIRST)
    found = {word for word, count in seen.items() if capital[word] > MOSTLY * count}
    return found | {
        word for word, count in first.items() if word not in seen and capital_first[word] == count
    }


def may_be_name(words: Iterable[str], texts: pd.Series) -> set[str]:
    """Return those of ``words``, in lower case, that may be names for all that is written.

    Words of scripts without capitals may all be.

    >>> sorted(may_be_name(["anna", "is", "安娜"], pd.Series(["he said Anna is kind"])))
    ['anna', '安娜']
    """
    capitals = mostly_capitalised(texts)
    return {word for word in words if word in capitals or word.upper() == word.lower()}


def _counted(texts, pattern):
    """Return how often each word is written with a capital, and how often at all."""
    capital, seen = Counter(), Counter()
    for text in texts:
        for match in pattern.finditer(text):
            word = match.group()
            seen[word.lower()] += 1
            capital[word.lower()] += word[0].isupper() and not word[1:].isupper()
    return capital, seen
