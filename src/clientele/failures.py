"""What the command line says about an error."""


def in_words(error: Exception) -> str | None:
    """Return what is wrong, for a person; None if it is a fault of ours that wants a traceback.

    >>> in_words(FileNotFoundError(2, "No such file or directory", "reports/page.html"))
    'reports/page.html: no such file or directory'
    >>> in_words(ValueError("no audience 'all'"))
    "no audience 'all'"
    >>> in_words(KeyError("all")) is None
    True
    """
    # Of the system, which gives a number, words and a name.
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    if isinstance(error, (ValueError, OSError)):
        return str(error)
    # DuckDB's by their names: few commands import it.
    if type(error).__name__ in ("IOException", "SerializationException"):
        return f"a file is damaged; build or restore it: {error}"
    return None
