"""Tell a change from what such periods usually do.

A measure has one value per period, the newest first. It is predicted from the periods before it.
How far such predictions were off in the past decides whether the newest one is unusual, so each
measure has its own limits. The level of significance is divided by all measures that are looked at,
so that a year of pages without a real change raises an alarm or two at most.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

# Chance that a page without a real change reports one: half of it is spent on the measures of the
# whole shop, half on all others. 13 weekly pages of a quarter then raise less than half an alarm.
ALPHA = 0.03
# Periods before, of which the median is the usual level.
LEVEL_PERIODS = 8
# With fewer past errors nothing can be judged.
MIN_ERRORS = 8
# The last errors are left out if enough remain: a change that lasts must not hide itself.
RECENT_ERRORS = 3
# Later errors say more about today than those of years ago.
MAX_ERRORS = 104
# Season is used if it predicts better by this factor: without one it only adds noise.
SEASON_GAIN = 0.9
# Fewer orders than this in a usual period are too few to judge.
MIN_COUNT = 8
# Weights of the period a year ago and of its neighbours: holidays move by a few days.
SEASON_WEIGHTS = (0.25, 0.5, 0.25)
# The variance of a median of normal values is this much that of their mean.
MEDIAN_LOSS = 1.57
# 90 % of the errors of a normal distribution are within this many standard deviations.
NORMAL_90 = 1.645
# The error of segments is that of several groups over many periods.
SEGMENT_FREEDOM = 20


@dataclass(frozen=True)
class Judged:
    """Rows of a table of measures, judged; arrays have one entry per row, NaN without judgement.

    ``usual`` is the prediction for the newest period on the scale of the values, ``scale`` the
    usual error of such a prediction on a log scale, ``p`` the chance of so large an error without
    a change, ``errors`` the number of past errors, ``seasonal`` whether last year was used.
    """

    usual: np.ndarray
    scale: np.ndarray
    p: np.ndarray
    errors: np.ndarray
    seasonal: np.ndarray


def judge(
    logs: np.ndarray,
    *,
    floor: np.ndarray | float = 0.0,
    season: int | None = None,
    beyond: float = 1.0,
) -> Judged:
    """Judge the newest of each row of log values, rows x periods, newest first.

    Args:
        logs: Logarithms of the values; NaN where there is none.
        floor: Smallest standard deviation that one value can have, by row: what mere chance does
            to a count, or the precision of a price.
        season: Periods of a year, or None to ignore the season.
        beyond: The newest error counts only if it is larger than this many times any of the past:
            prices stand still for long, and then jump in a promotion.

    Returns:
        ``usual`` are logarithms.
    """
    rows = len(logs)
    floor = np.broadcast_to(np.asarray(floor, dtype=float), (rows,))
    # A prediction is itself uncertain, and so is a difference from it.
    floor = floor * np.sqrt(1 + MEDIAN_LOSS / LEVEL_PERIODS)
    found = _against(logs, *_by_level(logs), floor, beyond)
    seasonal = np.zeros(rows, dtype=bool)
    if season and logs.shape[1] >= season + LEVEL_PERIODS + 2 + MIN_ERRORS:
        other = _against(logs, *_by_season(logs, season), floor, beyond)
        seasonal = (other.errors >= MIN_ERRORS) & (other.scale < SEASON_GAIN * found.scale)
        found = Judged(
            *(np.where(seasonal, getattr(other, name), getattr(found, name)) for name in _ARRAYS),
            seasonal,
        )
    return found


_ARRAYS = ("usual", "scale", "p", "errors")


def judge_dates(
    counts: np.ndarray, members: np.ndarray, ages: np.ndarray, *, overdispersion: float = 1.0
) -> Judged:
    """Judge groups of customers whose members are known on a few days only.

    A segment is judged by the orders of those who were in it at the start of the period. Who is in
    it now says little about the past: customers are in an active segment because they bought. So
    the past are the few days for which members are published. Chance and ``overdispersion`` give
    the error, because a few days alone cannot.

    Args:
        counts: Orders in the period after each day, groups x days, newest first.
        members: Members on that day, groups x days.
        ages: How long ago each day is; the first is 0.
        overdispersion: Variance of a count over that of mere chance, 1 or more.

    Returns:
        ``usual`` are logarithms of orders per member, over those of all other groups.
    """
    rest, rest_members = counts.sum(axis=0) - counts, members.sum(axis=0) - members
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log((counts + 0.5) / members) - np.log((rest + 0.5) / rest_members)
    chance = 1 / (counts + 0.5) + 1 / (rest + 0.5)
    logs[~np.isfinite(logs)] = np.nan
    past = logs[:, 1:]
    days = np.isfinite(past).sum(axis=1)
    enough = (days >= 2) & np.isfinite(logs[:, 0])
    usual, scale = np.full(len(logs), np.nan), np.full(len(logs), np.nan)
    if enough.any():
        variance = np.where(np.isfinite(past), chance[:, 1:], np.nan)
        mean = np.nanmean(past[enough], axis=1)
        # How much the days differ among themselves, over all groups, beyond chance.
        spread = np.nansum((past[enough] - mean[:, None]) ** 2 / variance[enough])
        factor = max(overdispersion, spread / max((days[enough] - 1).sum(), 1), 1.0)
        usual[enough], uncertain = _line(past[enough], variance[enough], ages[1:], factor)
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = np.exp(usual) * members[:, 0] / rest_members[:, 0] * (rest[:, 0] + 0.5)
        now = 1 / expected[enough] + 1 / (rest[enough, 0] + 0.5)
        scale[enough] = np.sqrt(factor * (now + uncertain))
    p = _chance((logs[:, 0] - usual) / scale, np.full(len(logs), SEGMENT_FREEDOM))
    return Judged(usual, scale, p, np.where(enough, days, 0), np.zeros(len(logs), dtype=bool))


def _line(past, variance, ages, factor) -> tuple[np.ndarray, np.ndarray]:
    """Return what rows of past values, at ``ages``, lead to at age 0, and its variance by chance.

    A group that grows by customers who will not come back sinks steadily. A trend that is larger
    than its own error goes on; any other is taken as none.
    """
    weight = np.where(np.isfinite(past), 1 / variance, 0.0)
    value = np.where(np.isfinite(past), past, 0.0)
    whole = weight.sum(axis=1)
    mean, centre = (weight * value).sum(axis=1) / whole, (weight * ages).sum(axis=1) / whole
    away = ages - centre[:, None]
    square = np.maximum((weight * away**2).sum(axis=1), 1e-12)
    slope = (weight * away * (value - mean[:, None])).sum(axis=1) / square
    is_trend = slope**2 > factor / square
    usual = np.where(is_trend, mean - slope * centre, mean)
    return usual, 1 / whole + np.where(is_trend, centre**2 / square, 0.0)


def shares(
    counts: np.ndarray,
    totals: np.ndarray,
    *,
    limit: float,
    season: int | None = None,
    parts: bool = True,
) -> tuple[Judged, np.ndarray]:
    """Judge counts of groups against all others, rows x periods, newest first.

    Where one group of ``parts`` has changed, all others seem to have moved the other way. So the
    group that changed most is taken out of the total before the others are judged again.

    Args:
        counts: Orders of each group.
        totals: Orders of all groups together, by period.
        limit: Chance below which a group is taken out.
        season: As in ``judge``.
        parts: Whether an order belongs to one group; else groups are compared with all orders.

    Returns:
        What was found, ``usual`` in orders, and the orders that each row was compared with.
    """
    rows = len(counts)
    done: dict[str, np.ndarray] = {}
    rest = np.tile(totals.astype(float), (rows, 1))
    taken = np.zeros(rows, dtype=bool)
    for _ in range(rows + 1):
        remaining = totals - counts[taken].sum(axis=0) if parts else totals
        against = np.maximum(remaining - (counts if parts else 0 * counts), 0)
        logs = np.log((counts + 0.5) / (against + 0.5))
        few = np.median(counts[:, 1:], axis=1) if counts.shape[1] > 1 else np.zeros(rows)
        level = np.median(counts[:, 1 : 1 + LEVEL_PERIODS], axis=1)
        floor = np.sqrt(1 / (level + 0.5) + 1 / (np.median(against, axis=1) + 0.5))
        found = judge(logs, floor=floor, season=season)
        found.p[np.maximum(few, level) < MIN_COUNT] = np.nan
        for name in (*_ARRAYS, "seasonal"):
            value = getattr(found, name)
            done[name] = np.where(taken, done[name], value) if name in done else value.copy()
        rest = np.where(taken[:, None], rest, against)
        open_p = np.where(taken | np.isnan(found.p), 1.0, found.p)
        if not parts or not (open_p < limit).any():
            break
        # Of two groups that share all orders, the one that moved more by itself is named.
        own = np.abs(np.log((counts[:, 0] + 0.5) / (level + 0.5)))
        near = open_p <= open_p.min() * 10
        taken[np.argmax(np.where(near, own, -1))] = True
    usual = np.exp(done["usual"]) * (rest[:, 0] + 0.5)
    return Judged(usual, done["scale"], done["p"], done["errors"], done["seasonal"]), rest


def overdispersion(found: Judged, counts: np.ndarray, rest: np.ndarray) -> float:
    """Return the variance of past errors over that of mere chance, the median of the rows.

    ``found`` and ``rest`` are what ``shares`` returned for ``counts``.
    """
    if counts.shape[1] < 2:
        return 1.0
    level = np.median(counts[:, 1 : 1 + LEVEL_PERIODS], axis=1)
    others = np.median(rest[:, 1 : 1 + LEVEL_PERIODS], axis=1)
    chance = (1 + MEDIAN_LOSS / LEVEL_PERIODS) * (1 / (level + 0.5) + 1 / (others + 0.5))
    known = (found.errors >= MIN_ERRORS) & (level >= MIN_COUNT)
    return max(1.0, float(np.median((found.scale**2 / chance)[known]))) if known.any() else 1.0


def _by_level(logs: np.ndarray) -> tuple[np.ndarray, int]:
    """Return predictions by the median of the periods before, and how many there are."""
    count = max(min(logs.shape[1] - LEVEL_PERIODS, MAX_ERRORS + 1), 0)
    return _medians(logs[:, 1:], count), count


def _by_season(logs: np.ndarray, season: int) -> tuple[np.ndarray, int]:
    """Return predictions by the same period a year ago, moved by the growth since."""
    count = max(min(logs.shape[1] - season - LEVEL_PERIODS, MAX_ERRORS + 1), 0)
    growth = _medians(logs[:, 1:-season] - logs[:, 1 + season :], count)
    year_ago = sum(
        weight * logs[:, season + shift : season + shift + count]
        for weight, shift in zip(SEASON_WEIGHTS, (-1, 0, 1), strict=True)
    )
    return year_ago + growth, count


def _medians(logs: np.ndarray, count: int) -> np.ndarray:
    """Return the medians of ``LEVEL_PERIODS`` values from each of the first ``count`` on."""
    if count == 0:
        return np.empty((len(logs), 0))
    windows = np.lib.stride_tricks.sliding_window_view(logs, LEVEL_PERIODS, axis=1)[:, :count]
    known = np.isfinite(windows).sum(axis=2) >= LEVEL_PERIODS // 2
    windows = np.where(known[:, :, None], windows, 0.0)
    return np.where(known, np.nanmedian(windows, axis=2), np.nan)


def _against(logs, predicted, count, floor, beyond) -> Judged:
    """Judge the newest prediction by the errors of all earlier ones."""
    rows = len(logs)
    usual, scale, p = (np.full(rows, np.nan) for _ in range(3))
    errors = np.zeros(rows, dtype=int)
    if count:
        error = logs[:, :count] - predicted
        skipped = RECENT_ERRORS if count - 1 - RECENT_ERRORS >= MIN_ERRORS else 0
        past = error[:, 1 + skipped :]
        errors = np.isfinite(past).sum(axis=1)
        enough = (errors >= MIN_ERRORS) & np.isfinite(error[:, 0])
        if enough.any():
            centre = np.nanmedian(past[enough], axis=1)
            size = np.abs(past[enough] - centre[:, None])
            # Many small errors and a few large ones: both count, but no single one decides.
            usual_size = 1.4826 * np.nanmedian(size, axis=1)
            large_size = np.nanquantile(size, 0.9, axis=1) / NORMAL_90
            usual[enough] = predicted[enough, 0] + centre
            scale[enough] = np.maximum.reduce([usual_size, large_size, floor[enough]])
            scale[enough] = np.maximum(scale[enough], 1e-6)
            off = logs[enough, 0] - usual[enough]
            chance = _chance(off / scale[enough], errors[enough] - 1)
            p[enough] = np.where(np.abs(off) > beyond * np.nanmax(size, axis=1), chance, 1.0)
    return Judged(usual, scale, p, errors, np.zeros(rows, dtype=bool))


def _chance(deviation: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Return the chance of a deviation at least so large, in either direction (Student's t)."""
    return 2 * stdtr(np.minimum(freedom, 30), -np.abs(deviation))
