"""Scale features, and return the scaling as a table that SQL can apply."""

import numpy as np
import pandas as pd

SCALINGS = ("log1p", "standard", "robust", "quantile")
KNOTS = [f"knot_{i}" for i in range(11)]


def fit_scaling(features: pd.DataFrame, scaling: str = "log1p") -> pd.DataFrame:
    """Return how each feature is put on one scale, a row per feature, sorted by name.

    First each value v is transformed: ``log1p`` takes ln(1 + v), for skewed values >= 0;
    ``standard`` and ``robust`` keep v; ``quantile`` takes the share of customers at or below v,
    linear between deciles (columns ``knot_*``). Then ``location`` is subtracted and the
    difference is divided by ``scale``. These are the mean and the population standard deviation;
    for ``robust``, the median and the interquartile range (the standard deviation if that range
    is 0). A constant feature has scale 1 and does not influence distances.

    Raises ``ValueError`` on null, infinite, non-numeric or (``log1p``) negative values.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"scaling={scaling!r} is none of {', '.join(SCALINGS)}")
    rows = []
    for feature in sorted(features.columns):
        values = _checked(features[feature], scaling)
        row = {"feature": feature, "scaling": scaling}
        if scaling == "quantile":
            knots = np.quantile(values, np.linspace(0, 1, 11))
            if _is_constant(values):
                knots[:] = knots[0]
            row |= dict(zip(KNOTS, knots, strict=True))
        # Sorted, because the sum of floats depends on their order.
        unscaled = np.sort(_unscaled(values, scaling, [row.get(knot) for knot in KNOTS]))
        location, scale = unscaled.mean(), unscaled.std()
        if scaling == "robust":
            low, location, high = np.quantile(unscaled, [0.25, 0.5, 0.75])
            scale = high - low or scale
        if _is_constant(unscaled):
            scale = 1.0
        rows.append(row | {"location": location, "scale": scale})
    columns = ["feature", "scaling", "location", "scale", *KNOTS]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[2:], float))


def _is_constant(values: np.ndarray) -> bool:
    """Return whether all values are equal up to rounding errors."""
    return len(values) == 0 or np.ptp(values) <= 1e-12 * max(1, np.abs(values).max())


def apply_scaling(features: pd.DataFrame, scalings: pd.DataFrame) -> np.ndarray:
    """Return the scaled features, a row per customer and a column per row of ``scalings``.

    Raises ``ValueError`` if a feature is missing or has values that `fit_scaling` refuses.
    """
    missing = scalings.loc[~scalings["feature"].isin(features.columns), "feature"]
    if len(missing):
        raise ValueError(f"features lacks {', '.join(missing)}, which the fit used")
    columns = []
    for row in scalings.to_dict("records"):
        values = _checked(features[row["feature"]], row["scaling"])
        knots = [row[knot] for knot in KNOTS]
        columns.append((_unscaled(values, row["scaling"], knots) - row["location"]) / row["scale"])
    return np.column_stack(columns) if columns else np.empty((len(features), 0))


def _unscaled(values: np.ndarray, scaling: str, knots: list) -> np.ndarray:
    if scaling == "log1p":
        return np.log1p(values)
    if scaling != "quantile":
        return values
    share = np.zeros(len(values))
    for low, high in zip(knots[:-1], knots[1:], strict=True):
        if high > low:
            share += np.clip((values - low) / (high - low), 0, 1)
        else:
            share += values >= low
    return share / (len(knots) - 1)


def _checked(column: pd.Series, scaling: str) -> np.ndarray:
    try:
        values = column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise ValueError(f"feature {column.name} is not numeric") from None
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(f"feature {column.name} is null or infinite for {bad.sum():,} customers")
    negative = values < 0
    if scaling == "log1p" and negative.any():
        raise ValueError(
            f"feature {column.name} is negative for {negative.sum():,} customers, and log1p needs "
            "values >= 0: leave the feature out or choose another scaling"
        )
    return values
