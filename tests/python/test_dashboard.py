"""The dashboard: what may leave the marts for it, and every page of it in a real browser."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest
from browsing import PAGES, chromium, program, served, settle
from conftest import PROJECT
from playwright.sync_api import expect
from scipy.optimize import linprog

from clientele.dashboard import ALL, OVER_PLACES, Page
from clientele.disclosure import small_cells

LOADERS = sorted(path.name for path in (PROJECT / "dashboard/src/data").glob("*.json.py"))

# -- Small cells


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


def test_as_many_that_came_as_went_tell_of_each_other():
    counts = [40, 13, 50, 3, 30]
    rows = [{"customer_count": count} for count in counts]
    # 40 and 13 came, 50 and 3 went: the 3 would be told by the others; the 30 has no part in it.
    links = [(np.array([0, 1]), np.array([2, 3]))]
    assert hidden_rows(rows, links=links) == [False, True, False, True, False]
    assert hidden_rows(rows) == [False, False, False, True, False]


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
    # GB's b takes its a along, which all of a would tell: there is nobody else in it.
    options = {"margins": [["place"]], "total": ("place", ALL), "cell": ["group"]}
    assert hidden_rows(rows, **options)[0]


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
            "create table marts.dim_customers as select 'a' as customer_id, 'GB' as country; "
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


# -- What the loaders write


def run_loader(name, publication):
    finished = subprocess.run(
        [sys.executable, str(PROJECT / "dashboard/src/data" / name)],
        env=os.environ | {"CLIENTELE_PUBLICATION": str(publication)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.fixture(scope="module")
def publication(published_sample):
    return (published_sample.folder / "published/current").resolve()


@pytest.fixture(scope="module")
def marts(publication):
    """Return a function that asks the publication: one row, or all of them."""

    def ask(sql, *parameters):
        with duckdb.connect(str(publication / "clientele.duckdb"), read_only=True) as connection:
            rows = connection.execute(sql, parameters).fetchall()
        return rows[0] if len(rows) == 1 else rows

    return ask


def stricter(publication, folder, min_cell):
    """Return a copy of a publication whose smallest cell is another."""
    folder.mkdir()
    copy = folder / "clientele.duckdb"
    shutil.copyfile(publication / "clientele.duckdb", copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update marts.publications set min_cell = ?", [min_cell])
    return folder


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("min_cell", [5, 100])
def test_no_figure_of_fewer_customers_leaves_the_marts(publication, name, min_cell, tmp_path):
    document = run_loader(name, stricter(publication, tmp_path / "copy", min_cell))
    told = 0
    for table, content in document["tables"].items():
        if content["customers"] is None:
            continue
        assert content["customers"] in content["figures"], table
        for row in content["rows"]:
            count = row[content["customers"]]
            figures = [row[figure] for figure in content["figures"]]
            if row["is_hidden"]:
                assert figures == [None] * len(figures), (table, row)
            assert count is None or count == 0 or count >= min_cell, (table, row)
            told += count is not None
    assert told or document["lists"]


def test_of_single_customers_there_are_names_and_no_figures(publication, marts):
    offers = run_loader("offers.json.py", publication)["lists"]
    assert set(offers) == {"customers", "products", "reasons"}
    assert offers["reasons"] and not re.search(r"%| times |: ", " ".join(offers["reasons"]))
    for customer, products, reasons in offers["customers"][:20]:
        expected = marts(
            "select product_label, reason from marts.fct_product_recommendations "
            "where customer_id = ? order by rank",
            customer,
        )
        assert [offers["products"][i] for i in products] == [label for label, _ in expected]
        for i, (_, reason) in zip(reasons, expected, strict=True):
            assert reason.startswith(offers["reasons"][i] + ": ")
    members = run_loader("members.json.py", publication)["lists"]["members"]
    assert {key for row in members for key in row} == {"segment_key", "customer_ids"}


def test_reasons_lose_the_figures_of_every_method(publication, tmp_path):
    copy = stricter(publication, tmp_path / "copy", 5)
    reasons = {
        "Bought Mug: who has Mug has Pan 3.1 times as often as chance": "Bought Mug",
        "Bought Mug and 17 more products that go with it: who has Mug has Pan 2 times as often "
        "as chance": "Bought Mug and others that go with it",
        "Bought Mug, Pan: 63% of such baskets hold Pot, 5.2 times chance": "Bought Mug, Pan",
        "To fill the list. Popular: 3.4% of all customers bought it within 90 days": "To fill the "
        "list. Popular",
    }
    with duckdb.connect(str(copy / "clientele.duckdb")) as connection:
        for rank, reason in enumerate(reasons, 1):
            connection.execute(
                "update marts.fct_product_recommendations set reason = ? where rank = ?",
                [reason, rank],
            )
    assert set(reasons.values()) <= set(run_loader("offers.json.py", copy)["lists"]["reasons"])


def test_tables_of_facts_count_no_customers(publication):
    for name in LOADERS:
        for table, content in run_loader(name, publication)["tables"].items():
            if content["customers"] is None and content["rows"]:
                counted = [key for key in content["rows"][0] if "customer" in key]
                assert counted == [], (name, table)


def test_members_of_a_segment_too_small_to_show_are_not_listed(publication, marts, tmp_path):
    listed = run_loader("members.json.py", stricter(publication, tmp_path / "copy", 100))
    sizes = dict(
        marts(
            "select segment_key, count(*) from marts.fct_segment_memberships "
            "where is_current group by segment_key"
        )
    )
    assert min(sizes.values()) < 100
    found = {row["segment_key"]: row["customer_ids"] for row in listed["lists"]["members"]}
    assert found
    for key, members in found.items():
        assert len(set(members)) == len(members) == sizes[key] >= 100
    assert set(sizes) - set(found) >= {key for key, size in sizes.items() if size < 100}


def test_the_loaders_say_how_to_get_a_publication(tmp_path):
    with pytest.raises(ValueError, match="no publication in .* `make run` builds and publishes"):
        Page(tmp_path)


def test_places_with_few_customers_are_one_and_the_rest_add_up(publication):
    page = Page(publication)
    sizes = dict(page.frame("select place, count(*) from placed_customers group by 1").to_numpy())
    # FR has 129 customers and DE 98.
    assert set(sizes) == {ALL, "GB", "IE", "FR", "Other countries"}
    fewer = Page(publication, place_cells=100).frame("select distinct place from placed_customers")
    assert set(fewer["place"]) == {ALL, "GB", "Other countries"}
    assert sum(sizes.values()) == 2 * sizes[ALL]


# -- The site


def build_site(publish_folder, site):
    program("npm")
    subprocess.run(["make", "dashboard/node_modules/.package-lock.json"], cwd=PROJECT, check=True)
    return subprocess.run(
        ["npm", "run", "--silent", "build"],
        cwd=PROJECT / "dashboard",
        env=os.environ
        | {
            "CLIENTELE_PYTHON": sys.executable,
            "CLIENTELE_PUBLISH_DIR": str(publish_folder),
            "CLIENTELE_SITE": str(site),
        },
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def site(published_sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "dist"
    built = build_site(published_sample.folder / "published", folder)
    assert built.returncode == 0, built.stderr[-3000:]
    assert f"9 pages in {folder}" in built.stdout
    return folder


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, address):
    """Return a function that opens a page; at the end nothing may have gone wrong on any."""
    contexts, wrong = [], []

    def open_page(name, at=address, **context):
        contexts.append(
            browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | context)
        )
        page = contexts[-1].new_page()
        page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else 0)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((f"{at}/", "data:", "blob:"))
                else wrong.append(request.url)
            ),
        )
        page.goto(f"{at}/{name}.html")
        settle(page)
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            wrong += page.locator(".observablehq--error").all_inner_texts()
        context.close()
    assert wrong == []


def figure_of(page, label):
    return page.locator("dl.tile", has=page.get_by_text(label, exact=True)).locator(".value")


def tile(page, label):
    """Return the figure of the tile with a label."""
    return figure_of(page, label).inner_text()


def card(page, title):
    return page.locator("figure.card", has=page.get_by_role("heading", name=title, exact=True))


def table(page, title):
    """Return the texts of a card's table, row by row, opening it where it is closed."""
    details = card(page, title).locator("details")
    if details.count() and details.get_attribute("open") is None:
        details.locator("summary").click()
    rows = card(page, title).locator("tbody tr")
    rows.first.wait_for()
    return [row.locator("td").all_inner_texts() for row in rows.all()]


