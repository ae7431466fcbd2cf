"""Run commands in processes of their own, which are forked from one that has imported what they do.

Importing dbt and scikit-learn takes seconds, and the tests run a hundred builds. Each command still
has its own process, environment and output, as from a shell.
"""

import multiprocessing
import os
import runpy
import sys
import warnings
from pathlib import Path

# Imported by the process that all are forked from. It may start no thread and keep no setting.
PRELOADED = [
    # Before DuckDB is imported.
    "as_a_script",
    "dbt.cli.main",
    "dbt.adapters.duckdb",
    "agate",
    "clientele.cli",
    "mlxtend.frequent_patterns",
    "scipy.optimize",
    "sklearn.cluster",
    "sklearn.ensemble",
    "sklearn.metrics",
    "sklearn.mixture",
    "sklearn.neighbors",
    "sklearn.tree",
    "publishers",
    "parsed_once",
]


def context():
    """Return the multiprocessing context whose processes are such forks."""
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(PRELOADED)
    # The server is a new Python, which finds the tests' modules by the path.
    here, inherited = str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")
    if here not in inherited.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, inherited]))
    return forking


def run(command, *, folder, environment, output, timeout):
    """Run `python COMMAND` in ``folder``; return its exit code. Raises ``TimeoutError``.

    ``output`` are the paths of the files for what it prints, to standard output and to errors.
    """
    arguments = [str(folder), environment, [str(path) for path in output], list(command)]
    process = context().Process(target=_run, args=arguments)
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"{' '.join(command)} took over {timeout} s")
    return process.exitcode


def _run(folder, environment, output, command):
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(output, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    is_module, name, arguments = command[0] == "-m", command[0], command[1:]
    if is_module:
        name, *arguments = arguments
    sys.argv = [name, *arguments]
    # That it was imported before is on purpose.
    warnings.filterwarnings("ignore", ".* found in sys.modules after import", RuntimeWarning)
    if is_module:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(name, run_name="__main__")
