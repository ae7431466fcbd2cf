"""A site served on this machine, and pages of it in headless Chromium."""

import functools
import http.server
import shutil
import threading
from contextlib import contextmanager

from conftest import lacking

PAGES = [
    "index", "rfm", "segments", "migration", "value", "baskets", "recommendations", "cohorts",
    "quality",
]  # fmt: skip
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
    """Wait until every cell of a page has run and every chart stands."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(
        "() => !document.querySelector('observablehq-loading, .observablehq--running')"
    )
    page.wait_for_function("() => document.querySelectorAll('figure.card').length > 0")
