"""The state changes with everything that decides a build, and with nothing else."""

import os
import sys
from datetime import datetime as real_datetime
from pathlib import Path

import duckdb
import pytest
from tiny_project import COLUMNS, FILES, write_lines, write_project

from clientele import state
from clientele.sources import load_source

ROLES = {name: name for name in COLUMNS.split(",")}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A project that was never built; a function of vars that returns its state."""
    for name in [name for name in os.environ if name.startswith(("DBT_", "CLIENTELE_"))]:
        monkeypatch.delenv(name)
    warehouse = write_project(tmp_path)
    monkeypatch.chdir(warehouse.project)

    def told(**settings):
        found = load_source("shop", warehouse.project / "sources")
        found |= {"data": str(tmp_path / "lines.csv")} | settings
        return state.state_of(warehouse.project, found)

    told.folder, told.project = tmp_path, warehouse.project
    return told


def source_of(**tables):
    return {"name": "shop", "timezone": "UTC", "currency": "EUR", "extract_date": "2026-02-01"} | {
        "tables": {name: {"columns": ROLES, **place} for name, place in tables.items()}
    }


def append(path, text="\n"):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def rewrite_with_its_times(folder):
    """Replace a digit, as a copy does that keeps times: size and time of change stay."""
    file = folder / "lines.csv"
    before = file.stat()
    file.write_text(file.read_text().replace("5.00", "6.00"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_nothing_changes_by_itself(shop):
    before = shop()
    assert None not in before.values() and set(before) == set(state.PARTS)
    assert state.changed(before, shop()) == []


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda f: append(f / "lines.csv", "11,c1,mug,2026-01-20 10:00:00,1,5.00\n"), "files"),
        (rewrite_with_its_times, "files"),
        (lambda f: append(f / "project/sources/shop.yml", "  rules: {}\n"), "settings"),
        (lambda f: append(f / "project/models/marts/fct_orders.sql"), "code"),
        (lambda f: append(f / "project/models/marts/fct_orders.yml"), "code"),
        (lambda f: append(f / "project/models/marts/ml_new.py"), "code"),
        (lambda f: append(f / "project/macros/generate_schema_name.sql"), "code"),
        (lambda f: append(f / "project/seeds/letters.csv", "b\n"), "code"),
        (lambda f: append(f / "project/tests/assert_prices.sql"), "code"),
        (lambda f: append(f / "project/dbt_project.yml"), "code"),
        (lambda f: append(f / "project/profiles.yml"), "code"),
        (lambda f: (f / "project/models/marts/dim_products.sql").unlink(), "code"),
    ],
)
def test_a_changed_file_is_seen(shop, change, part):
    before = shop()
    change(shop.folder)
    assert state.changed(before, shop()) == [state.PARTS[part]]


def test_files_that_decide_nothing_are_not_looked_at(shop):
    before = shop()
    for name in ("tests/test_new.py", "target/run/x.sql", "analyses/x.sql", "logs/dbt.log"):
        (shop.project / name).parent.mkdir(parents=True, exist_ok=True)
        append(shop.project / name)
    append(shop.folder / "other.csv")
    assert state.changed(before, shop()) == []


@pytest.mark.parametrize("path", ["{data}", "{data}/*.csv", "{data}/**/*.csv", "{data}/2*/*.csv"])
def test_a_folder_or_glob_is_seen_to_grow_and_to_shrink(shop, path):
    folder = shop.folder / "exports"
    (folder / "2025/02").mkdir(parents=True)
    first, late = folder / "2025/a.csv", folder / "2025/b.csv"
    if "**" in path:
        late = folder / "2025/02/b.csv"
    if "*" in path and "2*" not in path and "**" not in path:
        first, late = folder / "a.csv", folder / "b.csv"
    first.write_text(COLUMNS)
    settings = {"source": source_of(order_lines={"path": path}), "data": str(folder)}
    before = shop(**settings)
    assert before["files"] is not None
    late.write_text(COLUMNS)
    grown = shop(**settings)
    assert state.changed(before, grown) == ["files of the source"]
    late.unlink()
    assert state.changed(grown, shop(**settings)) == ["files of the source"]
    assert state.changed(before, shop(**settings)) == []


def test_every_table_of_the_source_is_looked_at(shop):
    for name in ("products", "orders", "customers"):
        (shop.folder / f"{name}.csv").write_text("x")
    tables = {name: {"path": f"{shop.folder}/{name}.csv"} for name in ("products", "customers")}
    tables["order_lines"] = {"path": f"{shop.folder}/lines.csv"}
    for table in tables.values():
        table["columns"] = ROLES if "lines" in table["path"] else {"product_id": "x"}
    tables["customers"]["columns"] = {"customer_id": "x", "person_id": "y"}
    settings = {"source": source_of(**tables)}
    for name in ("products", "customers"):
        before = shop(**settings)
        append(shop.folder / f"{name}.csv")
        assert state.changed(before, shop(**settings)) == ["files of the source"]


@pytest.mark.parametrize("path", ["s3://bucket/lines.parquet", "/nowhere/*.parquet"])
def test_files_that_cannot_be_looked_at_count_as_changed(shop, path):
    settings = {"source": source_of(order_lines={"path": path})}
    assert state.changed(shop(**settings), shop(**settings)) == ["files of the source"]


def test_a_source_with_mistakes_counts_as_changed(shop):
    settings = {"source": {"name": "shop", "tables": {"order_lines": "lines.csv"}}}
    assert "files of the source" in state.changed(shop(**settings), shop(**settings))


@pytest.fixture
def raw(shop, monkeypatch):
    """A raw table in the warehouse, and a view of it; functions that run SQL and tell the state."""
    database = shop.folder / "raw.duckdb"
    monkeypatch.setenv("CLIENTELE_DB", str(database))

    def run(sql):
        with duckdb.connect(str(database)) as connection:
            connection.execute(sql)

    run("create table lines as select range as order_id, 'a' as customer_id from range(1000)")
    run("insert into lines values (5000, 'a'), (5000, 'a')")
    run.told = lambda table: shop(source=source_of(order_lines={"table": table}))
    return run


@pytest.mark.parametrize(
    ("sql", "is_seen"),
    [
        ("update lines set customer_id = 'b' where order_id = 7", True),
        ("insert into lines values (1000, 'a')", True),
        # The rows of a pair are not to cancel each other.
        ("update lines set order_id = 5001 where order_id = 5000", True),
        ("delete from lines where order_id = 7", True),
        ("update lines set order_id = 8 where order_id = 7", True),
        ("create or replace table lines as from lines order by order_id desc", False),
        ("create table other as select 1", False),
    ],
)
def test_rows_of_a_database_table_are_seen_to_change_whatever_their_order(raw, sql, is_seen):
    before = raw.told("lines")
    assert before["tables"]
    raw(sql)
    assert state.changed(before, raw.told("lines")) == (
        ["database tables of the source"] if is_seen else []
    )


def test_a_view_of_files_is_seen_to_change(raw, shop):
    raw(f"create view exported as from read_csv('{shop.folder}/lines.csv')")
    before = raw.told("exported")
    assert state.changed(before, raw.told("exported")) == []
    write_lines(shop.folder, orders=11)
    assert state.changed(before, raw.told("exported")) == ["database tables of the source"]


def test_a_database_table_that_cannot_be_read_counts_as_changed(raw, shop):
    assert state.changed(raw.told("nowhere.lines"), raw.told("nowhere.lines"))
    Path(os.environ["CLIENTELE_DB"]).unlink()
    assert state.changed(raw.told("lines"), raw.told("lines"))


@pytest.mark.parametrize("settings", [{"n": 2}, {"as_of_date": "2026-01-15"}, {"min_cell": 6}])
def test_vars_are_seen_to_change(shop, settings):
    assert state.changed(shop(), shop(**settings)) == ["settings"]
    assert state.changed(shop(**settings), shop(**settings)) == []


def test_options_of_dbt_in_the_environment_are_settings(shop, monkeypatch):
    before = shop()
    monkeypatch.setenv("DBT_DEFER", "1")
    assert state.changed(before, shop()) == ["settings"]


def test_the_data_of_the_environment_are_those_of_the_source(shop, monkeypatch):
    other = shop.folder / "other.csv"
    other.write_text(COLUMNS)
    monkeypatch.setenv("CLIENTELE_DATA", str(other))
    assert state.changed(shop(data=None), shop(data=str(other))) == ["settings"]
    assert set(state.changed(shop(data=None), shop())) == {"files of the source", "settings"}


def test_a_new_day_counts_where_the_shop_is_and_unless_the_source_declares_one(shop, monkeypatch):
    class Clock(real_datetime):
        moment = real_datetime.fromisoformat("2026-03-01T20:00:00+00:00")

        @classmethod
        def now(cls, zone=None):
            return cls.moment.astimezone(zone)

    monkeypatch.setattr(state, "datetime", Clock)

    def told(**source):
        base = source_of(order_lines={"path": str(shop.folder / "lines.csv")})
        return shop(source={**base, "extract_date": None, **source})

    before = told(), told(timezone="Asia/Tokyo"), told(extract_date="2026-02-01")
    assert [part["day"] for part in before] == ["2026-03-01", "2026-03-02", "2026-02-01"]
    Clock.moment = real_datetime.fromisoformat("2026-03-02T01:00:00+00:00")
    now = told(), told(timezone="Asia/Tokyo"), told(extract_date="2026-02-01")
    changes = [state.changed(*pair) for pair in zip(before, now, strict=True)]
    assert changes == [["the day"], [], []]


def test_another_release_of_a_library_is_seen(shop, tmp_path, monkeypatch):
    before = shop()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "packages")])
    assert state.changed(before, shop()) == []
    (tmp_path / "packages/dbt_core-9.9.9.dist-info").mkdir(parents=True)
    assert state.changed(before, shop()) == ["libraries"]


def test_the_code_of_the_package_counts(shop, tmp_path, monkeypatch):
    package = tmp_path / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "state.py").write_text("")
    monkeypatch.setattr(state, "__file__", str(package / "state.py"))
    before = shop()
    (package / "__pycache__/state.cpython-311.pyc").write_text("")
    assert state.changed(before, shop()) == []
    (package / "words.yml").write_text("")
    assert state.changed(before, shop()) == ["the project's code"]


def test_a_profile_elsewhere_counts(shop, tmp_path, monkeypatch):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/profiles.yml").write_text(FILES["profiles.yml"])
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path / "profiles"))
    before = shop()
    append(tmp_path / "profiles/profiles.yml")
    assert state.changed(before, shop()) == ["the project's code"]
