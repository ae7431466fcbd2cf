"""Whole pages of simulated shops: what was planted is found, named, priced and explained."""

import datetime
import re
import shutil
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest
import weekly_shops as shops
from contracts import LEDGER

from clientele.brief.changes import _history
from clientele.brief.page import brief
from clientele.brief.publications import choose
from clientele.brief.writing import as_text

LAST, DAYS = shops.DAYS - 1, 14
START = LAST - DAYS


@pytest.fixture(scope="module")
def shop():
    """Orders and lines of a steady shop of about 1,000 orders a week."""
    return shops.simulate(np.random.default_rng(1))


@pytest.fixture(scope="module")
def small_shop():
    """A shop in which few differences can be shown, for what is not about changes."""
    return shops.simulate(np.random.default_rng(1), arrivals=1.5)


def writer(shop, tmp_path_factory):
    """Return a function: change the shop, publish it before and after, and write the page."""
    before = tmp_path_factory.mktemp("before")
    earlier = shops.publish(before, *shop, START, 1)

    def write(change=None, *, today=shops.AS_OF, **more):
        folder = tmp_path_factory.mktemp("shop")
        shutil.copytree(before / earlier, folder / earlier)
        orders, lines = (table.copy() for table in shop)
        if change:
            orders, lines = change(np.random.default_rng(2), orders, lines)
        shops.publish(folder, orders, lines, LAST, 2, **more)
        return brief(folder, today)

    return write


@pytest.fixture(scope="module")
def page(shop, tmp_path_factory):
    return writer(shop, tmp_path_factory)


@pytest.fixture(scope="module")
def small_page(small_shop, tmp_path_factory):
    return writer(small_shop, tmp_path_factory)


def without(orders, lines, lost):
    """Leave orders out, with what came back of them."""
    lost = set(orders.loc[lost, "order_id"])
    back = lines["order_id"].str.removeprefix("r")
    return orders[~orders["order_id"].isin(lost)], lines[~back.isin(lost)]


def a_segment_loses_orders(rng, orders, lines):
    members = shops.members(orders, START).set_index("customer_id")["segment_key"]
    often = orders["customer_id"].map(members) == "often"
    return without(orders, lines, (orders["day"] > START) & often & (rng.random(len(orders)) < 0.3))


def prices_rise(rng, orders, lines):
    now = (lines["day"] > START) & ~lines["is_return"]
    lines.loc[now, "unit_price"] *= 1.12
    return orders, lines


def one_price_rises(rng, orders, lines):
    now = (lines["day"] > START) & ~lines["is_return"] & (lines["product"] == 2)
    lines.loc[now, "unit_price"] *= 1.6
    return orders, lines


def returns_double(rng, orders, lines):
    more = shops.returned(rng, lines[lines["day"] > START - 14], 0.05)
    more["order_id"] = "x" + more["order_id"]
    return orders, pd.concat([lines, more[more["day"] > START]], ignore_index=True)


def a_country_loses_orders(rng, orders, lines):
    there = (orders["day"] > START) & (orders["country"] == "DE")
    return without(orders, lines, there & (rng.random(len(orders)) < 0.4))


def new_customers_stay_away(rng, orders, lines):
    first = orders.groupby("customer")["day"].transform("min")
    return without(orders, lines, (first > START) & (orders["customer"] % 2 == 0))


def the_last_days_are_missing(rng, orders, lines):
    return without(orders, lines, orders["day"] > LAST - 4)


def the_shop_is_closed(rng, orders, lines):
    return without(orders, lines, (orders["day"] > START + 3) & (orders["day"] < START + 8))


PLANTED = {
    a_segment_loses_orders: (-80_000, ["Sales down", "By segment, Buys often", "bought before"]),
    prices_rise: (45_000, ["Prices up 12%", "dearer"]),
    one_price_rises: (4_000, ["Price of “Thing 2” up"]),
    returns_double: (-18_000, ["Returns up", "returns instead of about"]),
    a_country_loses_orders: (-37_000, ["Country “DE”: orders down", '--country "DE"']),
    new_customers_stay_away: (-20_000, ["Orders of new customers down", '--group "new"']),
    the_shop_is_closed: (-115_000, ["on 10 days, usually on 14", "Check the export first"]),
    the_last_days_are_missing: (-115_000, ["last 3 days have no orders", "Check the export first"]),
}


