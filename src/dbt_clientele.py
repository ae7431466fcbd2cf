"""Load what the Python models need before dbt runs them, side by side, in threads.

Modules of SciPy and scikit-learn import each other in circles, which breaks where two threads enter
at once. dbt imports every installed module whose name starts with ``dbt_`` as it starts, in its
main thread.
"""

import scipy.optimize  # noqa: F401
import sklearn.cluster
import sklearn.ensemble
import sklearn.mixture  # noqa: F401
