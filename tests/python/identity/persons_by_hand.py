"""Identifiers as people write them, and pairs of records compared with planted truth."""

# kind -> what is written -> its normal form; None belongs to no one.
WRITTEN = {
    "email": {
        " Ann.Bee@X.org ": "ann.bee@x.org",
        "<ann.bee@x.org>": "ann.bee@x.org",
        "mailto:ann@x.org": "ann@x.org",
        "JOSÉ@X.ORG": "josé@x.org",
        "ann+shop@gmail.com": "ann@gmail.com",
        "ann+shop@x.org": "ann+shop@x.org",
        "a.n.n@gmail.com": "a.n.n@gmail.com",
        "noreply@x.org": None,
        "no-reply+12@x.org": None,
        "till@shop.org": None,
        "ann": None,
        "ann@x": None,
        "": None,
    },
    "phone": {
        "07700 900123": "+447700900123",
        "+44 (0)7700 900-123": "+447700900123",
        "0044 7700900123": "+447700900123",
        "447700900123": "+447700900123",
        "7700900123": "+447700900123",
        "447700900123.0": "+447700900123",
        "07700 900123 ext. 4": "+447700900123",
        "+49 30 1234567": "+49301234567",
        "00000000000": None,
        "12345": None,
        "n/a": None,
    },
    "name": {
        "Ann  BEE": "ann bee",
        "Bee, Ann": "ann bee",
        "Mrs. Ann Bee": "ann bee",
        "José Núñez": "jose nunez",
        "Jose\u0301 Nu\u0301n\u0303ez": "jose nunez",
        "Søren Groß": "soren gross",
        "O'Brien-Lee": "o brien lee",
        "Łukasz Żak": "lukasz zak",
        "guest": None,
    },
    "postcode": {"ab1 2cd": "AB12CD", "AB1-2CD": "AB12CD", "1001.0": "1001", "00000": None},
    "loyalty_card": {"12-34 56a": "123456A", "123456.0": "123456", "000": None, "7": None},
    "device": {" abcdef-1 ": "abcdef-1", "00000000-0000-0000": None, "abc": None},
}  # fmt: skip


def pairs_of(groups):
    """Return the pairs of records in the same group; ``groups`` is record -> group."""
    members = {}
    for record, group in groups.items():
        members.setdefault(group, []).append(record)
    return {
        (a, b)
        for records in members.values()
        for i, a in enumerate(sorted(records))
        for b in sorted(records)[i + 1 :]
    }


def quality(found, truth):
    """Return pairwise precision and recall of ``found``; both are record -> group."""
    ours, theirs = pairs_of(found), pairs_of(truth)
    return len(ours & theirs) / len(ours), len(ours & theirs) / len(theirs)
