"""Pages of steady shops raise at most one false alarm a quarter; what changed by much is found."""

import datetime

import numpy as np
import pytest

from clientele.brief import judging
from clientele.brief.changes import changes
from clientele.brief.panels import Calendar, Group, Panel

QUARTER = 13
# Kind of shop: orders a week, weeks of history, how lively it is.
SHOPS = {
    "small, quiet": (120, 60, False),
    "small, lively, one year": (150, 52, True),
    "large, quiet, two years": (1500, 112, False),
    "large, lively, two years": (1500, 112, True),
}


def counted(rng, expected, spread):
    """Counts of this mean whose variance is ``1 + spread`` times that of Poisson."""
    return rng.poisson(rng.gamma(expected / spread, spread) if spread else expected).astype(float)


def simulated(rng, orders, weeks, *, lively):
    """A panel of a shop in which nothing changes, newest week first.

    A lively shop grows, has a season, good and bad weeks, promotions, and orders in clusters.
    """
    spread = 1.0 if lively else 0.0
    week = np.arange(weeks)[::-1]
    common = np.full(weeks, float(orders))
    if lively:
        common *= 1.003**week * (1 + 0.2 * np.sin(2 * np.pi * week / 52))
        common *= np.exp(rng.normal(0, 0.05, weeks))

    def group(shares, worth=30.0, columns=common):
        counts = counted(rng, np.asarray(shares)[:, None] * columns, spread)
        value = worth * np.exp(rng.normal(0, 0.6 / np.sqrt(np.maximum(counts, 1))))
        names = [f"g{number}" for number in range(len(shares))]
        return Group(names, counts, counts * value, counts.copy())

    state = group([0.55, 0.2, 0.12, 0.08, 0.05])
    state.names = ["active", "new", "lapsing", "lapsed", "guest"]
    total = state.orders.sum(axis=0)
    # Order values have a heavy tail, so the mean of a few varies much.
    value = np.array([np.exp(rng.normal(3, 1.1, int(n))).mean() for n in total])
    products = group(rng.dirichlet(np.full(40, 2)) * 2)
    promoted = rng.random((40, weeks)) < (0.08 if lively else 0.0)
    price = np.exp(rng.normal(0, 0.02, (40, weeks)))
    products.units = products.orders * 2
    products.sales = products.units * 10 * np.where(promoted, 0.8, 1) * price
    groups = {
        "state": state,
        "country": group(rng.dirichlet(np.full(6, 2))),
        "channel": group([0.7, 0.3]),
        "category": group(rng.dirichlet(np.full(8, 2)) * 1.5),
        "product_id": products,
        "returns": group([0.06]),
    }
    days = common[[0, 12, 13, 25, 26]]
    segments = {}
    for name, count in (("behaviour", 6), ("rfm", 11)):
        segments[name] = group(rng.dirichlet(np.full(count, 3)), columns=days)
        segments[name].members = np.full((count, 5), 500.0)
        segments[name].ages = 7.0 * np.array([0, 11, 12, 24, 25])
    sales = (total * value)[None, :]
    whole = Group(["all"], total[None, :], sales, total[None, :].copy())
    calendar = Calendar(datetime.date(2025, 6, 1), 7, weeks)
    return Panel(calendar, whole, 0.05 * sales[0] * np.exp(rng.normal(0, 0.1, weeks)),
                 groups, segments)  # fmt: skip


def back(panel, weeks):
    """The panel as it was so many weeks ago."""

    def cut(group):
        return Group(
            group.names,
            *(
                None if table is None else table[:, weeks:]
                for table in (group.orders, group.sales, group.customers, group.units)
            ),
            labels=group.labels,
        )

    calendar = Calendar(panel.calendar.as_of, 7, panel.calendar.periods - weeks)
    groups = {name: cut(group) for name, group in panel.groups.items()}
    return Panel(calendar, cut(panel.total), panel.discount[weeks:], groups, panel.segments)


