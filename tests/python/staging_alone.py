"""Order lines as staging has them, on either engine, without the rest of the project."""

import json
import os

import duckdb
import yaml
from conftest import PROJECT
from dbt.cli.main import dbtRunner

from clientele.building import close_warehouse


class Staging:
    """Stages a raw table in a project that has only this project's macros, parsed once."""

    def __init__(self, folder, target, database=None):
        """Parse the macros in the new ``folder`` for ``target``, an output of profiles.yml.

        ``database`` is the file of DuckDB where raw tables may be.
        """
        self.database = database
        (folder / "macros").mkdir()
        (folder / "models").mkdir()
        (folder / "models/raw.yml").write_text(
            yaml.safe_dump({"sources": [{"name": "raw", "tables": [{"name": "order_lines"}]}]})
        )
        (folder / "macros/stage.sql").write_text(
            "{% macro stage(columns) %}{% do check_source() %}{% set rows = [] %}"
            "{% set found = run_query('select ' ~ columns ~ ' from ('"
            " ~ settled_lines(canonical_select('order_lines')) ~ ') as lines') %}"
            "{% for row in found.rows %}{% do rows.append(row.values() | list) %}{% endfor %}"
            "{% do log('ROWS ' ~ tojson(rows), info=true) %}{% endmacro %}"
        )
        settings = {
            "name": "clientele", "profile": "clientele",
            "macro-paths": [str(PROJECT / "macros"), "macros"],
            "vars": {"source": None, "data": None, "earliest_order_date": "1990-01-01"},
        }  # fmt: skip
        (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
        self.arguments = ["--target", target, "--project-dir", str(folder)]
        self.arguments += ["--profiles-dir", str(PROJECT), "--target-path", str(folder / "target")]
        self.arguments += ["--log-level-file", "none"]
        parsed = dbtRunner().invoke(["parse", *self.arguments])
        os.chdir(PROJECT)
        close_warehouse()
        assert parsed.success, parsed.exception
        self.manifest, self.said = parsed.result, []

    def __call__(self, columns, sql, table, folder, suffix):
        """Return columns of the staged lines, as texts, of the rows of a query.

        The rows are kept in a file with a suffix, or in a table of the database (``table``).
        ``table`` are the settings of order lines.
        """
        if suffix == "table":
            with duckdb.connect(str(self.database)) as connection:
                connection.execute(f"create or replace table main.kept as {sql}")
            table = {"table": "main.kept"} | table
        else:
            path = folder / f"lines.{suffix}"
            options = "(format csv, header)" if suffix == "csv" else f"(format {suffix})"
            duckdb.connect().execute(f"copy ({sql}) to '{path}' {options}")
            table = {"path": str(path)} | table
        source = {"name": "shop", "timezone": "UTC", "currency": "EUR"}
        source["tables"] = {"order_lines": table}
        texts = ", ".join(f"cast({column} as string)" for column in columns)
        self.said = []
        hear = [lambda event: self.said.append(event.info.msg)]
        result = dbtRunner(self.manifest, callbacks=hear).invoke(
            ["run-operation", "stage", "--args", json.dumps({"columns": texts}),
             "--vars", yaml.safe_dump({"source": source}), *self.arguments]
        )  # fmt: skip
        os.chdir(PROJECT)
        # The next raw table is written by another connection.
        close_warehouse()
        assert result.success, self.said[-3:]
        [text] = [message for message in self.said if "ROWS [" in message]
        return json.loads(text[text.index("ROWS [") + 5 :])
