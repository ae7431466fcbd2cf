"""Makes the process that the tests' commands are forked from look like a script: see commands.py.

DuckDB takes a process without a file for a notebook, and shows progress bars.
"""

import sys

sys.modules["__main__"].__file__ = __file__
