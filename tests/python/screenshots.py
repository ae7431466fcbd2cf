"""Take the pictures of docs/dashboard from the site in dashboard/dist."""

from browsing import PAGES, chromium, served, settle
from conftest import PROJECT

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