@pytest.mark.parametrize("change", PLANTED, ids=lambda change: change.__name__)
def test_a_planted_change_is_found_with_money_who_why_and_what_to_do(page, change):
    money, words = PLANTED[change]
    written = page(change)
    first = written.said[0]
    assert not first.change.is_lasting
    assert first.change.money == pytest.approx(money, rel=0.35)
    said = " ".join([first.title, *first.sentences, first.advice, first.command])
    assert [word for word in words if word not in said] == []
    assert len(written.said) <= 2


def test_a_change_that_lasts_is_said_to(shop, tmp_path):
    orders, lines = shop
    there = (orders["day"] > START - DAYS) & (orders["country"] == "DE")
    lost = there & (np.random.default_rng(2).random(len(orders)) < 0.5)
    for number, day in ((1, START), (2, LAST)):
        shops.publish(tmp_path, *without(orders, lines, lost), day, number)
    first = brief(tmp_path, shops.AS_OF).said[0]
    assert "DE" in first.title and first.change.is_lasting
    assert "It was already so in the 2 weeks before." in first.sentences[0]


def test_steady_shops_have_empty_pages(tmp_path):
    """Segments too: who is in them depends on what was bought before, but not their orders after.

    Twelve pages of two weeks are two quarters, which may raise two false alarms.
    """
    alarms = 0
    for seed in (11, 12):
        orders, lines = shops.simulate(np.random.default_rng(seed), arrivals=6)
        folder = tmp_path / str(seed)
        for number, back in enumerate(range(6, -1, -1)):
            shops.publish(folder, orders, lines, LAST - back * DAYS, number + 1)
            if number:
                written = brief(folder, shops.AS_OF)
                alarms += len(written.said)
                assert written.said or "Nothing is beyond" in written.none
    assert alarms <= 2


def test_late_orders_are_told_and_explain_a_small_fall(page, shop, tmp_path):
    orders, lines = shop
    late = (orders["day"] <= START) & (orders["day"] > START - 5)
    shops.publish(tmp_path, *without(orders, lines, late), START, 1)
    shops.publish(tmp_path, orders, lines, LAST, 2)
    told = [one.text for one in brief(tmp_path, shops.AS_OF).conditions]
    count = int(late.sum())
    assert any(text.startswith(f"{count:,} orders") and "too low" in text for text in told)


def test_orders_that_are_gone_are_told(shop, tmp_path):
    orders, lines = shop
    lost = (orders["day"] <= START) & (orders["day"] > START - 3)
    shops.publish(tmp_path, orders, lines, START, 1)
    shops.publish(tmp_path, *without(orders, lines, lost), LAST, 2)
    told = [one.text for one in brief(tmp_path, shops.AS_OF).conditions]
    assert [text.split(" orders")[0] for text in told] == [f"{int(lost.sum()):,}"]
    assert "are gone" in told[0]


def test_a_shop_without_segments_has_no_refit(small_shop, tmp_path):
    none = "delete from marts.fct_segmentation_versions; delete from marts.dim_segments;"
    for number, day in ((1, START), (2, LAST)):
        shops.publish(tmp_path, *small_shop, day, number, more=none)
    assert brief(tmp_path, shops.AS_OF).conditions == []


def test_a_refit_is_told_and_its_segments_are_not_compared(page):
    refit = "update marts.fct_segmentation_versions set version = 2;"
    written = page(a_segment_loses_orders, more=refit)
    assert any("fitted again" in one.text for one in written.conditions)
    assert "segment" not in " ".join(" ".join(said.sentences) for said in written.said)