def choose(page, label, option):
    page.get_by_label(label, exact=True).select_option(label=option)


def shows(page, label, value):
    """Wait until a tile shows a value: a filter's work takes a moment."""
    expect(figure_of(page, label)).to_have_text(value)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_explains_itself_and_asks_nobody_outside(visit, name):
    page = visit(name)
    assert page.locator("html").get_attribute("lang") == "en"
    cards = page.locator("figure.card")
    assert cards.count() >= 2
    for one in cards.all():
        assert one.get_by_role("heading").count() == 1
        how = one.locator(".how").first.inner_text()
        assert len(how.split()) >= 8 and how.rstrip().endswith("."), how
    charts = page.locator("figure.card [role=img]")
    for chart in charts.all():
        assert len(chart.get_attribute("aria-label")) > 40
        drawn = chart.locator("svg").last.locator("path, rect, circle, line").count()
        assert drawn >= 3, chart.get_attribute("aria-label")
    assert charts.count() >= (1 if name == "quality" else 2)
    for control in page.locator("main select, main input").all():
        labelled = control.evaluate("x => x.labels.length > 0 || x.ariaLabel?.length > 0")
        assert labelled, control.evaluate("control => control.outerHTML")
    assert page.locator(".about").inner_text().startswith("Source sample, as of 2025-12-31")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_a_phone_and_the_dark(visit, name):
    page = visit(name, viewport={"width": 390, "height": 800}, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    light = [
        sum(int(part) for part in re.findall(r"\d+", colour)[:3])
        for colour in page.evaluate(
            "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
        )
    ]
    assert light[0] - light[1] > 380
    box = page.locator("main").bounding_box()
    assert box["width"] > 340


def test_the_overview_tells_what_the_marts_hold_and_filters_by_country(visit, marts):
    page = visit("index")
    figures = "count(*), sum(monetary), sum(frequency) from marts.fct_customer_features"
    customers, revenue, orders = marts(f"select {figures}")
    assert tile(page, "Customers") == f"{customers:,}"
    assert tile(page, "Total revenue") == f"£{revenue / 1_000_000:.2f}m"
    assert f"{orders:,} orders" in page.locator("dl.tile").all_inner_texts()[3]
    months = {row[0]: row[1:] for row in table(page, "Revenue by month")}
    buyers, count, amount = marts(
        "select count(distinct customer_id), count(*) filter (is_purchase), sum(net_amount) "
        "from marts.fct_orders join marts.fct_customer_features using (customer_id) "
        "where date_trunc('month', order_date) = date '2025-06-01'"
    )
    assert months["Jun 2025"] == [f"{buyers:,}", f"{count:,}", f"£{amount:,.0f}"]
    assert len(months) == 24
    choose(page, "Months shown", "One year")
    choose(page, "Country", "FR")
    (french, paid) = marts(
        "select count(*), sum(monetary) from marts.fct_customer_features "
        "join marts.dim_customers using (customer_id) where country = 'FR'"
    )
    shows(page, "Customers", f"{french:,}")
    assert tile(page, "Total revenue") == f"£{paid / 1000:.3g}k"
    assert len(table(page, "Revenue by month")) == 12


def test_the_overview_says_what_the_last_build_changed(published_sample, visit, marts, tmp_path):
    page = visit("index")
    assert "There is no earlier publication" in card(page, "Key figures, then and now").inner_text()
    # The same publication a day later, some customers and orders richer.
    folder = tmp_path / "published"
    shutil.copytree(published_sample.folder / "published", folder, symlinks=True)
    (old,) = (
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.is_symlink() and path.name[0] == "2"
    )
    new = stricter(old, folder / "20990101T000000Z-00000000", 5)
    with duckdb.connect(str(new / "clientele.duckdb")) as connection:
        connection.execute("update marts.publications set previous_build_id = ?", [old.name])
        connection.execute(
            "delete from marts.fct_customer_features where customer_id in "
            "(select customer_id from marts.fct_customer_features order by all limit 54)"
        )
        connection.execute(
            "delete from marts.fct_segment_memberships where is_current and segment_key = "
            "'behaviour-1' and customer_id in (select customer_id from "
            "marts.fct_segment_memberships where is_current and segment_key = 'behaviour-1' "
            "order by customer_id limit 7)"
        )
        # A name that would run, were it taken for HTML.
        connection.execute(
            "update marts.fct_association_rules set antecedent = ? "
            "where antecedent = 'Copper Ring'",
            [NASTY],
        )
    document = run_loader("overview.json.py", new)
    measures = {row["measure"]: row for row in document["tables"]["changes"]["rows"]}
    before, now = (measures["customer_count"][key] for key in ("before", "now"))
    assert before == marts("select count(*) from marts.fct_customer_features")[0]
    assert now == before - 54
    changed = {
        row["segment_key"]: row["now"] - row["before"]
        for row in document["tables"]["segment_changes"]["rows"]
    }
    assert changed.pop("behaviour-1") == -7 and set(changed.values()) == {0}
    (folder / "current").unlink()
    (folder / "current").symlink_to(new.name)
    built = build_site(folder, tmp_path / "site")
    assert built.returncode == 0, built.stderr
    with served(tmp_path / "site") as at:
        page = visit("index", at=at)
        rows = {row[0]: row[1:] for row in table(page, "Key figures, then and now")}
        assert rows["Customers"] == [f"{before:,.0f}", f"{now:,.0f}", "−54"]
        (name,) = marts(
            "select segment_name from marts.dim_segments where segment_key = 'behaviour-1'"
        )
        changes = {row[0]: row[3] for row in table(page, "Segments, then and now")}
        assert changes.pop(name) == "−7" and set(changes.values()) == {"±0"}
        page = visit("baskets", at=at)
        page.locator("svg text", has_text="<img").first.hover()
        tip = page.locator("figure.card div", has_text=NASTY).last
        expect(tip).to_contain_text(NASTY)
        assert page.locator("figure.card img").count() == 0


def test_the_rfm_grid_is_the_marts_in_every_cell_that_may_be_shown(visit, marts):
    page = visit("rfm")
    for title, condition, least in (
        ("Recency and frequency", "true", 25),
        ("Recency and frequency, GB", "country = 'GB'", 18),
    ):
        choose(page, "Country", title.partition(", ")[2] or ALL)
        card(page, title).wait_for()
        shown = {(y, x): count for y, x, count, *_ in table(page, title)}
        expected = marts(
            "select r_score, f_score, count(*) from marts.fct_customer_rfm "
            f"join marts.dim_customers using (customer_id) where {condition} group by all"
        )
        assert len(shown) == len(expected) == 25
        told = 0
        for r, f, count in expected:
            text = shown[str(r), str(f)]
            assert text in (f"{count:,}", "not shown") and (count >= 5 or text == "not shown")
            told += text != "not shown"
        assert told >= least
    groups = {row[0]: row[1] for row in table(page, "RFM groups")}
    for group, count in marts(
        "select rfm_group, count(*) from marts.fct_customer_rfm group by rfm_group"
    ):
        assert groups[group] == f"{count:,}"
    choose(page, "Colour and figure", "Revenue")
    expect(card(page, "Monetary and frequency").locator("svg").last).to_contain_text("£")


def test_segments_are_counted_by_country_and_downloaded_whole(visit, marts):
    page = visit("segments")
    by_name = {row[0]: row[1:] for row in table(page, "Size and revenue")}
    for name, count, amount in marts(
        "select segment_name, customer_count, net_amount from marts.dim_segments "
        "where segmentation = 'behaviour' and is_promoted"
    ):
        assert (by_name[name][0], by_name[name][2]) == (f"{count:,}", f"£{amount:,.0f}")
    name, key, rule, action = marts(
        "select segment_name, segment_key, sql_rule, recommended_action from marts.dim_segments "
        "where segmentation = 'behaviour' order by net_amount desc limit 1 offset 1"
    )
    choose(page, "Segment", name)
    page.get_by_text(rule).wait_for()
    assert action in card(page, "Recommended action").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download its customers").click()
    assert download.value.suggested_filename == f"{key}.csv"
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    members = marts(
        "select customer_id from marts.fct_segment_memberships where segment_key = ? "
        "and is_current",
        key,
    )
    assert [row["customer_id"] for row in rows] == sorted(customer for (customer,) in members)
    assert {row["segment"] for row in rows} == {name} and set(rows[0]) == {"customer_id", "segment"}
    # The choice of a segment outlives that of a country.
    choose(page, "Country", "GB")
    (british,) = marts(
        "select count(*) from marts.fct_segment_memberships as m "
        "join marts.dim_customers as c using (customer_id) "
        "where m.segment_key = ? and m.is_current and c.country = 'GB'",
        key,
    )
    expect(card(page, "Size and revenue").locator("tr", has_text=name)).to_contain_text(
        f"{british:,}"
    )
    expect(page.get_by_label("Segment", exact=True).locator("option:checked")).to_have_text(name)


def test_migration_counts_moves_of_the_period_that_is_chosen(visit, marts):
    page = visit("migration")
    sql = (
        "select sum(customer_count) from marts.fct_segment_migrations where segmentation = 'rfm' "
        "and 'none' not in (from_segment_key, to_segment_key) and is_move and to_as_of_date = ?"
    )
    choose(page, "Segments by", "RFM groups")
    shows(page, "Moved", f"{marts(sql, '2025-12-31')[0]:,}")
    streams = len(table(page, "From segment to segment"))
    page.get_by_label("Include new customers").check()
    page.wait_for_timeout(500)
    assert len(table(page, "From segment to segment")) > streams
    choose(page, "Period", "4 Jul 2025 to 2 Oct 2025")
    shows(page, "Moved", f"{marts(sql, '2025-10-02')[0]:,}")


def test_value_follows_the_horizon_and_shows_the_backtest(visit, marts):
    page = visit("value")
    for horizon in (365, 30):
        choose(page, "Within", f"{horizon} days")
        clv, risk = marts(
            "select sum(clv), sum(value_at_risk) from marts.fct_customer_values "
            "where horizon_days = ?",
            horizon,
        )
        short = [f"£{x / 1e6:.3g}m" if x >= 999_500 else f"£{x / 1e3:.3g}k" for x in (clv, risk)]
        shows(page, f"Expected within {horizon} days", short[0])
        shown = float(re.sub(r"[^\d.]", "", tile(page, "Value at risk")))
        assert shown == float(re.sub(r"[^\d.]", "", short[1]))
    deciles = table(page, "Predicted and actual")
    (day,) = marts(
        "select max(cutoff_date) from marts.fct_model_backtests "
        "where horizon_days = 30 and target = 'amount' and decile > 0"
    )
    expected = marts(
        "select decile, customer_count, predicted_mean, actual_mean from marts.fct_model_backtests "
        "where horizon_days = 30 and target = 'amount' and is_published and cutoff_date = ? "
        "and decile > 0 order by decile",
        day,
    )
    assert deciles == [[str(d), f"{n:,}", f"£{p:,.0f}", f"£{a:,.0f}"] for d, n, p, a in expected]


def test_rules_are_searched_and_filtered(visit, marts):
    page = visit("baskets")
    count, worth = marts(
        "select count(*), count(*) filter (is_significant and not is_redundant) "
        "from marts.fct_association_rules where scope = 'all' and item_level = 'product'"
    )
    assert tile(page, "Rules found") == f"{count:,}"
    assert tile(page, "Shown here") == f"{worth:,}"
    page.get_by_label("Only rules worth acting on").uncheck()
    shows(page, "Shown here", f"{count:,}")
    page.get_by_label("Search").fill("copper ring")
    lift, confidence = marts(
        "select lift, confidence from marts.fct_association_rules where scope = 'all' "
        "and item_level = 'product' and antecedent = 'Copper Ring' and consequent = 'Ivory Ring'"
    )
    (found,) = marts(
        "select count(*) from marts.fct_association_rules where scope = 'all' and "
        "item_level = 'product' and antecedent || ', ' || consequent like '%Copper Ring%'"
    )
    shows(page, "Shown here", f"{found:,}")
    row = next(r for r in table(page, "Rules") if r[:2] == ["Copper Ring", "Ivory Ring"])
    assert row[2] == f"{lift:.3g}×" and row[4] == f"{100 * confidence:.1f}%".replace(".0%", "%")
    page.get_by_label("Search").fill("no such thing")
    shows(page, "Shown here", "0")
    assert "No rule passes the filters" in card(page, "Rules").inner_text()


def test_a_rule_of_few_customers_is_hidden_however_many_orders_it_has(publication, tmp_path):
    copy = stricter(publication, tmp_path / "copy", 5)
    rule = "antecedent = 'Copper Ring' and consequent = 'Ivory Ring' and scope = 'all'"

    def shown():
        rows = run_loader("baskets.json.py", copy)["tables"]["rules"]["rows"]
        sides = {(r["antecedent"], r["consequent"]) for r in rows if r["scope"] == "all"}
        return ("Copper Ring", "Ivory Ring") in sides

    assert shown()
    with duckdb.connect(str(copy / "clientele.duckdb")) as connection:
        # All orders that hold both become orders of one of four customers.
        connection.execute(
            "update marts.fct_orders set customer_id = 'c' || (hash(order_id) % 4)::varchar "
            "where order_id in (select order_id from marts.fct_order_lines as lines "
            "join marts.dim_products using (product_id) where product_name = 'Ivory Ring')"
        )
        assert (
            connection.execute(
                f"select order_count from marts.fct_association_rules where {rule}"
            ).fetchone()[0]
            > 100
        )
    assert not shown()


def test_a_customer_is_looked_up(visit, marts):
    page = visit("recommendations")
    (customer,) = marts("select max(customer_id) from marts.fct_product_recommendations")
    page.get_by_label("Customer", exact=True).fill(f" {customer.lower()} ")
    card(page, f"Offer to {customer}").wait_for()
    items = card(page, f"Offer to {customer}").locator("li")
    expected = marts(
        "select product_label, reason from marts.fct_product_recommendations "
        "where customer_id = ? order by rank",
        customer,
    )
    shown = [text.split("\n", 1) for text in items.all_inner_texts()]
    assert [product for product, _ in shown] == [product for product, _ in expected]
    for (_, words), (_, reason) in zip(shown, expected, strict=True):
        assert reason.startswith(words)
    page.get_by_label("Customer", exact=True).fill("nobody")
    page.get_by_text("No recommendations for “nobody”").wait_for()


def test_cohorts_are_those_of_the_orders(visit, marts):
    page = visit("cohorts")
    rows = {(r[0], r[1]): r[2:] for r in table(page, "Cohort by cohort")}
    size, bought, amount = marts(
        "with firsts as (select customer_id, min(order_date) as first_date "
        "from marts.fct_orders where is_purchase and customer_id is not null group by 1) "
        "select count(distinct customer_id), count(distinct customer_id) filter (m = 3), "
        "sum(net_amount) filter (m = 3) from (select orders.customer_id, net_amount, "
        "datediff('month', first_date, order_date) as m from marts.fct_orders as orders "
        "join firsts using (customer_id) where is_purchase "
        "and date_trunc('month', first_date) = date '2024-05-01')"
    )
    share = f"{100 * bought / size:.1f}%".replace(".0%", "%")
    assert rows["May 2024", "3"] == [f"{size:,}", f"{bought:,}", share, f"£{amount:,.0f}"]
    choose(page, "First bought in the last", "One year")
    page.wait_for_timeout(500)
    assert ("May 2024", "3") not in {(r[0], r[1]) for r in table(page, "Cohort by cohort")}


def test_quality_accounts_for_every_line(visit, marts):
    page = visit("quality")
    (total,) = marts("select sum(row_count) from marts.rpt_data_quality")
    assert tile(page, "Raw lines") == f"{total:,}"
    rows = {row[0]: row[2:4] for row in table(page, "What happened to every line")}
    for reason, count, amount in marts(
        "select reason, row_count, amount from marts.rpt_data_quality where row_count > 0"
    ):
        shown = rows[reason.replace("_", " ").capitalize()]
        assert shown == [f"{count:,}", f"£{amount:,.2f}"] if count >= 5 else shown[1] == ""


def test_filters_and_tables_work_from_the_keyboard(visit, marts):
    page = visit("index")
    page.get_by_label("Country", exact=True).focus()
    page.keyboard.press("ArrowDown")
    (british,) = marts(
        "select count(*) from marts.fct_customer_features "
        "join marts.dim_customers using (customer_id) where country = 'GB'"
    )
    shows(page, "Customers", f"{british:,}")
    summary = card(page, "Revenue by month").locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    rows = table(page, "Revenue by month")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    ordered = table(page, "Revenue by month")
    assert sorted(map(tuple, rows)) == sorted(map(tuple, ordered))
    amounts = [int(re.sub(r"\D", "", row[3])) for row in ordered]
    assert amounts == sorted(amounts, reverse=True)
    head = card(page, "Revenue by month").locator("th[aria-sort]")
    assert head.get_attribute("aria-sort") == "descending"


def test_a_shop_of_three_customers_shows_that_there_is_nothing_to_show(
    published_sample, visit, tmp_path
):
    folder = tmp_path / "published"
    (folder / "one").mkdir(parents=True)
    (folder / "current").symlink_to("one")
    with duckdb.connect(str(folder / "one/clientele.duckdb")) as connection:
        source = published_sample.folder / "published/current/clientele.duckdb"
        connection.execute(f"attach '{source}' as whole (read_only)")
        connection.execute("create schema marts")
        connection.execute(
            "create table three as select customer_id from whole.marts.fct_customer_features "
            "order by customer_id limit 3"
        )
        for name, has_customers in connection.execute(
            "select table_name, bool_or(column_name = 'customer_id') from "
            "duckdb_columns() where database_name = 'whole' group by 1"
        ).fetchall():
            where = "where customer_id in (from three)" if has_customers else ""
            empty = "limit 0" if not has_customers and name not in KEPT else ""
            connection.execute(
                f"create table marts.{name} as select * from whole.marts.{name} {where} {empty}"
            )
    built = build_site(folder, tmp_path / "site")
    assert built.returncode == 0, built.stderr
    for name in LOADERS:
        for content in run_loader(name, folder / "one")["tables"].values():
            for row in content["rows"]:
                assert (
                    content["customers"] is None
                    or not row.get(content["customers"])
                    or (content["customers"] == "row_count")
                ), (name, row)
    with served(tmp_path / "site") as at:
        for name in PAGES:
            page = visit(name, at=at)
            if name == "index":
                assert tile(page, "Customers") == "not shown"
            # What is drawn all the same has no figure of customers: scores, lines, versions.
            for row in page.locator("tbody tr").all_inner_texts() if name != "quality" else ():
                assert "£" not in row, (name, row)


NASTY = "<img src=x onerror=alert(1)>"
KEPT = {"publications", "rpt_data_quality"}


def test_a_site_that_cannot_be_built_leaves_the_one_that_is_served(tmp_path):
    site = tmp_path / "dist"
    site.mkdir()
    (site / "index.html").write_text("the old one")
    refused = build_site(tmp_path / "nothing", site)
    assert refused.returncode == 2
    assert "nothing is published in" in refused.stderr and "`make run`" in refused.stderr
    # A publication that lacks a mart.
    (tmp_path / "published/current").mkdir(parents=True)
    with duckdb.connect(str(tmp_path / "published/current/clientele.duckdb")) as connection:
        connection.execute("create schema marts")
    failed = build_site(tmp_path / "published", site)
    assert failed.returncode == 1 and "publications" in failed.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("dist")] == ["dist"]
    assert (site / "index.html").read_text() == "the old one"
