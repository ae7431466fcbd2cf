"""However a history arrives, continued builds end in the tables of one whole build."""

import dataclasses
import os

import pytest
from histories import LAST_AS_OF, LAST_BUILD, LAST_EXTRACT, Orders, Round, histories, literal
from hypothesis import HealthCheck, given, settings

# `CLIENTELE_HISTORIES=1000` follows more of them, others each time.
HISTORIES = int(os.environ.get("CLIENTELE_HISTORIES", "200"))


@pytest.fixture(scope="module")
def orders(new_warehouse):
    return Orders.of_a_shop(new_warehouse("continued_builds"))


def difference(orders, rounds):
    """Follow the rounds, then build the last one as a whole; return the tables that differ."""
    with orders.connection() as followed, orders.connection() as whole:
        for number, state in enumerate(rounds):
            orders.build(followed, state, number=number)
        dataclasses.replace(orders, faults={}).build(whole, rounds[-1], number=0, continued=False)
        here, there = orders.rows(followed), orders.rows(whole)
    return [name for name in here if here[name] != there[name]]


@pytest.fixture(scope="module")
def persons(new_warehouse):
    """The same shop, whose customers and guests are matched by their e-mail."""
    return Orders.of_a_shop(new_warehouse("continued_persons"), identities={"email": "email"})


@pytest.mark.parametrize("shop", ["orders", "persons"])
def test_any_history_ends_in_the_tables_of_one_whole_build(shop, request):
    orders = request.getfixturevalue(shop)

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        database=None,
        derandomize=HISTORIES == 200,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(histories())
    def follow(rounds):
        assert difference(orders, rounds) == []

    follow()


def line(order, customer, day, quantity=1, *, product="mug", price="5", discount=None, email=None):
    moment = f"timestamp '2024-01-01 09:00:00' + interval {day} day"
    values = [order, customer, product, moment, str(quantity), price, discount, email]
    names = ["order_id", "customer_id", "product_id", "", "", "", "", "match_email"]
    return tuple(literal(name, value) for name, value in zip(names, values, strict=True))


FIRST, SECOND = line("1", "a", 2), line("2", "a", 5)
# Customer c returns what c bought on order 3, which is customer a's, so that nothing is left of it.
SHARED = [line("3", "a", 1, product="cup", price="1", discount="1"), line("3", "c", 1), SECOND]
LATE = Round([FIRST, line("2", "a", 40)], as_of_date="2024-02-20")

# What continuing a build could forget: the text of compiled SQL, what it would be then, and a
# history that shows it.
FORGOTTEN = {
    "new orders": (
        "when last_orders.order_id is null then 'new'", "",
        [Round([SECOND]), Round([FIRST, SECOND])]
    ),
    "vanished orders": (
        "when orders.order_id is null then 'vanished'", "",
        [Round([FIRST, SECOND]), Round([SECOND])]
    ),
    "other content": (
        "orders.content_hash <> last_orders.content_hash", "false",
        [Round([FIRST]), Round([line("1", "a", 2, 3)])],
    ),
    "a column of the content": (
        ", discount_amount, ", ", ", [Round([FIRST]), Round([line("1", "a", 2, discount="1")])]
    ),
    "lines that the day releases": (
        "when orders.last_date > settled.settled_date", "when false",
        [Round([FIRST, SECOND], as_of_date="2024-01-04"), Round([FIRST, SECOND])],
    ),
    "the day of the last build": (
        f"cast('{LAST_AS_OF}' as date)", "as_of_date",
        [Round([FIRST, SECOND], as_of_date="2024-01-04"), Round([FIRST, SECOND])],
    ),
    "the extract of the last build": (
        f"cast('{LAST_EXTRACT}' as date)", "as_of_date",
        [dataclasses.replace(LATE, extract_date="2024-01-20"), LATE],
    ),
    "what a killed build found": (
        f"since_build_id = '{LAST_BUILD}'", "false",
        [Round([FIRST]), Round([line("1", "a", 2, 3)], killed_after=8), Round([FIRST])],
    ),
    "customers who share an order": (
        "where orders.customer_id <> ''", "where false",
        [Round(SHARED), Round([*SHARED, line("C1", "c", 3, -1)])],
    ),
    "other orders of customers": (
        "on orders.customer_id = touched_customers.customer_id", "on false",
        [Round([FIRST, SECOND]), Round([SECOND])],
    ),
    "returns that are no more": (
        "where customer_id in (select customer_id",
        "where false and customer_id in (select customer_id",
        [Round([FIRST, line("C1", "a", 3, -1), SECOND]), Round([FIRST, SECOND])],
    ),
    "guests' orders": (
        "customer_id is null or ", "", [Round([line("1", None, 2)]), Round([line("1", None, 2, 3)])]
    ),
    "lines without an order": (
        "coalesce(order_id, '') in", "order_id in",
        [Round([FIRST, line(None, "a", 2)]), Round([FIRST])]
    ),
}  # fmt: skip


def test_a_customer_whose_person_changes_is_touched(persons):
    """The old lines of b are those of a since a guest's order has connected them."""
    old, theirs = line("1", "a", 2, email="x@shop.org"), line("2", "b", 5, email="y@shop.org")
    both = [line("4", "b", 9, email="x@shop.org")]
    rounds = [Round([old, theirs]), Round([old, theirs, *both]), Round([old, theirs])]
    assert difference(persons, rounds[:2]) == [] and difference(persons, rounds) == []
    with persons.connection() as built:
        found = []
        for number, state in enumerate(rounds):
            persons.build(built, state, number=number)
            found.append(dict(built.execute(
                "select order_id, customer_id from intermediate.int_orders"
            ).fetchall()))  # fmt: skip
    assert found == [{"1": "a", "2": "b"}, {"1": "a", "2": "a", "4": "a"}, {"1": "a", "2": "b"}]


@pytest.mark.parametrize("forgotten", FORGOTTEN)
def test_nothing_may_be_forgotten(orders, forgotten):
    old, new, rounds = FORGOTTEN[forgotten]
    texts = [*orders.code[True, False].values(), *orders.deletes.values()]
    assert any(old in text for text in texts), f"no SQL has the text of {forgotten}"
    faulty = dataclasses.replace(orders, faults={forgotten: (old, new)})
    assert difference(orders, rounds) == []
    assert difference(faulty, rounds) != []
