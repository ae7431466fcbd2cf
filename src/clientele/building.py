"""Run `dbt build` for a person: progress while it runs, causes if it fails, times at the end."""

import gc
import io
import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

from clientele.places import target_folder
from clientele.progress import Progress

# Unit tests do not check the data; they belong to development and CI.
NO_UNIT_TESTS = ["--exclude-resource-type", "unit_test"]
# Nothing on the console, everything in the log file.
SILENT = ["--log-level", "none", "--log-level-file", "debug", "--no-use-colors"]
# When Python looks for objects that only refer to one another: what dbt has parsed stays as long as
# it runs, and looking through it again and again took a tenth of a small build.
RARELY = (20_000, 50, 1000)
FAILED = {"error", "fail", "runtime error", "partial success"}


def build(
    project: Path, variables: dict, dbt_arguments: list[str], *, target: str, verbose: bool = False
) -> int:
    """Run `dbt build` in ``project`` and return the exit code.

    Args:
        project: The folder of dbt_project.yml, which is also the current folder.
        variables: Vars to override.
        dbt_arguments: More arguments of `dbt build`. Unit tests run only if these select resource
            types.
        target: An output of profiles.yml.
        verbose: Print dbt's own output.

    Returns:
        0, 1 if the build failed, or 2 if dbt does not accept the arguments.
    """
    gc.set_threshold(*RARELY)
    # dbt takes seconds to import; other commands do not need it.
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner

    invocation = ["build"]
    # dbt reuses what an earlier command parsed only if both name the same target and vars; plain
    # dbt commands mostly name none.
    if target != "duckdb" or "DBT_TARGET" in os.environ:
        invocation += ["--target", target]
    if variables:
        invocation += ["--vars", json.dumps(variables, default=str)]
    if not any(argument.startswith("--resource-type") for argument in dbt_arguments):
        invocation += NO_UNIT_TESTS
    log = project / os.environ.get("DBT_LOG_PATH", "logs") / "dbt.log"
    if verbose:
        plain = ["--no-use-colors"] if os.environ.get("NO_COLOR") else []
        outcome, progress = dbtRunner().invoke([*invocation, *plain, *dbt_arguments]), None
    else:
        artifacts = target_folder(project)
        earlier = earlier_seconds(artifacts / "run_results.json")
        manifest = artifacts / "manifest.json"
        with Progress(manifest, earlier) as progress, redirect_stdout(_Log()):
            runner = dbtRunner(callbacks=[progress.hear])
            outcome = runner.invoke([*invocation, *SILENT, *dbt_arguments])
    close_warehouse()
    if isinstance(outcome.exception, DbtUsageException):
        raise ValueError(f"dbt build: {outcome.exception}")
    results = getattr(outcome.result, "results", [])
    if not outcome.success:
        messages = [] if progress is None else progress.messages
        print(f"\n{failure(results, outcome.exception, messages, log)}", file=sys.stderr)
        return 1
    if progress is not None:
        for line in warnings(results):
            print(line, file=sys.stderr)
        print(f"\n{progress.table()}", file=sys.stderr)
    return 0


def earlier_seconds(run_results: Path) -> dict[str, float]:
    """Return the seconds that each node took in the run that wrote ``run_results``, if any."""
    try:
        results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
        return {row["unique_id"]: row["execution_time"] for row in results if row["execution_time"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def failure(results: list, exception: BaseException | None, messages: list[str], log: Path) -> str:
    """Return the causes of a failed run: each node that failed itself, or else the exception.

    Skipped nodes are consequences, so only their number is given.

    Args:
        results: dbt's results by node.
        exception: The exception, if dbt stopped before it had results.
        messages: Messages logged by macros, for example the rules of broken checks.
        log: dbt's log file.
    """
    causes = [row for row in results if row.status in FAILED]
    skipped = sum(row.status == "skipped" for row in results)
    if isinstance(exception, KeyboardInterrupt):
        return "clientele: interrupted; the marts may be of different builds"
    lines = [f"clientele: the build failed: {_nodes(len(causes))} failed"] if causes else []
    if not causes:
        lines.append("clientele: the build failed")
    if skipped:
        lines[0] += f", and {_nodes(skipped)} after {'it' if len(causes) == 1 else 'them'} skipped"
    for row in causes:
        lines += ["", _headline(row), *_indented(row.message)]
        if compiled := getattr(row.node, "compiled_path", None):
            lines.append(f"  compiled: {compiled}")
    if exception is not None:
        lines += ["", *_indented(str(exception))]
    if messages:
        lines += ["", *messages]
    return "\n".join([*lines, "", f"The whole log: {log}"])


def warnings(results: list) -> list[str]:
    """Return a line for each node that passed with a warning."""
    return [
        f"warning: {row.node.name}: {' '.join((row.message or '').split())}"
        for row in results
        if row.status == "warn"
    ]


def close_warehouse() -> None:
    """Close the connection that dbt-duckdb keeps open in this process, so that others can open it.

    profiles.yml asks for it (`keep_open`), because opening the file again for every model takes
    longer than many models do.
    """
    # Not imported here: a build with Spark does not need DuckDB's adapter.
    adapter = sys.modules.get("dbt.adapters.duckdb.connections")
    if adapter is None:
        return
    manager = adapter.DuckDBConnectionManager
    with manager._LOCK:
        # close_all_connections() only forgets the connection: it would close when Python next looks
        # for objects that refer to one another.
        if manager._ENV is not None:
            manager._ENV.close()
    manager.close_all_connections()


class _Log(io.TextIOBase):
    """Sends what Python models print to dbt's log."""

    def write(self, text: str) -> int:
        from dbt_common.events.base_types import EventLevel
        from dbt_common.events.functions import fire_event
        from dbt_common.events.types import Note

        if text.strip():
            fire_event(Note(msg=text.rstrip()), EventLevel.DEBUG)
        return len(text)


def _headline(row) -> str:
    name = row.node.name
    return f"{row.status}: {row.node.resource_type} {name} ({row.node.original_file_path})"


def _indented(text: str | None) -> list[str]:
    return [f"  {line}".rstrip() for line in (text or "no message").strip().splitlines()]


def _nodes(number: int) -> str:
    return f"{number:,} node{'' if number == 1 else 's'}"
