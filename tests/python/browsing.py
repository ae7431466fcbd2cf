"""The dashboard's data, site and pages: built once, served here, opened in headless Chromium."""

import functools
import http.server
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager

import duckdb
import pytest
from conftest import PROJECT, lacking
from filelock import FileLock

from clientele.dashboard import site as sites

PAGES = list(sites.PAGES)
NASTY = "<img src=x onerror=alert(1)>"
# No sandbox for root in a container, and nothing that asks the network by itself.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip


def program(*names):
    """Return the first of these programs that is installed; else skip, but fail in CI."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        lacking(f"no {names[0]}: install it (Debian: chromium, nodejs, npm) to test the dashboard")
    return found


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(site):
    """Serve a folder; gives the address."""
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def chromium():
    """Headless Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    path = program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def settle(page):
    """Wait until a page shows what its address says."""
    # Between two pages there is a moment without a root element.
    page.wait_for_function(
        "() => document.documentElement?.dataset.ready === (location.hash || '#')"
    )


def tables_of(name, publication):
    """Return the tables of a page, by name: rows, figures, and the column of customers."""
    return sites.open_page(name, publication).tables


@pytest.fixture(scope="session")
def publication(published_sample):
    return (published_sample.folder / "published/current").resolve()


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def site(published_sample, tmp_path_factory):
    """The dashboard of the sample, written once for all workers by the command."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / "site/dist"
    with FileLock(base / "site.lock"):
        if not folder.exists():
            written = published_sample.clientele("dashboard", "--out", folder)
            assert written.exit_code == 0, written.output
            assert f"{len(PAGES)} pages in {folder}" in written.output
    return folder


@pytest.fixture(scope="session")
def axe():
    """The script of axe-core, which finds what readers with disabilities cannot use."""
    program("npm")
    subprocess.run(["make", "dashboard/node_modules/.package-lock.json"], cwd=PROJECT, check=True)
    return (PROJECT / "dashboard/node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture(scope="session")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
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
        file, _, rest = name.partition("#")
        page.goto(f"{at}/{file}.html" + (f"#{rest}" if rest else ""))
        settle(page)
        return page

    yield open_page
    for context in contexts:
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
    settle(page)


def shows(page, label, value):
    """Wait until a tile shows a value: a filter's work takes a moment."""
    from playwright.sync_api import expect

    expect(figure_of(page, label)).to_have_text(value)
