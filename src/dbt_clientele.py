"""Load what the Python models need before dbt runs them, side by side, in threads.

Modules of SciPy and scikit-learn import each other in circles, which breaks where two threads enter
at once. dbt imports every installed module whose name starts with ``dbt_`` as it starts, in its
main thread.
"""

from importlib import import_module

for _name in ("scipy.optimize", "sklearn.cluster", "sklearn.ensemble", "sklearn.mixture"):
    import_module(_name)
