"""The dashboard's page of reviews: its figures are those of the marts, and few are not shown."""

import duckdb
from browsing import choose, stricter, table, tables_of


def test_the_page_shows_the_topics_of_the_marts_and_of_a_segment(visit, marts):
    page = visit("voices")
    expected = marts(
        "select topic_name, reviewer_count, review_count from marts.dim_topics order by topic_name"
    )
    shown = {row[0]: row[2:4] for row in table(page, "Topics")}
    assert len(expected) == 6
    for name, *counts in expected:
        assert shown[name] == [f"{count:,}" for count in counts]
    assert len(table(page, "What to read")) == 18
    choose(page, "Topic", expected[0][0])
    assert [row[0] for row in table(page, "Topics")] == [expected[0][0]]
    assert {row[0] for row in table(page, "What to read")} == {expected[0][0]}


def test_figures_and_texts_of_few_reviewers_are_hidden(publication, tmp_path):
    folder = stricter(publication, tmp_path / "copy", 200)
    tables = tables_of("voices", folder)
    with duckdb.connect(str(folder / "clientele.duckdb"), read_only=True) as connection:
        counts = dict(
            connection.execute("select topic_key, reviewer_count from marts.dim_topics").fetchall()
        )
    assert min(counts.values()) < 200 <= max(counts.values())
    for row in tables["examples"]["rows"]:
        assert row["is_hidden"] == (counts[row["topic_key"]] < 200)
        assert (row["text"] is None) == row["is_hidden"]
    for name in ("topics", "periods", "writers"):
        for row in tables[name]["rows"]:
            assert row["is_hidden"] or row["customer_count"] >= 200
    assert any(row["is_hidden"] for row in tables["periods"]["rows"])


def test_a_publication_without_reviews_says_what_to_provide(publication, tmp_path):
    folder = stricter(publication, tmp_path / "copy", 5)
    with duckdb.connect(str(folder / "clientele.duckdb")) as connection:
        for kind in ("table", "view"):
            try:
                connection.execute(f"drop {kind} marts.fct_review_topics")
                break
            except duckdb.Error:
                continue
    assert tables_of("voices", folder) == {}
