"""Marts of reviews: rows are accounted for, figures follow from the raw file, no one is told."""

import re

import pandas as pd
import pytest
from conftest import NO_TESTS, PROJECT

MARTS = {
    "dim_topics", "fct_customer_reviews", "fct_review_topics", "rpt_review_quality",
    "rpt_sentiment_backtests", "rpt_topic_effects",
}  # fmt: skip


@pytest.fixture(scope="module")
def raw():
    """The raw reviews, with the truth about them."""
    reviews = pd.read_csv(PROJECT / "seeds/sample/sample_reviews.csv", dtype=str)
    truth = pd.read_csv(PROJECT / "tests/python/sample_truth/reviews.csv")
    return reviews.merge(truth, on="review_id", validate="one_to_one")


def test_every_raw_review_is_accounted_for(sample, raw):
    found = dict(sample.query("select reason, row_count from marts.rpt_review_quality"))
    planted = raw["defect"].fillna("").value_counts()
    # A review that is empty may also lack a time; then the first reason tells.
    assert sum(found.values()) == len(raw)
    assert found["no_words"] == planted["empty"] and found["exact_copy"] == planted["copy"]
    assert found["invalid_timestamp"] == planted["bad_time"]
    assert found["unreadable_rating"] == planted["no_rating"]
    kept = planted[""] + planted["outlier"] + planted["no_rating"]
    assert found["accepted"] + found["unreadable_rating"] == kept
    assert sample.query("select count(*) from marts.fct_review_topics") == [(kept,)]


def test_figures_of_customers_follow_from_the_raw_file(sample, raw):
    kept = raw[~raw["defect"].isin(["empty", "copy", "bad_time"])]
    stars = pd.to_numeric(kept["rating"], errors="coerce")
    wanted = stars.groupby(kept["customer_id"]).agg(["size", "mean"])
    found = sample.frame("from marts.fct_customer_reviews").set_index("customer_id").sort_index()
    assert found["review_count"].to_dict() == wanted["size"].to_dict()
    pd.testing.assert_series_equal(found["mean_rating"], wanted["mean"], check_names=False)


def test_the_query_of_topics_by_product_and_month_is_right(sample, raw):
    page = (PROJECT / "docs/methods/reviews.md").read_text()
    (query,) = re.findall(r"```sql\n(.*?)```", page, re.S)
    found = sample.frame(query)
    kept = raw[~raw["defect"].isin(["empty", "copy", "bad_time"])]
    assert found["review_count"].sum() == kept["product_id"].notna().sum() > 1_000
    assert not found.duplicated(["product_id", "review_month", "topic_key"]).any()
    wanted = kept.assign(
        rating=pd.to_numeric(kept["rating"], errors="coerce"),
        month=pd.to_datetime(kept["written_at"]).dt.to_period("M").dt.to_timestamp(),
    ).groupby(["product_id", "month"])["rating"]
    found["stars"] = found["mean_rating"] * found["review_count"]
    rated = found[found["mean_rating"].notna()]
    # A review without a rating makes its group's sum of stars unknown.
    whole = wanted.agg(["size", "count", "sum"]).query("size == count")["sum"]
    sums = rated.groupby(["product_id", "review_month"])["stars"].sum()
    sums.index = pd.MultiIndex.from_arrays(
        [sums.index.get_level_values(0), pd.to_datetime(sums.index.get_level_values(1))]
    )
    assert len(whole) > 500
    assert (sums.loc[whole.index] - whole).abs().max() < 1e-9


def test_repeats_after_topics_follow_from_reviews_and_orders(sample):
    """The planted link comes out: who does not come back writes of bad deliveries."""
    reviews = sample.frame(
        "select customer_id, topic_key, written_date from marts.fct_review_topics "
        "where written_date <= (select max(as_of_date) from intermediate.int_as_of_dates) - 90"
    )
    days = sample.frame("select customer_id, order_date from marts.fct_orders where is_purchase")
    days = days.groupby("customer_id")["order_date"].apply(set)

    def has_repeated(customer, day):
        within = (0 < (other - day).days <= 90 for other in days.get(customer, ()))
        return any(within)

    found = sample.frame("from marts.rpt_topic_effects").set_index("topic_key")
    assert len(found) == 6
    for topic, row in found.iterrows():
        on = reviews["topic_key"] == topic
        own = reviews[on].groupby("customer_id")["written_date"].min()
        others = reviews.groupby("customer_id")["written_date"].min().drop(own.index)
        assert row["customer_count"] == len(own) and row["other_customer_count"] == len(others)
        assert row["repeat_customer_count"] == sum(has_repeated(*pair) for pair in own.items())
        repeated = sum(has_repeated(*pair) for pair in others.items())
        assert row["other_repeat_customer_count"] == repeated
        assert row["difference_lower"] <= row["difference"] <= row["difference_upper"]
    names = dict(sample.query("select topic_key, words from marts.dim_topics"))
    delivery = [key for key, words in names.items() if "courier" in words]
    assert found.loc[delivery, "verdict"].tolist() == ["less often"]


