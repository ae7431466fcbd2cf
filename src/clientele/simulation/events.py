"""Visits of the simulated shop: what its visitors looked at, left in the cart and ordered.

Visits have random numbers of their own: with or without them, everything else is the same.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clientele.simulation.files import ids
from clientele.simulation.shop import DAY, DAYS, SEGMENTS, START

# The last two months.
FIRST_DAY = DAYS - 61
# Of each segment, by its place: sessions without an order in that time, and the share with a cart.
BROWSING = {
    "champions": {"rate": 0.9, "cart": 0.30},
    "families": {"rate": 0.5, "cart": 0.20},
    "bargain_hunters": {"rate": 0.7, "cart": 0.55},
    "evening_professionals": {"rate": 0.4, "cart": 0.15},
    "gift_buyers": {"rate": 0.2, "cart": 0.10},
}
CHECKOUT_SHARE = 0.35  # of the carts that are left
TRACKED_SHARE = 0.6  # of the orders on the web and in the app
LOGIN_SHARE = 0.4  # of the sessions without an order
WISH_SHARE = 0.5  # of the products looked at without an order, the customer's one wish
SHARED_SHARE = 0.03  # of the customers, who use the device of the one before
SECOND_SHARE = 0.25  # of the sessions without an order, on the customer's second device
UNKNOWN_SHARE = 0.10  # sessions of devices on which no one logs in, of those without an order
CHANNELS = np.array(["direct", "search", "email", "ads"])
CHANNEL_SHARES = [0.35, 0.30, 0.20, 0.15]
BOT_EVENTS = 600
# Rows of each defect per event; at least a few in the first chunk.
DIRT = {"duplicate": 0.005, "missing_visitor": 0.001, "invalid_timestamp": 0.001,
        "missing_type": 0.001, "future_date": 0.0005}  # fmt: skip
TYPES = np.array(["product", "cart", "checkout", "thanks", "page"])
VIEW, CART, CHECKOUT, ORDER, PAGE = range(5)
STAGES = ["visit", "view", "cart", "checkout", "order"]


def stream(child: np.random.SeedSequence) -> np.random.Generator:
    """Return the random numbers of a chunk's visits, which no other stream of it shares."""
    key = (*child.spawn_key, int.from_bytes(b"visit", "big") % 2**32)
    return np.random.default_rng(np.random.SeedSequence(child.entropy, spawn_key=key))


def visits(rng, lines, segment, first, products, *, file_format):
    """Return the events of a chunk as a table, and the truth about them.

    Args:
        rng: Random numbers of the visits; see ``stream``.
        lines: The chunk's order lines as arrays; see ``Chunk.simulate``.
        segment: Place of each customer's segment.
        first: Number of the chunk's first customer.
        products: Number of products.
        file_format: Texts hold times that cannot be read; Parquet has null for them.
    """
    size = len(segment)
    shared = np.flatnonzero(rng.random(size) < SHARED_SHARE)
    shared = shared[shared > 0]
    device = 2 * np.arange(size)
    device[shared] = device[shared - 1]
    wish = rng.integers(0, products, size)
    ordering = _orders(rng, lines, first)
    browsing = _browsing(rng, segment, device)
    browsing["device"] += rng.random(len(browsing["at"])) < SECOND_SHARE
    some = rng.random(len(browsing["at"])) < UNKNOWN_SHARE
    unknown = {name: values[some].copy() for name, values in browsing.items()}
    unknown["device"] = 2 * size + np.arange(some.sum())
    unknown["customer"][:] = -1
    unknown["login"][:] = False
    ordering["device"] = device[ordering["customer"]]
    parts = [ordering, browsing, unknown]
    sessions = {name: np.concatenate([part[name] for part in parts]) for name in browsing}
    sessions = _apart(sessions)
    sessions["channel"] = rng.choice(len(CHANNELS), len(sessions["at"]), p=CHANNEL_SHARES)
    events = _events(rng, sessions, lines, wish, products)
    counts = {"accepted": len(events["at"])}
    if first == 0:
        events = _with(events, _bot(rng, sessions, products))
        counts["bot"] = BOT_EVENTS
    events, dirt = _with_dirt(rng, events, counts["accepted"], first)
    order = np.lexsort((np.arange(len(events["at"])), events["session"], events["at"]))
    events = {name: values[order] for name, values in events.items()}
    truth = _truth(sessions, segment, shared, first)
    truth["events"] = counts | dirt
    return _table(events, first, size, file_format), truth


