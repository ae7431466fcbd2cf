"""What builds say about days on which earlier builds said otherwise, and why."""

import shutil
from datetime import date, timedelta

import pytest
import yaml
from conftest import NO_TESTS

COLUMNS = "order_id,customer_id,product_id,ordered_at,quantity,unit_price"
PERIOD = 30
FIRST, LAST = date(2025, 6, 1), date(2025, 6, 1) + timedelta(days=PERIOD)
# The measures, and the columns of `dim_customers` that say the same.
MEASURES = {"segment": "segment_key", "rfm_group": "rfm_key", "status": "lifecycle_stage"}
MEASURES |= {"value": "clv_band"}


def line(order, customer, day, quantity=1, price=10.0):
    return f"{order},{customer},mug,{day} 10:00:00,{quantity},{price:.2f}"


def usual_lines():
    """Customers `c0` to `c59` with up to five orders, of which later ones follow in June."""
    return [
        line(f"{n}-{order}", f"c{n}", date(2024, 9, 1) + timedelta(days=days), 1, 5.0 + n % 7)
        for n in range(60)
        for order, days in enumerate(range(n % 50, 300, 60 + 7 * (n % 11)))
    ]


# What the first build saw of some customers, and what the last one sees.
BEFORE = [
    line("l1", "late", "2024-12-20"),
    line("r1", "returner", "2025-05-20", 2),
    line("x1", "corrected", "2025-05-21"),
    line("g1", "gone", "2025-05-22"),
    line("m1", "mover", "2025-02-01"),
    line("t1", "returns_later", "2025-05-24", 2),
]
AFTER = [
    line("l1", "late", "2024-12-20"),
    line("l2", "late", "2025-05-19"),
    line("u1", "unknown", "2025-05-19"),
    line("r1", "returner", "2025-05-20", 2),
    line("r2", "returner", "2025-05-25", -2),
    line("x1", "corrected", "2025-05-21", 900),
    line("m1", "mover", "2025-05-01"),
    line("t1", "returns_later", "2025-05-24", 2),
    line("t2", "returns_later", "2025-06-10", -1),
]
LATE = {"late", "unknown"}


class Shop:
    """A shop in one CSV file, and builds of it in one warehouse."""

    def __init__(self, warehouse):
        self.warehouse, self.file = warehouse, warehouse.folder / "orders.csv"
        names = COLUMNS.split(",")
        table = {"path": str(self.file), "columns": dict(zip(names, names, strict=True))}
        source = {"name": "shop", "timezone": "UTC", "currency": "EUR", "rules": {}}
        source |= {"extract_date": "2025-12-31", "tables": {"order_lines": table}}
        self.settings = {"source": source, "comparison_days": PERIOD, "history_periods": 2}
        self.settings |= {"segmentation_cluster_counts": [2, 3], "kmeans_starts": 1}

    def build(self, lines, day, *arguments):
        """Build what was ordered up to ``day``; return the rows of `rpt_restatements`."""
        self.file.write_text("\n".join([COLUMNS, *sorted(lines)]) + "\n")
        said = yaml.safe_dump(self.settings | {"as_of_date": str(day)})
        models = ["--select", "+rpt_restatements", *NO_TESTS]
        self.warehouse.dbt("build", "--vars", said, *models, *arguments)
        assert self.warehouse.exit_code == 0, self.warehouse.output[-5000:]
        return self.rows()

    def rows(self):
        """Return each row's values by its day, customer and measure."""
        rows = self.warehouse.query(
            "select as_of_date, customer_id, measure, told_value, value_now, reason "
            "from marts.rpt_restatements"
        )
        found = {row[:3]: row[3:] for row in rows}
        assert len(found) == len(rows)
        return found

    def standings(self):
        """Return by customer and measure what the marts say about today."""
        rows = self.warehouse.query(
            "select customer_id, segments.segment_key, groups.segment_key, lifecycle_stage, "
            "clv_band from marts.dim_customers "
            "left join (from marts.fct_segment_memberships where is_current "
            "and segmentation = 'behaviour') as segments using (customer_id) "
            "left join (from marts.fct_segment_memberships where is_current "
            "and segmentation = 'rfm') as groups using (customer_id) where has_bought"
        )
        return {
            (customer, measure): value
            for customer, *values in rows
            for measure, value in zip(MEASURES, values, strict=True)
            if value is not None
        }

    def told(self, day):
        return self.warehouse.query(
            f"select count(*) from intermediate.int_state__told where as_of_date = date '{day}'"
        )[0][0]