def test_examples_show_no_name_address_or_number(sample):
    shown = sample.query("select example_1, example_2, example_3 from marts.dim_topics")
    texts = [text for row in shown for text in row]
    assert len(texts) == 18 and all(texts)
    for text in texts:
        assert not re.search(r"@|\d", text), text


def test_marts_hold_no_text_of_a_review(sample, raw):
    """Longer than a word: a topic's name may be a review of one word."""
    long = raw["text"].dropna()
    long = set(long[long.str.len() > 60])
    for mart in MARTS - {"dim_topics"}:
        frame = sample.frame(f"from marts.{mart}")
        texts = frame.select_dtypes(["object", "str"])
        assert not any(long & set(texts[name].dropna()) for name in texts)


def test_a_later_build_keeps_the_fit_and_an_absent_table_leaves_no_mart(sample_copy):
    before = sample_copy.query("select count(*), max(version) from ml.ml_reviews__fits")
    sample_copy.dbt("run", "--select", "ml_reviews__fits", "ml_reviews__scored")
    assert sample_copy.exit_code == 0, sample_copy.output[-3000:]
    assert sample_copy.query("select count(*), max(version) from ml.ml_reviews__fits") == before
    source = (PROJECT / "sources/sample.yml").read_text()
    start = source.index("    reviews:\n")
    without = sample_copy.folder / "without.yml"
    without.write_text(source[:start] + source[source.index("  rules:\n") :])
    sample_copy.dbt("run", "--select", "stg_products", "--vars", without.read_text())
    assert sample_copy.exit_code == 0, sample_copy.output[-3000:]
    left = sample_copy.query(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    )
    assert MARTS.isdisjoint(name for (name,) in left) and left


def test_a_build_of_an_earlier_day_reads_no_later_review(sample_copy):
    said = "{as_of_date: 2025-03-31}"
    models = ["+fct_review_topics", "rpt_review_quality", "int_orders"]
    sample_copy.dbt("run", "--vars", said, "--select", *models)
    assert sample_copy.exit_code == 0, sample_copy.output[-3000:]
    last, version = sample_copy.query(
        "select max(written_date)::varchar, max(topics_version) from marts.fct_review_topics"
    )[0]
    assert last == "2025-03-31" and version == 2
    fitted = sample_copy.query("select as_of_date::varchar, count(*) filter (part = 'topic') "
                               "from ml.ml_reviews__fits where version = 2 group by 1")  # fmt: skip
    assert fitted[0][0] == "2025-03-31"
    # The topics of the later day lend their keys.
    keys = {key for (key,) in sample_copy.query(
        "select distinct topic_key from marts.fct_review_topics where topic_key is not null"
    )}  # fmt: skip
    assert len(keys & {f"topic-{n}" for n in range(1, 7)}) >= 5


def test_a_file_without_ids_and_in_chinese_is_built(new_warehouse, tmp_path):
    """Only the text is mapped; a copy of another person's text is a copy."""
    good, bad = ["很好", "喜欢", "满意"], ["不好", "太差", "失望"]
    things = {
        "快递": "送货 包装 速度",
        "质量": "材料 做工 颜色",
        "价格": "便宜 优惠 打折",
        "客服": "态度 回复 退款",
    }
    rows = []
    for number in range(600):
        thing = list(things)[number % 4]
        words = [thing, *things[thing].split()]
        picked = [words[(number // 4 + step) % 4] for step in range(2)]
        kind = good if number % 3 else bad
        rows.append(
            "".join(f"{w}{kind[(number + i) % 3]}，" for i, w in enumerate(picked)) + str(number)
        )
    frame = pd.DataFrame(
        {"body": [*rows, rows[0]], "stars": ["1" if n % 3 == 0 else "5" for n in range(601)]}
    )
    frame.to_csv(tmp_path / "reviews.csv", index=False)
    (tmp_path / "lines.csv").write_text(
        "order,day,price,quantity\n" + "".join(f"o{n},2024-01-{n + 1:02d},5,1\n" for n in range(9))
    )
    said = f"""
reviews_common_share: 0.5
source:
  name: chinese
  timezone: UTC
  currency: CNY
  extract_date: 2024-12-31
  tables:
    order_lines:
      path: "{tmp_path}/lines.csv"
      columns: {{order_id: order, ordered_at: day, unit_price: price, quantity: quantity}}
    reviews:
      path: "{tmp_path}/reviews.csv"
      columns: {{text: body, rating: stars}}
"""
    warehouse = new_warehouse("chinese")
    models = ["lookups", "+dim_topics", "+rpt_review_quality"]
    warehouse.dbt("build", *NO_TESTS, "--vars", said, "--select", *models)
    assert warehouse.exit_code == 0, warehouse.output[-3000:]
    found = dict(warehouse.query("select reason, row_count from marts.rpt_review_quality"))
    assert found["accepted"] == 600 and found["exact_copy"] == 1
    words = " ".join(row[0] for row in warehouse.query("select words from marts.dim_topics"))
    assert all(thing in words for thing in things)
