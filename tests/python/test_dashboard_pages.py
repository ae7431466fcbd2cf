"""The dashboard in a browser: moves, value, rules, look-ups, cohorts, quality, and odd shops."""

import re

import duckdb
import pytest
from browsing import (
    PAGES,
    card,
    choose,
    served,
    settle,
    shows,
    table,
    tables_of,
    tile,
)

from clientele.dashboard.site import write_site


def test_migration_counts_moves_of_the_period_that_is_chosen(visit, marts):
    page = visit("migration")
    sql = (
        "select sum(customer_count) from marts.fct_segment_migrations where segmentation = 'rfm' "
        "and 'none' not in (from_segment_key, to_segment_key) and is_move and to_as_of_date = ?"
    )
    choose(page, "Segments by", "RFM groups")
    shows(page, "Moved", f"{marts(sql, '2025-12-31')[0]:,}")
    # Shares are of all who were in a segment: what may not be shown one by one is one row.
    shares = {}
    for row in table(page, "Where each segment's customers moved"):
        shares.setdefault(row[0], []).append((row[1], float(row[3].rstrip("%")), row[2]))
    for name, of in shares.items():
        assert sum(share for _, share, _ in of) == pytest.approx(100, abs=0.3), name
    (stayed,) = [row for row in shares["Champions"] if row[0] == "Champions"]
    count, all_of_them = marts(
        "select sum(customer_count) filter (to_segment_key = 'rfm-champions'), sum(customer_count) "
        "from marts.fct_segment_migrations where from_segment_key = 'rfm-champions' "
        "and to_segment_key <> 'none' and to_as_of_date = '2025-12-31'"
    )
    assert stayed[1] == pytest.approx(100 * float(count / all_of_them), abs=0.06)
    effects = len(table(page, "Revenue effect of the moves"))
    page.get_by_label("Include new customers").check()
    settle(page)
    assert len(table(page, "Revenue effect of the moves")) > effects
    choose(page, "Period", "4 Jul 2025 to 2 Oct 2025")
    shows(page, "Moved", f"{marts(sql, '2025-10-02')[0]:,}")


def test_value_follows_the_horizon_and_shows_the_backtest(visit, marts):
    page = visit("value")
    for horizon in (365, 30):
        choose(page, "Within", f"{horizon} days")
        clv, risk = marts(
            "select sum(clv), sum(value_at_risk) from marts.fct_customer_values "
            "where horizon_days = ?",
            horizon,
        )
        short = [f"£{x / 1e6:.3g}m" if x >= 999_500 else f"£{x / 1e3:.3g}k" for x in (clv, risk)]
        (reliability,) = marts(
            "select any_value(reliability) from marts.fct_customer_values where horizon_days = ?",
            horizon,
        )
        # Each figure has its reliability, and one that is not reliable a simple one next to it.
        mark = "" if reliability == "reliable" else f" ({reliability})"
        assert tile(page, "Forecast") == reliability.capitalize()
        (before,) = marts(
            "select sum(net_amount) from marts.fct_orders where is_purchase and "
            "customer_id is not null and order_date > "
            "(select max(as_of_date) from marts.fct_customer_values) - ?",
            horizon,
        )
        label = f"Bought in the {horizon} days before"
        if mark:
            shown = tile(page, label)
            scale, unit = (1e6, "m") if before >= 999_500 else (1e3, "k")
            assert shown == f"£{float(before) / scale:.3g}{unit}"
        else:
            assert page.get_by_text(label).count() == 0
        shows(page, f"Expected within {horizon} days{mark}", short[0])
        shown = float(re.sub(r"[^\d.]", "", tile(page, f"Value at risk{mark}")))
        assert shown == float(re.sub(r"[^\d.]", "", short[1]))
    deciles = table(page, "Predicted and actual")
    (day,) = marts(
        "select max(cutoff_date) from marts.fct_model_backtests "
        "where horizon_days = 30 and target = 'amount' and decile > 0"
    )
    expected = marts(
        "select decile, customer_count, predicted_mean, actual_mean from marts.fct_model_backtests "
        "where horizon_days = 30 and target = 'amount' and is_published and cutoff_date = ? "
        "and decile > 0 order by decile",
        day,
    )
    assert deciles == [[str(d), f"{n:,}", f"£{p:,.0f}", f"£{a:,.0f}"] for d, n, p, a in expected]