def _orders(rng, lines, first):
    """Sessions that end with an order: those of known customers, on the web and in the app."""
    usable = (
        (lines["kind"] == "O") & (lines["reason"] == "accepted") & (lines["customer"] >= 0)
        & (lines["channel"] < 2) & (lines["at"] >= FIRST_DAY * DAY)
    )  # fmt: skip
    order, line = np.unique(np.where(usable, lines["order"], -1), return_index=True)
    line = line[order >= 0]
    line = line[rng.random(len(line)) < TRACKED_SHARE]
    count = len(line)
    return {
        "customer": lines["customer"][line] - first,
        "device": np.zeros(count, np.int64),
        # A session is dated by its last event, which is the order.
        "at": lines["at"][line],
        "stage": np.full(count, 4),
        "line": line,
        "login": np.ones(count, bool),
    }


def _browsing(rng, segment, device):
    """Sessions without an order."""
    names = list(SEGMENTS)
    rate = np.array([BROWSING[name]["rate"] for name in names])[segment]
    cart = np.array([BROWSING[name]["cart"] for name in names])[segment]
    customer = np.repeat(np.arange(len(segment)), rng.poisson(rate))
    count = len(customer)
    day = rng.integers(FIRST_DAY, DAYS, count)
    has_cart = rng.random(count) < cart[customer]
    has_checkout = has_cart & (rng.random(count) < CHECKOUT_SHARE)
    # Some visit the front page only.
    looks = rng.random(count) < 0.85
    return {
        "customer": customer,
        "device": device[customer],
        "at": day * DAY + rng.integers(8 * 3600, 23 * 3600, count),
        "stage": np.where(has_checkout, 3, np.where(has_cart, 2, looks.astype(int))),
        "line": np.full(count, -1),
        "login": rng.random(count) < LOGIN_SHARE,
    }


def _apart(sessions):
    """Leave out sessions that follow another one on the device within three hours."""
    order = np.lexsort((sessions["at"], sessions["device"]))
    sessions = {name: values[order] for name, values in sessions.items()}
    same = np.diff(sessions["device"], prepend=-1) == 0
    near = np.diff(sessions["at"], prepend=-DAY) < 3 * 3600
    return {name: values[~(same & near)] for name, values in sessions.items()}


def _events(rng, sessions, lines, wish, products):
    """Lay out sessions: the front page, products, and a step for each stage that was reached."""
    count = len(sessions["at"])
    views = np.where(sessions["stage"] > 0, 1 + rng.poisson(0.8, count), 0)
    views = np.minimum(views, 5)
    length = 1 + views + np.maximum(sessions["stage"] - 1, 0)
    of = np.repeat(np.arange(count), length)
    place = np.arange(len(of)) - np.repeat(np.cumsum(length) - length, length)
    step = np.where(
        place == 0, PAGE, np.where(place <= views[of], VIEW, place - views[of] - 1 + CART)
    )
    # The last event is when the session is dated; at most four minutes lie between two.
    gap = rng.integers(5, 240, len(of))
    gap[place == 0] = 0
    before = np.cumsum(gap)
    last = np.repeat(before[np.cumsum(length) - 1], length)
    customer = sessions["customer"][of]
    # The wanted product last, so that it is the one in the cart.
    wanted = (place == views[of]) | (step > VIEW)
    wishes = rng.random(count) < WISH_SHARE
    own = np.where(wishes & (sessions["customer"] >= 0), wish[sessions["customer"]], -1)
    own = np.where(own < 0, rng.integers(0, products, count), own)
    own = np.where(sessions["line"] >= 0, lines["product"][sessions["line"]], own)
    product = np.where(wanted, own[of], rng.integers(0, products, len(of)))
    # Who orders logs in at the cart; others from the start, or not at all.
    named = sessions["login"][of] & ((sessions["stage"][of] < 4) | (step >= CART) & (step < PAGE))
    return {
        "customer": np.where(named, customer, -1),
        "device": sessions["device"][of],
        "at": sessions["at"][of] - (last - before),
        "type": step,
        "product": np.where((step == VIEW) | (step == CART), product, -1),
        "channel": np.where(place == 0, sessions["channel"][of], -1),
        "session": of,
        "bad_time": np.zeros(len(of), bool),
    }