def test_old_data_are_stale_and_fresh_ones_are_not(small_page):
    assert not small_page(today=shops.AS_OF + datetime.timedelta(days=2)).is_stale
    old = small_page(today=shops.AS_OF + datetime.timedelta(days=3))
    assert old.is_stale and "3 days ago" in old.conditions[0].text


def test_a_jump_of_rejected_lines_is_a_failure(small_page):
    more = "update marts.rpt_data_quality set row_count = 900, amount = 4321 where row_count = 50;"
    found = small_page(more=more).conditions
    assert [one.kind for one in found] == ["failed"]
    assert "850 of" in found[0].text and "missing price, 850 lines" in found[0].text
    assert small_page().conditions == []


def test_unreliable_forecasts_drift_and_builds_that_did_not_end_are_told(small_page):
    more = """
        create table marts.fct_customer_values as select 30 as horizon_days, 'unreliable' as
            reliability, false as is_reliable, 'The rate errs less' as reliability_reason;
        create table marts.rpt_segmentation_drift as select true as is_exceeded;
        create table marts.rpt_build_changes as
            select timestamp '2025-06-01 12:00' as built_at, null::double as orders_seconds;
    """
    found = [(one.kind, one.text) for one in small_page(more=more).conditions]
    assert [kind for kind, _ in found] == ["failed", "warning", "warning"]
    assert "did not end" in found[0][1]
    assert "forecasts for 30 days: the rate errs less." in found[1][1]
    assert "moved away" in found[2][1]


def test_an_audience_does_what_the_contact_list_would_do_without_one(page):
    audience = """
        create table marts.dim_audiences as select 'win_back' as audience, {} as customer_count;
    """
    with_it = page(a_country_loses_orders, more=audience.format(412)).said[0]
    assert with_it.command == "clientele audience export win_back --to win_back.csv"
    assert "412 customers" in with_it.advice
    few = page(a_country_loses_orders, more=audience.format(4)).said[0]
    assert few.command.startswith("clientele contacts")


def test_results_of_campaigns_are_told_if_there_are_any(small_page):
    more = """
        create table marts.fct_campaign_results as
        select *, date '2025-03-01' + 30 * (campaign_id = 'tea')::int
                + 9 * (campaign_id = 'herbs')::int as first_assigned_date,
            uplift_total - 300 as uplift_total_lower, uplift_total + 300 as uplift_total_upper,
        from (values
            ('spring', 'all', 'treated', 'orders', 'worked', '', 900, 300, 40, null),
            ('spring', 'all', 'treated', 'revenue', 'worked', '', 900, 300, 1200, null),
            ('spring', 'all', 'treated', 'margin', 'worked', '', 900, 300, 500, 350),
            ('spring', 'Buys often', 'treated', 'margin', 'did not', '', 300, 90, 9000, 9000),
            ('tea', 'all', 'mail', 'revenue', 'cannot tell', 'Wait for it.', 80, 80, 10, null),
            ('tea', 'all', 'mail', 'orders', 'cannot tell', '', 80, 80, 1, null),
            ('herbs', 'all', 'treated', 'orders', 'worked', '', 900, 300, 1340, null),
            ('herbs', 'all', 'treated', 'margin', 'cannot tell', 'Too few.', 900, 300, 5, null),
            ('tea', 'all', 'post', 'revenue', 'worked', '', 80, 80, 900, null),
            ('tea', 'all', 'call', 'revenue', 'worked', '', 3, 80, 7777, null)
        ) as results (
            campaign_id, segment, arm, metric, verdict, verdict_reason, customer_count,
            control_customer_count, uplift_total, profit_amount
        );
    """
    assert small_page(more=more).campaigns == [
        "tea, mail, from 31 March 2025: cannot tell. Wait for it.",
        "tea, post, from 31 March 2025: worked. +900 EUR of revenue, likely between 600 EUR and "
        "1,200 EUR.",
        "herbs, from 10 March 2025: orders worked, +1,340, likely between 1,040 and 1,640; margin "
        "cannot tell. Too few.",
        "spring, from 1 March 2025: worked. +500 EUR of margin, likely between 200 EUR and "
        "800 EUR; after its cost +350 EUR.",
    ]
    assert small_page().campaigns == []


