"""Build on Spark, and compare a mart of that build with DuckDB's, row by row."""

import json
from pathlib import Path

import duckdb
import yaml
from conftest import PROJECT, SPARK_ON_SMALL_DATA

BUILD_MARTS = Path(__file__).with_name("build_marts.py")
# Relative. Sums of doubles, logarithms and powers differ in their last digits from one library to
# the next, and so between engines; keys, counts, dates and money are equal, whatever the mart.
TOLERANCE = 1e-12


def grain_of_marts():
    """Return the key columns of each mart, from the test `checks` in its YAML."""
    grain = {}
    for file in sorted((PROJECT / "models/marts").glob("*/*.yml")):
        for mart in yaml.safe_load(file.read_text())["models"]:
            for test in mart["data_tests"]:
                checks = test.get("checks", {}) if isinstance(test, dict) else {}
                arguments = checks.get("arguments", {})
                if "key" in arguments and arguments.get("level") != "warn":
                    grain[mart["name"]] = arguments["key"]
    return grain


GRAIN = grain_of_marts()
# Their rows are about builds: any two builds differ, and a first one restates nothing.
OF_BUILDS = {"rpt_build_changes", "rpt_restatements"}
for mart in OF_BUILDS:
    del GRAIN[mart]
# A source without campaigns has none of them.
OF_CAMPAIGNS = {
    "fct_campaign_results",
    "fct_customer_campaigns",
    "fct_customer_uplift",
    "rpt_uplift_backtests",
}
# A source that says nothing of its customers has none of them.
OF_ATTRIBUTES = {"dim_customer_attributes", "fct_segment_profiles", "rpt_customer_attributes"}

# A source without reviews has none of them.
OF_REVIEWS = {
    "dim_topics",
    "fct_customer_reviews",
    "fct_review_topics",
    "rpt_review_quality",
    "rpt_sentiment_backtests",
    "rpt_topic_effects",
}

# A source that says nothing of matching has none of them.
OF_IDENTITIES = {"dim_identities", "rpt_identity_merges"}

# Nor has one without events.
OF_EVENTS = {
    "fct_customer_visits",
    "fct_funnels",
    "fct_order_touches",
    "fct_sessions",
    "rpt_event_quality",
}


def on_spark(target, builds, settings=SPARK_ON_SMALL_DATA, **environment):
    """Build on Spark in one session, the marts kept as Parquet in each warehouse's folder `marts`.

    ``builds`` are pairs of an empty warehouse and the arguments of its build; ``settings`` is the
    environment that says how Spark runs.
    """
    told = [
        {
            "marts": str(warehouse.folder / "marts"),
            "environment": warehouse.environment,
            "arguments": [str(word) for word in arguments],
        }
        for warehouse, arguments in builds
    ]
    first, _ = builds[0]
    first.run(BUILD_MARTS, target, json.dumps(told), **settings, **environment)
    assert first.exit_code == 0, first.output[-5000:]


def marts_of(warehouse):
    """Return the names of the marts that `on_spark` kept."""
    return {folder.name for folder in (warehouse.folder / "marts").iterdir()}


def differences(builds, mart, empty=()):
    """Return the differences between a mart of DuckDB and the same of Spark, in words.

    ``builds`` are the warehouse of DuckDB and that of `on_spark`. The mart must have rows, and one
    of ``empty`` none.
    """
    built, spark = builds
    folder = spark.folder / "marts" / mart
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach '{built.database}' as built (read_only)")
        connection.execute(f"create view ours as from built.marts.{mart}")
        connection.execute(f"create view theirs as from '{folder}/*.parquet'")
        types, spark_types = (
            {
                name: kind.replace(" WITH TIME ZONE", "")
                for name, kind, *_ in connection.execute(f"describe {view}").fetchall()
            }
            for view in ("ours", "theirs")
        )
        if types != spark_types:
            return [f"columns {types} and {spark_types}"]
        same_row = " and ".join(f"a.{column} = b.{column}" for column in GRAIN[mart])
        counts = connection.execute(
            "select (select count(*) from ours), (select count(*) from theirs), "
            f"(select count(*) from ours as a join theirs as b on {same_row})"
        ).fetchall()[0]
        as_expected = len(set(counts)) == 1 and (counts[0] == 0) == (mart in empty)
        reports = [] if as_expected else [f"rows {counts}"]
        for column, kind in types.items():
            differs = f"a.{column} is distinct from b.{column}"
            if kind == "DOUBLE":
                close = f"abs(a.{column} - b.{column}) <= {TOLERANCE} * abs(a.{column})"
                differs += f" and not coalesce({close}, false)"
            cases = connection.execute(
                f"select a.{column}, b.{column} from ours as a join theirs as b on {same_row} "
                f"where {differs} limit 3"
            ).fetchall()
            if cases:
                reports.append(f"{column} {cases}")
        return reports
