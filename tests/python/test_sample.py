"""What `make run` gives on the bundled sample, held to the truth planted in it."""

import json
import re
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import NO_TESTS, PROJECT
from sklearn.metrics import adjusted_rand_score

from clientele.rules.mining import mine_rules
from clientele.simulation.generating import generate

TRUTH = json.loads((Path(__file__).parent / "sample_truth/truth.json").read_text())
TRUE_SEGMENTS = pd.read_csv(Path(__file__).parent / "sample_truth/customers.csv")


def test_the_build_is_clean(sample, manifest):
    log = (sample.folder / "logs/dbt.log").read_text()
    done = re.search(r"Done\. PASS=(\d+) WARN=0 ERROR=0 SKIP=0", log)
    built = [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "test")]
    assert done and int(done[1]) > len(built) > 200
    assert not re.search(r"\[(warn|error) *\]", log) and "[WARNING]" not in log
    assert "warning" not in sample.output.lower()


def test_every_planted_defect_is_found_and_nothing_else(sample):
    found = dict(sample.query("select reason, row_count from marts.rpt_data_quality"))
    assert {reason: n for reason, n in found.items() if n} == TRUTH["rows"]


def test_amounts_by_reason_are_the_planted_ones(sample):
    found = dict(sample.query("select reason, amount from marts.rpt_data_quality"))
    assert {reason: found[reason] for reason in TRUTH["amounts"]} == {
        reason: Decimal(amount) for reason, amount in TRUTH["amounts"].items()
    }


def test_planted_returns_find_their_purchases(sample):
    found = sample.query(
        """
        select
            count_if(original_order_line_id is not null),
            count_if(original_order_line_id is null)
        from marts.fct_order_lines where is_return
        """
    )[0]
    assert found == (TRUTH["matched_return_lines"], TRUTH["unmatched_return_lines"])


def test_planted_bundles_are_found_as_rules_that_hold_up(sample):
    rules = sample.query(
        """
        select list(distinct items.item_key), min(rules.lift_lower), min(rules.holdout_lift),
            bool_and(rules.is_significant)
        from marts.fct_association_rules as rules
        join marts.fct_association_rule_items as items using (rule_key)
        where rules.scope = 'all' and rules.item_level = 'product'
        group by rules.rule_key
        """
    )
    found = {frozenset(keys): figures for keys, *figures in rules}
    assert TRUTH["bundles"]
    for bundle in TRUTH["bundles"]:
        lift_lower, holdout_lift, is_significant = found[frozenset(bundle)]
        assert lift_lower > 2 and holdout_lift > 2 and is_significant


def test_no_pair_is_significant_that_was_planted_independent(sample):
    """Products of different bundles are bought independently of each other within a segment."""
    baskets = sample.frame(
        """
        select orders.order_number as basket_id, items.product_id as item, orders.customer_id
        from features.feat_baskets as baskets
        join features.feat_items as items
            on baskets.product_number = items.product_number and items.item_level = 'product'
        join features.feat_baskets__orders as orders on baskets.order_number = orders.order_number
        """
    ).merge(TRUE_SEGMENTS, how="left")
    found = mine_rules(
        baskets, min_support=0.001, min_count=8, min_confidence=0.001, max_length=2
    ).query("scope != 'all'")
    planted = [
        any({left, right} <= set(bundle) for bundle in TRUTH["bundles"])
        for left, right in zip(found["antecedent"], found["consequent"], strict=True)
    ]
    is_significant = found["p_value_adjusted"] <= 0.05
    assert sum(planted) > 50 and is_significant[planted].all()
    independent = found[~np.array(planted)]
    # Many look it before they are adjusted for how many were tried.
    assert len(independent) > 3000 and (independent["p_value"] <= 0.05).sum() > 50
    assert (independent["p_value_adjusted"] <= 0.05).sum() <= 0.05 * is_significant.sum()


def test_the_summary_says_what_the_marts_hold(sample):
    customers, revenue = sample.query(
        "select count(*), sum(monetary) from marts.fct_customer_features"
    )[0]
    segments = sample.query(
        "select segment_name, customer_count from marts.dim_segments "
        "where segmentation = 'behaviour'"
    )
    assert f"{customers:,} customers" in sample.output
    assert f"{revenue:,.0f} GBP" in sample.output
    for name, count in segments:
        assert re.search(rf"{re.escape(name)}\s+{count:,}\s", sample.output)
    for reason, rows in TRUTH["rows"].items():
        assert re.search(rf"{reason}\s+{rows:,}\s", sample.output)
    assert str(sample.database) in sample.output


