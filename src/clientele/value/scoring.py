"""Value every customer from fitted parameters.

SQL scores all customers in closed form, except for expectations that depend on ``x`` and ``t``
alone: `expected_orders` tabulates those. `score` states what the SQL must give, row by row.
"""

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from clientele.value import ranges
from clientele.value.expectations import (
    expected_order_value,
    log_gradient,
    next_order_days,
    p_alive,
    p_order,
    tabulated_orders,
)
from clientele.value.fitting import PURCHASE_PARAMETERS, estimates_of, purchase_parameters
from clientele.value.histories import checked, checked_pairs, extra_dropouts, first_orders

QUANTILES = (0.1, 0.5, 0.9)
LOG_VALUES = [f"log_value_{number}" for number in range(1, len(ranges.LEVELS) + 1)]
LOG_GRADIENT = [f"log_gradient_{name}" for name in PURCHASE_PARAMETERS]
NEXT_ORDER_DAYS = ["next_order_days_p10", "next_order_days_p50", "next_order_days_p90"]
SCORES = [
    "p_alive",
    "p_order",
    "expected_orders",
    "expected_order_value",
    "clv",
    "clv_p10",
    "clv_p50",
    "clv_p90",
    "value_at_risk",
    *NEXT_ORDER_DAYS,
]
LOOKUP = [
    "expected_orders_if_alive",
    "discounted_orders_if_alive",
    "order_square_if_alive",
    *LOG_GRADIENT,
    *LOG_VALUES,
]
LOOKUP_TYPES = {"x": "int", "t": "double", "horizon_days": "int"} | dict.fromkeys(LOOKUP, "double")


@threadpool_limits.wrap(limits=1)
def expected_orders(
    parameters: pd.DataFrame,
    histories: pd.DataFrame,
    *,
    horizons_days: list[int],
    annual_discount_rate: float,
    spend_orders: str = "repeat",
    season_days: dict[int, float] | None = None,
) -> pd.DataFrame:
    """Tabulate what SQL cannot compute, for each distinct ``x``, ``t`` and horizon.

    ``parameters`` is the result of `fit_clv` with the same ``spend_orders``;
    ``annual_discount_rate`` is 0.1 for 10% a year. ``season_days`` holds the season days of each
    horizon (`clientele.value.seasons`), on whose clock ``t`` and the parameters are; without it
    that clock is the calendar.

    Returns ``x``, ``t``, ``horizon_days`` and, for a customer who is alive,
    ``expected_orders_if_alive``, ``discounted_orders_if_alive``, the mean square
    ``order_square_if_alive``, the derivatives of the logarithm of the expected orders by those of
    r, alpha, a and b (``log_gradient_r``, ...), and the logarithms of the quantiles of the orders'
    value given at least one order, at `ranges.LEVELS` (``log_value_1``, ...; relative to v + x
    times the mean, null without a spend model; x + 1 with all orders). No column depends on
    ``t_x``.

    Raises ``ValueError`` for a horizon of 0 or less, a rate of -1 or less, or parameters without a
    purchase model.
    """
    if annual_discount_rate <= -1 or not np.isfinite(annual_discount_rate):
        raise ValueError(f"annual_discount_rate={annual_discount_rate} must be above -1")
    if any(not days > 0 for days in horizons_days):
        raise ValueError(f"horizons_days={horizons_days} must all be above 0")
    pairs = histories[["x", "t"]].drop_duplicates().sort_values(["x", "t"], ignore_index=True)
    if pairs.empty or not horizons_days:
        empty = pairs.head(0).assign(horizon_days=0, **dict.fromkeys(LOOKUP, 0.0))
        return empty.astype({"horizon_days": "int64"} | dict.fromkeys(LOOKUP, "float64"))
    x, t = checked_pairs(pairs)
    model, estimates = purchase_parameters(parameters)
    extra, first = extra_dropouts(model), first_orders(spend_orders)
    passed = {days: (season_days or {}).get(days, days) for days in sorted(set(horizons_days))}
    expected = tabulated_orders(
        list(passed), annual_discount_rate, x, t, extra, season_days=season_days, **estimates
    )
    spread = _spread(passed, x, t, extra, first, estimates, parameters)
    tables = []
    for days in sorted(expected):
        gradient = log_gradient(passed[days], x, t, extra, **estimates)
        square, log_values = spread[days]
        values = np.column_stack([*expected[days], square, *gradient, log_values])
        tables.append(pairs.assign(horizon_days=days, **dict(zip(LOOKUP, values.T, strict=True))))
    return pd.concat(tables, ignore_index=True)


