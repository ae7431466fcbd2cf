"""A source that loses most of its lines stops the build, and rejected lines decide nothing."""

import json
import re

import pandas as pd
import pytest
from conftest import PROJECT

from clientele.sources import load_source

NAMES = ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
FOREIGN = {"currency": "USD"}


@pytest.fixture(scope="module")
def screen(new_warehouse, tmp_path_factory):
    """Return a function that builds the screened lines of 10 orders, some of them changed."""
    folder, template = tmp_path_factory.mktemp("lost"), load_source("template", PROJECT / "sources")
    warehouse = new_warehouse("lost")

    def run(change, changed, **knobs):
        lines = [
            dict(zip(NAMES, (f"o{n}", f"c{n}", "mug", f"2024-05-{n:02} 10:00:00", "1", "5.00"),
                     strict=True)) | {"currency": "EUR"} | (change if n > 10 - changed else {})
            for n in range(1, 11)
        ]  # fmt: skip
        data = folder / "lines.csv"
        names = [*NAMES, "currency"]
        rows = [",".join(f'"{line[name]}"' for name in names) for line in lines]
        data.write_text("\n".join([",".join(names), *rows]) + "\n")
        table = {"path": str(data), "columns": dict(zip(names, names, strict=True))}
        source = template["source"] | {"name": "lost", "tables": {"order_lines": table}}
        warehouse.dbt(
            "build", "--vars", json.dumps({"source": source, **knobs}, default=str), "--select",
            "+int_orders", "+assert_most_lines_are_accepted", "--indirect-selection", "empty",
            "--exclude-resource-type", "unit_test",
        )  # fmt: skip
        return warehouse

    return run


def test_a_build_of_which_most_is_rejected_stops_and_says_why(screen):
    warehouse = screen(FOREIGN, 6)
    assert warehouse.exit_code == 1
    assert "6 of 10 lines are rejected as `unknown_currency`" in warehouse.output
    assert "for example in order o10" in warehouse.output
    assert "set `max_rejected_share`" in warehouse.output
    made = [line for line in warehouse.output.splitlines() if "OK created" in line]
    assert made and not [line for line in made if "int_orders" in line]


def test_reasons_that_are_no_loss_are_those_that_the_lookup_calls_harmless():
    test = (PROJECT / "tests/singular/assert_most_lines_are_accepted.sql").read_text()
    by_design = re.search(r"by_design = \[(.*?)\]", test)[1]
    reasons = pd.read_csv(PROJECT / "seeds/lookups/data_quality_reasons.csv", keep_default_na=False)
    harmless = reasons[reasons["severity"].isin(["none", "info"])]["reason"]
    assert set(re.findall(r"\w+", by_design)) == set(harmless) - {"accepted"}


def test_a_var_allows_a_larger_share(screen):
    assert screen(FOREIGN, 9, max_rejected_share=0.9).exit_code == 0


def test_money_counts_as_much_as_lines(screen):
    warehouse = screen({"currency": "YEN", "unit_price": "100"}, 1)
    assert warehouse.exit_code == 1
    assert "1 of 10 lines are rejected as `unknown_currency`" in warehouse.output


def test_nothing_is_built_of_lines_that_are_all_left_out_by_design(screen):
    warehouse = screen({"product_id": "x"}, 0, as_of_date="2020-01-01")
    assert warehouse.exit_code == 1
    assert "10 of 10 lines are rejected as `after_as_of_date`" in warehouse.output


def test_half_of_the_lines_may_be_rejected_and_do_not_decide_which_day_is_today(screen):
    warehouse = screen(FOREIGN | {"ordered_at": "2024-11-20 10:00:00"}, 5)
    assert warehouse.exit_code == 0
    today = "select cast(as_of_date as varchar) from intermediate.int_as_of_dates where is_current"
    assert warehouse.query(today) == [("2024-05-05",)]
    assert warehouse.query(
        "select reject_reason, count(*) from intermediate.int_order_lines__screened group by all "
        "order by all"
    ) == [("unknown_currency", 5), (None, 5)]
