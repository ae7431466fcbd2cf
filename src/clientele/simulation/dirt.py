"""Returns, and lines that have one defect each, of known counts."""

import numpy as np

from clientele.simulation.files import NULL
from clientele.simulation.shop import DAY, DAYS

# Lines of each defect per clean line; at least one of each in the first chunk.
DIRT = {
    "missing_order_id": 0.0002,
    # Guests' lines without a product key, which count like any other.
    "accepted": 0.0003,
    "invalid_timestamp": 0.0004,
    "invalid_quantity": 0.0003,
    "invalid_price": 0.0002,
    "duplicate": 0.0050,
    "future_date": 0.0002,
    "unknown_currency": 0.0004,
    "test_row": 0.0002,
    "adjustment": 0.0001,
    "non_product": 0.0080,
    "negative_price": 0.0001,
    "zero_price": 0.0010,
}
REVERSALS_PER_LINE = 0.00005
RETURN_SHARE = 0.025
UNMATCHED_SHARE = 0.0005
FEES = np.array(["POST", "DOT", "M", "BANK CHARGES"])


def with_dirt(chunk, clean):
    """Add returns, and extra lines that have one defect each."""
    rng, count = chunk.rng, len(clean["order"])
    returns = _returns(chunk, clean)
    unmatched = _unbought(chunk, clean, _number(chunk, UNMATCHED_SHARE, count), "R", -1)
    chunk.counts = {
        "matched_return_lines": len(returns["order"]),
        "unmatched_return_lines": len(unmatched["order"]),
        "guest_lines": int((clean["customer"] < 0).sum()),
    }
    parts = [clean, returns, unmatched, *_reversal(chunk, clean, count)]
    for reason, share in DIRT.items():
        copied = rng.choice(count, min(_number(chunk, share, count), count), replace=False)
        dirt = {name: values[copied].copy() for name, values in clean.items()}
        dirt["reason"][:] = reason
        if reason != "duplicate":
            # In a separate order, so that nothing connects it with a clean line.
            dirt["order"] = chunk.new_orders(len(copied))
        if reason == "missing_order_id":
            dirt["order"][:] = -1
        elif reason == "accepted":
            dirt["product"][:] = -1
            dirt["customer"][:] = -1
            chunk.counts["guest_lines"] += len(copied)
            chunk.counts["lines_without_product"] = len(copied)
        elif reason == "invalid_timestamp":
            dirt["bad_time"][:] = True
        elif reason == "invalid_quantity":
            dirt["quantity"] = np.where(rng.random(len(copied)) < 0.5, 0, NULL)
        elif reason == "invalid_price":
            dirt["price"][:] = NULL
        elif reason == "future_date":
            dirt["at"] += 75 * 365 * DAY
        elif reason == "unknown_currency":
            dirt["currency"][:] = "XXX"
        elif reason == "test_row":
            dirt["code"][:] = "TEST001"
        elif reason == "adjustment":
            dirt["kind"][:] = "A"
            dirt["code"][:] = "B"
            dirt["customer"][:] = -1
            dirt["quantity"][:] = 1
            dirt["price"] *= -1
        elif reason == "non_product":
            dirt["code"] = rng.choice(FEES, len(copied))
            dirt["quantity"][:] = 1
            dirt["price"][:] = 495
        elif reason == "negative_price":
            dirt["price"] *= -1
        elif reason == "zero_price":
            dirt["price"][:] = 0
        if reason != "duplicate":
            dirt["discount"][:] = 0
        parts.append(dirt)
    return {name: np.concatenate([part[name] for part in parts]) for name in clean}


def _returns(chunk, clean):
    """Return some lines, completely or in part, up to 30 days later.

    Only products that the customer bought once are returned, so that each return has one
    possible purchase.
    """
    rng = chunk.rng
    pair = clean["customer"] * len(chunk.catalogue["pence"]) + clean["product"]
    _, where, times = np.unique(pair, return_index=True, return_counts=True)
    once = where[(times == 1) & (clean["customer"][where] >= 0)]
    # Higher than the share of all lines, because only these lines can be returned.
    chosen = np.sort(once[rng.random(len(once)) < RETURN_SHARE * len(pair) / max(len(once), 1)])
    back = {name: values[chosen].copy() for name, values in clean.items()}
    back["at"] += rng.integers(DAY, 30 * DAY, len(chosen))
    in_time = back["at"] < DAYS * DAY
    back = {name: values[in_time] for name, values in back.items()}
    bought = back["quantity"]
    part = rng.integers(1, bought + 1)
    given_back = np.where(rng.random(len(bought)) < 0.7, bought, part)
    back["discount"] = -np.round(back["discount"] * given_back / bought).astype(np.int64)
    back["quantity"] = -given_back
    back["kind"][:] = "R"
    back["order"] = chunk.new_orders(len(bought))
    back["promotion"][:] = -1
    return back


def _unbought(chunk, clean, number, kind, quantity):
    """Lines of customers with products that they never bought."""
    rng, products = chunk.rng, len(chunk.catalogue["pence"])
    copied = rng.choice(len(clean["order"]), number)
    copied = copied[clean["customer"][copied] >= 0]
    lines = {name: values[copied].copy() for name, values in clean.items()}
    lines["product"] = rng.integers(0, products, len(copied))
    bought = clean["customer"] * products + clean["product"]
    chosen = lines["customer"] * products + lines["product"]
    _, earliest = np.unique(chosen, return_index=True)
    keep = np.sort(earliest[~np.isin(chosen[earliest], bought)])
    lines = {name: values[keep] for name, values in lines.items()}
    lines["price"] = chunk.catalogue["pence"][lines["product"]]
    lines["quantity"][:] = quantity
    lines["discount"][:] = 0
    lines["promotion"][:] = -1
    lines["kind"][:] = kind
    lines["order"] = chunk.new_orders(len(keep))
    return lines


def _reversal(chunk, clean, count):
    """An absurd quantity that is bought, and completely cancelled within two days."""
    bought = _unbought(chunk, clean, _number(chunk, REVERSALS_PER_LINE, count), "O", 12_000)
    early = bought["at"] < (DAYS - 3) * DAY
    bought = {name: values[early] for name, values in bought.items()}
    bought["reason"][:] = "reversed_purchase"
    undone = {name: values.copy() for name, values in bought.items()}
    undone["at"] += chunk.rng.integers(600, 2 * DAY, len(undone["at"]))
    undone["quantity"] *= -1
    undone["kind"][:] = "R"
    undone["order"] = chunk.new_orders(len(undone["order"]))
    return bought, undone


def _number(chunk, share, count):
    """Return the number of lines for a share of ``count``; in the first chunk at least a few."""
    return max(int(round(share * count)), 0 if chunk.first else 3)
