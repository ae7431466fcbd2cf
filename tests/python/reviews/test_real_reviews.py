"""Reviews of real shops: topics are made, and sentiment is compared with baselines.

docs/methods/reviews.md has the figures.
"""

import duckdb
import pandas as pd
import pytest
from conftest import NO_TESTS

# File, columns as SQL, least AUC, its least lead on the lexicon, and the largest calibration gap.
# Later reviews of beauty products are worse than earlier ones, which no fit on these can know.
SOURCES = {
    "clothing": (
        "reviews_womens_clothing/reviews.parquet",
        {"text": '"Review Text"', "rating": '"Rating"', "product_id": '"Clothing ID"'},
        (0.94, 0.1, 0.02),
    ),
    "beauty": (
        "reviews_amazon_beauty/all_beauty_5core.parquet",
        {
            "text": "reviewText", "rating": "overall", "product_id": "asin",
            "customer_id": "reviewerID", "written_at": "to_timestamp(unixReviewTime)",
        },
        (0.8, 0.0, 0.12),
    ),
    "chinese": (
        "reviews_chinese_shopping/online_shopping_10_cats.parquet",
        {"text": "review", "rating": "label"},
        (0.93, 0.3, 0.03),
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=SOURCES)
def built(request, real_data, new_warehouse, tmp_path_factory):
    """A build of the reviews of one data set, next to a shop of nine orders, and their number."""
    file, columns, least = SOURCES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    listed = ", ".join(f"cast({sql} as varchar) as {name}" for name, sql in columns.items())
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        listed = listed.replace(
            "cast(to_timestamp(unixReviewTime) as varchar)",
            "cast(to_timestamp(unixReviewTime) as timestamp)",
        )
        connection.execute(
            f"copy (select {listed} from '{real_data(file)}') "
            f"to '{folder}/reviews.parquet' (format parquet)"
        )
        (count,) = connection.execute(f"select count(*) from '{folder}/reviews.parquet'").fetchone()
        connection.execute(
            f"copy (select 'o' || n as order_no, timestamp '2020-01-01' + to_days(n::int) as day, "
            f"5 as price, 1 as quantity from range(9) as t (n)) "
            f"to '{folder}/lines.parquet' (format parquet)"
        )
    mapped = ", ".join(f"{name}: {name}" for name in columns)
    said = f"""
source:
  name: {request.param}
  timezone: UTC
  currency: USD
  extract_date: 2024-12-31
  tables:
    order_lines:
      path: "{folder}/lines.parquet"
      columns: {{order_id: order_no, ordered_at: day, unit_price: price, quantity: quantity}}
    reviews:
      path: "{folder}/reviews.parquet"
      columns: {{{mapped}}}
"""
    warehouse = new_warehouse(request.param)
    models = ["lookups", "+dim_topics", "rpt_sentiment_backtests", "rpt_review_quality"]
    warehouse.dbt("build", *NO_TESTS, "--vars", said, "--select", *models, "fct_review_topics")
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    return request.param, warehouse, count, least


def test_topics_are_made_and_sentiment_beats_its_baselines(built):
    name, warehouse, count, least = built
    rows = dict(warehouse.query("select reason, row_count from marts.rpt_review_quality"))
    assert sum(rows.values()) == count
    if name == "beauty":
        # The file has 1,027 rows that are equal in every column.
        assert rows["exact_copy"] >= 1_000
    topics = warehouse.frame("from marts.dim_topics")
    assert (
        len(topics) >= 4 and topics["topic_name"].is_unique and (topics["review_count"] > 0).all()
    )
    nowhere = warehouse.frame(
        "select avg((topic_key is null)::int) as share from marts.fct_review_topics"
    )
    assert nowhere["share"][0] < 0.10
    tests = warehouse.frame("from marts.rpt_sentiment_backtests").set_index("model")
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        print(name, rows, tests, topics[["topic_name", "review_count"]], nowhere, sep="\n")
    auc, lead, gap = least
    assert tests.loc["ratings", "auc"] > max(auc, tests.loc["lexicon", "auc"] + lead)
    assert tests.loc["ratings", "brier"] < tests.loc["share", "brier"]
    assert tests.loc["ratings", "calibration_gap"] < gap
