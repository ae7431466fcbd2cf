"""Give commands to MetricFlow one after another, loading it once.

python metric_queries.py COMMANDS ANSWERS

COMMANDS is a JSON list of argument lists such as ["query", "--metrics", "orders"]; ANSWERS becomes
a list of {"exit_code", "output", "csv"}, the last for a query whose last argument is "--csv".
"""

import json
import os
import sys
from pathlib import Path

from click.testing import CliRunner
from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from dbt_metricflow.cli.main import cli


def answer(commands, folder):
    configuration = CLIConfiguration()
    configuration.setup()
    # `mf` looks in the project's own target folder, whatever dbt was told.
    configuration.dbt_project_metadata.project_path = Path(os.environ["DBT_TARGET_PATH"]).parent
    answers = []
    for number, (name, *arguments) in enumerate(commands):
        table = folder / f"answer_{number}.csv"
        wants_table = arguments[-1:] == ["--csv"]
        # The command itself, not the group above it, which asks a package index for updates.
        finished = CliRunner().invoke(
            cli.commands[name], arguments + [str(table)] * wants_table, obj=configuration
        )
        answers.append(
            {
                "exit_code": finished.exit_code,
                "output": finished.output,
                "csv": table.read_text() if table.exists() else None,
            }
        )
    return answers


if __name__ == "__main__":
    commands, answers = map(Path, sys.argv[1:])
    found = answer(json.loads(commands.read_text()), answers.parent)
    answers.write_text(json.dumps(found))
