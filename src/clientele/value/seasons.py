"""The shop's calendar: days that count more or less because of the season.

Purchase models assume that the clock runs evenly. Here a day counts as many *season days* as its
calendar month is busier than the average month, and the models are fitted on season days. A
second correction stretches the period ahead by what the period just over, and the same period a
year ago, brought beyond what the model says about them. docs/methods/clv.md gives the formulas.
"""

import numpy as np
import pandas as pd

from clientele.value.calibration import PRIOR_ERROR, PUBLISHABLE
from clientele.value.expectations import (
    expected_order_value,
    expected_orders_if_alive,
    orders_until,
    p_alive,
)
from clientele.value.fitting import estimates_of, fit_models
from clientele.value.histories import EXTRA_DROPOUTS, first_orders

YEAR = 365
_MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
MONTHS = [f"repeat_count_{month}" for month in range(1, 13)]
# Days ahead that the calendar knows: at least the longest horizon.
REACH = 3652
SEASON_TYPES = {
    "day_number": "int",
    "date_day": "date",
    "factor": "double",
    "season_days": "double",
    "reached_date": "date",
}
# How far a month of one year is off for other reasons than season: the models' own misfit.
_MISFIT = 0.1
_FACTORS = (0.2, 5.0)
# A season shows once eleven months are known. Days are looked back at if they were not the first.
_LEAST_SEASON, _LEAST_HISTORY = 335, 60
# The days just over were days of other months: half of what they showed is taken for lasting.
_LASTING = 0.5
_SOME = 500


class Calendar:
    """Season days between calendar days, which are numbered from the as-of date."""

    def __init__(self, as_of_date, factors: np.ndarray, past_days: int):
        """``factors`` has an entry per calendar month, January first; ``past_days`` is known."""
        self.past_days = int(past_days)
        self.numbers = np.arange(-self.past_days, REACH + 2 * YEAR)
        self.dates = np.datetime64(pd.Timestamp(as_of_date), "D") + self.numbers
        month = self.dates.astype("datetime64[M]").astype(int) % 12
        self.factors = factors[month] / np.average(factors, weights=_MONTH_DAYS)
        passed = np.cumsum(self.factors)
        self.season_days = np.round(passed - passed[self.past_days], 2)

    def until(self, numbers) -> np.ndarray:
        """Return the season days from the as-of date to the ends of days, negative before it."""
        return self.season_days[np.asarray(numbers, int) + self.past_days]

    def histories(self, customers: pd.DataFrame, back: int = 0) -> pd.DataFrame:
        """Return the histories of ``customers``, known ``back`` days ago, in season days."""
        first = -back - customers["t"].to_numpy(int)
        last = first + customers["t_x"].to_numpy(int)
        start = self.until(first)
        return customers[["x", "order_value_mean"]].assign(
            t_x=np.round(self.until(last) - start, 2),
            t=np.round(self.until(-back) - start, 2),
        )

    def table(self) -> pd.DataFrame:
        """Return a row per day with the columns of `SEASON_TYPES`."""
        ahead = np.searchsorted(self.season_days, np.arange(REACH + 1))
        days = pd.DataFrame(
            {
                "day_number": self.numbers,
                "date_day": self.dates,
                "factor": self.factors,
                "season_days": self.season_days,
            }
        )
        reached = pd.Series(self.dates[ahead], index=np.arange(REACH + 1))
        return days.assign(reached_date=days["day_number"].map(reached))


