"""The dashboard's page of visits, in a browser and as data."""

import shutil

import duckdb
from browsing import choose, served, stricter, table, tables_of, tile

from clientele.dashboard.site import write_site

OF_EVENTS = ["fct_funnels", "fct_order_touches", "rpt_event_quality"]


def percent(share):
    return f"{round(100 * share, 1):g}%"


def test_the_page_tells_shares_of_all_sessions(visit, marts):
    page = visit("visits")
    since = "session_date > date '2025-12-31' - 90"
    sessions, orders, carts, left = marts(
        "select count(*), count(*) filter (has_order), "
        "count(*) filter (has_order or has_cart_left), count(*) filter (has_cart_left) "
        f"from marts.fct_sessions where {since}"
    )
    assert tile(page, "Sessions") == f"{sessions:,}"
    assert tile(page, "Sessions with an order") == percent(orders / sessions)
    assert tile(page, "Sessions with a cart left") == percent(left / sessions)
    choose(page, "By", "Channel")
    shown = {row[0]: row[1:] for row in table(page, "Carts left")}
    expected = marts(
        "select channel, count(*), count(*) filter (has_order or has_cart_left), "
        f"count(*) filter (has_cart_left) from marts.fct_sessions where {since} group by 1"
    )
    assert len(shown) == len(expected) == 4
    for channel, all_of_it, with_cart, left in expected:
        figures = [f"{all_of_it:,}", f"{with_cart:,}", f"{left:,}", percent(left / all_of_it)]
        assert shown[channel.capitalize()][:4] == figures
    assert carts > left


def test_touches_are_shares_of_all_purchases(visit, marts):
    page = visit("visits")
    page.get_by_text("The numbers").nth(2).click()
    shown = {row[0]: row[1:3] for row in table(page, "The last visit before an order")}
    rows = marts("select last_channel, count(*) from marts.fct_order_touches group by 1")
    purchases = sum(count for _, count in rows)
    assert shown == {
        (channel or "no visit seen").capitalize(): [f"{count:,}", percent(count / purchases)]
        for channel, count in rows
    }


def test_a_stage_that_few_customers_reached_is_not_shown(publication, tmp_path):
    smallest = 60
    tables = tables_of("visits", stricter(publication, tmp_path / "copy", smallest))
    hidden = 0
    for row in tables["funnels"]["rows"]:
        for stage in ("view", "cart", "checkout", "order"):
            customers = row[f"{stage}_customers"]
            assert customers is None or customers == 0 or customers >= smallest
            if customers is None and not row["is_hidden"]:
                hidden += 1
                assert row[f"{stage}_sessions"] is None
    assert hidden > 0


def test_without_events_the_page_says_what_to_provide(publication, tmp_path, browser):
    folder = tmp_path / "published"
    folder.mkdir()
    shutil.copyfile(publication / "clientele.duckdb", folder / "clientele.duckdb")
    with duckdb.connect(str(folder / "clientele.duckdb")) as connection:
        for name in OF_EVENTS:
            connection.execute(f"drop table marts.{name}")
    write_site(folder, tmp_path / "site")
    with served(tmp_path / "site") as at:
        page = browser.new_page()
        page.goto(f"{at}/visits.html")
        page.get_by_text("There are no visits yet. Add the table “events”").wait_for()
        assert page.get_by_role("combobox").count() == 0
        page.close()
