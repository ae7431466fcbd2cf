"""Customer segmentation in the warehouse: the algorithms and the command line."""


def __getattr__(name):
    """Load `score` when it is asked for, because the algorithms do not need what it needs."""
    if name == "score":
        from clientele.scoring import score

        return score
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