def calendar_of(customers: pd.DataFrame, *, prior_sd: float | None) -> Calendar:
    """Return the calendar that the customers of one cut-off day show.

    ``customers`` has the columns of `clientele.value.backtesting.backtest`. The factor of a month
    is its repeat purchase days over those that the purchase model expects of the customers who had
    arrived, drawn towards 1 by as much as it may be chance. With under 335 days of history it is 1.
    """
    known_days = int(customers["history_days"].max()) if len(customers) else 0
    past_days = max(known_days, int(customers["t"].max())) if len(customers) else 0
    log_factors = np.zeros(12)
    as_of_date = customers["as_of_date"].iloc[0] if len(customers) else "2000-01-01"
    calendar = Calendar(as_of_date, np.exp(log_factors), past_days)
    actual = customers[MONTHS].sum().to_numpy(float)
    if known_days < _LEAST_SEASON or actual.sum() == 0:
        return calendar
    for _ in range(2):
        expected = _expected_repeats(calendar, customers, prior_sd)
        gain = np.log((actual + 0.5) / (expected + 0.5))
        log_factors = _shrunk(log_factors + gain, actual, known_days / YEAR)
        calendar = Calendar(as_of_date, np.exp(log_factors), past_days)
    return calendar


def _expected_repeats(calendar, customers, prior_sd):
    """Return the repeat purchase days that MBG/NBD expects in each calendar month, all years."""
    model = PUBLISHABLE[0]
    histories = calendar.histories(customers).assign(order_value_mean=0.0)
    fit = fit_models(histories, [model], prior_sd=prior_sd, spend_orders="repeat")
    estimates = estimates_of(fit, model)
    # The mean customer's orders by age, on a grid: it is smooth.
    ages = np.linspace(0, histories["t"].max(), 256)[1:]
    newest = np.zeros(1)
    alive = p_alive(newest, newest, newest, model=model, **estimates)
    extra = EXTRA_DROPOUTS[model]
    by_age = orders_until(ages, newest, newest, extra, **estimates)[:, 0] * alive[0]
    ages, by_age = np.append(0, ages), np.append(0, by_age)

    past = slice(0, calendar.past_days + 1)
    months = calendar.dates[past].astype("datetime64[M]").astype(int)
    ends = np.append(np.flatnonzero(np.diff(months)), calendar.past_days)
    first, counts = np.unique(customers["t"].to_numpy(int), return_counts=True)
    age = calendar.season_days[ends][:, None] - calendar.until(-first)
    until = np.interp(np.maximum(age, 0), ages, by_age) @ counts
    return np.bincount(months[ends] % 12, np.diff(until, prepend=0), 12)


def _shrunk(log_factors, actual, years):
    """Draw each logarithm towards the mean by the share of its variance that may be chance."""
    noise = _chance(actual) + _MISFIT**2 / years
    weight = 1 / noise
    centred = log_factors - np.average(log_factors, weights=weight)
    season = max(np.average(centred**2 - noise, weights=weight), 0)
    return np.clip(centred * season / (season + noise), *np.log(_FACTORS))


def _chance(count):
    """Return the variance of the logarithm of ``count`` purchases."""
    # Purchases of one customer come together: twice the variance of independent ones.
    return 2 / (count + 1)


def _trusted(log_ratio, count):
    """Return the part of a logarithm that is not taken for chance: all of it, if it is large."""
    log_ratio = np.clip(log_ratio, *np.log(_FACTORS))
    return log_ratio**3 / (log_ratio**2 + _chance(count) + PRIOR_ERROR**2)