def _bot(rng, sessions, products):
    """One device that opens a product a second."""
    at = (FIRST_DAY + 20) * DAY + 3 * 3600 + np.arange(BOT_EVENTS)
    missing = np.full(BOT_EVENTS, -1)
    device = sessions["device"].max(initial=0) + 1
    return {
        "customer": missing, "device": np.full(BOT_EVENTS, device), "at": at,
        "type": np.full(BOT_EVENTS, VIEW), "product": rng.integers(0, products, BOT_EVENTS),
        "channel": missing, "session": missing, "bad_time": np.zeros(BOT_EVENTS, bool),
    }  # fmt: skip


def _with_dirt(rng, events, count, first):
    """Add rows with one defect each, copied from events that count."""
    found = {}
    for reason, share in DIRT.items():
        number = min(max(int(round(share * count)), 0 if first else 3), count)
        copied = rng.choice(count, number, replace=False)
        dirt = {name: values[copied].copy() for name, values in events.items()}
        if reason == "missing_visitor":
            dirt["customer"][:] = dirt["device"][:] = -1
        elif reason == "invalid_timestamp":
            dirt["bad_time"][:] = True
        elif reason == "missing_type":
            dirt["type"][:] = -1
        elif reason == "future_date":
            dirt["at"] += 75 * 365 * DAY
        events = _with(events, dirt)
        found[reason] = number
    return events, found


def _with(events, more):
    return {name: np.concatenate([events[name], more[name]]) for name in events}


def _truth(sessions, segment, shared, first):
    """Count sessions by segment and stage; of shared devices it cannot be told whose they are."""
    names = [*SEGMENTS, "unknown"]
    place = np.where(sessions["customer"] < 0, len(SEGMENTS), segment[sessions["customer"]])
    by_segment = {
        name: {stage: int(((place == i) & (sessions["stage"] == s)).sum())
               for s, stage in enumerate(STAGES)}
        for i, name in enumerate(names)
    }  # fmt: skip
    channel = np.bincount(sessions["channel"], minlength=len(CHANNELS))
    return {
        "sessions": by_segment,
        "channels": dict(zip(CHANNELS.tolist(), channel.tolist(), strict=True)),
        "sharing_customers": [f"C{first + n}" for n in np.union1d(shared, shared - 1).tolist()],
    }


def add_up(truths: list[dict]) -> dict:
    """Return the truth about all chunks."""
    total = {"events": {}, "sessions": {}, "channels": {}, "sharing_customers": []}
    for truth in truths:
        for name in ("events", "channels"):
            for key, count in truth[name].items():
                total[name][key] = total[name].get(key, 0) + count
        for name, stages in truth["sessions"].items():
            found = total["sessions"].setdefault(name, dict.fromkeys(STAGES, 0))
            for stage, count in stages.items():
                found[stage] += count
        total["sharing_customers"] += truth["sharing_customers"]
    return total | {"browsing": BROWSING, "checkout_share": CHECKOUT_SHARE}


def _table(events, first, size, file_format):
    at = START + events["at"].astype("timedelta64[s]")
    if file_format == "parquet":
        times = pa.array(at, pa.timestamp("s"), mask=events["bad_time"]).cast(pa.timestamp("us"))
    else:
        texts = pc.strftime(pa.array(at), format="%Y-%m-%d %H:%M:%S")
        times = pc.if_else(pa.array(events["bad_time"]), "2025-13-45 10:00:00", texts)
    customer = np.where(events["customer"] < 0, -1, first + events["customer"])
    # Room for the devices of a chunk: two of each customer, and those of visitors without a name.
    device = np.where(events["device"] < 0, -1, 10 * first + events["device"])
    page = np.where(events["type"] == PAGE, "home", "")
    return pa.table(
        {
            "customer_id": ids("C", customer),
            "device_id": ids("D", device),
            "occurred_at": times,
            "event_type": pa.array(TYPES[events["type"]], mask=events["type"] < 0),
            "product_id": ids("P", events["product"]),
            "page": pa.array(page, mask=page == ""),
            "channel": pa.array(CHANNELS[events["channel"]], mask=events["channel"] < 0),
        }
    )
