"""Load scientific libraries where several threads may need them at the same time."""

import threading
from importlib import import_module
from types import ModuleType

_lock = threading.Lock()


def load(*names: str) -> None:
    """Import modules by name, in one thread at a time, see `library`."""
    for name in names:
        library(name)


def library(name: str) -> ModuleType:
    """Return a module by name, imported in one thread at a time.

    Modules of SciPy and scikit-learn import each other in circles, which fails if two threads enter
    the circle at the same moment, and dbt runs Python models in threads. Each family that fits
    therefore loads its libraries here before its own modules import from them. Functions that only
    a fit calls ask for their library when they run: a build that keeps its fits does without
    scikit-learn, which takes a second to import.
    """
    with _lock:
        return import_module(name)
