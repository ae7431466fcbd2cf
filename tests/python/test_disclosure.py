"""Small groups of customers stay hidden, also from readers who add and subtract."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from clientele.dashboard.tables import ALL, OVER_PLACES, Page
from clientele.disclosure import small_cells


def hidden_rows(rows, **options):
    frame = pd.DataFrame(rows)
    return list(small_cells(frame, "customer_count", 5, **options))


def test_a_cell_of_too_few_is_hidden_and_one_of_nobody_or_enough_is_not():
    rows = [{"customer_count": n} for n in (0, 1, 4, 5, None)]
    assert hidden_rows(rows) == [False, True, True, False, False]


def test_what_a_sum_would_tell_is_hidden_too():
    rows = [{"group": "a", "customer_count": n} for n in (9, 3, 7, 0)]
    rows += [{"group": "b", "customer_count": n} for n in (9, 4, 3)]
    # In `a` the sum less the rest would be 3, so the 7 goes too; in `b` the two are 7 together.
    assert hidden_rows(rows, margins=[["group"]]) == [
        False, True, True, False, False, True, True,
    ]  # fmt: skip


def test_parts_of_a_hidden_total_are_hidden_and_totals_are_no_parts():
    rows = [
        {"place": ALL, "group": "a", "customer_count": 12},
        {"place": ALL, "group": "b", "customer_count": 3},
        {"place": ALL, "group": "c", "customer_count": 40},
        {"place": "GB", "group": "a", "customer_count": 6},
        {"place": "IE", "group": "a", "customer_count": 6},
        {"place": "IE", "group": "b", "customer_count": 3},
        {"place": "GB", "group": "c", "customer_count": 38},
        {"place": "IE", "group": "c", "customer_count": 2},
    ]
    # b is hidden, so of all countries a is too, or b would be the difference; so are a's parts.
    # IE's c of 2 takes GB's with it, or all less GB would tell it. All of c may be told.
    options = {"margins": [["place"]], "total": ("place", ALL), "cell": ["group"]}
    assert hidden_rows(rows, **options) == [True, True, False, True, True, True, True, True]
    # A total without parts is a row like any other.
    alone = [
        {"place": ALL, "group": group, "customer_count": n}
        for group, n in zip("abcd", (3, 9, 40, 50), strict=True)
    ]
    assert hidden_rows(alone, **options) == [True, True, False, False]


def test_the_least_is_hidden():
    # One small cell in each of two rows. Smallest neighbours first would hide three more cells in
    # three columns; the two corners of the square with both small cells cost less together.
    square = [[3, 30, 20], [30, 3, 25], [21, 26, 900]]
    rows = [
        {"row": r, "column": c, "customer_count": count}
        for r, line in enumerate(square)
        for c, count in enumerate(line)
    ]
    hidden = np.array(hidden_rows(rows, margins=[["row"], ["column"]])).reshape(3, 3)
    assert hidden.tolist() == [[True, True, False], [True, True, False], [False, False, False]]


def test_a_total_of_one_part_is_hidden_with_it():
    rows = [
        {"place": ALL, "group": "a", "customer_count": 20},
        {"place": ALL, "group": "b", "customer_count": 43},
        {"place": ALL, "group": "c", "customer_count": 60},
        {"place": "GB", "group": "a", "customer_count": 20},
        {"place": "GB", "group": "b", "customer_count": 3},
        {"place": "IE", "group": "b", "customer_count": 40},
        {"place": "IE", "group": "c", "customer_count": 60},
    ]
    # GB's b takes its a along, which all of a would tell: there is no one else in it.
    options = {"margins": [["place"]], "total": ("place", ALL), "cell": ["group"]}
    assert hidden_rows(rows, **options)[0]


def test_a_total_of_just_enough_is_hidden_if_its_parts_are_not_enough():
    rows = [
        {"place": ALL, "group": "a", "customer_count": 5},
        {"place": "GB", "group": "a", "customer_count": 4},
        {"place": "IE", "group": "a", "customer_count": 1},
    ]
    # A reader who sees the 5 knows that both parts are below 5.
    assert all(hidden_rows(rows, total=("place", ALL), cell=["group"]))
    rows[0]["customer_count"], rows[1]["customer_count"] = 8, 4
    rows[2]["customer_count"] = 4
    assert hidden_rows(rows, total=("place", ALL), cell=["group"]) == [False, True, True]


def test_hidden_rows_that_can_only_be_ones_are_not_left_alone():
    rows = [{"group": "a", "customer_count": n} for n in (2, 2, 2, 8, 20)]
    # Three add up to 6, so none can be above 4: the 8 goes too.
    assert hidden_rows(rows, margins=[["group"]]) == [True, True, True, True, False]


def test_what_two_sums_tell_together_is_hidden_too():
    # Rows and columns of a square; no sum by itself tells the 1.
    square = [[1, 6, 30], [6, 30, 30], [30, 30, 30]]
    rows = [
        {"row": r, "column": c, "customer_count": count}
        for r, line in enumerate(square)
        for c, count in enumerate(line)
    ]
    margins = [["row"], ["column"]]
    hidden = np.array(hidden_rows(rows, margins=margins))
    assert hidden[0] and largest(rows, hidden, margins)[0] >= 5
    assert not hidden.all()


def largest(rows, hidden, margins, totals=()):
    """Return the most that each row can hold for all that the shown ones and the sums tell."""
    frame = pd.DataFrame(rows)
    equations, right = [], []
    for columns, chosen in [(m, ~frame.index.isin(totals)) for m in margins]:
        for _, group in frame[chosen].groupby(columns):
            equations.append(frame.index.isin(group.index).astype(float))
            right.append(group["customer_count"].sum())
    counts = frame["customer_count"].to_numpy(float)
    limits = [
        (1, None) if is_hidden and n else (n, n)
        for n, is_hidden in zip(counts, hidden, strict=True)
    ]
    found = []
    for row in range(len(frame)):
        wish = -(np.arange(len(frame)) == row).astype(float)
        answer = linprog(wish, A_eq=np.array(equations), b_eq=right, bounds=limits)
        found.append(np.inf if answer.status == 3 else -answer.fun)
    return np.array(found)


@pytest.mark.parametrize("seed", range(10))
def test_nothing_small_can_be_worked_out_from_all_the_sums(seed):
    random = np.random.default_rng(seed)
    cells = [
        {
            "place": place,
            "x": x,
            "y": y,
            "customer_count": random.poisson(random.choice([1, 6, 20])),
        }
        for place in ("GB", "IE", "FR")
        for x in range(4)
        for y in range(4)
    ]
    frame = pd.DataFrame(cells)
    totals = frame.groupby(["x", "y"], as_index=False)["customer_count"].sum()
    frame = pd.concat([frame, totals.assign(place=ALL)], ignore_index=True)
    margins = [["place"], ["place", "x"], ["place", "y"]]
    hidden = small_cells(
        frame, "customer_count", 5, margins=margins, total=("place", ALL), cell=["x", "y"]
    )
    small = frame["customer_count"].between(1, 4)
    assert hidden[small].all() and not hidden.all()
    # Parts add up to a total that is shown; where it is not, nothing is known of their sum.
    shown = {(r.x, r.y) for r in frame[(frame["place"] == ALL) & ~hidden].itertuples()}
    frame["of_shown"] = [
        f"{r.x} {r.y}" if (r.x, r.y) in shown and r.place != ALL else None
        for r in frame.itertuples()
    ]
    most = largest(frame, hidden, [*margins, ["of_shown"]])
    # Unless there is nothing more to hide: all of its country, the total of which is known, is.
    left = small & (most < 5 - 1e-6)
    for place in set(frame.loc[left, "place"]):
        mine = (frame["place"] == place) & (frame["customer_count"] > 0)
        assert hidden[mine].all()
    assert left.sum() < small.sum() / 2


def test_a_share_is_hidden_where_few_are_in_it_or_few_are_not(tmp_path):
    with duckdb.connect(str(tmp_path / "clientele.duckdb")) as connection:
        connection.execute(
            "create schema marts; create table marts.publications as select 5 as min_cell; "
            "create table marts.dim_customers as "
            "select 'a' as customer_id, 'GB' as acquisition_country; "
            "create table marts.fct_customer_features as select 'a' as customer_id"
        )
    page = Page(tmp_path)
    rows = [
        {"place": ALL, "customer_count": 100, "active": 50, "share": 0.5},
        {"place": "GB", "customer_count": 60, "active": 34, "share": 0.6},
        {"place": "IE", "customer_count": 20, "active": 3, "share": 0.15},
        {"place": "FR", "customer_count": 20, "active": 13, "share": 0.65},
    ]
    page.add(
        "totals",
        pd.DataFrame(rows),
        keys=["place"],
        total=OVER_PLACES,
        parts={"active": ["share"]},
    )
    told = {row["place"]: (row["active"], row["share"]) for row in page.tables["totals"]["rows"]}
    # IE has 3; all less GB and FR would be them, so FR's 13 go too.
    assert told == {ALL: (50, 0.5), "GB": (34, 0.6), "IE": (None, None), "FR": (None, None)}
    rows[2]["active"] = 18
    page.add("rest", pd.DataFrame(rows[2:3]), keys=["place"], parts={"active": ["share"]})
    (row,) = page.tables["rest"]["rows"]
    assert (row["customer_count"], row["active"], row["share"]) == (20, None, None)
