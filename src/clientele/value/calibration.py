"""Decisions from backtests: the published purchase model, and a correction of its probabilities."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logit

from clientele.value import ranges
from clientele.value.histories import EXTRA_DROPOUTS

# Models with a whole distribution, which can be published; the first is the default.
PUBLISHABLE = ["mbg_nbd", "bg_nbd"]
# Another model must have a lower error by this share to replace the default.
MARGIN = 0.01
# Intercept and slope that leave log odds as they are.
_UNCHANGED = (0.0, 1.0)
# Columns that name a row of the backtests.
BACKTEST_KEY = ["target", "model", "cutoff_date", "horizon_days", "decile"]
CALIBRATION_TYPES = {
    "horizon_days": "int",
    "intercept": "double",
    "slope": "double",
    "is_recalibrated": "boolean",
    "window_count": "int",
    "gap": "double",
    "season_days": "double",
    "value_factor": "double",
    "low_level": "double",
    "high_level": "double",
    "orders_error": "double",
    "value_error": "double",
}
# Before any past day is known, a total is taken to be off by this much (in logarithms).
PRIOR_ERROR = 0.2


def choose_purchase_model(backtests: pd.DataFrame, pinned: str | None = None) -> str:
    """Return the purchase model to publish: ``pinned``, or the one that wins the backtests.

    The winner has the lowest root mean squared error of orders, as a mean over all windows of its
    ratio to that of MBG/NBD. BG/NBD, which considers every one-time buyer alive, must be lower by
    `MARGIN`. Without a backtest it is MBG/NBD.

    ``backtests`` has the columns of `clientele.value.backtesting.BACKTEST_TYPES`. Raises
    ``ValueError`` if ``pinned`` names no purchase model.
    """
    if pinned is not None:
        if pinned not in EXTRA_DROPOUTS:
            raise ValueError(f"clv_model={pinned!r} is none of {', '.join(EXTRA_DROPOUTS)}")
        return pinned
    overall = backtests[(backtests["target"] == "orders") & (backtests["decile"] == 0)]
    errors = overall.pivot(
        index=["horizon_days", "cutoff_date"], columns="model", values="rmse"
    ).reindex(columns=PUBLISHABLE)
    default, other = (errors[model].astype(float) for model in PUBLISHABLE)
    ratios = (other / default)[default > 0]
    return PUBLISHABLE[1] if ratios.mean() < 1 - MARGIN else PUBLISHABLE[0]


def calibrate(backtests: pd.DataFrame, *, model: str, horizons_days: list[int]) -> pd.DataFrame:
    """Return for each horizon the correction of ``model``'s probability of an order.

    The corrected probability is expit(``intercept`` + ``slope`` * logit(p)), fitted on the tenths
    of customers of all windows (J. Platt: Probabilistic Outputs for Support Vector Machines, 1999)
    and drawn towards no change, as by one more window that needed none. It is used if such fits on
    earlier windows predicted the later windows better than the model does: by the likelihood,
    summed over all windows but the first. Otherwise, and with fewer than two windows, intercept and
    slope are 0 and 1, which change nothing.

    Returns a row per horizon with the columns of `CALIBRATION_TYPES`. ``gap`` is the mean distance
    between the probability and the share who ordered, over the later windows, or over all windows
    of an unchanged probability, beyond the distance that chance brings to tenths of that size; null
    without a window. ``season_days`` and ``value_factor`` are today's of ``model``; ``low_level``
    and ``high_level`` are the probabilities at which its range of 80 % of money ends.
    ``orders_error`` and ``value_error`` are the root mean squares of the
    logarithm of forecast over actual totals on past days, with one more day that was off by 20 %.
    """
    tenths = backtests[
        (backtests["target"] == "return")
        & (backtests["model"] == model)
        & (backtests["decile"] > 0)
    ]
    overall = backtests[(backtests["model"] == model) & (backtests["decile"] == 0)]
    rows = []
    for horizon in sorted(horizons_days):
        totals = overall[overall["horizon_days"] == horizon]
        ahead = totals[totals["customer_count"].isna()]
        own = tenths[tenths["horizon_days"] == horizon]
        windows = [window for _, window in own.groupby("cutoff_date", sort=True)]
        # The fit on each window and those before it, with the window that follows.
        fits = [_damped(_platt(pd.concat(windows[:n])), n) for n in range(1, len(windows) + 1)]
        followed = list(zip(windows[1:], fits, strict=False))
        gain = sum(_log_likelihood(w, fit) - _log_likelihood(w, _UNCHANGED) for w, fit in followed)
        is_recalibrated = bool(gain > 0 and fits[-1][1] > 0)
        judged = followed if is_recalibrated else [(w, _UNCHANGED) for w in windows]
        low, high = ranges.ends(0.8, ahead["range_width"].iloc[0] if len(ahead) else 1.0)
        intercept, slope = fits[-1] if is_recalibrated else _UNCHANGED
        rows.append(
            {
                "horizon_days": horizon,
                "intercept": intercept,
                "slope": slope,
                "is_recalibrated": is_recalibrated,
                "window_count": len(windows),
                "gap": _gap(judged),
                "season_days": ahead["season_days"].iloc[0] if len(ahead) else float(horizon),
                "value_factor": ahead["value_factor"].iloc[0] if len(ahead) else 1.0,
                "low_level": low,
                "high_level": high,
                "orders_error": _total_error(totals[totals["target"] == "orders"]),
                "value_error": _total_error(totals[totals["target"] == "amount"]),
            }
        )
    return pd.DataFrame(rows, columns=list(CALIBRATION_TYPES))


def _total_error(totals):
    """Return the root mean square of ln(forecast / actual), drawn towards `PRIOR_ERROR`."""
    ratio = (1 + totals["bias"].astype(float).dropna()).clip(0.05, 20)
    return float(np.sqrt((np.sum(np.log(ratio) ** 2) + PRIOR_ERROR**2) / (len(ratio) + 1)))


def _gap(judged):
    """Return the mean distance from probability to share, without what chance adds to it."""
    if not judged:
        return np.nan
    tenths = pd.concat([w.assign(told=_calibrated(w, fit)) for w, fit in judged])
    count = tenths["customer_count"]
    gap = np.average((tenths["told"] - tenths["actual_mean"]).abs(), weights=count)
    # The mean distance of a normal deviate from 0 is the root of 2 / pi.
    chance = np.sqrt(2 / np.pi * tenths["told"] * (1 - tenths["told"]) / count)
    return float(np.sqrt(max(gap**2 - np.average(chance, weights=count) ** 2, 0)))


def _damped(fit, window_count):
    """Draw a fit towards no change, as by one more window that needed none."""
    share = window_count / (window_count + 1)
    return share * fit[0], 1 + share * (fit[1] - 1)


def _log_odds(tenths):
    return logit(tenths["predicted_mean"].to_numpy(float).clip(1e-6, 1 - 1e-6))


def _calibrated(tenths, fit):
    return pd.Series(expit(fit[0] + fit[1] * _log_odds(tenths)), index=tenths.index)


def _log_likelihood(tenths, fit):
    """Return the log-likelihood of the outcomes if each tenth of customers has one probability."""
    score = fit[0] + fit[1] * _log_odds(tenths)
    actual = tenths["actual_mean"].to_numpy(float)
    return np.sum(tenths["customer_count"] * (actual * score - np.logaddexp(0, score)))


def _platt(tenths):
    """Return intercept and slope by maximum likelihood, with a standard normal prior.

    The prior, around 0 and 1, keeps the fit finite if all customers order, or none.
    """
    odds, weight = _log_odds(tenths), tenths["customer_count"].to_numpy(float)
    actual = tenths["actual_mean"].to_numpy(float)
    design = np.column_stack([np.ones_like(odds), odds])

    def loss(fit):
        predicted = expit(design @ fit)
        off = fit - np.array(_UNCHANGED)
        value = off @ off / 2 - _log_likelihood(tenths, fit)
        return value, off + design.T @ (weight * (predicted - actual))

    return tuple(minimize(loss, _UNCHANGED, jac=True, method="BFGS", options={"gtol": 1e-8}).x)
