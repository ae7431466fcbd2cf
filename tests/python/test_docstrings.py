"""The examples in the package's docstrings hold."""

import doctest
from importlib import import_module

import pytest
from conftest import PROJECT

SOURCES = PROJECT / "src"
MODULES = [
    ".".join(file.relative_to(SOURCES).with_suffix("").parts)
    for file in sorted(SOURCES.rglob("*.py"))
    if "    >>> " in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_hold(module):
    told = []
    runner = doctest.DocTestRunner(verbose=False)
    tests = doctest.DocTestFinder().find(import_module(module))
    for test in tests:
        runner.run(test, out=told.append)
    assert runner.tries > 0 and not runner.failures, "".join(told)
