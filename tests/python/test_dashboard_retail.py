"""The dashboard of Online Retail II: what pandas counts in the raw file, and what is shown."""

import duckdb
import pandas as pd
import pytest
from browsing import tables_of
from conftest import PROJECT

from clientele.dashboard import members
from clientele.dashboard.tables import ALL, Page

# Columns of a publication that pages name.
ABOUT = """
    create table marts.publications as select 5 as min_cell, 'online_retail' as source_name,
        'GBP' as currency, max(as_of_date) as as_of_date, timestamp '2099-01-01' as published_at,
        'build' as build_id, null::varchar as previous_build_id
    from marts.fct_customer_features
"""


@pytest.fixture(scope="module")
def retail(online_retail, tmp_path_factory):
    """The marts of Online Retail II as a publication; its folder."""
    folder = tmp_path_factory.mktemp("retail_publication")
    with duckdb.connect(str(folder / "clientele.duckdb")) as connection:
        connection.execute(f"attach '{online_retail.database}' as built (read_only)")
        connection.execute("create schema marts")
        for (name,) in connection.execute(
            "select table_name from information_schema.tables "
            "where table_catalog = 'built' and table_schema = 'marts'"
        ).fetchall():
            connection.execute(f"create table marts.{name} as from built.marts.{name}")
        connection.execute(ABOUT)
    return folder


@pytest.fixture(scope="module")
def lines(real_data):
    """The raw lines that pandas finds to be sales and returns of merchandise, each once."""
    raw = pd.read_parquet(real_data("online_retail_ii/online_retail_ii.parquet"))
    raw = raw.drop(columns="sheet").drop_duplicates()
    codes = pd.read_csv(PROJECT / "seeds/lookups/non_product_codes.csv", dtype=str)
    codes = codes[codes["source"] == "online_retail"]
    exact = codes.loc[codes["match_type"] == "code", "product_code"]
    patterns = codes.loc[codes["match_type"] == "pattern", "product_code"]
    is_other = raw["StockCode"].isin(exact)
    for pattern in patterns:
        is_other |= raw["StockCode"].str.contains(pattern, regex=True)
    kept = raw[~is_other & (raw["Price"] > 0)]
    return kept.assign(amount=kept["Quantity"] * kept["Price"])


def test_revenue_is_what_pandas_counts_in_the_raw_file(retail, lines):
    tables = tables_of("index", retail)
    known = {int(row[0]) for row in members.load(Page(retail))["members"]}
    (guests,) = tables["guests"]["rows"]
    no_customer = lines["Customer ID"].isna()
    assert guests["net_amount"] == pytest.approx(lines.loc[no_customer, "amount"].sum(), abs=0.005)
    of_known = lines[lines["Customer ID"].isin(known)]
    total = {row["place"]: row for row in tables["totals"]["rows"]}
    assert total[ALL]["net_amount"] == pytest.approx(of_known["amount"].sum(), abs=0.005)
    assert total[ALL]["customer_count"] == of_known["Customer ID"].nunique() == len(known)
    # Two purchases of over 70,000 pieces were undone within minutes; they add up to nothing.
    undone = of_known["Quantity"].abs() > 70_000
    assert undone.sum() == 4 and of_known.loc[undone, "amount"].sum() == pytest.approx(0)
    of_known = of_known[~undone]
    months = of_known.groupby(of_known["InvoiceDate"].dt.strftime("%Y-%m-01"))
    shown = {row["month_date"]: row for row in tables["months"]["rows"] if row["place"] == ALL}
    assert set(shown) == set(months.groups)
    # The file books a return in its own month, the marts on the purchase that it belongs to.
    for month, rows in months:
        sold = rows.loc[rows["amount"] > 0, "amount"].sum()
        assert 0.85 * sold < shown[month]["net_amount"] < sold, month
        assert shown[month]["customer_count"] == rows["Customer ID"].nunique(), month
    by_month = sum(row["net_amount"] for row in shown.values())
    assert by_month == pytest.approx(of_known["amount"].sum(), abs=0.005)
    # A customer of two countries is of the first one's, so only the sum of all is pandas's.
    countries = tables["countries"]["rows"]
    assert sum(row["customer_count"] for row in countries) == len(known)
    assert sum(row["net_amount"] for row in countries) == pytest.approx(of_known["amount"].sum())


def test_large_markets_of_few_customers_are_named(retail):
    countries = {row["country"]: row for row in tables_of("index", retail)["countries"]["rows"]}
    (together,) = [name for name in countries if "EIRE" in name]
    assert "Netherlands" in together and len(together) < 40
    assert not any(row["is_hidden"] for row in countries.values())


def test_moves_that_matter_are_shown_one_by_one(retail):
    tables = tables_of("migration", retail)
    sizes = dict(
        Page(retail)
        .connection.execute(
            "select from_segment_key || to_segment_key || segmentation || to_as_of_date, "
            "customer_count from marts.fct_segment_migrations"
        )
        .fetchall()
    )
    hidden = total = small = 0
    for row in tables["moves"]["rows"]:
        names = ("from_segment_key", "to_segment_key", "segmentation", "to_as_of_date")
        count = sizes["".join(row[name] for name in names)]
        total += count
        small += count < 5
        hidden += count if row["is_hidden"] else 0
    assert hidden < 0.06 * total
    assert sum(row["is_hidden"] for row in tables["moves"]["rows"]) < 2.5 * small


def test_a_few_small_cells_hide_few_others(retail):
    cohorts = tables_of("cohorts", retail)["cohorts"]["rows"]
    assert sum(row["is_hidden"] for row in cohorts) <= 0.05 * len(cohorts)
    cells = tables_of("rfm", retail)["cells"]["rows"]
    of_all = [row["is_hidden"] for row in cells if row["place"] == ALL]
    assert sum(of_all) <= 0.15 * len(of_all)


def test_the_largest_correction_of_the_books_is_shown(retail):
    rows = tables_of("quality", retail)["lines"]["rows"]
    assert not any(row["is_hidden"] for row in rows)
    (adjusted,) = [row for row in rows if "adjustment" in row["reason"]]
    (amount,) = (
        Page(retail)
        .connection.execute("select amount from marts.rpt_data_quality where reason = 'adjustment'")
        .fetchone()
    )
    assert adjusted["amount"] == pytest.approx(float(amount))
