"""Customer segmentation that lives in the warehouse: the algorithms and the command line."""

# dbt imports models in threads of its own. Modules of SciPy and scikit-learn import each other in
# circles, which breaks where two threads enter at once; all wait for this package's first import.
import scipy.optimize  # noqa: F401
import sklearn.cluster
import sklearn.ensemble
import sklearn.mixture  # noqa: F401