@pytest.fixture(scope="module")
def shop(new_warehouse):
    """A shop built on a day, in between, and a period later; then the first day is replayed."""
    shop = Shop(new_warehouse("restated"))
    before, after = usual_lines() + BEFORE, usual_lines() + AFTER
    shop.first = shop.build(before, FIRST)
    shop.said = shop.standings()
    # The late orders have come, and nothing else.
    came = [one for one in AFTER if one.split(",")[1] in LATE and one not in BEFORE]
    shop.between = shop.build(before + came, FIRST + timedelta(days=5))
    shop.copy = new_warehouse("whole")
    shutil.copy(shop.warehouse.database, shop.copy.database)
    shop.last = shop.build(after, LAST)
    shop.replayed = shop.build(after, FIRST)
    shop.known = shop.standings()
    shop.after = after
    return shop


def of_first_day(rows, *measures):
    return {key[1:]: row for key, row in rows.items() if key[0] == FIRST and key[2] in measures}


def test_a_build_whose_days_were_not_built_before_restates_nothing(shop):
    assert shop.first == {} and shop.between == {}
    assert len(shop.said) > 4 * 60


def test_late_and_corrected_rows_restate_a_past_day_for_their_reason(shop):
    found = of_first_day(shop.last, "status")
    assert found == {
        ("late", "status"): ("lapsing", "active", "late order"),
        ("unknown", "status"): (None, "new", "late order"),
        ("returner", "status"): ("new", None, "late return"),
        ("gone", "status"): ("new", None, "correction"),
        ("mover", "status"): ("lapsing", "new", "correction"),
    }
    corrected = [row for key, row in shop.replayed.items() if key[1] == "corrected"]
    assert corrected and {row[2] for row in corrected} == {"correction"}
    # Whose own orders and returns up to the day are as they were.
    shared = {
        row[2]
        for key, row in shop.last.items()
        if key[1] == "returns_later" or key[1][1:].isdigit()
    }
    assert "others" in shared and shared <= {"others", "refit"}


def test_a_replay_says_the_same_as_the_restatements(shop):
    """What the first build and the replay say differs in the rows of the mart, and in no other."""
    differing = {
        key: (shop.said.get(key), shop.known.get(key))
        for key in shop.said.keys() | shop.known.keys()
        if shop.said.get(key) != shop.known.get(key)
    }
    replayed = of_first_day(shop.replayed, *MEASURES)
    assert {key: row[:2] for key, row in replayed.items()} == differing
    assert {measure for _, measure in replayed} >= {"rfm_group", "status", "value"}
    relative = of_first_day(shop.last, "rfm_group", "status")
    assert relative == of_first_day(shop.replayed, "rfm_group", "status") and len(relative) > 7


def test_a_build_of_the_same_data_restates_nothing(shop):
    """No row is about the last day, and the replay before it changed nothing of what was said."""
    assert shop.build(shop.after, LAST) == shop.last
    assert {day for day, *_ in shop.last} == {FIRST}


def test_a_whole_build_restates_the_same(shop):
    whole = Shop(shop.copy)
    # The path of the file is a setting too.
    whole.file, whole.settings = shop.file, shop.settings
    assert whole.build(shop.after, LAST, "--full-refresh") == shop.last


def test_only_what_changed_is_kept(shop):
    days = [FIRST, FIRST + timedelta(days=5), LAST]
    kept = [shop.told(day) for day in days]
    assert kept[0] == 66 and 2 <= kept[1] < 50, kept
    assert 6 <= kept[2] < 66, kept


def test_what_another_source_said_is_not_kept(shop):
    shop.settings["source"] = shop.settings["source"] | {"name": "another"}
    assert shop.build(shop.after, LAST) == {}
    names = shop.warehouse.query("select source_name from intermediate.int_state__told_days")
    assert names == [("another",)]
    assert shop.told(FIRST) == 0 and shop.told(LAST) > 60