def test_rules_are_searched_and_filtered(visit, marts):
    page = visit("baskets")
    count, worth = marts(
        "select count(*), count(*) filter (is_significant and not is_redundant) "
        "from marts.fct_association_rules where scope = 'all' and item_level = 'product'"
    )
    assert tile(page, "Rules found") == f"{count:,}"
    assert tile(page, "Pass the filters") == f"{worth:,}"
    # One rule stands for its bundle, and no two for the same items.
    led = [frozenset(row[:2]) for row in table(page, "Rules")]
    assert len(set(led)) == len(led) < worth
    page.get_by_label("One rule per bundle").uncheck()
    settle(page)
    page.get_by_label("Only rules worth acting on").uncheck()
    shows(page, "Pass the filters", f"{count:,}")
    page.get_by_label("Search").fill("copper ring")
    lift, confidence = marts(
        "select lift, confidence from marts.fct_association_rules where scope = 'all' "
        "and item_level = 'product' and antecedent = 'Copper Ring' and consequent = 'Ivory Ring'"
    )
    (found,) = marts(
        "select count(*) from marts.fct_association_rules where scope = 'all' and "
        "item_level = 'product' and antecedent || ', ' || consequent like '%Copper Ring%'"
    )
    shows(page, "Pass the filters", f"{found:,}")
    row = next(r for r in table(page, "Rules") if r[:2] == ["Copper Ring", "Ivory Ring"])
    assert row[2] == f"{lift:.3g}×" and row[4] == f"{100 * confidence:.1f}%".replace(".0%", "%")
    page.get_by_label("Search").fill("no such thing")
    shows(page, "Pass the filters", "0")
    assert "No rule passes the filters" in card(page, "Rules").inner_text()


def test_a_customer_is_looked_up(visit, marts):
    page = visit("recommendations")
    (customer,) = marts("select max(customer_id) from marts.fct_product_recommendations")
    page.get_by_label("Customer", exact=True).fill(f" {customer.lower()} ")
    page.get_by_role("heading", name=f"Offer to {customer}").wait_for()
    items = card(page, "What to offer a customer").locator("li")
    expected = marts(
        "select product_label, reason from marts.fct_product_recommendations "
        "where customer_id = ? order by rank",
        customer,
    )
    shown = [text.split("\n", 1) for text in items.all_inner_texts()]
    assert [product for product, _ in shown] == [product for product, _ in expected]
    for (_, words), (_, reason) in zip(shown, expected, strict=True):
        assert reason.startswith(words)
    page.get_by_label("Customer", exact=True).fill("no one")
    page.get_by_text("No recommendations for “no one”").wait_for()


def test_cohorts_are_those_of_the_orders(visit, marts):
    page = visit("cohorts")
    rows = {(r[0], r[1]): r[2:] for r in table(page, "Cohort by cohort")}
    size, bought, amount = marts(
        "with firsts as (select customer_id, min(order_date) as first_date "
        "from marts.fct_orders where is_purchase and customer_id is not null group by 1) "
        "select count(distinct customer_id), count(distinct customer_id) filter (m = 3), "
        "sum(net_amount) filter (m = 3) from (select orders.customer_id, net_amount, "
        "datediff('month', first_date, order_date) as m from marts.fct_orders as orders "
        "join firsts using (customer_id) where is_purchase "
        "and date_trunc('month', first_date) = date '2024-05-01')"
    )
    share = f"{100 * bought / size:.1f}%".replace(".0%", "%")
    assert rows["May 2024", "3"] == [f"{size:,}", f"{bought:,}", share, f"£{amount:,.0f}"]


def test_quality_accounts_for_every_line(visit, marts):
    page = visit("quality")
    (total,) = marts("select sum(row_count) from marts.rpt_data_quality")
    assert tile(page, "Raw lines") == f"{total:,}"
    rows = {row[0]: row[2:4] for row in table(page, "What happened to every line")}

    def number(text):
        return float(re.sub(r"[^\d.-]", "", text))

    reasons = marts("select reason, row_count, amount from marts.rpt_data_quality")
    # Every reason stands somewhere, and lines and money are complete.
    names = "; ".join(rows).lower()
    assert all(reason.replace("_", " ") in names for reason, count, _ in reasons if count)
    assert sum(number(shown[0]) for shown in rows.values()) == total
    amount = sum(amount for *_, amount in reasons)
    assert sum(number(shown[1]) for shown in rows.values()) == pytest.approx(float(amount))
    for reason, count, amount in reasons:
        if count >= 5 and reason.replace("_", " ").capitalize() in rows:
            shown = rows[reason.replace("_", " ").capitalize()]
            assert shown == [f"{count:,}", f"£{amount:,.2f}".replace("£-", "-£")]


