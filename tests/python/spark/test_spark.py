"""What is Spark's own: its seeds, its sessions, its engines, and what it says when it cannot."""

import os
import subprocess
import sys

import duckdb
import pandas as pd
import pytest
import yaml
from baskets_by_hand import long_form, random_baskets
from conftest import PROJECT
from dbt.cli.main import dbtRunner
from dbt_common.exceptions import DbtRuntimeError

from clientele.building import close_warehouse
from clientele.frames import collect
from clientele.rules.itemsets import ENGINES
from clientele.rules.mining import frequent_itemsets, mine_rules
from dbt_spark_python import spark_session

SEED = [
    {"key": "1", "text": "it's", "number": "1.50", "day": "2024-02-29"},
    {"key": "2", "text": "", "number": "", "day": ""},
    {"key": "3", "text": "None", "number": "-3", "day": "2024-01-01"},
    {"key": "4", "text": '100% of "Zoë" \\n\\\\ 猫 {{ x }}', "number": "0", "day": "1999-12-31"},
    {"key": "5", "text": "a, b; c -- d", "number": "99999.9999", "day": ""},
    {"key": "6", "text": "%s %(a)s", "number": "1", "day": ""},
    {"key": "7", "text": "two\nlines", "number": "1", "day": ""},
]
TYPES = {"key": "int", "text": "string", "number": "decimal(18, 4)", "day": "date"}


@pytest.fixture(scope="module")
def session(spark_target, tmp_path_factory):
    """The session that dbt itself starts, by way of the seeds of a small project."""
    folder = tmp_path_factory.mktemp("seeds")
    (folder / "seeds").mkdir()
    pd.DataFrame(SEED).to_csv(folder / "seeds" / "odd.csv", index=False)
    (folder / "dbt_project.yml").write_text(
        yaml.safe_dump(
            {
                "name": "clientele",
                "profile": "clientele",
                "macro-paths": [str(PROJECT / "macros")],
                "vars": {"source": None, "data": None},
                "seeds": {
                    "clientele": {
                        "+file_format": "parquet",
                        "+schema": "odd",
                        "+column_types": TYPES,
                    }
                },
            }
        )
    )
    os.environ["CLIENTELE_DB"] = str(folder / "seeds.duckdb")
    for target in ("duckdb", spark_target):
        result = dbtRunner().invoke(
            ["seed", "--target", target, "--project-dir", str(folder)]
            + ["--profiles-dir", str(PROJECT), "--log-level", "none", "--log-level-file", "none"]
        )
        os.chdir(PROJECT)
        assert result.success, result.exception
        close_warehouse()
    with spark_session("session") as spark:
        yield spark, folder / "seeds.duckdb"


def test_a_seed_arrives_as_it_is_written(session):
    spark, database = session
    on_spark = [tuple(row) for row in spark.sql("select * from odd.odd order by key").collect()]
    with duckdb.connect(str(database), read_only=True) as connection:
        on_duckdb = connection.execute("from odd.odd order by key").fetchall()
    assert on_spark == on_duckdb
    assert [row[1] for row in on_spark] == [row["text"] or None for row in SEED]
    assert on_spark[1] == (2, None, None, None)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("max_length", [1, 2, 3, None])
def test_every_engine_finds_the_same_sets(session, engine, max_length):
    spark, _ = session
    baskets = long_form(random_baskets(11, basket_count=60, item_count=10))
    expected = frequent_itemsets(baskets, min_support=0.15, max_length=max_length, engine="apriori")
    found = frequent_itemsets(
        spark.createDataFrame(baskets),
        min_support=0.15,
        max_length=max_length,
        engine=engine,
        session=spark,
    )
    assert len(expected) > 5
    pd.testing.assert_frame_equal(found, expected)


def test_spark_finds_the_published_rules_of_groceries(session, real_data):
    spark, _ = session
    groceries = spark.read.parquet(str(real_data("groceries/groceries.parquet")))
    found = mine_rules(
        groceries.selectExpr("transaction_id as basket_id", "item"),
        min_support=0.001,
        min_confidence=0.5,
        session=spark,
    )
    assert (found["consequent_length"] == 1).sum() == 5668


def test_mining_leaves_nothing_in_the_session(session):
    spark, _ = session
    frame = spark.createDataFrame(long_form([["a", "b"], ["a", "b"], ["c"]]))
    mine_rules(frame, min_support=0.5, min_confidence=0.5, session=spark)
    assert [table.name for table in spark.catalog.listTables() if table.isTemporary] == []


def test_more_than_fits_is_not_fetched(session):
    spark, _ = session
    with pytest.raises(ValueError, match="11 rows are more than the 10 that fit in memory"):
        collect(spark.range(11), key="id", max_rows=10)
    assert len(collect(spark.range(10), key="id", max_rows=10)) == 10


def test_python_models_over_thrift_want_a_connect_server(monkeypatch):
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    with (
        pytest.raises(DbtRuntimeError, match="set SPARK_REMOTE=sc://<host>:15002"),
        spark_session("thrift"),
    ):
        pass


def parse_with_java(folder, java):
    environment = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"}
    if java:
        (folder / "java").write_text(f"#!/bin/sh\n{java}\n")
        (folder / "java").chmod(0o755)
    finished = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "compile", "--target", "spark", "--no-use-colors"]
        + ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")],
        cwd=PROJECT,
        env=environment | {"PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return finished.returncode, finished.stdout + finished.stderr


def test_a_missing_java_is_named_with_its_remedy(tmp_path):
    exit_code, said = parse_with_java(tmp_path, java=None)
    assert exit_code != 0
    assert "Spark needs Java 17 or 21 and found none: install one" in said


def test_an_old_java_is_named_with_its_remedy(tmp_path):
    exit_code, said = parse_with_java(tmp_path, java="echo 'openjdk version \"11.0.2\"' >&2")
    assert exit_code != 0
    assert "Spark needs Java 17 or 21" in said and "is 11: install one" in said


def test_make_wants_java_before_it_installs_anything(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"}
    finished = subprocess.run(
        ["/usr/bin/make", "java", "SHELL=/bin/sh"],
        cwd=PROJECT,
        env=environment | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 2
    assert "Spark needs Java 17 or 21: install one" in finished.stdout
