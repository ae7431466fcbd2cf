"""What the simulated shop knows of its customers, of prospects too.

Attributes have random numbers of their own: with or without them, all orders are the same.
"""

import numpy as np
import pyarrow as pa

from clientele.simulation.contacts import People, with_contacts
from clientele.simulation.files import ids
from clientele.simulation.shop import DAYS, SEGMENTS, START

# Mean birth year and share with the plan `plus`, by segment; region, language and consent are the
# same in all.
BORN = {
    "champions": 1978, "families": 1984, "bargain_hunters": 1990, "evening_professionals": 1988,
    "gift_buyers": 1972,
}  # fmt: skip
BORN_SPREAD = 8
PLUS = {
    "champions": 0.6, "families": 0.2, "bargain_hunters": 0.2, "evening_professionals": 0.35,
    "gift_buyers": 0.1,
}  # fmt: skip
REGIONS = {"north": 0.4, "south": 0.3, "east": 0.2, "west": 0.1}
LANGUAGES = {"English": 0.8, "Polish": 0.12, "Welsh": 0.08}
CONSENT = 0.8
PROSPECTS = 0.05
MISSING_BORN = 0.1
# A text format also has birth years that are none, and rows of one customer with another plan.
UNREADABLE_BORN = 0.01
CONFLICTING = 0.004
UNKNOWN_CONSENT = 0.05


def attributes_table(
    rng: np.random.Generator, first: int, segment: np.ndarray, file_format: str, contacts=None
) -> tuple[pa.Table, dict, People]:
    """Make the customers of a chunk, prospects after them, and what was planted.

    Args:
        rng: Random numbers of the attributes alone.
        first: Number of the first customer.
        segment: Number of the segment of each customer.
        file_format: Parquet has typed columns, and therefore no values that do not read.
        contacts: Random numbers of the contacts.

    Returns:
        The table, counts (rows, customers, prospects, and of each unknown value), and the people.
    """
    buyers = len(segment)
    prospects = int(rng.binomial(buyers, PROSPECTS))
    size = buyers + prospects
    # Prospects are like the others.
    like = np.concatenate([segment, rng.choice(segment, prospects)])
    born = np.array(list(BORN.values()))[like] + np.rint(rng.normal(0, BORN_SPREAD, size))
    is_plus = rng.random(size) < np.array(list(PLUS.values()))[like]
    region = rng.choice(list(REGIONS), size, p=list(REGIONS.values()))
    language = rng.choice(list(LANGUAGES), size, p=list(LANGUAGES.values()))
    signed_up = START.astype("datetime64[D]") + rng.integers(0, DAYS, size)
    draw = rng.random(size)
    agreed = np.where(rng.random(size) < CONSENT, "yes", "no")
    consent = np.where(draw < UNKNOWN_CONSENT, "", agreed)
    draw = rng.random(size)
    is_missing = draw < MISSING_BORN
    is_unreadable = (draw > 1 - UNREADABLE_BORN) & (file_format != "parquet")
    twice = np.flatnonzero((rng.random(size) < CONFLICTING) & (file_format != "parquet"))
    people = People(contacts, first, buyers, prospects)
    people.twin_of[twice[twice >= buyers] - buyers] = -1
    # The second account of a customer says the same.
    second = buyers + np.flatnonzero(people.twin_of >= 0)
    same = np.arange(size)
    same[second] = people.twin_of[second - buyers]
    born, is_plus, region, language, signed_up, consent, is_missing, is_unreadable = (
        values[same]
        for values in (
            born, is_plus, region, language, signed_up, consent, is_missing, is_unreadable,
        )
    )  # fmt: skip
    is_first = same == np.arange(size)
    row = np.concatenate([np.arange(size), twice])
    plan = np.where(is_plus, "plus", "basic")
    other = np.where(is_plus[twice], "basic", "plus")
    years = pa.array(born[row].astype(np.int32), mask=is_missing[row])
    if file_format != "parquet":
        texts = np.where(is_unreadable, "unknown", born.astype(int).astype(str))
        years = pa.array(texts[row], mask=is_missing[row])
    number = np.concatenate([first + np.arange(buyers), first + np.arange(prospects)])
    letter = np.concatenate([np.full(buyers, "C"), np.full(prospects, "V")])
    table = pa.table(
        {
            "customer_id": ids(pa.array(letter[row]), number[row]),
            "birth_year": years,
            "signed_up": pa.array(signed_up[row]),
            "region": region[row],
            "plan": np.concatenate([plan, other]),
            "first_language": language[row],
            "newsletter": pa.array(consent[row], mask=consent[row] == ""),
        }
    )
    planted = {
        "rows": len(row),
        "customers": size - len(second),
        "prospects": prospects - len(second),
        "missing_birth_years": int(is_missing[is_first].sum()),
        "unreadable_birth_years": int(is_unreadable[is_first].sum()),
        "conflicting_plans": len(twice),
        "unknown_consents": int((consent[is_first] == "").sum()),
        "second_accounts": len(second),
    }
    return with_contacts(table, people, first, buyers), planted, people


def truth_of_attributes(counts: dict) -> dict:
    """Return what is planted: counts, and the parameters of each segment."""
    assert list(BORN) == list(PLUS) == list(SEGMENTS)
    return {**counts, "birth_year_means": BORN, "birth_year_spread": BORN_SPREAD,
            "plus_shares": PLUS, "regions": REGIONS}  # fmt: skip