class Season:
    """What one cut-off day knows of the season: calendar, fits, and what earlier days brought."""

    def __init__(self, now, earlier: dict, *, prior_sd: float | None, spend_orders: str):
        """``now`` holds the customers of the day, ``earlier`` those of some days, by days back."""
        self.now = now
        self.calendar = calendar_of(now, prior_sd=prior_sd)
        self.histories = self.calendar.histories(now)
        knobs = {"prior_sd": prior_sd, "spend_orders": spend_orders}
        self.fits = fit_models(self.histories, PUBLISHABLE, **knobs)
        first = first_orders(spend_orders)
        # Enough to learn how the total grows with the days: customers are in a random order.
        self._some = _Total(self.histories.iloc[:_SOME], self.fits, first)
        self._earlier = {
            back: _Total(self.calendar.histories(customers, back=back), self.fits, first)
            for back, customers in (earlier if self._is_seen() else {}).items()
            if len(customers)
            and customers["history_days"].iloc[0] >= _LEAST_HISTORY
            and customers["t"].max() > 0
        }

    def _is_seen(self):
        """Whether season and level can be separated: a year has passed since the first days."""
        return len(self.now) and self.now["history_days"].iloc[0] >= YEAR + _LEAST_HISTORY

    @property
    def is_plain(self) -> bool:
        """Whether every day counts the same and nothing is corrected."""
        return not self._earlier and np.ptp(self.calendar.factors) == 0

    def periods(self, model: str, horizons_days: list[int]) -> tuple[dict[int, float], float]:
        """Return ({horizon: season days}, factor of order values) for forecasts by ``model``.

        The season days of a horizon are stretched, or shortened, until the total of orders has
        changed by two corrections: what the days just over (the level) and the same days a year
        ago (the season) brought over what ``model`` expects of the customers of then, each drawn
        to 1 by what may be chance. The season days grow with the horizon.
        """
        horizons = sorted(horizons_days)
        days = dict(zip(horizons, self.calendar.until(horizons).tolist(), strict=True))
        values, bought = [], 0
        for horizon in horizons:
            change = 0.0
            for back in sorted({horizon, YEAR} & set(self._earlier)):
                log_orders, log_value, came = self._found(model, horizon, back)
                if back < horizon or came <= 0:
                    continue
                change += _trusted(log_orders, came) * (1 if back == YEAR else _LASTING)
                if np.isfinite(log_value):
                    values, bought = [*values, log_value], max(bought, came)
            days[horizon] = self._stretched(model, days[horizon], change)
        days = dict(zip(horizons, np.maximum.accumulate(list(days.values())).tolist(), strict=True))
        value = np.exp(_trusted(np.mean(values), bought)) if values else 1.0
        return days, float(value)

    def _found(self, model, horizon, back):
        """Return what ``horizon`` days from ``back`` days ago brought over what was expected.

        The logarithms of the ratio of orders and of order values, and the number of orders.
        """
        window = "past" if back == horizon else "year_before"
        known = self.now["t"].to_numpy(int) >= back
        came = self.now.loc[known, f"{window}_orders_{horizon}"].sum()
        paid = self.now.loc[known, f"{window}_amount_{horizon}"].sum()
        span = self.calendar.until(horizon - back) - self.calendar.until(-back)
        orders = self._earlier[back].orders(model, span)
        amount = self._earlier[back].amount(model, span)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_orders = np.log(came / orders)
            return log_orders, np.log(paid / amount) - log_orders, came

    def _stretched(self, model, days, change):
        """Return the season days whose forecast is exp(``change``) times that of ``days``."""
        if abs(change) < 1e-6:
            return days
        base = self._some.orders(model, days)
        # Orders grow as a power of the days, which changes slowly.
        power = 1.0
        for _ in range(3):
            trial = days * np.exp(change / power)
            reached = np.log(self._some.orders(model, trial) / base)
            power = np.clip(reached / np.log(trial / days), 0.25, 1.0)
        return float(days * np.exp(change / power))


class _Total:
    """Forecasts for all customers together, by each purchase model."""

    def __init__(self, histories, fits, first):
        self.x, t_x, self.t = (histories[name].to_numpy(float) for name in ("x", "t_x", "t"))
        self.estimates = {model: estimates_of(fits, model) for model in PUBLISHABLE}
        self.alive = {
            model: p_alive(self.x, t_x, self.t, model=model, **estimates)
            for model, estimates in self.estimates.items()
        }
        spend, counted = estimates_of(fits, "gamma_gamma"), self.x + first
        value = np.where(counted > 0, histories["order_value_mean"].to_numpy(float), 0)
        self.value = expected_order_value(counted, value, **spend) if spend else 0 * counted

    def orders(self, model, days):
        return self._of_each(model, days).sum()

    def amount(self, model, days):
        return np.sum(self._of_each(model, days) * self.value)

    def _of_each(self, model, days):
        estimates = self.estimates[model]
        return self.alive[model] * expected_orders_if_alive(
            self.x, self.t, days, model=model, **estimates
        )