def test_no_figure_of_few_customers_is_written(page):
    """With a smallest cell above the customers of a country, it is not named any more."""
    shown = as_text(page(a_country_loses_orders))
    assert "DE" in shown
    hidden = page(a_country_loses_orders, min_cell=400)
    assert "DE" not in as_text(hidden)
    assert page(min_cell=100_000).lead == ["There are too few orders in this period to show."]


def test_pictures_have_no_value_of_few_customers():
    group = SimpleNamespace(customers=np.array([[9, 4, 0, 5]]))
    table = SimpleNamespace(group=group, history=np.array([[90, 40, 0, 50]]))
    shown = _history(table, 0, min_cell=5)
    assert np.isnan(shown).tolist() == [False, True, False, False] and shown[0] == 90


def test_the_first_publication_has_a_page_of_its_last_week(small_shop, tmp_path):
    shops.publish(tmp_path, *small_shop, LAST, 1)
    written = brief(tmp_path, shops.AS_OF)
    assert "no earlier publication" in written.footer
    assert "26 May 2025 to 1 June 2025" in written.title
    assert re.fullmatch(r"[\d,]+ EUR from .* before returns\.", written.lead[0])
    assert re.fullmatch(r"The week before: [\d,]+ EUR; a year ago: [\d,]+ EUR\.", written.lead[1])


def test_a_short_history_is_said_to_be_too_short(tmp_path):
    orders, lines = shops.simulate(np.random.default_rng(1), days=90)
    shops.publish(tmp_path, orders, lines, 82, 1, days=90)
    shops.publish(tmp_path, orders, lines, 89, 2, days=90)
    assert "too little history" in brief(tmp_path, shops.AS_OF).none


def test_the_publication_to_compare_with_is_a_week_older_or_the_one_named(small_shop, tmp_path):
    ids = [
        shops.publish(tmp_path, *small_shop, LAST - back, number)
        for number, back in enumerate((21, 8, 2, 0), 1)
    ]
    assert choose(tmp_path).before["build_id"] == ids[1]
    assert choose(tmp_path, ids[2]).before["build_id"] == ids[2]
    assert choose(tmp_path, "2025-05-20").before["build_id"] == ids[0]
    with pytest.raises(ValueError, match="no publication 2020-01-01"):
        choose(tmp_path, "2020-01-01")
    with pytest.raises(ValueError, match="no publication tomorrow"):
        choose(tmp_path, "tomorrow")
    with pytest.raises(ValueError, match="nothing is published"):
        choose(tmp_path / "elsewhere")


def test_of_one_day_twice_nothing_is_compared(small_shop, tmp_path):
    first = shops.publish(tmp_path, *small_shop, LAST, 1)
    alone = brief(tmp_path, shops.AS_OF)
    shops.publish(tmp_path, *small_shop, LAST, 2)
    written = brief(tmp_path, shops.AS_OF, first)
    assert written.said == [] and "same day" in written.none
    # Unless it is named: a second publication of a day has the page of the first, of a week.
    again = brief(tmp_path, shops.AS_OF)
    assert (again.title, again.lead, again.none) == (alone.title, alone.lead, alone.none)
    assert again.lead and "same day" not in again.none


def test_the_simulated_marts_have_columns_of_the_real_ones(small_shop, tmp_path):
    """A page of columns that no build has would prove nothing."""
    build = shops.publish(tmp_path, *small_shop, LAST, 1)
    ledger = {tuple(line.split(",")[:2]) for line in LEDGER.read_text().splitlines()}
    with duckdb.connect(str(tmp_path / build / "clientele.duckdb"), read_only=True) as marts:
        columns = set(
            marts.execute(
                "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
            ).fetchall()
        )
    assert {name for name in columns if name[0] != "publications"} <= ledger
