"""Histories of orders as a source shows them from build to build, and builds that follow them.

dbt compiles the order-level models once, as a whole and continued; a build here runs what it
compiled, in memory, in milliseconds. What such a build takes from dbt is the SQL of the models and
of the strategy `touched`; how dbt runs them is tested by builds with dbt.
"""

import graphlib
import json
from dataclasses import dataclass, field

import duckdb
from hypothesis import strategies as st

# Text that compiled SQL has in place of what differs from build to build.
LAST_BUILD, LAST_AS_OF, LAST_EXTRACT = "the-last-build", "1901-01-01", "1902-02-02"
EXTRACT, AS_OF = "1903-03-03", "1904-04-04"
LINES = {
    "order_id": "varchar",
    "customer_id": "varchar",
    "product_id": "varchar",
    "ordered_at": "timestamp",
    "quantity": "decimal(18, 3)",
    "unit_price": "decimal(18, 4)",
    "line_amount": "decimal(18, 4)",
    "product_name": "varchar",
    "category": "varchar",
    "channel": "varchar",
    "country": "varchar",
    "currency": "varchar",
    "discount_amount": "decimal(18, 4)",
    "refunded_amount": "decimal(18, 4)",
    "unit_cost": "decimal(18, 4)",
    "promotion_id": "varchar",
    "line_id": "varchar",
    "reject_reason": "varchar",
    "exclude_reason": "varchar",
    "match_email": "varchar",
}
# What readers of the order-level models find in them.
COMPARED = [
    "int_as_of_dates", "int_order_lines__screened", "int_returns", "int_order_lines", "int_orders",
    "int_products",
]  # fmt: skip
VIEWS = {"int_order_lines", "int_order_lines__of_persons", "int_product_codes"}
SELECTED = ["+int_orders", "+int_products"]


@dataclass
class Round:
    """What a source shows when a build reads it, and what is asked of the build."""

    # Rows of SQL literals for the first six columns of `LINES`, the discount and the e-mail, or a
    # query of all columns.
    lines: list[tuple] | str
    extract_date: str = "2024-03-31"
    as_of_date: str | None = None
    # The number of models after which the build is killed; None if it passes.
    killed_after: int | None = None


