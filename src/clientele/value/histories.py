"""Purchase histories: what the models of customer lifetime value are fitted on and score.

A history is a row with ``x``, the number of repeat purchase days; ``t_x``, the days from the first
to the last purchase day; ``t``, the days from the first purchase day to the as-of date (the
literature's T); and ``order_value_mean``, the mean value of the purchase days that the spend model
counts.
"""

import numpy as np
import pandas as pd

# Dropouts that may follow the x repeat purchases: MBG/NBD allows one more, after the first
# purchase.
EXTRA_DROPOUTS = {"mbg_nbd": 1, "bg_nbd": 0}
# First purchase days that the spend model counts in addition to the repeat ones.
FIRST_ORDERS = {"repeat": 0, "all": 1}


def extra_dropouts(model: str) -> int:
    """Return how many dropouts more than repeat purchases ``model`` allows: 1 or 0.

    Raises ``ValueError`` for an unknown model.
    """
    if model not in EXTRA_DROPOUTS:
        raise ValueError(f"model={model!r} is none of {', '.join(EXTRA_DROPOUTS)}")
    return EXTRA_DROPOUTS[model]


def first_orders(spend_orders: str) -> int:
    """Return how many first purchase days the spend model counts per customer: 0 or 1.

    Raises ``ValueError`` unless ``spend_orders`` is `repeat` or `all`.
    """
    if spend_orders not in FIRST_ORDERS:
        raise ValueError(f"spend_orders={spend_orders!r} is none of {', '.join(FIRST_ORDERS)}")
    return FIRST_ORDERS[spend_orders]


def checked_pairs(histories: pd.DataFrame) -> list[np.ndarray]:
    """Return ``x`` and ``t`` as floats; ``ValueError`` if one is null, infinite or negative."""
    columns = []
    for name in ("x", "t"):
        values = histories[name].to_numpy(dtype=float, na_value=np.nan)
        _refuse(~np.isfinite(values), f"{name} is null or infinite")
        _refuse(values < 0, f"{name} is negative")
        columns.append(values)
    return columns


def checked(histories: pd.DataFrame, spend_orders: str = "repeat") -> tuple[np.ndarray, ...]:
    """Return ``x``, ``t_x``, ``t`` and ``order_value_mean`` as floats.

    Raises ``ValueError`` on impossible histories; it names the column and the number of rows.
    """
    x, t = checked_pairs(histories)
    t_x, value = (
        histories[name].to_numpy(dtype=float, na_value=np.nan)
        for name in ("t_x", "order_value_mean")
    )
    _refuse(~np.isfinite(t_x), "t_x is null or infinite")
    _refuse(t_x < 0, "t_x is negative")
    _refuse(t_x > t, "t_x is greater than t")
    _refuse((x == 0) & (t_x > 0), "t_x is positive although x is 0")
    _refuse((x > 0) & (t_x == 0), "t_x is 0 although x is positive")
    first = first_orders(spend_orders)
    although = "" if first else " although x is positive"
    _refuse((x + first > 0) & ~np.isfinite(value), f"order_value_mean is null{although}")
    _refuse((x + first > 0) & (value < 0), "order_value_mean is negative")
    return x, t_x, t, value


def _refuse(bad: np.ndarray, what: str) -> None:
    if bad.any():
        raise ValueError(f"histories: {what} in {bad.sum():,} rows")
