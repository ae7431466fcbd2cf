"""dbt runs Python models in threads: the package's imports must be safe in threads, and cheap."""

import subprocess
import sys

import pytest

FAMILIES = ["rules", "segmentation", "value"]
IN_THREADS = """
import importlib, pkgutil, threading
import clientele
names = [m.name for m in pkgutil.walk_packages(clientele.__path__, "clientele.")
         if m.name.split(".")[1] in ("rules", "segmentation", "value")]
failed = []
def load(name):
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append(f"{name}: {error!r}")
threads = [threading.Thread(target=load, args=(name,)) for name in names[::-1]]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*failed, sep="\\n", end="")
"""
LATER = """
import importlib, pkgutil, sys
package = importlib.import_module("clientele.{family}")
def loaded(): return {{name for name in sys.modules if name.split(".")[0] in ("scipy", "sklearn")}}
before = loaded()
for module in pkgutil.iter_modules(package.__path__, "clientele.{family}."):
    # mlxtend is for comparisons, and loads more in the one model that uses it.
    if module.name != "clientele.rules.mlxtend_engines":
        importlib.import_module(module.name)
print(*sorted(loaded() - before), end="")
"""


def said(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_threads_that_import_at_the_same_time_all_succeed():
    for _ in range(2):
        assert said(IN_THREADS) == ""


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_loads_its_libraries_before_any_module_imports_them(family):
    """Then no two threads can meet in the middle of a library."""
    assert said(LATER.format(family=family)) == ""


def test_the_command_line_and_dbt_start_without_scientific_libraries():
    assert (
        said(
            "import sys, clientele.cli, clientele.building, clientele.frames, dbt.cli.main\n"
            "print(*{'sklearn', 'scipy', 'mlxtend'} & set(sys.modules), end='')"
        )
        == ""
    )
