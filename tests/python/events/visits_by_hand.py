"""Visits from a raw file of events, event by event in plain Python: no block, no SQL."""

import datetime
from collections import Counter, defaultdict

import pandas as pd
from conftest import PROJECT

SAMPLE = PROJECT / "seeds/sample/sample_events.csv"
STAGES = {"product": "view", "cart": "cart", "checkout": "checkout", "thanks": "order"}
SILENCE = datetime.timedelta(minutes=30)
EXTRACTED = datetime.datetime(2026, 1, 1)


def read(path=SAMPLE):
    """Return the raw events as dictionaries, empty cells None."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [{k: v or None for k, v in row.items()} for row in frame.to_dict("records")]


def outcomes(rows, as_of):
    """Return the events that count, with their time as `at`, and the number of each reason."""
    kept, seen, reasons = [], set(), Counter()
    end = datetime.datetime.combine(as_of, datetime.time()) + datetime.timedelta(days=1)
    for row in rows:
        at = pd.to_datetime(row["occurred_at"], errors="coerce")
        if not row["customer_id"] and not row["device_id"]:
            reasons["missing_visitor"] += 1
        elif pd.isna(at):
            reasons["invalid_timestamp"] += 1
        elif not row["event_type"]:
            reasons["missing_type"] += 1
        elif at >= EXTRACTED + datetime.timedelta(days=1):
            reasons["future_date"] += 1
        elif at >= end:
            reasons["after_as_of_date"] += 1
        elif tuple(row.values()) in seen:
            reasons["duplicate"] += 1
        else:
            seen.add(tuple(row.values()))
            kept.append(row | {"at": at.to_pydatetime()})
    return kept, reasons


def sessions(events):
    """Return the sessions of events, those of bots left out, and the number of bots' events."""
    by_visitor = defaultdict(list)
    for event in events:
        known = "device" if event["device_id"] else "customer"
        by_visitor[known, event[f"{known}_id"]].append(event)
    found, of_bots = [], 0
    for visitor in by_visitor.values():
        # Of events at one time, one with a channel is first; by the alphabet of several.
        visitor.sort(key=lambda e: (e["at"], e["channel"] is None, e["channel"] or ""))
        parts, previous = [], None
        for event in visitor:
            if previous is None or event["at"] - previous > SILENCE:
                parts.append([])
            parts[-1].append(event)
            previous = event["at"]
        people = []
        for part in parts:
            minutes = int((part[-1]["at"].replace(second=0) - part[0]["at"].replace(second=0))
                          .total_seconds() // 60) + 1  # fmt: skip
            is_bot = len(part) > 500 or len(part) > 60 * minutes
            people.append((sorted({e["customer_id"] for e in part if e["customer_id"]}), is_bot))
        for number, part in enumerate(parts):
            names, is_bot = people[number]
            if is_bot:
                of_bots += len(part)
                continue
            customer = names[0] if len(names) == 1 else None
            if not names:
                single = [(i, n[0]) for i, (n, bot) in enumerate(people) if len(n) == 1 and not bot]
                before = [name for i, name in single if i < number]
                after = [name for i, name in single if i > number]
                customer = before[-1] if before else after[0] if after else None
            count = Counter(STAGES.get(e["event_type"]) for e in part)
            found.append(
                {
                    "customer_id": customer, "is_logged_in": len(names) == 1,
                    "started_at": part[0]["at"], "ended_at": part[-1]["at"],
                    "channel": part[0]["channel"] or "unknown", "events": part,
                    "session_event_count": len(part),
                    **{f"session_{s}_count": count[s] for s in STAGES.values()},
                }
            )  # fmt: skip
    return found, of_bots


def looks(found, orders, as_of, days=90):
    """Return, by customer, {product: (sessions that looked at it, whether bought since)}."""
    first = datetime.datetime.combine(as_of, datetime.time()) - datetime.timedelta(days=days - 1)
    seen = defaultdict(lambda: defaultdict(list))
    for session in found:
        for product in {
            e["product_id"] for e in session["events"]
            if e["product_id"] and e["event_type"] in ("product", "cart") and e["at"] >= first
        }:  # fmt: skip
            start = min(e["at"] for e in session["events"] if e["product_id"] == product)
            if session["customer_id"]:
                seen[session["customer_id"]][product].append(start.date())
    bought = defaultdict(list)
    for customer, product, day in orders:
        bought[customer, product].append(day)
    return {
        customer: {
            product: (len(days), any(day >= min(days) for day in bought[customer, product]))
            for product, days in products.items()
        }
        for customer, products in seen.items()
    }