def test_filters_and_tables_work_from_the_keyboard(visit, marts):
    page = visit("index")
    page.get_by_label("Country", exact=True).focus()
    page.keyboard.press("ArrowDown")
    (british,) = marts(
        "select count(*) from marts.fct_customer_features "
        "join marts.dim_customers using (customer_id) where acquisition_country = 'GB'"
    )
    shows(page, "Customers", f"{british:,}")
    summary = card(page, "Revenue by month").locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    rows = table(page, "Revenue by month")
    card(page, "Revenue by month").get_by_role("button", name="Net revenue").focus()
    page.keyboard.press("Enter")
    ordered = table(page, "Revenue by month")
    assert sorted(map(tuple, rows)) == sorted(map(tuple, ordered))
    amounts = [int(re.sub(r"\D", "", row[3])) for row in ordered]
    assert amounts == sorted(amounts, reverse=True)
    assert "↓" in card(page, "Revenue by month").locator("th[aria-sort]").inner_text()
    head = card(page, "Revenue by month").locator("th[aria-sort]")
    assert head.get_attribute("aria-sort") == "descending"


def test_a_shop_of_three_customers_shows_that_there_is_nothing_to_show(
    published_sample, visit, tmp_path
):
    folder = tmp_path / "published"
    (folder / "one").mkdir(parents=True)
    (folder / "current").symlink_to("one")
    with duckdb.connect(str(folder / "one/clientele.duckdb")) as connection:
        source = published_sample.folder / "published/current/clientele.duckdb"
        connection.execute(f"attach '{source}' as whole (read_only)")
        connection.execute("create schema marts")
        connection.execute(
            "create table three as select customer_id from whole.marts.fct_customer_features "
            "order by customer_id limit 3"
        )
        for name, has_customers in connection.execute(
            "select table_name, bool_or(column_name = 'customer_id') from "
            "duckdb_columns() where database_name = 'whole' group by 1"
        ).fetchall():
            where = "where customer_id in (from three)" if has_customers else ""
            empty = "limit 0" if not has_customers and name not in KEPT else ""
            connection.execute(
                f"create table marts.{name} as select * from whole.marts.{name} {where} {empty}"
            )
    write_site(folder / "one", tmp_path / "site")
    for name in PAGES:
        for content in tables_of(name, folder / "one").values():
            for row in content["rows"]:
                assert (
                    content["customers"] is None
                    or not row.get(content["customers"])
                    or (content["customers"] == "row_count")
                ), (name, row)
    with served(tmp_path / "site") as at:
        for name in PAGES:
            page = visit(name, at=at)
            if name == "index":
                assert tile(page, "Customers") == "not shown"
            # What is still drawn has no figure of customers: scores, lines, versions.
            for row in page.locator("tbody tr").all_inner_texts() if name != "quality" else ():
                assert "£" not in row, (name, row)


KEPT = {"publications", "rpt_data_quality"}


def test_a_site_that_cannot_be_written_leaves_the_one_that_is_served(new_warehouse, tmp_path):
    site = tmp_path / "dist"
    site.mkdir()
    for name in ("index.html", "clientele.js"):
        (site / name).write_text("the old one")
    refused = new_warehouse("nothing").clientele("dashboard", "--out", site)
    assert refused.exit_code == 2
    assert "nothing is published in" in refused.output and "clientele publish" in refused.output
    # A publication that lacks a mart.
    with duckdb.connect(str(tmp_path / "clientele.duckdb")) as connection:
        connection.execute("create schema marts")
    with pytest.raises(duckdb.CatalogException, match="publications"):
        write_site(tmp_path, site)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("dist")] == ["dist"]
    assert (site / "index.html").read_text() == "the old one"
    # A folder of something else is not replaced.
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="something other than a dashboard"):
        write_site(tmp_path, tmp_path / "mine")
    assert (tmp_path / "mine/thesis.txt").exists()
