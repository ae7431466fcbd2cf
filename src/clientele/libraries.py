"""Load scientific libraries where several threads may need them at the same time."""

import threading
from importlib import import_module

_lock = threading.Lock()


def load(*names: str) -> None:
    """Import modules by name, in one thread at a time.

    Modules of SciPy and scikit-learn import each other in circles, which fails if two threads enter
    the circle at the same moment, and dbt runs Python models in threads. Each family that fits
    therefore loads its libraries here before its own modules import from them. A build without
    a fit does not load libraries that it does not use.
    """
    with _lock:
        for name in names:
            import_module(name)