@pytest.fixture(scope="module")
def last_quarter(sample):
    """The as-of date of the sample, and the day that it compares with."""
    (today,), (earlier,) = sample.query(
        "select as_of_date from intermediate.int_as_of_dates where period_number < 2 "
        "order by period_number"
    )
    return today, earlier


@pytest.fixture(scope="module")
def earlier_build(new_warehouse, last_quarter):
    """All data, built as of the earlier day."""
    warehouse = new_warehouse("earlier")
    warehouse.clientele("build", "--as-of", str(last_quarter[1]), *NO_TESTS)
    assert warehouse.exit_code == 0, warehouse.output[-5000:]
    return warehouse


def test_nothing_looks_past_the_as_of_date_and_threads_change_nothing(
    earlier_build, new_warehouse, last_quarter, tmp_path
):
    """Built as of a day, all data give what the data give that end on that day, in every mart.

    The builds have different numbers of threads.
    """
    kept = new_warehouse("truncated")
    duckdb.connect().execute(
        f"""
        copy (
            from read_csv('{PROJECT}/seeds/sample/sample_order_lines.csv', all_varchar = true)
            where not coalesce(try_cast(ordered_at as date) > date '{last_quarter[1]}', false)
        ) to '{tmp_path}/lines.csv' (header)
        """
    )
    source = (PROJECT / "sources/sample.yml").read_text()
    assert "seed: sample_order_lines" in source
    source = source.replace("seed: sample_order_lines", f"path: {tmp_path}/lines.csv")
    settings = f"{source}\nas_of_date: '{last_quarter[1]}'"
    kept.dbt("build", *NO_TESTS, "--vars", settings, CLIENTELE_THREADS="1")
    assert kept.exit_code == 0, kept.output[-5000:]
    assert earlier_build.fingerprints("features") == kept.fingerprints("features")
    all_data, past_data = earlier_build.fingerprints(), kept.fingerprints()
    # Only the accounts know that there is more to come.
    for account in ("rpt_data_quality", "rpt_reconciliation"):
        del all_data[account], past_data[account]
    assert all_data == past_data and len(all_data) >= 12


def test_the_earlier_group_is_the_one_that_the_earlier_day_gave(sample, earlier_build):
    then = dict(earlier_build.query("select customer_id, rfm_group from marts.fct_customer_rfm"))
    now = dict(sample.query("select customer_id, previous_rfm_group from marts.fct_customer_rfm"))
    assert {c: g for c, g in now.items() if g} == {c: g for c, g in then.items() if c in now}


def test_backtests_know_of_a_past_day_what_was_known_on_it(sample, earlier_build):
    """Every feature of a cut-off is that of a build of that day."""
    columns = [name for name, *_ in sample.query("describe features.feat_customers__backtest")]
    today = [name for name, *_ in earlier_build.query("describe marts.fct_customer_features")]
    history = ["x", "t_x", "t", "order_value_mean"]
    shared = ["customer_id", *[name for name in columns if name in today and name != "customer_id"]]
    assert len(shared) > 12
    then = earlier_build.query(
        f"select {', '.join(shared)}, {', '.join(history)} from marts.fct_customer_features "
        "join (select * exclude (as_of_date, gap_mean_days, gap_cv, purchase_day_count) "
        "from features.feat_customers__purchase_days) using (customer_id) order by customer_id"
    )
    now = sample.query(
        f"select {', '.join(shared)}, {', '.join(history)} from features.feat_customers__backtest "
        "where period_number = 90 order by customer_id"
    )
    assert now == then and len(now) > 2000


def test_a_failed_build_leaves_the_warehouse_as_it_was(sample, sample_copy, tmp_path):
    nowhere = str(tmp_path / "nowhere")
    sample_copy.clientele("build", "--source", "generated", "--data", nowhere)
    assert sample_copy.exit_code == 2
    assert "no file at" in sample_copy.output and "nowhere" in sample_copy.output
    settings = (PROJECT / "sources/generated.yml").read_text()
    sample_copy.dbt("build", "--vars", f"{settings}\ndata: {nowhere}")
    assert sample_copy.exit_code != 0 and "no file at" in sample_copy.output
    for schema in ("lookups", "raw", "marts"):
        assert sample_copy.fingerprints(schema) == sample.fingerprints(schema) != {}


