"""Read the SQL expressions of a source's YAML."""

import json

import duckdb

from clientele.sources.common import UnreadableSource


def column_names(connection: duckdb.DuckDBPyConnection, expression: str) -> list[str]:
    """Return the columns that an SQL expression names.

    Raises:
        UnreadableSource: the expression is no SQL.
    """
    tree = json.loads(
        connection.execute("select json_serialize_sql(?)", [f"select {expression}"]).fetchone()[0]
    )
    if tree.get("error"):
        raise UnreadableSource(
            f"the expression `{expression}` is no SQL: {tree.get('error_message', '')}; see the "
            "examples in sources/template.yml"
        )
    found = []

    def walk(node):
        if isinstance(node, dict):
            if node.get("class") == "COLUMN_REF":
                found.append(".".join(node["column_names"]))
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(tree)
    return list(dict.fromkeys(found))
