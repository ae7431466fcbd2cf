"""Sources that are not what their YAML says, and what `check_source` says about each.

Both engines run the same cases: test_source_check.py and spark/test_source_check_on_spark.py.
"""

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import yaml
from conftest import PROJECT
from dbt.cli.main import dbtRunner

COLUMNS = {
    "order_id": "order_no",
    "customer_id": "customer",
    "product_id": "sku",
    "ordered_at": "placed",
    "quantity": "qty",
    "unit_price": "price",
}
GOOD = """
    select 'o1' as order_no, 'c1' as customer, 'p1' as sku, timestamp '2024-01-01' as placed,
        1 as qty, 2.5 as price
"""


@dataclass(frozen=True)
class Case:
    """A source: the SQL of its raw table (None: no file), a change of its settings, its format.

    ``says`` are the texts that the check must print; without any, the source must pass.
    """

    says: tuple[str, ...] = ()
    sql: str | None = GOOD
    change: Callable[[dict], object] = lambda source: None
    suffix: str = "parquet"


def lines(source):
    """Return the settings of the source's order lines."""
    return source["tables"]["order_lines"]


def mapped(**columns):
    """Return a change that maps canonical columns to other raw columns."""
    return lambda source: lines(source)["columns"].update(columns)


def replaced(column, value):
    """Return the good table with another expression for a column."""
    return f"select * replace ({value} as {column}) from ({GOOD})"


def with_campaigns(*rows):
    """Return a change that adds a file of campaigns with rows of campaign, customer and arm."""

    def change(source):
        path = lines(source)["path"].replace("lines.", "campaigns.")
        duckdb.execute(
            "copy (select *, timestamp '2024-01-02' as assigned_at from (values "
            f"{', '.join(map(str, rows))}) as t(campaign_id, customer_id, arm)) to '{path}'"
        )
        columns = {name: name for name in ("campaign_id", "customer_id", "arm", "assigned_at")}
        source["tables"]["campaigns"] = {"path": path, "columns": columns}

    return change


def with_customers(change=lambda table: None, **columns):
    """Return a change that adds a file of customers with SQL values of columns."""

    def add(source):
        path = lines(source)["path"].replace("lines.", "customers.")
        values = {"id": "'c1'", "plan": "'basic'", "born": "1980"} | columns
        listed = ", ".join(f"{value} as {name}" for name, value in values.items())
        duckdb.execute(f"copy (select {listed}) to '{path}'")
        table = {
            "path": path,
            "columns": {"customer_id": "id"},
            "attributes": {
                "plan": {"column": "plan", "kind": "category"},
                "born": {"column": "born", "kind": "number"},
            },
        }
        change(table)
        source["tables"]["customers"] = table

    return add


def to_table(source):
    """Read a table of the database instead of the file."""
    del lines(source)["path"]
    lines(source)["table"] = "main.lines"


