"""The examples of docs/publishing.md run: DuckDB, Parquet and Postgres."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from glob import glob
from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT, lacking
from publishers import build_of, name, publish_builds

from clientele.publishing import builds, folders


def run_example(containing, published_sample, **environment):
    """Run the page's Python example that contains a text where the sample was published."""
    page = (PROJECT / "docs/publishing.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (example,) = [text for text in examples if containing in text]
    return subprocess.run(
        [sys.executable, "-c", example],
        cwd=published_sample.folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_the_examples_for_duckdb_and_parquet_run(published_sample):
    shown = run_example("from marts.dim_segments", published_sample)
    (record,) = folders.publications(published_sample.folder / "published")
    assert shown.returncode == 0 and record["build_id"] in shown.stdout, shown.stderr
    shown = run_example("Path(", published_sample)
    assert shown.returncode == 0 and "avg(clv)" in shown.stdout, shown.stderr


@pytest.fixture(scope="module")
def postgres():
    """The environment that leads psql to a new, empty Postgres."""
    places = [*glob("/usr/lib/postgresql/*/bin"), *os.environ["PATH"].split(os.pathsep)]
    path = os.pathsep.join(places)
    programs = {name: shutil.which(name, path=path) for name in ("initdb", "postgres", "psql")}
    if missing := [name for name, found in programs.items() if not found]:
        lacking(f"no {', '.join(missing)}: install Postgres to test the serving copy")
    # Postgres refuses root; and a socket's path must be short.
    user = {"user": "daemon"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        if user:
            shutil.chown(folder, "daemon")
        data = f"{folder}/data"
        initdb = [programs["initdb"], "-D", data, "-U", "postgres", "--no-sync", "-A", "trust"]
        initdb += ["--encoding=UTF8", "--no-locale"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **user)
        server = [programs["postgres"], "-D", data, "-k", folder, "-c", "listen_addresses="]
        environment = {"PGHOST": folder, "PGUSER": "postgres", "PGDATABASE": "postgres"}
        environment |= {"PATH": path}
        with open(f"{folder}/log", "w+") as log:
            process = subprocess.Popen(server, stdout=log, stderr=log, cwd=folder, **user)
            try:
                while ask("select 1", environment) is None:
                    assert process.poll() is None, Path(log.name).read_text()
                    time.sleep(0.1)
                yield environment
            finally:
                process.terminate()
                process.wait()


def ask(sql, environment):
    """Return the rows that psql prints, or None where there is no answer."""
    psql = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "-c", sql]
    answer = subprocess.run(psql, env=os.environ | environment, capture_output=True, text=True)
    return answer.stdout.splitlines() if answer.returncode == 0 else None


def test_the_example_for_postgres_loads_every_mart_or_none(published_sample, postgres, tmp_path):
    loaded = run_example("psql", published_sample, **postgres)
    assert loaded.returncode == 0, loaded.stderr
    expected = published_sample.fingerprints()
    for mart, (count, _) in expected.items():
        assert ask(f"select count(*) from marts.{mart}", postgres) == [str(count)], mart
    for sql in (
        "select sum(net_amount), count(customer_id), min(order_date) from marts.fct_orders",
        "select sum(clv), count(clv), count(*) from marts.fct_customer_values where clv > 100",
        "select count(*) from marts.dim_products where category = '' or category is null",
    ):
        (row,) = ask(sql, postgres)
        for told, known in zip(row.split("|"), published_sample.query(sql)[0], strict=True):
            if isinstance(known, float):
                assert float(told) == pytest.approx(known, rel=1e-9)
            else:
                assert told == str(known)
    build_id = ask("select build_id from marts.publications", postgres)

    # Then another build, first with a mart that Postgres refuses after others have been loaded.
    other = dataclasses.replace(published_sample, folder=tmp_path)
    database, folder = tmp_path / "small.duckdb", tmp_path / "published"
    build = build_of(1, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute('create table marts.zones as select 1 as "end"')
    build = dataclasses.replace(
        build,
        ended_ns=database.stat().st_mtime_ns,
        marts=[*build.marts, builds.Mart("zones")],
    )
    folders.publish(build, database, folder, kept=5)
    half = run_example("psql", other, **postgres)
    assert half.returncode != 0 and 'at or near "end"' in half.stderr
    assert ask("select build_id from marts.publications", postgres) == build_id
    assert ask("select 1 from pg_namespace where nspname = 'marts_next'", postgres) == []
    publish_builds([2], database, folder)
    again = run_example("psql", other, **postgres)
    assert again.returncode == 0, again.stderr
    assert ask("select build_id from marts.publications", postgres) == [name(2)]
    assert ask("select build_id from marts_before.publications", postgres) == build_id
