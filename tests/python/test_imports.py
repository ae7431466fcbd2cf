"""dbt runs Python models in threads: the package's imports must be safe in threads."""

import subprocess
import sys

SCRIPT = """
import importlib, threading
failed = []
def load(name):
    try:
        importlib.import_module("clientele." + name)
    except Exception as error:
        failed.append(f"{name}: {error!r}")
names = ["segmentation.versions", "value.backtesting", "rules.mining", "value.clv"]
threads = [threading.Thread(target=load, args=(name,)) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*failed, sep="\\n", end="")
"""


def test_threads_that_import_at_the_same_time_all_succeed():
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
        assert done.stdout == "" and done.returncode == 0, done.stdout + done.stderr


def test_the_command_line_and_dbt_start_without_scientific_libraries():
    script = (
        "import sys; import clientele.cli, clientele.building, clientele.frames, dbt.cli.main\n"
        "print(*[name for name in ('sklearn', 'scipy', 'mlxtend') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "\n" and done.returncode == 0, done.stdout + done.stderr
