"""Scores by a segmentation that uses attributes of customers are those of a build, too."""

import json
import shutil

import duckdb
from conftest import NO_TESTS, PROJECT
from test_score import SCORED, SEGMENTS, same, scored_frames

import clientele
from clientele.simulation.generating import generate
from clientele.sources import load_source

# A tenth of the orders is scored; some customers have no other.
SPLIT = """
create table lines as select *, hash(order_id) % 10 = 0
    and try_cast(ordered_at as date) < date '2025-12-01' as is_held from '{raw}/*.parquet';
copy (select * exclude is_held from lines where is_held is not true) to '{base}/base.parquet';
copy (select * exclude is_held from lines where is_held) to '{new}';
"""
SETS = {"who": ["frequency", "recency_days", "birth_year", "consent", "plan_plus"]}


def test_segments_by_attributes_are_what_a_build_says(new_warehouse, tmp_path):
    folder, new = tmp_path / "shop", tmp_path / "new.parquet"
    generate(folder, customers=600, progress=False)
    shutil.move(folder / "order_lines", tmp_path / "raw")
    (folder / "order_lines").mkdir()
    with duckdb.connect() as connection:
        connection.execute(SPLIT.format(raw=tmp_path / "raw", base=folder / "order_lines", new=new))
    settings = load_source("generated", PROJECT / "sources")
    settings |= {"data": str(folder), "segmentation_feature_sets": SETS}
    settings["source"]["tables"]["customers"]["attributes"]["plan"]["levels"] = ["plus"]
    said = json.dumps(settings, default=str)
    built = new_warehouse("described").dbt("build", "--vars", said, *NO_TESTS)
    assert built.exit_code == 0, built.output[-3000:]
    used = built.query(
        "select distinct feature from ml.ml_segmentation__in_force "
        "where segmentation = 'behaviour' and feature is not null"
    )
    assert {"birth_year", "consent", "plan_plus"} <= {feature for (feature,) in used}
    scores = clientele.score(new, warehouse=built.database)
    assert {row["is_known"] for row in scores.customers} == {True, False}
    # The build to compare with has all lines, and the fits of the first one.
    shutil.copy(new, folder / "order_lines/new.parquet")
    whole = new_warehouse("described_whole")
    shutil.copy(built.database, whole.database)
    models = [*SCORED, "int_customer_attributes", "feat_customers__attributes"]
    whole.dbt("run", "--vars", said, "--select", *models)
    assert whole.exit_code == 0, whole.output[-3000:]
    ids = {row["customer_id"] for row in scores.customers}
    found = dict(scored_frames(scores.customers))[SEGMENTS]
    assert same(found, whole.frame(SEGMENTS), ids) > 100
    assert any(row["changed"] for row in scores.customers)
