"""Give DuckDB under dbt the functions of `FUNCTIONS`; profiles.yml names this module."""

import atexit
import contextlib

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from clientele.campaigns.audiences import read_as_json
from clientele.configuration import build_configuration
from clientele.sources.preparing import prepare_as_json

FUNCTIONS = {
    "prepare_source": prepare_as_json,
    "build_configuration": build_configuration,
    "read_audiences": read_as_json,
}


class Plugin(BasePlugin):
    """Registers the functions on each connection of dbt; each takes JSON and returns text."""

    def configure_connection(self, connection) -> None:
        """Add the functions to a new connection."""
        for name, function in FUNCTIONS.items():
            connection.create_function(name, function, ["VARCHAR"], "VARCHAR", side_effects=True)
        # A function that is registered when Python ends makes DuckDB print pages about leaks.
        atexit.register(_forget, connection)


def _forget(connection):
    """Remove the functions from a connection that is still open."""
    with contextlib.suppress(duckdb.Error):
        for name in FUNCTIONS:
            connection.remove_function(name)
        connection.close()