@pytest.mark.parametrize("kind", SHOPS)
def test_steady_shops_raise_at_most_one_false_alarm_a_quarter(kind):
    orders, weeks, lively = SHOPS[kind]
    rng = np.random.default_rng(7)
    quarters, alarms = 16, 0
    for _ in range(quarters):
        panel = simulated(rng, orders, weeks + QUARTER, lively=lively)
        for week in range(QUARTER):
            # New segments each week, because their few days are drawn once for a panel.
            page = back(panel, week)
            page.segments = simulated(rng, orders, 30, lively=lively).segments
            alarms += len(changes(page, min_cell=5))
    assert alarms / quarters <= 1


def planted(rng, plant):
    panel = simulated(rng, 1500, 112, lively=True)
    plant(panel)
    return [(change.kind, change.dimension, change.label, change.is_up) for change in
            changes(panel, min_cell=5)]  # fmt: skip


def a_segment_loses_30_percent(panel):
    group = panel.segments["behaviour"]
    largest = int(np.argmax(group.orders[:, 1]))
    group.names[largest] = "the one"
    group.orders[largest, 0] = round(0.7 * group.orders[largest, 1:].mean())
    group.sales[largest, 0] *= 0.7


def prices_rise(panel):
    panel.groups["product_id"].sales[:, 0] *= 1.15


def returns_double(panel):
    panel.groups["returns"].orders[:, 0] *= 2


def new_customers_halve(panel):
    state = panel.groups["state"]
    state.orders[1, 0] = round(state.orders[1, 0] / 2)


def a_country_halves(panel):
    country = panel.groups["country"]
    largest = int(np.argmax(country.orders[:, 1]))
    country.names[largest] = "DE"
    lost = country.orders[largest, 0] - round(country.orders[largest, 0] / 2)
    country.orders[largest, 0] -= lost
    panel.total.orders[0, 0] -= lost


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (a_segment_loses_30_percent, ("group", "behaviour", "the one", False)),
        (prices_rise, ("price", "all", "all", True)),
        (returns_double, ("returns", "all", "g0", True)),
        (new_customers_halve, ("new", "all", "new", False)),
        (a_country_halves, ("group", "country", "DE", False)),
    ],
)
def test_planted_changes_are_found_and_named(plant, expected):
    found = [planted(np.random.default_rng(seed), plant) for seed in range(10)]
    assert sum(expected in page for page in found) >= 8


def test_the_season_of_last_year_is_no_change():
    """A December of double sales is news in the first year only."""
    rng = np.random.default_rng(3)
    week = np.arange(140)[::-1]
    december = np.where((week % 52 >= 5) & (week % 52 <= 8), np.log(2), 0.0)
    logs = np.log(1000) + december + rng.normal(0, 0.03, 140)
    # The first week of a December, newest first.
    logs = logs[None, int(np.argmax(week == 109)) :]
    assert judging.judge(logs[:, :48], season=52).p[0] < 1e-4
    judged = judging.judge(logs, season=52)
    assert judged.seasonal[0] and judged.p[0] > 0.01


def test_without_history_nothing_is_judged():
    logs = np.log(np.arange(10.0, 25))[None, :]
    assert np.isnan(judging.judge(logs[:, :8]).p[0])
    assert np.isnan(judging.judge(logs).p[0])


def test_one_group_that_falls_does_not_make_the_others_rise():
    rng = np.random.default_rng(5)
    counts = rng.poisson(np.array([400.0, 300, 300])[:, None], (3, 60)).astype(float)
    counts[0, 0] = 200
    limit = 1e-3
    found, _ = judging.shares(counts, counts.sum(axis=0), limit=limit)
    assert (found.p < limit).tolist() == [True, False, False]
    alone, _ = judging.shares(counts, counts.sum(axis=0), limit=0)
    assert (alone.p < limit).sum() > 1


def test_of_two_groups_the_one_that_moved_is_named():
    rng = np.random.default_rng(6)
    counts = rng.poisson(np.array([600.0, 400])[:, None], (2, 60)).astype(float)
    counts[1, 0] = 200
    found, _ = judging.shares(counts, counts.sum(axis=0), limit=1e-3)
    assert (found.p < 1e-3).tolist() == [False, True]
