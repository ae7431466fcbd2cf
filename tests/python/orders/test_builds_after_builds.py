"""Builds of a shop whose file grows, changes and loses lines, by dbt itself."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date

import pytest
import yaml
from compiled_project import NAMES
from conftest import NO_TESTS
from random_shops import random_shop


class Shop:
    """A shop in one CSV file, and the builds of it in one warehouse."""

    def __init__(self, warehouse):
        self.warehouse, self.file = warehouse, warehouse.folder / "orders.csv"
        names = NAMES.split(",")
        table = {"path": str(self.file), "columns": dict(zip(names, names, strict=True))}
        source = {"name": "shop", "timezone": "UTC", "currency": "EUR", "rules": {}}
        # A date, as a source's YAML has it, which JSON could not say.
        source |= {"extract_date": date(2026, 1, 1), "tables": {"order_lines": table}}
        self.settings = {"source": source, "segmentation_cluster_counts": [2, 3]}

    def command(self, *arguments):
        return ["build", "--vars", yaml.safe_dump(self.settings), *NO_TESTS, *arguments]

    def build(self, lines, *arguments):
        """Build the shop with these lines; return the build's row of `rpt_build_changes`."""
        self.file.write_text("\n".join([NAMES, *lines]) + "\n")
        self.warehouse.dbt(*self.command(*arguments))
        assert self.warehouse.exit_code == 0, self.warehouse.output[-5000:]
        return self.changes()[-1]

    def changes(self):
        rows = self.warehouse.frame("select * from marts.rpt_build_changes order by built_at")
        return rows.to_dict("records")

    def killed_build(self, lines, *, after):
        """Begin a build of these lines, and kill it once it has stored the model ``after``."""
        self.file.write_text("\n".join([NAMES, *lines]) + "\n")
        log = self.warehouse.folder / "logs/dbt.log"
        begun = log.stat().st_size
        process = subprocess.Popen(
            [sys.executable, "-m", "dbt.cli.main", *self.command()],
            cwd=self.warehouse.project,
            env=os.environ | self.warehouse.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stored = f"model intermediate.{after} "
        while process.poll() is None:
            with open(log) as text:
                text.seek(begun)
                if any("OK created" in line and stored in line for line in text):
                    break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, f"the build ended before {after} was seen"


def future(found):
    return "2031-05-05" if "-" in found[0] else "future"


@pytest.fixture(scope="module")
def history():
    """Lines of a shop on three days: orders come late, twice, corrected, and disappear."""
    lines = random_shop("ordinary", 24).strip().splitlines()
    orders = sorted({line.split(",")[0] for line in lines})
    of = {order: [line for line in lines if line.split(",")[0] == order] for order in orders}
    late, lost, moved = orders[5], orders[11], orders[17]
    customer = of[moved][0].split(",")[1]
    other = next(c for line in lines if (c := line.split(",")[1]) not in ("", customer))
    newest = sorted(orders, key=lambda order: max(line.split(",")[3] for line in of[order]))[-9:]
    first = [line for order in orders if order not in {late, *newest} for line in of[order]]
    # A line dated after the extraction is judged by the day, and in the same way while that stays.
    first.append(re.sub(r"^[^,]*|\d{4}-\d\d-\d\d", future, first[0]))
    corrected = [line.replace(f",{customer},", f",{other},") for line in of[moved]]
    second = [line for line in first if line.split(",")[0] not in (lost, moved)]
    second += corrected + of[late] + of[newest[0]]
    third = second + [line for order in newest[1:] for line in of[order]] + of[newest[3]]
    return first, second, third


@pytest.fixture(scope="module")
def shop(new_warehouse, history):
    """The shop after a first build, one that was killed, and one that came through."""
    shop = Shop(new_warehouse("shop"))
    shop.first = shop.build(history[0])
    shop.killed_build(history[1], after="int_order_lines__screened")
    shop.killed = new_warehouse("killed")
    shutil.copy(shop.warehouse.database, shop.killed.database)
    shop.third = shop.build(history[2])
    return shop


def test_a_killed_build_and_later_ones_end_in_the_marts_of_a_whole_build(shop, history):
    """The whole build has the same segment versions before it."""
    whole = Shop(shop.killed)
    row = whole.build(history[2], "--full-refresh")
    assert row["is_whole_build"] and not shop.third["is_whole_build"]
    assert whole.warehouse.fingerprints() == shop.warehouse.fingerprints()


def test_each_build_tells_what_it_found(shop):
    first, third = shop.first, shop.third
    assert first["is_whole_build"] and "ml_clv__parameters (nothing kept)" in first["fits"]
    # Also what the killed build found and stored in part.
    assert third["new_order_count"] == 10, "nine newest and one late"
    assert (third["changed_order_count"], third["vanished_order_count"]) == (1, 1)
    assert 0 < third["touched_customer_count"] < 40
    assert third["orders_seconds"] > 0 and third["order_count"] > first["order_count"]
    killed = shop.changes()[1:-1]
    assert not killed, "the killed build came not that far"


def test_a_build_without_news_finds_none(shop, history):
    before = shop.warehouse.fingerprints()
    row = shop.build(history[2], "--select", "+rpt_build_changes")
    counts = ["new", "changed", "vanished", "released"]
    assert [row[f"{name}_order_count"] for name in counts] == [0, 0, 0, 0]
    assert row["touched_customer_count"] == 0 and not row["is_whole_build"]
    assert shop.warehouse.fingerprints() == before


def test_a_build_without_rows_is_not_continued(shop, history):
    shop.build(history[2], "--empty", "--select", "+rpt_build_changes")
    row = shop.build(history[0], "--select", "+rpt_build_changes")
    assert row["is_whole_build"] and row["order_count"] == shop.first["order_count"]


def test_a_build_of_some_models_is_not_compared_with(shop, history):
    """The tables are new then, and the fingerprints are older."""
    models = ["int_order_lines__screened", "int_returns", "int_order_lines", "int_orders"]
    shop.build(history[1], "--full-refresh", "--select", *models)
    row = shop.build(history[2], "--select", "+rpt_build_changes")
    assert row["is_whole_build"]


def test_other_settings_of_orders_build_everything_again(shop, history):
    shop.settings["reversal_days"] = 3
    row = shop.build(history[2], "--select", "+rpt_build_changes")
    assert row["is_whole_build"]
