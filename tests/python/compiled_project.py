"""Build many small warehouses fast: dbt compiles the project once, then this runs what it compiled.

A build by dbt spends seconds on its start and on its nodes' bookkeeping, which is most of what a
build of a few hundred order lines takes. Here a build is only the models' own SQL and Python, in
the order of dbt's graph, in a DuckDB database in memory. The compiled SQL reads the import of one
CSV file, whose content may change from build to build; so may the folder of the import, which is
replaced. What differs from a build by dbt: no contracts, no hooks, no log.
"""

import graphlib
import json
import types
from dataclasses import dataclass

import duckdb

from clientele.sources.importing import import_source

NAMES = "order_id,customer_id,product_id,ordered_at,quantity,unit_price,discount_amount,category"


@dataclass
class Broken(Exception):
    """A node of the graph that failed, and why."""

    node: str
    reason: str

    def __str__(self):
        return f"{self.node}: {self.reason}"


class CompiledProject:
    """The project as dbt compiled it for a source that is one CSV file with columns `NAMES`."""

    def __init__(self, warehouse, **variables):
        """Compile in the folder of ``warehouse``, with vars of dbt other than the source."""
        self.data = warehouse.folder / "orders.csv"
        self.data.write_text(NAMES + "\n1,a,mug,2024-05-01 10:00:00,2,5.00,,\n")
        names = NAMES.split(",")
        table = {"path": str(self.data), "columns": dict(zip(names, names, strict=True))}
        source = {"name": "shop", "timezone": "UTC", "currency": "EUR", "rules": {}}
        source |= {"extract_date": "2026-01-01", "tables": {"order_lines": table}}
        said = json.dumps({"source": source, **variables})
        self.source, self.imports = source, warehouse.folder / "target/sources"
        warehouse.dbt("seed", "--vars", said, "--select", "path:seeds/lookups")
        assert warehouse.exit_code == 0, warehouse.output[-3000:]
        warehouse.dbt("compile", "--vars", said)
        assert warehouse.exit_code == 0, warehouse.output[-3000:]
        manifest = json.loads((warehouse.folder / "target/manifest.json").read_text())
        self.template = warehouse.database
        # The first file's import, which the compiled SQL reads.
        self.imported = self._import()
        assert any(self.imported in str(n.get("compiled_code")) for n in manifest["nodes"].values())
        nodes = {
            key: node
            for key, node in manifest["nodes"].items()
            if node["resource_type"] in ("model", "test")
        }
        graph = {
            key: [parent for parent in node["depends_on"]["nodes"] if parent in nodes]
            for key, node in nodes.items()
        }
        order = list(graphlib.TopologicalSorter(graph).static_order())
        self.models = [nodes[key] for key in order if nodes[key]["resource_type"] == "model"]
        self.tests = [
            node
            for node in nodes.values()
            if node["resource_type"] == "test" and node["config"]["severity"].lower() == "error"
        ]
        self.python = {
            node["name"]: compile(node["compiled_code"], node["original_file_path"], "exec")
            for node in self.models
            if node["language"] == "python"
        }

    def build(self, lines: str, *, check: bool = True) -> duckdb.DuckDBPyConnection:
        """Build a shop from the lines of its CSV; return the connection to its warehouse.

        Raises `Broken` where a model fails or, with ``check``, a data test does.
        """
        self.data.write_text(NAMES + "\n" + lines)
        imported = self._import()
        connection = duckdb.connect(config={"threads": 1})
        connection.execute("set TimeZone = 'UTC'")
        name = self.template.stem
        connection.execute(f"attach '{self.template}' as template (read_only)")
        connection.execute(f"attach ':memory:' as {name}; copy from database template to {name}")
        connection.execute(f"detach template; use {name}")
        for schema in sorted({model["schema"] for model in self.models}):
            connection.execute(f"create schema if not exists {schema}")
        for model in self.models:
            try:
                self._run(model, connection, imported)
            except Exception as error:
                raise Broken(model["name"], f"{type(error).__name__}: {error}") from error
        for test in self.tests if check else []:
            code = test["compiled_code"].replace(self.imported, imported)
            failures = connection.execute(code).fetchmany(3)
            if failures:
                raise Broken(test["name"], str(failures))
        return connection

    def _import(self):
        return str(import_source(self.source, None, self.imports).folder.absolute())

    def _run(self, model, connection, imported):
        kind = "view" if model["config"]["materialized"] == "view" else "table"
        table = f"{model['schema']}.{model['alias']}"
        if model["language"] == "sql":
            code = model["compiled_code"].replace(self.imported, imported)
            connection.execute(f"create {kind} {table} as {code}")
            return
        module = types.ModuleType(model["name"])
        exec(self.python[model["name"]], module.__dict__)
        result = module.model(module.dbtObj(connection.table), connection)
        result.create(table)
