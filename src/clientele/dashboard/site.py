"""Write the dashboard: static pages that work from any web server, and from a file.

A browser lets a page that is opened as a file neither fetch data nor load modules. So each page
holds its own data, and the scripts are classic ones. Customers' keys are written into the folder
``customers`` only: a copy of the site without it holds no personal row.
"""

import html
import json
import shutil
from importlib import import_module
from pathlib import Path

from clientele.dashboard.tables import Page

ASSETS = Path(__file__).parent / "assets"
# Name of the file, title, and the sentence below the title.
PAGES = {
    "index": ("Overview", "What the customers bring, who they are, and what has changed."),
    "week": ("This week", "Whom to contact now, and with what."),
    "audiences": (
        "Audiences",
        "Groups to contact for one purpose: how many customers each has, who is held out, and what "
        "it could show.",
    ),
    "campaigns": (
        "Campaigns",
        "What campaigns brought, against customers who were held out, and for whom they worked.",
    ),
    "visits": (
        "Visits",
        "How far visits lead, what is left in the cart, and how customers came before they bought.",
    ),
    "voices": (
        "Voices",
        "What customers write about, how they feel, and whether it goes with buying again.",
    ),
    "segments": (
        "Segments",
        "Groups of customers with similar purchases: what distinguishes them, and what to do.",
    ),
    "rfm": (
        "RFM grid",
        "Every customer has a score from 1 to 5 (5 is best) for recency (how recently they "
        "bought), frequency (how often) and monetary value (how much). Equal customers have equal "
        "scores.",
    ),
    "migration": (
        "Migration",
        "Customers who moved between segments, and the effect on revenue. “Paid before” is what "
        "they paid in the period up to the first day, “paid since” what they paid from the first "
        "to the second day. Customers who have returned every purchase since are excluded.",
    ),
    "cohorts": (
        "Cohorts",
        "Customers grouped by their first purchase, and how many bought again in each period "
        "since.",
    ),
    "value": (
        "Value",
        "The discounted value that customers are expected to bring within a period, and how much "
        "of it is at risk.",
    ),
    "baskets": (
        "Baskets",
        "Products that sell together. Lift states how many times more often than by chance. Do "
        "not read confidence without lift: a rule can have a high confidence only because most "
        "customers buy the product.",
    ),
    "products": ("Products", "What sells best, and what is falling."),
    "recommendations": ("Recommendations", "What to offer, and how often such offers hit."),
    "quality": (
        "Quality",
        "What happened to every raw line, which warnings are raised, and how accurate the models "
        "were on past days.",
    ),
    "glossary": ("Glossary", "The words of this site."),
}
# Pages without a chart do not load the chart library.
WITHOUT_CHARTS = {"audiences", "quality", "week", "glossary"}
LISTS = ["members", "offers", "contacts"]
SCRIPTS = ["base.js", "parts.js", "charts.js", *(f"pages/{name}.js" for name in PAGES)]


def write_site(publication: Path, site: Path, *, customers: bool = True) -> list[str]:
    """Write the site of the publication in the folder ``publication`` into the folder ``site``.

    The new site is written next to the old one and replaces it when it is complete, so a failure
    leaves the old one.

    Args:
        publication: Folder with ``clientele.duckdb``.
        site: Folder that is replaced. It may exist only if a site was written into it.
        customers: Whether to write lists of customers too, into the folder ``customers``.

    Returns:
        The names of the pages.

    Raises:
        ValueError: There is no publication, or ``site`` is a folder of something else.
    """
    if site.exists() and any(site.iterdir()) and not (site / "clientele.js").is_file():
        raise ValueError(f"{site} holds something other than a dashboard; name another folder")
    following = site.with_name(f"{site.name}.next")
    shutil.rmtree(following, ignore_errors=True)
    following.mkdir(parents=True)
    try:
        for name in PAGES:
            page = open_page(name, publication)
            (following / f"{name}.html").write_text(_html(name, page), encoding="utf-8")
        if customers:
            (following / "customers").mkdir()
            for name in LISTS:
                rows = import_module(f"clientele.dashboard.{name}").load(Page(publication))
                text = f"clientele.receive({json.dumps(name)},{_json(rows)});\n"
                (following / "customers" / f"{name}.js").write_text(text, encoding="utf-8")
        script = "".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)
        script = f'(() => {{\n"use strict";\n{script}start();\n}})();\n'
        (following / "clientele.js").write_text(script, encoding="utf-8")
        for name in ("style.css", "plot.js"):
            shutil.copyfile(ASSETS / name, following / name)
    except BaseException:
        shutil.rmtree(following, ignore_errors=True)
        raise
    former = site.with_name(f"{site.name}.old")
    shutil.rmtree(former, ignore_errors=True)
    if site.exists():
        site.rename(former)
    following.rename(site)
    shutil.rmtree(former, ignore_errors=True)
    return list(PAGES)


def open_page(name: str, publication: Path) -> Page:
    """Return a page with its tables."""
    if name == "glossary":
        return Page(publication)
    module = import_module(f"clientele.dashboard.{name}")
    page = Page(publication, place_cells=getattr(module, "PLACE_CELLS", 20))
    module.load(page)
    return page


def _json(content: object) -> str:
    """Return JSON that may stand in a script of a page: no text in it ends the script."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _html(name: str, page: Page) -> str:
    title, lead = PAGES[name]
    about = page.about_page() | {"page": name}
    content = {"about": about, "tables": page.packed()}
    here = {name: ' aria-current="page"'}
    links = "\n".join(
        f'<li><a href="{other}.html" data-page="{other}.html"{here.get(other, "")}>{label}</a></li>'
        for other, (label, _) in PAGES.items()
    )
    published = about["published_at"].replace("T", " ")[:16]
    source = html.escape(
        f"Source {about['source_name']}, as of {about['as_of_date']}; published {published} UTC, "
        f"build {about['build_id']}."
    )
    chart_library = "" if name in WITHOUT_CHARTS else '<script defer src="plot.js"></script>\n'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} | clientele</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
{chart_library}<script defer src="clientele.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the page</a>
<nav aria-label="Pages">
<div class="site">clientele</div>
<ul>
{links}
</ul>
</nav>
<main id="main" tabindex="-1">
<h1>{title}</h1>
<p class="about">{source}</p>
<p>{lead}</p>
<noscript><p>This page draws its figures with JavaScript, which this browser has turned off.</p>
</noscript>
<div class="filters" id="filters" role="group" aria-label="Filters" hidden></div>
<div id="content"></div>
</main>
<script type="application/json" id="data">{_json(content)}</script>
</body>
</html>
"""