def score(
    histories: pd.DataFrame,
    parameters: pd.DataFrame,
    *,
    horizons_days: list[int],
    annual_discount_rate: float,
    margin_share: float,
    spend_orders: str = "repeat",
    season_days: dict[int, float] | None = None,
    value_factor: float = 1.0,
    range_ends: dict[int, tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Value every customer over every horizon: what the SQL scoring must give, row by row.

    ``histories`` and ``parameters`` are input and result of `fit_clv`, ``season_days`` those of
    `expected_orders`, ``value_factor`` multiplies order values, and ``range_ends`` holds the
    probabilities of each horizon at which ranges end, by default 0.1 and 0.9.

    Returns the index of ``histories`` (``customer_id`` if it has no name), ``horizon_days``,
    ``p_alive``, ``p_order`` (at least one purchase), ``expected_orders``, ``expected_order_value``,
    ``clv`` = ``margin_share`` x ``p_alive`` x discounted orders x order value, ``value_at_risk``
    (the same with 1 - ``p_alive``: the value that is lost if the customer has left), ``clv_p10``,
    ``clv_p50``, ``clv_p90``, the customer's own quantiles of the value at ``range_ends`` and in the
    middle, with all orders discounted equally, and ``next_order_days_p10``, ``_p50``, ``_p90``.
    Columns in money are null if the spend model could not be fitted.
    """
    x, t_x, t, value = checked(histories, spend_orders)
    lookup = expected_orders(
        parameters,
        histories,
        horizons_days=horizons_days,
        annual_discount_rate=annual_discount_rate,
        spend_orders=spend_orders,
        season_days=season_days,
    )
    customers = histories.rename_axis(histories.index.name or "customer_id").reset_index()
    keys = [customers.columns[0], "horizon_days"]
    result = [*keys, *SCORES]
    if customers.empty:
        return customers[keys[:1]].join(lookup["horizon_days"]).reindex(columns=result)
    model, estimates = purchase_parameters(parameters)
    rate = {name: estimates[name] for name in ("r", "alpha")}
    alive = p_alive(x, t_x, t, model=model, **estimates)
    customers["p_alive"] = alive
    for name, level in zip(NEXT_ORDER_DAYS, QUANTILES, strict=True):
        customers[name] = next_order_days(level, alive, x, t, **rate)
    spend = estimates_of(parameters, "gamma_gamma")
    counted = x + first_orders(spend_orders)
    customers["expected_order_value"] = customers["scale"] = np.nan
    if spend:
        customers["expected_order_value"] = (
            expected_order_value(counted, value, **spend) * value_factor
        )
        customers["scale"] = value_factor * (spend["v"] + counted * np.where(counted > 0, value, 0))
    scored = customers.merge(lookup, on=["x", "t"]).sort_values(keys, ignore_index=True)
    horizon = scored["horizon_days"].replace(season_days or {})
    scored["p_order"] = p_order(scored["p_alive"], scored["x"], scored["t"], horizon, **rate)
    scored["expected_orders"] = scored["p_alive"] * scored["expected_orders_if_alive"]
    if_alive = margin_share * scored["discounted_orders_if_alive"] * scored["expected_order_value"]
    scored["clv"] = scored["p_alive"] * if_alive
    scored["value_at_risk"] = (1 - scored["p_alive"]) * if_alive
    worth = margin_share * scored["scale"] * scored["discounted_orders_if_alive"]
    worth = worth / scored["expected_orders_if_alive"]
    low, middle, high = QUANTILES
    usual = {days: (low, high) for days in horizons_days}
    reached = scored["horizon_days"].map(usual | (range_ends or {}))
    levels = {"clv_p10": reached.str[0], "clv_p50": middle, "clv_p90": reached.str[1]}
    for name, level in levels.items():
        scored[name] = ranges.quantile(
            level, scored["p_order"].round(9), scored[LOG_VALUES].to_numpy(), worth
        ) * np.where(worth.notna(), 1, np.nan)
    return scored[result]


def _spread(passed, x, t, extra, first, estimates, parameters):
    """Return {horizon: (mean square of the orders, log value quantiles)} given alive."""
    spend = estimates_of(parameters, "gamma_gamma")
    levels = len(ranges.LEVELS)
    spread = {days: (np.empty(len(x)), np.full((len(x), levels), np.nan)) for days in passed}
    for count in np.unique(x):
        rows = x == count
        tables = [
            ranges.order_probabilities(count, t[rows], days, extra=extra, **estimates)
            for days in passed.values()
        ]
        log_values = ranges.value_levels(count + first, tables, **spend) if spend else None
        for i, days in enumerate(passed):
            spread[days][0][rows] = tables[i] @ np.arange(tables[i].shape[1]) ** 2.0
            if spend:
                spread[days][1][rows] = log_values[i]
    return spread
