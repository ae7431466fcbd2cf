"""Visits of the bundled sample: against the planted truth, and against plain Python."""

import csv
import datetime
import json
from collections import Counter

import pytest
import visits_by_hand as by_hand
from conftest import NO_TESTS, PROJECT

AS_OF = datetime.date(2025, 12, 31)
TRUTH = PROJECT / "tests/python/sample_truth"
COUNTS = [f"session_{name}_count" for name in ("event", "view", "cart", "checkout", "order")]
COMPARED = ["customer_id", "is_logged_in", "started_at", "ended_at", "channel", *COUNTS]


@pytest.fixture(scope="module")
def truth():
    return json.loads((TRUTH / "events.json").read_text())


@pytest.fixture(scope="module")
def found():
    """The sessions of the raw file by hand."""
    kept, _ = by_hand.outcomes(by_hand.read(), AS_OF)
    return by_hand.sessions(kept)[0]


def as_rows(sessions):
    return sorted(tuple(str(session[name]) for name in COMPARED) for session in sessions)


def of_mart(warehouse):
    rows = warehouse.query(f"select {', '.join(COMPARED)} from marts.fct_sessions")
    return [dict(zip(COMPARED, row, strict=True)) for row in rows]


def test_every_raw_event_has_the_planted_outcome(sample, truth):
    rows = sample.query("select reason, event_count from marts.rpt_event_quality")
    assert {reason: count for reason, count in rows if count} == truth["events"]
    assert sum(count for _, count in rows) == len(by_hand.read())


def test_sessions_are_those_of_plain_python(sample, found):
    assert as_rows(of_mart(sample)) == as_rows(found)
    assert len(found) > 2_000


def test_the_planted_visits_are_found_at_their_stage_and_channel(sample, truth):
    planted = Counter()
    for stages in truth["sessions"].values():
        planted.update(stages)
    stages = sample.query("select furthest_stage, count(*) from marts.fct_sessions group by 1")
    assert dict(stages) == planted
    channels = sample.query("select channel, count(*) from marts.fct_sessions group by 1")
    assert dict(channels) == truth["channels"]


def test_orders_are_the_planted_customers_and_carts_have_the_planted_share(sample, truth):
    with open(TRUTH / "customers.csv") as file:
        segment = {row["customer_id"]: row["segment"] for row in csv.DictReader(file)}
    sharing = set(truth["sharing_customers"])
    orders, left, browsed = Counter(), Counter(), Counter()
    for customer, has_order, has_cart_left, is_logged_in in sample.query(
        "select customer_id, has_order, has_cart_left, is_logged_in from marts.fct_sessions"
    ):
        orders[segment.get(customer)] += has_order
        if not has_order and is_logged_in and customer not in sharing:
            browsed[segment[customer]] += 1
            left[segment[customer]] += has_cart_left
    for name, planted in truth["browsing"].items():
        assert orders[name] == truth["sessions"][name]["order"]
        share, of = planted["cart"], browsed[name]
        error = (share * (1 - share) / of) ** 0.5
        assert of > 50 and left[name] / of == pytest.approx(share, abs=3 * error)


def test_devices_of_one_customer_are_joined_to_the_customer(sample, found, truth):
    """Of a session without a login it is said whose it is if the device ever had a login."""
    owners = {}
    for session in found:
        for event in session["events"]:
            if event["customer_id"] and event["device_id"]:
                owners.setdefault(event["device_id"], set()).add(event["customer_id"])
    by_device = Counter()
    for session in found:
        device = session["events"][0]["device_id"]
        if len(owners.get(device, ())) == 1 and not session["is_logged_in"]:
            assert session["customer_id"] in owners[device]
            by_device[session["customer_id"]] += 1
    rows = sample.query(
        "select customer_id, count(*) from marts.fct_sessions "
        "where customer_id is not null and not is_logged_in group by 1"
    )
    sharing = set(truth["sharing_customers"])
    assert {c: n for c, n in rows if c not in sharing} == {
        c: n for c, n in by_device.items() if c not in sharing
    }
    assert sum(by_device.values()) > 200


