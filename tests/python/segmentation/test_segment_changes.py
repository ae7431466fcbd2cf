"""What a publication says has changed in the segments since the one before."""

import datetime

import duckdb
import pytest

from clientele.publishing.changes import SEGMENT_CHANGES, segment_changes

JUNE, DECEMBER = "2024-06-30", "2024-12-31"
# Fits: version, day, method, feature set, segments, reason for the refit, reason of the promotion.
FIRST = (1, JUNE, "kmeans", "value", 2, "nothing_in_force", "promoted: the first on that day")
SECOND = (2, DECEMBER, "kmeans", "value", 2, "age_days, psi_monetary", "promoted: 90.0% keep")


def shop(path, as_of_date, fits, segments, source="shop"):
    """Write a publication: ``segments`` are the members by (segmentation, key, name)."""
    with duckdb.connect(str(path)) as connection:
        run = connection.execute
        run("create schema marts")
        run("create table marts.publications as select ? as source_name", [source])
        run(
            "create table marts.fct_segmentation_versions (segmentation varchar, version int, "
            "as_of_date date, method varchar, feature_set varchar, segment_count int, "
            "refit_reason varchar, reason varchar, is_in_force boolean)"
        )
        for number, fit in enumerate(fits):
            run(
                "insert into marts.fct_segmentation_versions values "
                "('behaviour', ?, ?, ?, ?, ?, ?, ?, ?)",
                [*fit, number == len(fits) - 1],
            )
        run(
            "create table marts.dim_segments (segmentation varchar, segment_key varchar, "
            "segment_name varchar, as_of_date date, customer_count int)"
        )
        run(
            "create table marts.fct_segment_memberships (customer_id varchar, "
            "segmentation varchar, segment_key varchar, is_current boolean)"
        )
        for (segmentation, key, name), members in segments.items():
            row = [segmentation, key, name, as_of_date, len(members)]
            run("insert into marts.dim_segments values (?, ?, ?, ?, ?)", row)
            for customer in members:
                run(
                    "insert into marts.fct_segment_memberships values (?, ?, ?, true), "
                    "(?, ?, 'another day', false)",
                    [customer, segmentation, key, customer, segmentation],
                )
    return path


BEFORE = {
    ("behaviour", "behaviour-1", "Active"): "abc",
    ("behaviour", "behaviour-2", "Lapsed"): "de",
    ("rfm", "rfm-loyal", "Loyal"): "abcde",
}
AFTER = {
    ("behaviour", "behaviour-1", "Active, 5+ orders"): "abf",
    ("behaviour", "behaviour-3", "New customers"): "cdg",
    ("rfm", "rfm-loyal", "Loyal"): "abcdefg",
}


@pytest.fixture
def changes(tmp_path):
    def compare(now, before, source="shop"):
        warehouse = shop(tmp_path / "now.duckdb", *now)
        with duckdb.connect() as connection:
            connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
            rows = segment_changes(connection.execute, before, source)
            attached = connection.execute("select database_name from duckdb_databases()")
            assert "replaced" not in {name for (name,) in attached.fetchall()}
        return {(row[1], row[2]): dict(zip(SEGMENT_CHANGES, row, strict=True)) for row in rows}

    return compare


def test_a_refit_lists_kept_new_and_retired_segments_by_key_with_days_and_reason(changes, tmp_path):
    before = shop(tmp_path / "before.duckdb", JUNE, [FIRST], BEFORE)
    found = changes((DECEMBER, [FIRST, SECOND], AFTER), before)
    assert set(found) == {
        ("behaviour-1", "kept"),
        ("behaviour-2", "retired"),
        ("behaviour-3", "new"),
        ("rfm-loyal", "kept"),
    }
    kept = found["behaviour-1", "kept"]
    assert (kept["segment_name"], kept["previous_segment_name"]) == ("Active, 5+ orders", "Active")
    counts = ["customer_count", "previous_customer_count", "kept_customer_count"]
    assert [kept[name] for name in counts] == [3, 3, 2]
    assert kept["as_of_date"] == datetime.date(2024, 12, 31)
    assert kept["previous_as_of_date"] == datetime.date(2024, 6, 30)
    assert kept["is_refitted"] and kept["change_reason"] == (
        "Refitted on the customers of 2024-12-31 (the fit was old, drift of monetary); "
        "promoted: 90.0% keep"
    )
    assert [found["behaviour-2", "retired"][name] for name in counts] == [0, 2, 0]
    assert found["behaviour-2", "retired"]["segment_name"] == "Lapsed"
    assert [found["behaviour-3", "new"][name] for name in counts] == [3, 0, 0]
    # RFM groups are not fitted.
    assert not found["rfm-loyal", "kept"]["is_refitted"]
    assert found["rfm-loyal", "kept"]["change_reason"] is None
    assert [found["rfm-loyal", "kept"][name] for name in counts] == [7, 5, 5]


def test_a_replay_says_that_an_earlier_fit_is_in_force_again(changes, tmp_path):
    before = shop(tmp_path / "before.duckdb", DECEMBER, [FIRST, SECOND], AFTER)
    found = changes((JUNE, [SECOND, FIRST], BEFORE), before)
    kept = found["behaviour-1", "kept"]
    assert kept["is_refitted"] and kept["change_reason"].startswith(
        "The fit of 2024-06-30 is in force again instead of that of 2024-12-31"
    )
    assert {("behaviour-2", "new"), ("behaviour-3", "retired")} < set(found)


def test_the_same_fit_is_no_refit(changes, tmp_path):
    before = shop(tmp_path / "before.duckdb", JUNE, [FIRST], BEFORE)
    found = changes((DECEMBER, [FIRST], BEFORE), before)
    assert {status for _, status in found} == {"kept"}
    assert not any(row["is_refitted"] for row in found.values())


def test_a_fit_of_another_warehouse_shares_no_segment_though_keys_are_equal(changes, tmp_path):
    """A new warehouse numbers its versions and segments from 1 again."""
    before = shop(tmp_path / "before.duckdb", JUNE, [FIRST], BEFORE)
    found = changes((DECEMBER, [(1, DECEMBER, *FIRST[2:])], BEFORE), before)
    assert {key for key in found if key[0].startswith("behaviour")} == {
        (f"behaviour-{number}", status) for number in (1, 2) for status in ("new", "retired")
    }
    row = found["behaviour-1", "new"]
    assert row["kept_customer_count"] == 0 and "no segment can be compared" in row["change_reason"]
    assert ("rfm-loyal", "kept") in found


def test_without_a_comparable_publication_there_are_no_rows(changes, tmp_path):
    now = (DECEMBER, [FIRST], BEFORE)
    other = shop(tmp_path / "other.duckdb", JUNE, [FIRST], BEFORE, source="other")
    old = tmp_path / "old.duckdb"
    with duckdb.connect(str(old)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.publications as select 'shop' as source_name")
    with duckdb.connect() as connection:
        warehouse = shop(tmp_path / "now.duckdb", *now)
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        for before in (None, tmp_path / "gone.duckdb", other, old):
            assert segment_changes(connection.execute, before, "shop") == []
