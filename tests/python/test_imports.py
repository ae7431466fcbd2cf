"""dbt imports models in threads; what the package imports must stand that."""

import subprocess
import sys

SCRIPT = """
import importlib, sys, threading
from dbt.plugins.manager import _get_dbt_modules
assert "dbt_clientele" in _get_dbt_modules() and "sklearn.ensemble" in sys.modules
failed = []
def load(name):
    try:
        importlib.import_module("clientele." + name)
    except Exception as error:
        failed.append(f"{name}: {error!r}")
names = ["segmentation.versions", "value.backtesting", "rules.mining", "segmentation.judging"]
threads = [threading.Thread(target=load, args=(name,)) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*failed, sep="\\n", end="")
"""


def test_threads_that_import_at_once_do_not_meet_half_a_module():
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
        assert done.stdout == "" and done.returncode == 0, done.stdout + done.stderr