def test_funnels_are_distinct_customers_and_all_sessions(sample):
    sessions = sample.frame(
        """
        select sessions.*, date_trunc('week', session_date)::date as week,
            coalesce(segment_name, if(sessions.customer_id is null, 'unknown visitor',
                'no purchase')) as segment
        from marts.fct_sessions as sessions
        left join marts.dim_customers as customers on sessions.customer_id = customers.customer_id
        """
    )
    stages = ["visit", "view", "cart", "checkout", "order"]
    sessions["reached"] = sessions["furthest_stage"].map(stages.index)
    recent = sessions[sessions["session_date"].dt.date > AS_OF - datetime.timedelta(days=90)]
    periods = [("recent", AS_OF - datetime.timedelta(days=89), recent)]
    periods += [("week", week.date(), part) for week, part in sessions.groupby("week")]
    expected = {}
    for period, start, part in periods:
        groups = [("all", "all", part)]
        groups += [("segment", name, rows) for name, rows in part.groupby("segment")]
        groups += [("channel", name, rows) for name, rows in part.groupby("channel")]
        for breakdown, name, rows in groups:
            for number, stage in enumerate(stages):
                reached = rows[rows["reached"] >= number]
                expected[period, start, breakdown, name, stage] = (
                    len(reached), reached["customer_id"].nunique(),
                    pytest.approx(len(reached) / len(rows)),
                )  # fmt: skip
    rows = sample.query(
        "select period, start_date, breakdown, group_name, funnel_stage, funnel_session_count, "
        "funnel_customer_count, session_share from marts.fct_funnels"
    )
    assert {row[:5]: row[5:] for row in rows} == expected
    # Events begin on a Saturday and end on a Wednesday.
    complete = sample.query("select distinct start_date from marts.fct_funnels where is_complete")
    days = [datetime.date(2025, 11, 3) + datetime.timedelta(days=7 * i) for i in range(8)]
    assert sorted(day for (day,) in complete) == days


def test_what_customers_looked_at_and_did_not_buy(sample, found):
    orders = sample.query(
        "select customer_id, product_id, order_date from marts.fct_order_lines "
        "where not is_return and line_net_amount > 0 and customer_id is not null"
    )
    expected = {}
    for customer, products in by_hand.looks(found, orders, AS_OF).items():
        left = [count for count, is_bought in products.values() if not is_bought]
        expected[customer] = (len(products), len(left), sum(count > 1 for count in left))
    rows = sample.query(
        "select customer_id, looked_product_count, looked_not_bought_count, looked_twice_count "
        "from marts.fct_customer_visits where looked_product_count > 0"
    )
    assert {row[0]: row[1:] for row in rows} == expected
    assert sum(twice for _, _, twice in expected.values()) > 20


def test_customers_visits_are_counted(sample, found):
    visits, left, last = Counter(), Counter(), {}
    for session in found:
        customer = session["customer_id"]
        visits[customer] += 1
        begun = session["session_cart_count"] + session["session_checkout_count"]
        left[customer] += begun > 0 and session["session_order_count"] == 0
        last[customer] = max(last.get(customer, AS_OF.min), session["started_at"].date())
    rows = sample.query(
        "select customer_id, visit_count, cart_left_count, days_since_visit "
        "from marts.fct_customer_visits"
    )
    assert {row[0]: row[1:] for row in rows} == {
        customer: (visits[customer], left[customer], (AS_OF - last[customer]).days)
        for customer in visits
        if customer
    }


def test_touches_are_the_first_and_last_visit_before_each_order(sample, found):
    by_customer = {}
    for session in found:
        by_customer.setdefault(session["customer_id"], []).append(session)
    first = min(session["started_at"].date() for session in found)
    expected = {}
    for order, customer, at, day in sample.query(
        "select order_id, customer_id, ordered_at, order_date from marts.fct_orders "
        "where is_purchase and customer_id is not null"
    ):
        near = sorted(
            (session["started_at"], session["channel"])
            for session in by_customer.get(customer, [])
            if session["started_at"] <= at <= session["started_at"] + datetime.timedelta(days=30)
        )
        if day >= first:
            expected[order] = (len(near), *((near[0][1], near[-1][1]) if near else (None, None)))
    rows = sample.query(
        "select order_id, touch_count, first_channel, last_channel from marts.fct_order_touches"
    )
    assert {row[0]: row[1:] for row in rows} == expected
    assert sum(row[1] > 1 for row in rows) > 100


def test_what_happens_after_the_as_of_date_is_not_known(sample_copy):
    day = datetime.date(2025, 11, 25)
    sample_copy.dbt(
        "build", *NO_TESTS, "--vars", json.dumps({"as_of_date": str(day)}), "--select",
        "int_as_of_dates", "int_event_blocks", "int_sessions", "fct_sessions",
        "rpt_event_quality", "int_customer_looks", "feat_customer_visits",
    )  # fmt: skip
    assert sample_copy.exit_code == 0, sample_copy.output[-3000:]
    kept, reasons = by_hand.outcomes(by_hand.read(), day)
    sessions, _ = by_hand.sessions(kept)
    assert as_rows(of_mart(sample_copy)) == as_rows(sessions)
    assert reasons["after_as_of_date"] > 1_000
    assert sample_copy.query(
        "select event_count from marts.rpt_event_quality where reason = 'after_as_of_date'"
    ) == [(reasons["after_as_of_date"],)]
    assert sample_copy.query("select max(last_visit_date) from marts.fct_customer_visits") == [
        (day,)
    ]