@dataclass
class Orders:
    """The order-level models as dbt compiled them."""

    names: list[str]
    # (continued, with an as-of date) -> model -> SQL
    code: dict[tuple[bool, bool], dict[str, str]]
    # model of staging -> SQL, which reads the source
    staging: dict[str, str]
    deletes: dict[str, str]
    database: str
    lookups: str
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of_a_shop(cls, warehouse, *, identities=None):
        """Compile for a source of one CSV file with the rules that there are."""
        (warehouse.folder / "orders.csv").write_text(
            "order_id,customer_id,product_id,ordered_at,quantity,unit_price,email\n"
            "1,a,mug,1900-01-01 10:00:00,2,5.00,a@shop.org\n"
        )
        names = list(LINES)[:6]
        table = {"path": str(warehouse.folder / "orders.csv")} | {"columns": {n: n for n in names}}
        if identities:
            table["identities"] = identities
        rules = {"cancellation_order_pattern": "^C", "adjustment_order_pattern": "^A"}
        source = {"name": "shop", "timezone": "UTC", "currency": "EUR", "rules": rules}
        source |= {"tables": {"order_lines": table}}
        return cls.compiled(warehouse, source, dated=(False, True))

    @classmethod
    def compiled(cls, warehouse, source, *, dated=(False,)):
        """Compile in ``warehouse``'s folder, after a build that one may continue.

        ``dated`` says whether builds have an as-of date of their own; both are possible.
        """
        source = source | {"extract_date": EXTRACT}
        settings = {"source": source, "earliest_order_date": "1899-01-01"}
        selected = ["--select", *SELECTED]
        run(warehouse, "build", settings, *selected, "--resource-type", "model", "seed")
        with duckdb.connect(str(warehouse.database)) as connection:
            connection.execute(
                f"update intermediate.int_state__last_build set build_id = '{LAST_BUILD}', "
                f"as_of_date = '{LAST_AS_OF}', extract_date = '{LAST_EXTRACT}'"
            )
        code = {}
        for continued in (False, True):
            for has_day in dated:
                said = settings | ({"as_of_date": AS_OF} if has_day else {})
                whole = [] if continued else ["--full-refresh"]
                run(warehouse, "compile", said, *selected, *whole)
                text = (warehouse.folder / "target/manifest.json").read_text()
                nodes = json.loads(text)["nodes"]
                models = {
                    key: node
                    for key, node in nodes.items()
                    if node["resource_type"] == "model" and node.get("compiled_code")
                }
                staging = {
                    models[key]["name"]: models.pop(key)["compiled_code"]
                    for key in list(models)
                    if models[key]["name"].startswith("stg_")
                }
                graph = {k: set(n["depends_on"]["nodes"]) & set(models) for k, n in models.items()}
                order = [models[key] for key in graphlib.TopologicalSorter(graph).static_order()]
                code[continued, has_day] = {n["name"]: n["compiled_code"] for n in order}
        continues = [n["name"] for n in order if n["config"]["incremental_strategy"] == "touched"]
        said = " ".join(f"{name}: {{{{ stale_rows('{name}') }}}};" for name in continues)
        run(warehouse, "compile", settings, "--inline", said)
        compiled = warehouse.output
        deletes = {n: f"where {compiled.split(f'{n}: ')[1].split(';')[0]}" for n in continues}
        return cls(
            [node["name"] for node in order], code, staging, deletes, order[0]["database"],
            str(warehouse.database),
        )  # fmt: skip

    def connection(self):
        """Return a warehouse in memory that nothing was built in."""
        connection = duckdb.connect(config={"threads": 1})
        connection.execute(
            f"set timezone = 'UTC'; attach '{self.lookups}' as was (read_only); "
            f"attach ':memory:' as {self.database}; use {self.database}; "
            "create schema staging; create schema intermediate; create schema lookups; "
        )
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_catalog = 'was' "
            "and table_name in ('non_product_codes', 'identity_overrides')"
        ).fetchall():
            connection.execute(
                f"create schema if not exists {schema}; "
                f"create table {schema}.{name} as from was.{schema}.{name}"
            )
        connection.execute("detach was")
        return connection

    def build(self, connection, state: Round, *, number: int, continued: bool = True):
        """Build as ``clientele build`` would, the last passed build in ``connection`` going before.

        ``number`` identifies this build. With ``continued`` false the build is a whole one.
        """
        execute = connection.execute
        columns = ", ".join(f"{name} {kind}" for name, kind in LINES.items())
        execute(f"create or replace table staging.stg_order_lines ({columns})")
        execute(
            "create or replace table staging.stg_products (product_id varchar, product_name "
            "varchar, category varchar, unit_cost decimal(18, 4))"
        )
        if isinstance(state.lines, str):
            execute(f"insert into staging.stg_order_lines by name {state.lines}")
        elif state.lines:
            rows = ", ".join(f"({', '.join(line)})" for line in state.lines)
            names = [*list(LINES)[:6], "discount_amount", "match_email"][: len(state.lines[0])]
            execute(f"insert into staging.stg_order_lines ({', '.join(names)}) values {rows}")
        last = execute(
            "create table if not exists intermediate.int_state__last_build "
            "(build_id varchar, as_of_date date, extract_date date); "
            "select build_id, as_of_date, extract_date from intermediate.int_state__last_build"
        ).fetchall()
        continued = continued and bool(last)
        if not continued:
            execute("delete from intermediate.int_state__last_build")
        said = {EXTRACT: state.extract_date, AS_OF: state.as_of_date or ""}
        if continued:
            known = [LAST_BUILD, LAST_AS_OF, LAST_EXTRACT]
            said |= dict(zip(known, map(str, last[0]), strict=True))
        for place, name in enumerate(self.names):
            if place == state.killed_after:
                return
            sql = self.code[continued, state.as_of_date is not None][name]
            delete = self.deletes.get(name)
            for old, new in [*self.faults.values(), *said.items()]:
                sql, delete = sql.replace(old, new), delete and delete.replace(old, new)
            table = f"intermediate.{name}"
            if continued and delete:
                execute(
                    f"create or replace temp table computed as {sql}; begin; "
                    f"delete from {table} {delete}; "
                    f"insert into {table} by name from computed; commit"
                )
            else:
                kind = "view" if name in VIEWS else "table"
                execute(f"create or replace {kind} {table} as {sql}")
        execute(
            "begin; create or replace table intermediate.int_state__last_fingerprints as "
            "from intermediate.int_order_fingerprints; delete from "
            "intermediate.int_state__last_build; insert into intermediate.int_state__last_build "
            f"select 'build-{number}', as_of_date, '{state.extract_date}' "
            "from intermediate.int_as_of_dates where is_current; commit"
        )

    def digests(self, connection):
        """Return the number of rows and a digest of every table that readers use."""
        return {
            name: connection.execute(
                "select count(*), bit_xor(md5_number(t::varchar)) "
                f"from {self.database}.intermediate.{name} as t"
            ).fetchall()
            for name in COMPARED
        }

    def rows(self, connection):
        """Return the rows of every table that readers use, sorted."""
        return {
            name: sorted(
                connection.execute(f"from {self.database}.intermediate.{name}").fetchall(), key=str
            )
            for name in COMPARED
        }


