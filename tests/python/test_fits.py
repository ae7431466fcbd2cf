"""A fit is kept while nothing that decides it changes, and is made again for a stated reason."""

import json
from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest

from clientele import fits
from clientele.fits import fingerprint, fitted_once, reason_to_fit

PARAMS = {"prior_sd": 2.5, "horizons_days": [30, 90], "model": None}
KNOBS = [("prior_sd", None), ("horizons_days", [30]), ("model", "bg_nbd")]


class Model:
    """A dbt Python model with a fit that counts its calls, in a warehouse of its own."""

    def __init__(self):
        self.session = duckdb.connect()
        self.session.execute(
            "create table customers as select 1 as id, 2.5 as amount union select 2, 3"
        )
        self.session.execute(
            "create table days as select date '2024-05-01' as as_of_date, 0 as period_number"
        )
        self.calls = 0

    def fit(self, customers, **params):
        self.calls += 1
        total = customers.df()["amount"].sum()
        frame = pd.DataFrame({"total": [total], "prior_sd": [params.get("prior_sd")]})
        return frame, {"total": "double", "prior_sd": "double"}

    def build(self, params=PARAMS, source="shop", code="clientele.value"):
        """Build the table as dbt's materialisation does; return its rows as dictionaries."""

        class This:
            database, schema, identifier = "memory", "main", "fitted"

            def __repr__(self):
                return "memory.main.fitted"

        result = fitted_once(
            SimpleNamespace(this=This()),
            self.session,
            self.fit,
            code=code,
            source_name=source,
            params=params,
            as_of_dates=self.session.table("days"),
            customers=self.session.table("customers"),
        )
        result.create("built")
        self.session.execute("drop table if exists fitted; alter table built rename to fitted")
        return self.session.execute("from fitted").df().to_dict("records")


@pytest.fixture
def model():
    return Model()


def test_an_unchanged_build_keeps_the_rows_and_does_not_fit(model):
    first = model.build()
    assert model.calls == 1 and first[0]["fit_reason"] == "nothing kept"
    assert model.build() == first == model.build()
    assert model.calls == 1


@pytest.mark.parametrize(("knob", "value"), KNOBS)
def test_every_parameter_that_changes_makes_a_fit_and_is_named(model, knob, value):
    model.build()
    assert model.build(PARAMS | {knob: value})[0]["fit_reason"] == f"configuration: {knob}"
    assert model.calls == 2
    # A parameter that a new release adds is a change too, and so is one that it removes.
    added = PARAMS | {knob: value, "spend_orders": "all"}
    assert model.build(added)[0]["fit_reason"] == "configuration: spend_orders"
    assert model.build(PARAMS | {knob: value})[0]["fit_reason"] == "configuration: spend_orders"


@pytest.mark.parametrize(
    "change",
    [
        "update customers set amount = 2.6 where id = 1",
        "insert into customers values (3, 1)",
        "delete from customers where id = 2",
        "alter table customers add column color text",
    ],
)
def test_a_changed_row_makes_a_fit(model, change):
    model.build()
    model.session.execute(change)
    assert model.build()[0]["fit_reason"] == "data: customers"
    assert model.calls == 2


def test_another_day_source_or_code_makes_a_fit(model, monkeypatch):
    model.build()
    model.session.execute("update days set as_of_date = date '2024-05-02'")
    reasons = [model.build()[0]["fit_reason"], model.build(source="other")[0]["fit_reason"]]
    assert reasons == ["as_of_date: 2024-05-01 -> 2024-05-02", "source: shop -> other"]
    assert model.build(source="other", code="clientele.rules")[0]["fit_reason"] == "code"
    monkeypatch.setattr(fits, "LIBRARIES", ["numpy"])
    fits.code_version.cache_clear()
    assert model.build(source="other", code="clientele.rules")[0]["fit_reason"] == "code"
    fits.code_version.cache_clear()
    assert model.calls == 5


@pytest.mark.parametrize(
    "left",
    [
        "create or replace table fitted as select 1 as total",
        "delete from fitted",
        "insert into fitted select total, prior_sd, '{}', fit_reason from fitted",
    ],
)
def test_a_table_of_an_older_release_an_empty_or_a_mixed_one_is_not_kept(model, left):
    model.build()
    model.session.execute(left)
    assert model.build()[0]["fit_reason"] == "nothing kept"
    assert model.calls == 2


def test_a_fingerprint_depends_on_the_rows_and_not_on_their_order_or_on_what_they_were_fitted_on():
    rows = "(values (1, 'a', null::double), (2, 'b', 0.1)) as t (id, name, value)"
    fits_of = "select *, 'x' as fitted_on, 'y' as fit_reason from "
    plain = fingerprint(duckdb.sql(f"from {rows}"))
    assert plain == fingerprint(duckdb.sql(f"from {rows} order by id desc"))
    assert plain == fingerprint(duckdb.sql(fits_of + rows))
    assert plain.startswith("2:")
    assert plain != fingerprint(duckdb.sql(f"select id, name, value * 2 as value from {rows}"))
    assert fingerprint(duckdb.sql(f"from {rows} limit 0")) == "0:0"
    # Two equal rows are not the same as none.
    twice = duckdb.sql(f"from {rows} union all from {rows}")
    assert fingerprint(twice) not in ("4:0", plain)


def test_code_depends_on_every_module_of_the_package(tmp_path, monkeypatch):
    folder = tmp_path / "some_package"
    folder.mkdir()
    for name in ("__init__", "one", "two"):
        (folder / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    seen = set()
    for name in ("one", "two", "one"):
        fits.code_version.cache_clear()
        seen.add(fits.code_version("some_package"))
        with (folder / f"{name}.py").open("a") as module:
            module.write("# changed\n")
    assert len(seen) == 3


def test_several_changes_are_all_named():
    before = {"as_of_date": "a", "configuration": {"x": 1, "y": 2}, "data": {"k": "1"}}
    now = {"as_of_date": "b", "configuration": {"x": 2, "y": 3}, "data": {"k": "1"}}
    reason = reason_to_fit(json.dumps(before), json.dumps(now))
    assert reason == "as_of_date: a -> b; configuration: x, y"


def test_models_that_keep_fits_say_what_decides_them(manifest):
    """Each hands its own parameters, source and day to `fitted_once`, and is a table."""
    own = [n for n in manifest["nodes"].values() if "fitted_once" in (n.get("raw_code") or "")]
    assert {node["name"] for node in own} >= {"ml_clv__backtests", "ml_clv__parameters"}
    for node in own:
        name, config = node["name"], node["config"]
        assert config["materialized"] == "table", name
        assert {"params", "source_name"} <= set(config["meta"]), name
        assert 'params=dbt.config.meta_get("params")' in node["raw_code"], name
        assert "model.clientele.int_as_of_dates" in node["depends_on"]["nodes"], name
        assert [hook["sql"] for hook in config["pre-hook"]] == ["{{ forget_fit() }}"], name
