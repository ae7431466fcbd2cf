"""The dashboard in a browser: every page, the overview, RFM groups and segments."""

import csv
import re
import shutil

import duckdb
import pytest
from browsing import (
    NASTY,
    PAGES,
    card,
    choose,
    served,
    settle,
    shows,
    stricter,
    table,
    tables_of,
    tile,
)
from playwright.sync_api import expect

from clientele.dashboard.site import WITHOUT_CHARTS, write_site
from clientele.dashboard.tables import ALL

# Pairs of labels of a chart that lie on one another. The box of a tilted label says nothing.
OVERLAPS = """() => [...document.querySelectorAll("figure.card svg")].flatMap((chart) => {
  const texts = [...chart.querySelectorAll("text")];
  const labels = texts.filter((one) => !/rotate/.test(one.getAttribute("transform")));
  const boxes = labels.map((one) => one.getBoundingClientRect());
  const meet = (a, b) => Math.min(a.right, b.right) > Math.max(a.left, b.left)
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return boxes.flatMap((a, i) => boxes.slice(i + 1).flatMap((b, j) =>
    meet(a, b) ? [[labels[i].textContent, labels[i + j + 1].textContent]] : []));
})"""
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page, axe):
    page.evaluate(axe)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(found => found.violations.map("
        "v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))]))",
        AXE_RULES,
    )
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_explains_itself_and_is_accessible(visit, axe, name):
    """In the light on a screen, then on a phone in the dark."""
    page = visit(name)
    assert page.locator("html").get_attribute("lang") == "en"
    cards = page.locator("figure.card")
    assert cards.count() >= 1
    for one in cards.all():
        assert one.get_by_role("heading").count() == 1
        how = one.locator(".how").first.inner_text()
        assert len(how.split()) >= 8 and how.rstrip().endswith("."), how
    charts = page.locator("figure.card [role=img]")
    for chart in charts.all():
        assert len(chart.get_attribute("aria-label")) > 40
        drawn = chart.locator("svg").last.locator("path, rect, circle, line").count()
        assert drawn >= 3, chart.get_attribute("aria-label")
    # The chart library is loaded where a chart stands, and nowhere else.
    libraries = page.locator("script[src='plot.js']").count()
    assert (charts.count() > 0) == (libraries == 1) == (name not in WITHOUT_CHARTS)
    assert page.locator(".about").inner_text().startswith("Source sample, as of 2025-12-31")
    # No technical name of a segment stands anywhere, and no text is that of a missing value.
    text = page.locator("main").inner_text()
    assert not re.search(r"\b(behaviour|baskets|rfm)-[a-z0-9]|undefined|NaN|null", text)
    assert violations(page, axe) == []
    assert page.evaluate(OVERLAPS) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    page.reload()
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    light = [
        sum(int(part) for part in re.findall(r"\d+", colour)[:3])
        for colour in page.evaluate(
            "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
        )
    ]
    assert light[0] - light[1] > 380
    for control in page.locator("main select, main button, nav a, summary").all():
        box = control.bounding_box()
        assert box is None or box["height"] >= 44, control.evaluate("node => node.outerHTML")
    assert page.evaluate(OVERLAPS) == []
    assert violations(page, axe) == []


def test_every_page_is_light_and_stands_whole_on_paper(visit, site):
    import gzip

    for name in PAGES:
        parts = ["style.css", "clientele.js", f"{name}.html"]
        parts += [] if name in WITHOUT_CHARTS else ["plot.js"]
        weight = sum(len(gzip.compress((site / part).read_bytes())) for part in parts)
        assert weight <= 500_000, (name, weight)
    page = visit("index", viewport={"width": 720, "height": 900})
    page.emulate_media(media="print")
    for name in ("index", "baskets", "cohorts", "migration"):
        page.goto(re.sub(r"\w+\.html", f"{name}.html", page.url))
        settle(page)
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        for clipped in (".scroll", ".chart"):
            for box in page.locator(clipped).all():
                size = box.evaluate("x => [x.scrollHeight - x.clientHeight, x.scrollWidth]")
                assert size[0] <= 1 and size[1] <= 720, (name, clipped, size)


def test_the_overview_tells_what_the_marts_hold_and_filters_by_country(visit, marts):
    page = visit("index")
    figures = "count(*), sum(monetary), sum(frequency) from marts.fct_customer_features"
    customers, revenue, orders = marts(f"select {figures}")
    assert tile(page, "Customers") == f"{customers:,}"
    assert tile(page, "Total revenue") == f"£{revenue / 1_000_000:.2f}m"
    assert f"{orders:,} orders" in page.locator("dl.tile").all_inner_texts()[1]
    (average,) = marts(
        "select sum(net_amount) / count(*) from marts.fct_orders "
        "join marts.fct_customer_features using (customer_id) where is_purchase"
    )
    assert tile(page, "Average order") == f"£{average:.2f}"
    guests, of_guests = marts(
        "select count(*) filter (is_purchase), sum(net_amount) from marts.fct_orders "
        "where customer_id is null"
    )
    said = page.locator("dl.tile", has_text="Guests, in no other figure").inner_text()
    assert f"£{float(of_guests) / 1000:.3g}k" in said and f"{guests:,} orders" in said
    share = float(of_guests / (of_guests + revenue))
    assert f"{100 * share:.1f}%".replace(".0%", "%") in said
    months = {row[0]: row[1:] for row in table(page, "Revenue by month")}
    buyers, count, amount = marts(
        "select count(distinct customer_id), count(*) filter (is_purchase), sum(net_amount) "
        "from marts.fct_orders join marts.fct_customer_features using (customer_id) "
        "where date_trunc('month', order_date) = date '2025-06-01'"
    )
    assert months["Jun 2025"][:3] == [f"{buyers:,}", f"{count:,}", f"£{amount:,.0f}"]
    new, paid = marts(
        "select count(distinct customer_id), sum(net_amount) from marts.fct_orders "
        "join marts.fct_customer_features using (customer_id) "
        "where date_trunc('month', order_date) = date '2025-06-01' "
        "and date_trunc('month', first_order_date) = date '2025-06-01'"
    )
    assert months["Jun 2025"][3:] == [f"{new:,}", f"£{paid:,.0f}"]
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
        connection.execute("update marts.fct_customer_values set is_reliable = false")
        connection.execute("update marts.fct_segment_values set is_reliable = false")
        connection.execute(
            """
            insert into marts.publication_segment_changes
            select segmentation, segment_key, 'kept', segment_name, segment_name, as_of_date,
                as_of_date, customer_count - gone, customer_count, customer_count - gone,
                segmentation = 'baskets',
                case when segmentation = 'baskets' then 'Settings changed' end
            from (
                select *, case when segment_key = 'behaviour-1' then 7 else 0 end as gone
                from marts.dim_segments
            )
            union all
            select 'baskets', 'baskets-9', 'retired', 'Gone', 'Gone', as_of_date, as_of_date,
                0, 40, 0, true, 'Settings changed'
            from marts.publications
            """
        )
        # A name that would run, were it taken for HTML.
        connection.execute(
            "update marts.fct_association_rules set antecedent = ? "
            "where antecedent = 'Copper Ring'",
            [NASTY],
        )
    document = {"tables": tables_of("index", new)}
    measures = {row["measure"]: row for row in document["tables"]["changes"]["rows"]}
    before, now = (measures["customer_count"][key] for key in ("before", "now"))
    assert before == marts("select count(*) from marts.fct_customer_features")[0]
    assert now == before - 54
    changed = {
        row["segment_key"]: row["now"] - row["before"]
        for row in document["tables"]["segment_changes"]["rows"]
    }
    assert changed.pop("behaviour-1") == -7 and changed.pop("baskets-9") == -40
    assert set(changed.values()) == {0}
    (folder / "current").unlink()
    (folder / "current").symlink_to(new.name)
    write_site(new, tmp_path / "site")
    with served(tmp_path / "site") as at:
        page = visit("index", at=at)
        rows = {row[0]: row[1:] for row in table(page, "Key figures, then and now")}
        assert rows["Customers"] == [f"{before:,.0f}", f"{now:,.0f}", "−54"]
        (name,) = marts(
            "select segment_name from marts.dim_segments where segment_key = 'behaviour-1'"
        )
        changes = {row[0]: (row[1], row[4]) for row in table(page, "Segments, then and now")}
        assert changes.pop(name) == ("kept", "−7")
        assert set(changes.values()) == {("kept", "±0")}
        assert "were fitted again" not in card(page, "Segments, then and now").inner_text()
        choose(page, "Segments by", "What they buy together")
        said = card(page, "Segments, then and now")
        expect(said).to_contain_text("The segments were fitted again. Settings changed.")
        assert ["Gone", "retired", "40", "0", "−40"] in table(page, "Segments, then and now")
        # No figure of a forecast that is not reliable is a headline.
        assert tile(page, "Expected revenue") == "no figure"
        assert "Expected within" not in page.locator("main").inner_text()
        page = visit("segments", at=at)
        assert tile(page, "Expected value") == "no figure"
        page = visit("baskets", at=at)
        page.get_by_label("One rule per bundle").uncheck()
        expect(card(page, "Rules")).to_contain_text(NASTY)
        assert page.locator("img").count() == 0


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


def test_segments_are_counted_and_downloaded_by_country(visit, marts):
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
    profiles = {(row[0], row[1]): row[2:] for row in table(page, "Who its customers are")}
    share, others, differs = marts(
        "select segment_value, others_value, is_different from marts.fct_segment_profiles "
        "where segment_key = ? and attribute = 'plan'",
        key,
    )
    shown = profiles["Plan", "plus"]
    assert [float(text.rstrip("%")) for text in shown[:2]] == [
        pytest.approx(100 * value, abs=0.051) for value in (share, others)
    ]
    assert (shown[4] == "yes") == differs
    assert ("First language", "English") not in profiles
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
    assert {row["segment"] for row in rows} == {name}
    assert set(rows[0]) == {"customer_id", "country", "segment"}
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
    # Tiles and the download follow the country, and what cannot follow says so.
    shows(page, "Customers", f"{british:,}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download its customers").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == british
    for title, is_filtered in (("Size and revenue", True), ("The rule in SQL", False)):
        said = card(page, title).locator(".unfiltered").count()
        assert (said == 0) is is_filtered, title
