"""Words that are written with a capital within a sentence: most of them are names."""

import re
from collections import Counter

import pandas as pd

MOSTLY = 0.5
# A word after another, or after its comma, begins no sentence.
WITHIN = re.compile(r"(?:(?<=[^\W\d_] )|(?<=[^\W\d_], ))[^\W\d_]+")


def mostly_capitalised(texts: pd.Series) -> set[str]:
    """Return the words, in lower case, that mostly have a capital where no sentence begins.

    A word that always begins a sentence is not among them, nor one in capitals altogether: some
    people shout.

    >>> sorted(mostly_capitalised(pd.Series(["Ask for Anna. She knows.", "he said Anna is kind"])))
    ['anna']
    """
    capital, seen = Counter(), Counter()
    for text in texts:
        for match in WITHIN.finditer(text):
            word = match.group()
            seen[word.lower()] += 1
            capital[word.lower()] += word[0].isupper() and not word[1:].isupper()
    return {word for word, count in seen.items() if capital[word] > MOSTLY * count}
