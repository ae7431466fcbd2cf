"""Take the screenshots of docs/dashboard from the site in dashboard/dist."""

import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests/python"))

from browsing import PAGES, chromium, served, settle  # noqa: E402

with served(PROJECT / "dashboard/dist") as address, chromium() as browser:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    for name in PAGES:
        page.goto(f"{address}/{name}.html")
        settle(page)
        page.screenshot(path=PROJECT / f"docs/dashboard/{name}.png", full_page=True)
    phone = {"viewport": {"width": 390, "height": 1600}, "color_scheme": "dark"}
    page = browser.new_page(**phone)
    page.goto(f"{address}/value.html")
    settle(page)
    page.screenshot(path=PROJECT / "docs/dashboard/phone.png")