def run(warehouse, command, settings, *arguments):
    """Run dbt in the warehouse's folder; it must pass."""
    warehouse.dbt(command, "--vars", json.dumps(settings), *arguments)
    assert warehouse.exit_code == 0, warehouse.output[-3000:]


DAYS = st.sampled_from([1, 2, 5, 9, 11, 15, 24, 26, 40, 55])
FIELDS = {
    "order_id": st.sampled_from(["1", "2", "3", "C1", "A1", None]),
    "customer_id": st.sampled_from(["a", "a", "b", "c", None]),
    "product_id": st.sampled_from(["mug", "mug", "mug", "cup", "POST", None]),
    "ordered_at": DAYS.map(lambda day: f"timestamp '2024-01-01 09:00:00' + interval {day} day"),
    "quantity": st.sampled_from(["1", "1", "2", "3", "-1", "-2", "0", "20000", "-20000"]),
    "unit_price": st.sampled_from(["5", "5", "4", "0", "-5", None]),
    "discount_amount": st.sampled_from([None, None, "1"]),
    "match_email": st.sampled_from([None, "x@shop.org", "y@shop.org", "Y@shop.org"]),
}
CHANGEABLE = [
    "customer_id", "product_id", "ordered_at", "quantity", "discount_amount", "order_id",
    "match_email",
]  # fmt: skip


@st.composite
def raw_lines(draw):
    """A raw line, right or wrong, and what it may become by a correction: tuples of SQL."""
    line = {name: draw(field) for name, field in FIELDS.items()}
    # An order mostly has one customer, so that returns find their purchase.
    if draw(st.integers(0, 3)):
        line["customer_id"] = {"1": "a", "2": "b", "C1": "a"}.get(line["order_id"], "c")
    versions = [line]
    for name in draw(st.lists(st.sampled_from(CHANGEABLE), max_size=2)):
        versions.append(versions[-1] | {name: draw(FIELDS[name])})
    return [tuple(literal(name, value) for name, value in each.items()) for each in versions]


def literal(name, value):
    """Return a value as SQL; moments and numbers are SQL already."""
    is_text = name in ("order_id", "customer_id", "product_id", "match_email")
    return "null" if value is None else f"'{value}'" if is_text else value


@st.composite
def histories(draw):
    """A few rounds of one source: its lines come, go, change and repeat."""
    pool = draw(st.lists(raw_lines(), min_size=1, max_size=7))
    times = st.sampled_from([1, 1, 1, 0, 0, 2])
    days = st.sampled_from([None, None, "2024-01-10", "2024-01-25", "2024-02-20"])
    extracts = st.sampled_from(["2024-03-31", "2024-03-31", "2024-01-20"])
    killed = st.sampled_from([None, None, None, 5, 6, 7, 9, 10])
    rounds = []
    for _ in range(draw(st.integers(2, 4))):
        lines = [
            versions[draw(st.integers(0, len(versions) - 1))]
            for versions in pool
            for _ in range(draw(times))
        ]
        rounds.append(Round(lines, draw(extracts), draw(days), draw(killed)))
    rounds[-1].killed_after = None
    return rounds