def test_the_readme_shows_lines_of_the_samples_summary(sample):
    blocks = (PROJECT / "README.md").read_text().split("```")
    (shown,) = [block.split("Published")[0] for block in blocks if "\nAs of " in block]
    printed = [" ".join(line.split()) for line in sample.output.splitlines()]
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    missing = [line for line in lines if line not in ("", "...") and line not in printed]
    assert missing == [] and len(lines) > 15


def test_models_survive_without_rows(new_warehouse):
    empty = new_warehouse("empty").dbt("build", "--empty", *NO_TESTS)
    assert empty.exit_code == 0, empty.output[-5000:]
    assert {n for n, _ in empty.fingerprints().values()} <= {0, 8, 9, 16, 56}


def planted_agreement(warehouse, truth):
    found = dict(
        warehouse.query(
            "select customer_id, segment_key from marts.fct_segment_memberships "
            "where segmentation = 'behaviour' and is_current"
        )
    )
    planted = dict(
        duckdb.connect().execute(f"select customer_id, segment from '{truth}'").fetchall()
    )
    assert len(found) > 2_500
    return adjusted_rand_score([planted[c] for c in found], list(found.values()))


def test_planted_segments_are_found_their_number_included(sample):
    """Nothing says that there are five: the rule has to find out."""
    truth = Path(__file__).parent / "sample_truth/customers.csv"
    assert planted_agreement(sample, truth) >= 0.9
    assert sample.query(
        "select segment_count from marts.fct_segmentation_versions where segmentation = 'behaviour'"
    ) == [(5,)]


def test_planted_segments_of_another_shop_are_found_too(new_warehouse, tmp_path):
    generate(tmp_path / "data", customers=3_000, seed=7, progress=False)
    settings = (PROJECT / "sources/generated.yml").read_text() + f"\ndata: {tmp_path}/data\n"
    warehouse = new_warehouse("another").dbt(
        "build", "--vars", settings, *NO_TESTS, "--select", "+fct_segment_memberships"
    )
    assert warehouse.exit_code == 0, warehouse.output[-5000:]
    assert planted_agreement(warehouse, tmp_path / "data/truth/customers/*.parquet") >= 0.9


def test_rules_of_segments_hold_as_their_figures_say(sample):
    """Each rule is run as SQL on the features, and counted."""
    rules = sample.query(
        "select segmentation, segment_key, sql_rule, rule_precision, rule_recall, rule_fidelity "
        "from marts.dim_segments where customer_count > 0"
    )
    assert len(rules) > 15
    for segmentation, key, rule, precision, recall, fidelity in rules:
        assert rule.count(" and ") <= 3
        hits, found, members, same, everyone = sample.query(
            f"""
            select
                count_if(({rule}) and segment_key = '{key}'), count_if({rule}),
                count_if(segment_key = '{key}'), count_if(({rule}) = (segment_key = '{key}')),
                count(*)
            from marts.fct_customer_features
            join marts.fct_segment_memberships using (customer_id)
            where segmentation = '{segmentation}' and is_current
            """
        )[0]
        assert (precision, recall, fidelity) == pytest.approx(
            (hits / found, hits / members, same / everyone)
        )
    behaviour = [rule for rule in rules if rule[0] == "behaviour"]
    assert min(rule[5] for rule in behaviour) > 0.9


def test_segments_beat_rfm_groups_and_chance_on_what_came_after(sample):
    value = dict(
        sample.query(
            "select case when is_chosen then 'ours' else method end, forward_value "
            "from marts.fct_segmentation_runs where segmentation = 'behaviour' "
            "and (is_chosen or feature_set = 'none')"
        )
    )
    assert value["ours"] > value["rfm_groups"] > 0.2 and abs(value["random"]) < 0.01


def test_migrations_account_for_every_customer_and_all_their_money(sample):
    rows = sample.query(
        """
        select
            segmentation, to_as_of_date, sum(customer_count), sum(net_amount_after)
        from marts.fct_segment_migrations where to_segment_key <> 'none' group by all
        """
    )
    assert len(rows) == 6
    for _, day, customers, amount in rows:
        known, paid = sample.query(
            f"""
            select
                (
                    select count(*) from features.feat_customers__behaviour
                    where as_of_date = '{day}'
                ),
                (
                    select sum(net_amount) from marts.fct_orders
                    where order_date > date '{day}' - 90 and order_date <= '{day}'
                    and customer_id in (
                        select customer_id from features.feat_customers__behaviour
                        where as_of_date = '{day}'
                    )
                )
            """
        )[0]
        assert (customers, amount) == (known, paid)
