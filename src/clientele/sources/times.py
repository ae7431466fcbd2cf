"""Join the day and the time of day of an order that stand in two columns."""

from clientele.sources.common import quoted
from clientele.sources.naming import english, plain

TIME = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?"
MIDNIGHT = r"[ T]0?0:00(:00)?(\.0+)?$"
WORDS = set("time order ordered sale purchase created transaction invoice receipt date day".split())


def join_times(connection, relation: str, facts: dict, chosen: dict, found) -> None:
    """Add the time of day to `ordered_at` where that has none, and another column has it.

    Args:
        connection: Where the relation is.
        relation: A table of texts.
        facts: What each column holds; see `guessing`.
        chosen: Role -> column, with `ordered_at`.
        found: The guess, which gets the expression.
    """
    day = quoted(chosen["ordered_at"])
    timed, midnight = connection.execute(
        f"select count(*) filter (where {day} like '%:%' and not regexp_matches({day}, "
        f"'{MIDNIGHT}')), count(*) filter (where regexp_matches({day}, '{MIDNIGHT}')) "
        f"from {relation}"
    ).fetchone()
    if timed:
        return
    for name in facts:
        words = set(english(plain(name)).split())
        if "time" not in words or words - WORDS or name in chosen.values():
            continue
        filled, fits = connection.execute(
            f"select count(*), count(*) filter (where regexp_full_match(trim({quoted(name)}), "
            f"'{TIME}')) from {relation} where trim({quoted(name)}) <> ''"
        ).fetchone()
        if fits and fits >= 0.9 * filled:
            date = f"regexp_replace({day}, '{MIDNIGHT}', '')" if midnight else day
            found.computed["ordered_at"] = f"concat({date}, ' ', {quoted(name)})"
            found.why["ordered_at"] = f"the day, and its time in '{name}'"
            return
