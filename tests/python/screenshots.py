"""Take the pictures of docs/dashboard from the site in dashboard/dist, or look at one in any mode.

Without arguments: the pictures of the documentation. With a folder: every page there as it looks in
the light, in the dark, on a phone and on paper, to be looked at by a person.
"""

import sys
from pathlib import Path

from browsing import PAGES, chromium, served, settle
from conftest import PROJECT

SCREEN = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
MODES = {
    "light": SCREEN,
    "dark": SCREEN | {"color_scheme": "dark"},
    "phone": PHONE,
    "print": SCREEN,
}


def pictures(folder: Path | None) -> None:
    """Take the pictures into ``folder``, or those of the documentation."""
    with served(PROJECT / "dashboard/dist") as address, chromium() as browser:

        def open_page(name, options):
            page = browser.new_page(**options)
            page.goto(f"{address}/{name}.html")
            settle(page)
            return page

        if folder is None:
            for name in PAGES:
                if name != "glossary":
                    file = PROJECT / f"docs/dashboard/{name}.png"
                    open_page(name, SCREEN).screenshot(path=file, full_page=True)
            page = open_page("value", PHONE | {"viewport": {"width": 390, "height": 1600}})
            page.screenshot(path=PROJECT / "docs/dashboard/phone.png")
            return
        for mode, options in MODES.items():
            for name in PAGES:
                page = open_page(name, options)
                if mode == "print":
                    page.pdf(path=folder / f"{name}.pdf", format="A4", print_background=True)
                else:
                    page.screenshot(path=folder / f"{name}-{mode}.png", full_page=True)


pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
