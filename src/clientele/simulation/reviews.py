"""Reviews of the simulated shop: texts about known topics, good or bad, and planted defects.

Reviews have random numbers of their own: with or without them, all other files are the same.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clientele.simulation.files import ids
from clientele.simulation.phrases import (
    ANY,
    CLOSERS,
    CONTACTS,
    NAMES,
    OPENERS,
    OWN,
    SYLLABLES,
    THINGS,
)
from clientele.simulation.shop import DAY, DAYS, START

# Part of the key of the random numbers, so that no other part of the simulator shares them.
STREAM = 7_619
SHARE = 0.095
GOOD_SHARE = 0.65
# Customers who place no order in the next days write about a bad delivery more often.
REPEAT_DAYS = 90
DELIVERY_WEIGHT = 4.0
DEFECTS = {"outlier": 0.01, "empty": 0.012, "no_rating": 0.008, "bad_time": 0.006}
COPY_SHARE = 0.015
CONTACT_SHARE = 0.04


def stream(seed: np.random.SeedSequence) -> np.random.Generator:
    """Return the random numbers of a chunk's reviews, which nothing else draws."""
    return np.random.default_rng(
        np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, STREAM))
    )


def reviews_tables(rng: np.random.Generator, lines: dict, first: int, file_format: str):
    """Return the reviews of a chunk as a raw table, and the truth about each.

    A review is about the first product of an order, written 2 to 12 days after it.

    Args:
        rng: Random numbers of the reviews, see `stream`.
        lines: Order lines of the chunk as arrays, by time.
        first: Number of the chunk's first customer.
        file_format: Parquet keeps times as times; a text file has unreadable ones too.
    """
    order, customer, product, at, waits = _reviewed(rng, lines)
    count = len(order)
    written = at + rng.integers(2 * DAY, 12 * DAY, count)
    topics = list(THINGS)
    weight = np.ones((count, len(topics)))
    weight[waits, topics.index("delivery")] = DELIVERY_WEIGHT
    cumulative = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    topic = (rng.random(count)[:, None] > cumulative[:, :-1]).sum(axis=1)
    is_good = rng.random(count) < GOOD_SHARE
    is_good &= ~(waits & (topic == topics.index("delivery")) & (rng.random(count) < 0.8))
    stars = np.where(is_good, rng.integers(4, 6, count), rng.integers(1, 3, count))
    stars = np.where(rng.random(count) < 0.08, 3, stars)
    borders = np.cumsum(list(DEFECTS.values()))
    defect = np.searchsorted(borders, rng.random(count))
    kinds = [*DEFECTS, ""]
    texts = [
        _text(rng, topics[t], good, kinds[d])
        for t, good, d in zip(topic.tolist(), is_good.tolist(), defect.tolist(), strict=True)
    ]
    unrated = defect == kinds.index("no_rating")
    ratings = np.where(unrated, "five stars", stars.astype(str)).astype(object)
    timeless = defect == kinds.index("bad_time")
    kept = written < DAYS * DAY
    copied = np.flatnonzero(kept & (defect == len(DEFECTS)) & (rng.random(count) < COPY_SHARE))
    rows = np.concatenate([np.flatnonzero(kept), copied])
    is_copy = np.arange(len(rows)) >= kept.sum()
    numbers = first * 1_000 + np.arange(len(rows))
    texts = np.array(texts, dtype=object)
    table = pa.table(
        {
            "review_id": ids("V", numbers),
            "customer_id": ids("C", customer[rows]),
            "product_id": ids("P", product[rows]),
            "written_at": _times(written[rows], timeless[rows], file_format),
            "rating": pa.array(ratings[rows], pa.string()),
            "text": pa.array(texts[rows], pa.string()),
        }
    )
    names = np.array(topics, dtype=object)
    truth = pa.table(
        {
            "review_id": ids("V", numbers),
            "topic": pa.array(np.where(defect == 0, None, names[topic])[rows], pa.string()),
            "is_good": pa.array(is_good[rows]),
            "defect": pa.array(
                np.where(is_copy, "copy", np.array(kinds, dtype=object)[defect[rows]]), pa.string()
            ),
        }
    )
    by_time = np.lexsort((numbers, written[rows]))
    return table.take(by_time), truth.take(by_time)


def _reviewed(rng, lines):
    """Return order, customer, first product and time of reviewed orders, and whose next waits."""
    is_sale = (lines["reason"] == "accepted") & (lines["kind"] == "O") & (lines["customer"] >= 0)
    is_sale &= (lines["product"] >= 0) & (lines["code"] == "") & ~lines["bad_time"]
    order, places = np.unique(lines["order"][is_sale], return_index=True)
    customer, product, at = (lines[n][is_sale][places] for n in ("customer", "product", "at"))
    by_time = np.lexsort((at, customer))
    following = np.full(len(order), np.iinfo(np.int64).max)
    same = customer[by_time][1:] == customer[by_time][:-1]
    following[by_time[:-1][same]] = at[by_time][1:][same]
    waits = following > at + (12 + REPEAT_DAYS) * DAY
    chosen = rng.random(len(order)) < SHARE
    return order[chosen], customer[chosen], product[chosen], at[chosen], waits[chosen]


def _text(rng, topic, is_good, defect):
    """Return a text about a topic; nonsense for an outlier, and nothing where it is empty."""
    if defect == "empty":
        return ["", "...", None][rng.integers(3)]
    if defect == "outlier":
        words = ["".join(_some(rng, SYLLABLES, rng.integers(2, 4))) for _ in range(9)]
        return " ".join(words).capitalize() + "."
    said = [_one(rng, OPENERS[is_good])] if rng.random() < 0.5 else []
    things = _some(rng, THINGS[topic].split(", "), rng.integers(2, 5))
    predicates = _some(rng, OWN[topic][is_good] + ANY[is_good], len(things))
    said += [f"The {thing} {what}." for thing, what in zip(things, predicates, strict=True)]
    if rng.random() < 0.4:
        said.append(_one(rng, CLOSERS[is_good]))
    if rng.random() < CONTACT_SHARE:
        name = _one(rng, NAMES)
        number = rng.integers(1000, 9999)
        said.append(_one(rng, CONTACTS).format(name=name, lower=name.lower(), number=number))
    return " ".join(said)


def _one(rng, choices):
    return choices[rng.integers(len(choices))]


def _some(rng, choices, count):
    return [choices[place] for place in rng.choice(len(choices), count, replace=False)]


def _times(written, timeless, file_format):
    at = pa.array(START + written.astype("timedelta64[s]"), pa.timestamp("s"), mask=timeless)
    if file_format == "parquet":
        return at.cast(pa.timestamp("us"))
    return pc.fill_null(pc.strftime(at, format="%Y-%m-%d %H:%M:%S"), "yesterday")
