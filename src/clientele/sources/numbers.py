"""Read columns of a table of texts as numbers, for guesses about them."""

import duckdb

from clientele.sources.common import UnreadableSource, quoted
from clientele.sources.values import decide_marks, meaningful, number


def numbers_of(connection, relation: str, columns: dict[str, str]) -> dict[str, str]:
    """Return the SQL of columns as numbers.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        columns: Column names by any names.

    Returns:
        SQL of doubles by the names of ``columns``; nothing if they cannot be read in one way.
    """
    texts = {name: meaningful(quoted(column)) for name, column in columns.items()}
    marks = marks_of(connection, relation, columns)
    if marks is None:
        return {}
    return {name: number(text, *marks, "double") for name, text in texts.items()}


def marks_of(connection, relation: str, columns: dict[str, str]) -> tuple[str, str] | None:
    """Return the decimal and thousands mark of such columns; None if two pairs read them all."""
    texts = {name: meaningful(quoted(column)) for name, column in columns.items()}
    try:
        return decide_marks(connection, relation, texts, {})
    except (UnreadableSource, duckdb.Error):
        return None