CASES = {
    "a good source passes": Case(),
    "csv passes too": Case(suffix="csv"),
    "json passes too": Case(suffix="json"),
    "a missing file is named": Case(("no file at", "lines.parquet", "DATA"), sql=None),
    "an empty source is refused": Case(("has no rows",), f"{GOOD} limit 0"),
    "an empty csv is refused": Case(("has no rows",), f"{GOOD} limit 0", suffix="csv"),
    "a missing column is named with those there are": Case(
        ("no column 'cost' for `unit_price`", "it has order_no, customer"),
        change=mapped(unit_price="cost"),
    ),
    "another case is no match but a hint": Case(
        ("did you mean 'price'?",), change=mapped(unit_price="Price")
    ),
    **{
        f"{column} of type {type_name} is named": Case(
            (f"column '{column}'", f"is {type_name}, not a {kind}"), replaced(column, value)
        )
        for column, value, type_name, kind in [
            ("price", "date '2024-01-01'", "DATE", "number"),
            ("price", "true", "BOOLEAN", "number"),
            ("placed", "5", "INTEGER", "timestamp"),
            ("sku", "[1, 2]", "INTEGER[]", "key"),
        ]
    },
    "a customer may be in two campaigns": Case(
        change=with_campaigns(("spring", "c1", "control"), ("tea", "c1", "treated"))
    ),
    "a customer who is twice in a campaign is named": Case(
        ("1 customer is listed more than once in a campaign, for example 'c1' in 'spring'",),
        change=with_campaigns(("spring", "c1", "control"), ("spring", "c1", "control")),
    ),
    "a customer in two arms of a campaign is named": Case(
        ("1 customer is listed more than once in a campaign, some of them in two arms",),
        change=with_campaigns(("spring", "c2", "control"), ("spring", "c2", "treated")),
    ),
    "customers with attributes pass": Case(change=with_customers()),
    "an attribute's column that is not there is named": Case(
        ("`customers`: no column 'tier' for `plan`", "it has id, plan, born"),
        change=with_customers(lambda table: table["attributes"]["plan"].update(column="tier")),
    ),
    "an attribute of an unsuitable type is named": Case(
        ("column 'born' for `born`", "is DATE, not a number"),
        change=with_customers(born="date '1980-01-01'"),
    ),
    "an attribute of an unknown kind is named": Case(
        ("attribute `plan`: `kind: text` is none of number, category, date, yes_no",),
        change=with_customers(lambda table: table["attributes"]["plan"].update(kind="text")),
    ),
    # 13085.0 is what pandas makes of a key with gaps.
    "a key that is a fraction passes": Case(sql=replaced("customer", "13085.0::double")),
    "text that never reads as its type is named": Case(
        ("1 of 1 value for `ordered_at` does not read as a timestamp", "'yesterday'"),
        replaced("placed", "'yesterday'"),
    ),
    "some unreadable values are left to the accounts": Case(
        sql=" union all ".join(replaced("placed", text) for text in ("'2024-01-01'", "'n/a'"))
    ),
    "an unmapped required column is named": Case(
        ("`quantity` is not mapped",),
        change=lambda source: lines(source)["columns"].pop("quantity"),
    ),
    "an unknown canonical column is named": Case(
        ("`costumer` is not a canonical column",), change=mapped(costumer="customer")
    ),
    "a column mapped twice is named": Case(
        ("'order_no' is mapped twice, to `order_id` and to `customer_id`",),
        change=mapped(customer_id="order_no"),
    ),
    "a list of columns is an ambiguous mapping": Case(
        ("an ambiguous mapping",), change=mapped(unit_price=["price", "qty"])
    ),
    "a name that several columns have is ambiguous": Case(
        ("'price' for `unit_price` is ambiguous",), f'select *, 3.5 as "Price" from ({GOOD})'
    ),
    "two locations are refused": Case(
        ("exactly one of `seed`, `path`, `table`; it has path and table",),
        change=lambda source: lines(source).update(table="main.lines"),
    ),
    "a missing table is named": Case(("no table main.lines in the database",), change=to_table),
    "an unknown format is named": Case(
        ("lines.doc does not tell its format",),
        change=lambda source: lines(source).update(path="lines.doc"),
    ),
    **{
        f"a missing {key} is named": Case(
            (f"`{key}` is missing",), change=lambda source, key=key: source.pop(key)
        )
        for key in ("name", "timezone", "currency")
    },
    "an unknown setting is named": Case(
        ("`time_zone` is not a setting",), change=lambda source: source.update(time_zone="UTC")
    ),
    "an unknown rule is named": Case(
        ("rule `cancel` is unknown",),
        change=lambda source: source.update(rules={"cancel": "^C"}),
    ),
    "a source without order lines is refused": Case(
        ("must hold `tables: order_lines:`",), change=lambda source: source.update(tables={})
    ),
    "a column with its own time zone passes": Case(sql=replaced("placed", "placed::timestamptz")),
    **{
        f"{text} in {suffix} passes": Case(sql=replaced("placed", f"'{text}'"), suffix=suffix)
        for text in ("2024-01-01T10:00:00Z", "2024-01-01 10:00:00.5+02:00")
        for suffix in ("csv", "parquet")
    },
    "a zone that does not exist": Case(
        ("timezone 'Europe/Lodon' is unknown", "Europe/London"),
        change=lambda source: source.update(timezone="Europe/Lodon"),
    ),
    "years that are too early": Case(
        ("1 of 1 value for `ordered_at` does not read as a timestamp", "'0003-01-19'"),
        replaced("placed", "'0003-01-19'"),
        suffix="csv",
    ),
    "everything wrong is said at once": Case(
        ("'cost'", "'pieces'"), change=mapped(unit_price="cost", quantity="pieces")
    ),
}


class Checker:
    """Runs `check_source` of a project that has only this project's macros, parsed once."""

    def __init__(self, folder, target):
        """Parse the macros in the new ``folder`` for ``target``, an output of profiles.yml."""
        (folder / "dbt_project.yml").write_text(
            yaml.safe_dump(
                {
                    "name": "clientele",
                    "profile": "clientele",
                    "macro-paths": [str(PROJECT / "macros")],
                    "vars": {"source": None, "data": None, "earliest_order_date": "1990-01-01"},
                }
            )
        )
        (folder / "models").mkdir()
        (folder / "models/raw.yml").write_text(
            yaml.safe_dump({"sources": [{"name": "raw", "tables": [{"name": "campaigns"}]}]})
        )
        self.arguments = ["--target", target, "--project-dir", str(folder)]
        self.arguments += ["--profiles-dir", str(PROJECT), "--target-path", str(folder / "target")]
        self.arguments += ["--log-level", "none", "--log-level-file", "none"]
        parsed = dbtRunner().invoke(["parse", *self.arguments])
        assert parsed.success, parsed.exception
        self.manifest = parsed.result

    def __call__(self, case, folder):
        """Write the raw table of a case to ``folder``; return what the check says about it."""
        path = folder / f"lines.{case.suffix}"
        if case.sql is not None:
            options = "(format csv, header)" if case.suffix == "csv" else f"(format {case.suffix})"
            duckdb.connect().execute(f"copy ({case.sql}) to '{path}' {options}")
        source = {
            "name": "shop",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "tables": {"order_lines": {"path": str(path), "columns": copy.copy(COLUMNS)}},
        }
        case.change(source)
        messages = []

        def listen(event):
            if event.info.level == "error":
                messages.append(event.info.msg)

        result = dbtRunner(self.manifest, callbacks=[listen]).invoke(
            ["run-operation", "check_source", "--vars", yaml.safe_dump({"source": source})]
            + self.arguments
        )
        os.chdir(PROJECT)
        assert result.success == (not messages), (result.exception, messages)
        return "\n".join(messages)


def complaints(case, message):
    """Return how a message differs from what a case must say; an empty list if it does not."""
    if not case.says:
        return [message] if message else []
    return [f"{text!r} is not in {message!r}" for text in case.says if text not in message]
