"""Parses the project in the process that the tests' commands are forked from: see commands.py.

dbt makes the schemas of what it reads when it first needs them, a third of the time of a parse.
"""

import gc
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

from dbt.cli.main import dbtRunner
from dbt_extractor import ExtractionError

from clientele.building import RARELY

PROJECT = Path(__file__).parents[2]
# These start threads, which a fork would not have. Without them dbt renders the models, and the
# parse ends at the unit tests, by when it has done what it is for.
EXTRACTORS = ["dbt.parser.models", "dbt.parser.unit_tests", "dbt.clients.jinja_static"]


def parse_once() -> None:
    """Parse the project, and leave nothing but what dbt has learned."""
    with ExitStack() as meanwhile:
        folder = meanwhile.enter_context(tempfile.TemporaryDirectory())
        meanwhile.enter_context(mock.patch.dict(os.environ, DBT_SEND_ANONYMOUS_USAGE_STATS="false"))
        for module in EXTRACTORS:
            name = f"{module}.py_extract_from_source"
            meanwhile.enter_context(mock.patch(name, side_effect=ExtractionError))
        places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        quiet = ["--log-level", "none", "--log-level-file", "none", "--log-path", folder]
        dbtRunner().invoke(["parse", *places, "--target-path", folder, *quiet])


parse_once()
# The forks share what is here, and none has to look through it for garbage.
gc.collect()
gc.freeze()
gc.set_threshold(*RARELY)
