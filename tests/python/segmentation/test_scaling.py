import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from clientele.segmentation.scaling import apply_scaling, fit_scaling


@pytest.fixture
def noise():
    """Customers without clusters: every boundary is arbitrary."""
    values = np.random.default_rng(7).uniform(1, 100, (400, 4))
    return pd.DataFrame(values, columns=["recency", "frequency", "monetary", "variety"])


@pytest.mark.parametrize(
    ("scaling", "library"),
    [("standard", StandardScaler()), ("robust", RobustScaler()), ("log1p", StandardScaler())],
)
def test_scaling_is_scikit_learns(noise, scaling, library):
    values = np.log1p(noise) if scaling == "log1p" else noise
    expected = library.fit_transform(values[sorted(noise)])
    found = apply_scaling(noise, fit_scaling(noise, scaling))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_quantile_scaling_is_the_share_of_customers_up_to_a_value():
    values = pd.DataFrame({"monetary": np.random.default_rng(1).lognormal(0, 2, 5000)})
    scalings = fit_scaling(values, "quantile")
    found = apply_scaling(values, scalings)[:, 0] * scalings["scale"][0] + scalings["location"][0]
    library = QuantileTransformer(n_quantiles=11, subsample=None).fit_transform(values)[:, 0]
    np.testing.assert_allclose(found, library, atol=0.02)
    # Where many are equal the share jumps, and who lies outside the fit is at an end.
    tied = pd.DataFrame({"share": [0.0] * 60 + list(np.linspace(0.1, 1, 40))})
    scalings = fit_scaling(tied, "quantile")
    ends = apply_scaling(pd.DataFrame({"share": [-9.0, 0.0, 9.0]}), scalings)[:, 0]
    share = ends * scalings["scale"][0] + scalings["location"][0]
    np.testing.assert_allclose(share, [0, 0.5, 1], atol=0.11)


def test_an_unknown_scaling_is_refused(noise):
    with pytest.raises(ValueError, match="scaling='sqrt' is none of log1p"):
        fit_scaling(noise, "sqrt")
