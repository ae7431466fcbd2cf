"""Customer segmentation that lives in the warehouse: the algorithms and the command line."""

# dbt imports models in threads of its own. SciPy's modules import each other in circles, which
# breaks where two threads enter at once; whatever the package needs of it waits for this line.
import scipy.optimize  # noqa: F401
