"""Give DuckDB under dbt the function `prepare_source`; profiles.yml names this module."""

import atexit

from dbt.adapters.duckdb.plugins import BasePlugin

from clientele.sources.preparing import prepare_as_json


class Plugin(BasePlugin):
    """Registers `prepare_source(json) -> json` on each connection of dbt."""

    def configure_connection(self, connection) -> None:
        """Add the function to a new connection."""
        connection.create_function(
            "prepare_source", prepare_as_json, ["VARCHAR"], "VARCHAR", side_effects=True
        )
        # A connection that is open when Python ends, with a function in it, makes DuckDB print
        # pages about leaks.
        atexit.register(connection.close)
