"""Terms of reviews as numbers: which of them count, and the TF-IDF of those."""

import re
from collections.abc import Container

import numpy as np
from scipy.sparse import csr_matrix

# Scripts that do not separate words, as the macro `words_of` has them: each character is a word.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
# Fewest reviews of the sample with a term, and their share.
MIN_COUNT, MIN_SHARE = 5, 0.002
MAX_TOPIC_TERMS, MAX_SENTIMENT_TERMS = 2_000, 8_000
# Shortest word that distinguishes topics, in scripts that separate words.
MIN_LETTERS = 3


class Counted:
    """Which review of the sample has which term.

    Attributes:
        names: The terms that are in enough reviews, by frequency.
        matrix: Reviews by terms, 1 where the review has the term.
    """

    def __init__(self, terms: list[list[str]]):
        """Count the terms of each review of the sample."""
        place: dict[str, int] = {}
        columns = [place.setdefault(term, len(place)) for own in terms for term in own]
        rows = np.repeat(np.arange(len(terms)), [len(own) for own in terms])
        shape = (len(terms), len(place))
        found = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
        counts = np.asarray(found.sum(axis=0)).ravel()
        names = np.array(list(place), dtype=object)
        least = max(MIN_COUNT, MIN_SHARE * len(terms))
        # The name decides between equal counts, so that the order of reviews does not.
        by_count = sorted(np.flatnonzero(counts >= least), key=lambda i: (-counts[i], names[i]))
        self.names = names[by_count]
        self.matrix = found[:, by_count].tocsr()
        self.counts = counts[by_count]

    def topical(self, common_share: float, without: Container[str] = ()) -> np.ndarray:
        """Return the positions of the terms that topics are made of.

        Those are words of three letters or more, and in scripts without spaces pairs of
        characters, in at most ``common_share`` of the reviews: more common ones are stop words.
        The words ``without`` are left out.
        """
        most = common_share * self.matrix.shape[0]
        chosen = [
            place
            for place, (name, count) in enumerate(zip(self.names, self.counts, strict=True))
            if count <= most and is_topical(name) and name not in without
        ]
        return np.array(chosen[:MAX_TOPIC_TERMS], dtype=int)

    def idf(self) -> np.ndarray:
        """Return the weight of each term: the log of all reviews by those with it, plus 1."""
        return np.log((1 + self.matrix.shape[0]) / (1 + self.counts)) + 1


def is_topical(term: str) -> bool:
    """Return whether a term is a word for a topic, however frequent.

    >>> [is_topical(t) for t in ("delivery", "it", "the delivery", "质 量", "好", "not good")]
    [True, False, False, True, False, False]
    """
    if " " in term:
        first, second = term.split(" ", 1)
        return bool(UNSPACED.fullmatch(first) and UNSPACED.fullmatch(second))
    return len(term) >= MIN_LETTERS


def shown(term: str) -> str:
    """Return a term as it is written: characters of scripts without spaces stand together."""
    return term.replace(" ", "") if is_topical(term) else term


def normed(matrix: csr_matrix, idf: np.ndarray) -> csr_matrix:
    """Return the TF-IDF of reviews: each row has length 1, or 0 without a term."""
    weighted = matrix.multiply(idf).tocsr()
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return weighted.multiply(scale[:, None]).tocsr()
