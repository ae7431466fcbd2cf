"""What a build that passed keeps for scores, in the warehouse itself: its SQL and its source.

The macro `keep_scoring` writes it when every model was built and nothing failed; the next run that
changes a table removes it first. So tables, parameters and SQL are always of one build.
"""

import json
import re
from dataclasses import dataclass

import duckdb

TABLE = "intermediate.int_state__scoring"
# The name under which a scorer attaches the warehouse.
ALIAS = "scored_warehouse"


@dataclass(frozen=True)
class Model:
    """A model or seed: its relation, quoted as SQL names it, how it is stored, and its SQL.

    ``code`` of a Python model is the JSON of its parameters.
    """

    relation: str
    materialized: str
    code: str


@dataclass(frozen=True)
class Kept:
    """A build: its id, its database's name in SQL, its source, and its models by name.

    ``location`` is the text after `from` by which staging reads the order lines, and ``types`` are
    the types of the columns there; empty if the source is imported.
    """

    build_id: str
    database: str
    source: dict
    extract_date: str
    location: str
    types: dict[str, str]
    models: dict[str, Model]

    def relations(self, code: str) -> list[str]:
        """Return the relations of the build that ``code`` names, in their order, each once."""
        pattern = re.escape(f'"{self.database}".') + r'"[^"]+"\."[^"]+"'
        return list(dict.fromkeys(re.findall(pattern, code)))

    def stored(self, relation: str) -> str:
        """Return ``relation`` as a relation of the attached warehouse."""
        return ALIAS + relation.removeprefix(f'"{self.database}"')


def read_kept(connection: duckdb.DuckDBPyConnection, place: str) -> Kept:
    """Return what the last build of the attached warehouse, the file ``place``, has kept.

    Raises:
        ValueError: nothing, because the last build did not pass or was only part of the project.
    """
    try:
        rows = connection.execute(f"from {ALIAS}.{TABLE}").fetchall()
    except duckdb.CatalogException:
        rows = []
    build = [json.loads(code) for _, _, materialized, code in rows if materialized == "build"]
    if not build:
        raise ValueError(
            f"{place} holds no build that passed: there was none, it failed, or it built only part "
            "of the project; run `clientele build`"
        )
    models = {name: Model(*row) for name, *row in rows if name}
    return Kept(**build[0], models=models)
