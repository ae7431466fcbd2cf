"""Give DuckDB under dbt the function `prepare_source`; profiles.yml names this module."""

import atexit
import contextlib

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from clientele.sources.preparing import prepare_as_json


class Plugin(BasePlugin):
    """Registers `prepare_source(json) -> json` on each connection of dbt."""

    def configure_connection(self, connection) -> None:
        """Add the function to a new connection."""
        connection.create_function(
            "prepare_source", prepare_as_json, ["VARCHAR"], "VARCHAR", side_effects=True
        )
        # A function that is registered when Python ends makes DuckDB print pages about leaks.
        atexit.register(_forget, connection)


def _forget(connection):
    """Remove the function from a connection that is still open."""
    with contextlib.suppress(duckdb.Error):
        connection.remove_function("prepare_source")
        connection.close()
