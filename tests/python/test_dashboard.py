"""The dashboard in a browser: every page, the overview, RFM groups and segments."""

import csv
import re
import shutil

import duckdb
import pytest
from browsing import (
    NASTY,
    PAGES,
    build_site,
    card,
    choose,
    run_loader,
    served,
    shows,
    stricter,
    table,
    tile,
)
from playwright.sync_api import expect

from clientele.dashboard import ALL


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
        "join marts.dim_customers using (customer_id) where acquisition_country = 'FR'"
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
        ("Recency and frequency, GB", "acquisition_country = 'GB'", 18),
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
        "where segmentation = 'behaviour'"
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
        "where m.segment_key = ? and m.is_current and c.acquisition_country = 'GB'",
        key,
    )
    expect(card(page, "Size and revenue").locator("tr", has_text=name)).to_contain_text(
        f"{british:,}"
    )
    expect(page.get_by_label("Segment", exact=True).locator("option:checked")).to_have_text(name)
