"""A reader clicks through the whole site, from a web server and from a file."""

import csv
import re
import shutil
import subprocess
import sys

import pytest
from browsing import PAGES, card, choose, served, settle, shows, tile
from conftest import PROJECT
from playwright.sync_api import expect

from clientele.dashboard.tables import ALL


@pytest.fixture(params=["server", "file"])
def start(request, site, published_sample, tmp_path):
    """The first address of a reader: as the command prints it, or a double click on the file."""
    if request.param == "file":
        yield (site / "index.html").as_uri()
        return
    written = published_sample.clientele("dashboard", "--out", tmp_path / "site")
    command = re.search(r"^  python (-m http\.server .*)$", written.output, re.M)[1].split()
    with subprocess.Popen(
        [sys.executable, "-u", *command, "--bind", "127.0.0.1", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        port = re.search(r"port (\d+)", server.stdout.readline())[1]
        yield f"http://127.0.0.1:{port}/"
        server.terminate()


def test_every_page_link_and_control_works_from_the_first_address(browser, start):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, wrong = context.new_page(), []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else 0)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda r: wrong.append(r.url))
    page.on("response", lambda r: wrong.append(r.url) if r.status >= 400 else 0)
    page.goto(start)
    settle(page)
    is_file = start.startswith("file:")
    names = page.locator("nav a").all_inner_texts()
    assert len(names) == len(PAGES)
    for name in names:
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        settle(page)
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        here = page.url.partition("#")[0]
        # Controls do the same wherever the page is from: trying them once is enough.
        labels = page.locator("#filters label").all_inner_texts() if is_file else []
        for label in labels:
            control = page.get_by_label(label, exact=True)
            if control.count() == 0:
                continue
            if control.evaluate("x => x.tagName") == "SELECT":
                # The first, the second and the last option: each draws all of the page.
                count = control.locator("option").count()
                for option in sorted({1 % count, count - 1, 0}):
                    control.select_option(index=option)
                    settle(page)
            elif control.get_attribute("type") == "checkbox":
                control.click()
                settle(page)
                page.get_by_label(label, exact=True).click()
            settle(page)
        if is_file:
            for details in page.locator("summary").all():
                details.click()
            for heading in page.locator("th button").all()[:40]:
                heading.click()
        # Links inside the page, each once, and back again.
        links = page.locator("main a").evaluate_all(
            "nodes => [...new Map(nodes.map(n => [n.href.replace(/=[^&]*/g, ''), n.href]))"
            ".values()]"
        )
        for link in links:
            page.goto(link)
            settle(page)
            assert page.locator("figure.card").count() >= 1, link
        page.goto(here)
        settle(page)
    context.close()
    assert wrong == []


def test_every_chart_is_saved_as_csv_and_picture(visit):
    for name in PAGES:
        for kind in ("CSV", "PNG"):
            # Chromium stops a page at its eleventh download.
            page = visit(name)
            buttons = page.locator("figure.card .saves button", has_text=kind)
            if name != "glossary" and kind == "CSV":
                assert buttons.count() >= 1, name
            for button in buttons.all():
                with page.expect_download() as download:
                    button.click()
                content = open(download.value.path(), "rb").read()
                if kind == "PNG":
                    assert content.startswith(b"\x89PNG") and len(content) > 4000, name
                else:
                    assert len(list(csv.reader(content.decode("utf-8-sig").splitlines()))) > 1


def test_filters_live_in_the_address(visit, address):
    page = visit("index")
    whole = tile(page, "Customers")
    choose(page, "Country", "GB")
    british = tile(page, "Customers")
    assert british != whole and "place=GB" in page.url
    shared = page.url
    page.reload()
    settle(page)
    assert tile(page, "Customers") == british
    page.go_back()
    shows(page, "Customers", whole)
    expect(page.get_by_label("Country", exact=True)).to_have_value(ALL)
    page.go_forward()
    shows(page, "Customers", british)
    # Someone else opens the link, and goes on to a page with the same filter.
    other = visit(shared.removeprefix(address + "/").replace(".html", ""))
    assert tile(other, "Customers") == british
    other.get_by_role("link", name="Segments", exact=True).click()
    settle(other)
    expect(other.get_by_label("Country", exact=True)).to_have_value("GB")
    # What cannot follow the filter says so, wherever a page has one.
    for name in ("index", "segments", "rfm", "cohorts"):
        page = visit(f"{name}#place=GB")
        notes = page.locator(".unfiltered").all_inner_texts()
        assert notes and all(note.startswith("Covers all countries") for note in notes), name
    assert "not divided by country" in visit("migration#place=GB").locator("main").inner_text()
    # What no page offers is no error.
    assert tile(visit("index#place=Atlantis&x=1"), "Customers") == whole


def test_a_copy_without_the_folder_of_customers_names_nobody(site, visit, tmp_path, marts):
    copy = tmp_path / "copy"
    shutil.copytree(site, copy, ignore=shutil.ignore_patterns("customers"))
    keys = [key for (key,) in marts("select customer_id from marts.dim_customers")]
    for path in copy.iterdir():
        found = set(re.findall(r'"([^"]+)"', path.read_text())) & set(keys)
        assert not found, (path, sorted(found)[:3])
    assert any(keys[0] in path.read_text() for path in (site / "customers").iterdir())
    with served(copy) as at:
        # The missing file is an error of the console, which `visit` would report.
        page = visit("glossary", at=at)
        page.context.route("**/customers/*", lambda route: route.fulfill(status=200, body=""))
        page.goto(f"{at}/week.html")
        settle(page)
        page.get_by_role("button", name="Download the list").click()
        expect(card(page, "The list")).to_contain_text("holds no customers")


def test_the_skip_link_leads_to_the_page_and_keeps_the_filters(visit):
    page = visit("index#place=GB")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main" and "place=GB" in page.url


def test_the_bundle_of_the_chart_library_is_what_node_builds(axe, tmp_path):
    built = tmp_path / "plot.js"
    subprocess.run(
        ["node", "build.mjs", str(built)],
        cwd=PROJECT / "dashboard",
        check=True,
        capture_output=True,
    )
    assets = PROJECT / "src/clientele/dashboard/assets"
    assert built.read_bytes() == (assets / "plot.js").read_bytes(), "run `make pages`"


def test_every_address_in_a_page_names_a_file(site):
    """Before any script has run, and on a server that knows nothing of endings."""
    for name in PAGES:
        text = (site / f"{name}.html").read_text()
        named = [a for a in re.findall(r'(?:href|src|data-page)="([^"#]+)"', text) if ":" not in a]
        assert len(named) >= 2 * len(PAGES) + 2
        assert [address for address in named if not (site / address).is_file()] == [], name
