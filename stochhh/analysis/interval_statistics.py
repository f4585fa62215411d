"""Statistics of interspike intervals: density, hazard, variability, order.

As Perkel, Gerstein & Moore 1967, doi:10.1016/S0006-3495(67)86596-2, with intervals of
confidence. No interval spans two trials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate, poisson_limits, share_limits
from stochhh.analysis.jackknife import from_sums, jackknife, jackknifed, units
from stochhh.analysis.trains import checked_positive, checked_trains
from stochhh.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_BINS = 500
_SHUFFLES = 1000
_ROUNDING = 1e-10  # intervals that differ by no more of their mean are equal
_LARGEST_BATCH = 1_000_000  # numbers shuffled in one go


@dataclass(frozen=True)
class IntervalDensity:
    """How interspike intervals are spread, by bins of K equal widths from zero.

    Attributes
    ----------
    edges_ms : (K + 1,) of the bins.
    count : (K,) intervals in each.
    density_per_ms : (K,) share of the intervals over the bin's width. Long intervals are
        cut by the ends of trials, so in short trials it leans to short ones.
    density_low, density_high : (K,) Wilson's interval, the intervals taken as independent.
    hazard_per_ms : (K,) rate of firing at this time after a spike, if there was none since:
        intervals that end in the bin over the time spent in it, intervals that the end
        of a trial cuts short included; so trials may be short. NaN where none got so far.
    hazard_low, hazard_high : (K,) Garwood's interval (doi:10.1093/biomet/28.3-4.437).
    """

    edges_ms: Floats
    count: Ints
    density_per_ms: Floats
    density_low: Floats
    density_high: Floats
    hazard_per_ms: Floats
    hazard_low: Floats
    hazard_high: Floats


@dataclass(frozen=True)
class SerialCorrelation:
    """Correlation of an interval with the one `lag` later, for L lags.

    Attributes
    ----------
    lag : (L,) from 1.
    coefficient : (L,) Pearson's, over all pairs of all trials; NaN without two pairs.
    low, high : (L,) 95 % interval.
    shuffled_low, shuffled_high : (L,) where 95 % of coefficients lie when the intervals
        of each trial are shuffled: beyond, their order matters.
    """

    lag: Ints
    coefficient: Floats
    low: Floats
    high: Floats
    shuffled_low: Floats
    shuffled_high: Floats


def interval_density(
    trains: Sequence[ArrayLike], duration_ms: float, bin_ms: float | None = None
) -> IntervalDensity:
    """Histogram of interspike intervals and their hazard.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    bin_ms : width of the bins; by default Freedman & Diaconis' (doi:10.1007/BF01025868),
        but no more than 500 bins
    """
    arrays = checked_trains(trains, duration_ms)
    intervals = np.concatenate([np.diff(a) for a in arrays] or [np.zeros(0)])
    cut_short = np.array([duration_ms - a[-1] for a in arrays if len(a)])
    if bin_ms is None:
        bin_ms = _bin_width(intervals, duration_ms)
    checked_positive("bin_ms", bin_ms, 0.5)
    longest = float(intervals.max(initial=0.0))
    edges = np.arange(int(longest / bin_ms) + 2, dtype=np.float64) * bin_ms
    count = np.histogram(intervals, edges)[0].astype(np.int64)
    exposure = _time_spent(np.concatenate([intervals, cut_short]), edges)
    total = int(count.sum())
    low, high = share_limits(count, total)
    return IntervalDensity(
        edges_ms=edges,
        count=count,
        density_per_ms=_over(count, total * bin_ms),
        density_low=low / bin_ms,
        density_high=high / bin_ms,
        hazard_per_ms=_over(count, exposure),
        hazard_low=_over(poisson_limits(count)[0], exposure),
        hazard_high=_over(poisson_limits(count)[1], exposure),
    )


def interval_cv2(trains: Sequence[ArrayLike], duration_ms: float) -> Estimate:
    """CV2 of adjacent intervals (Holt et al. 1996, doi:10.1152/jn.1996.75.5.1806), by Elephant.

    The mean of 2 |I' - I| / (I' + I) over all pairs of neighbours: 1 for a Poisson
    process, and little moved by slow changes of rate.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    from elephant.statistics import cv2

    return _of_neighbours(trains, duration_ms, cv2)


def interval_lv(trains: Sequence[ArrayLike], duration_ms: float) -> Estimate:
    """Local variation (Shinomoto et al. 2003, doi:10.1162/089976603322518759), by Elephant.

    The mean of 3 (I' - I)² / (I' + I)² over all pairs of neighbours: 1 for a Poisson
    process, 3 / (2k + 1) for gamma intervals of shape k.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    from elephant.statistics import lv

    return _of_neighbours(trains, duration_ms, lv)


def serial_correlation(
    trains: Sequence[ArrayLike], duration_ms: float, most_lags: int = 5
) -> SerialCorrelation:
    """Serial correlation coefficients of interspike intervals.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    most_lags : largest lag

    Raises
    ------
    InputError
        No lag.
    """
    if most_lags < 1:
        raise InputError(f"most_lags: {most_lags}; need 1 or more, as in 5")
    series = [np.diff(a) for a in checked_trains(trains, duration_ms)]
    scale = _scale(series)
    series = [s / scale - 1.0 for s in series]
    pairs = np.array([[max(0, len(s) - lag) for s in series] for lag in range(1, most_lags + 1)])
    told = int(np.count_nonzero(pairs.sum(axis=1) >= 2))  # lags with two pairs or more
    value, low, high, shuffled_low, shuffled_high = (np.full(most_lags, np.nan) for _ in range(5))
    for k in range(told):
        cut = [series[i][p.start : p.stop + k + 1] for i, p in units([int(n) for n in pairs[k]])]
        sums = np.array([_pair_sums(part, k + 1) for part in cut])
        whole, left_out = from_sums(sums, _pearson)
        value[k] = whole
        low[k], high[k] = jackknife(whole, left_out, lowest=-1.0, highest=1.0)
    if told:
        tail = (1 - CONFIDENCE) / 2
        shuffled = _shuffled(series, told)
        shuffled_low[:told], shuffled_high[:told] = np.quantile(shuffled, [tail, 1 - tail], axis=0)
    lags = np.arange(1, most_lags + 1)
    return SerialCorrelation(lags, value, low, high, shuffled_low, shuffled_high)


def _bin_width(intervals: Floats, duration_ms: float) -> float:
    if len(intervals) == 0:
        return duration_ms / 100
    low, high = np.quantile(intervals, [0.25, 0.75])
    width = 2.0 * (high - low) / len(intervals) ** (1 / 3)
    return float(max(width, intervals.max() / _MOST_BINS))


def _time_spent(lengths: Floats, edges: Floats) -> Floats:
    """Time that waits of these lengths spend in each bin, (K,)."""
    ordered = np.sort(lengths)
    summed = np.concatenate([[0.0], np.cumsum(ordered)])
    reached = np.searchsorted(ordered, edges)
    up_to = summed[reached] + edges * (len(ordered) - reached)  # time spent before each edge
    return np.diff(up_to)


def _over(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    top, below = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    return np.asarray(np.divide(top, below, out=np.full(top.shape, np.nan), where=below > 0.0))


def _scale(series: Sequence[Floats]) -> float:
    """Mean of all, for sums that lose no digits; 1 of none."""
    together = np.concatenate([*series, np.zeros(0)])
    return float(together.mean()) if len(together) else 1.0


def _ratio(rows: Sequence[tuple[float, ...]], statistic: Callable[[Floats], Floats]) -> Estimate:
    if not rows:
        return Estimate(None)
    whole, left_out = from_sums(np.array(rows, dtype=np.float64), statistic)
    return jackknifed(float(whole), left_out, logarithmic=True)


def _of_neighbours(
    trains: Sequence[ArrayLike], duration_ms: float, measure: Callable[[Floats], float]
) -> Estimate:
    """A mean over pairs of neighbouring intervals, as Elephant computes it for each unit."""
    series = [np.diff(a) for a in checked_trains(trains, duration_ms)]
    rows = []
    for k, part in units([max(0, len(s) - 1) for s in series]):
        pairs = part.stop - part.start
        value = float(measure(series[k][part.start : part.stop + 1])) if pairs else 0.0
        rows.append((pairs, pairs * value))
    return _ratio(rows, lambda sums: np.asarray(sums[..., 1] / sums[..., 0]))


def _pair_sums(series: Floats, lag: int) -> Floats:
    """Number of pairs and sums of both, their squares and their product, (..., 6)."""
    x, y = series[..., :-lag], series[..., lag:]
    n = np.full(series.shape[:-1], max(0, series.shape[-1] - lag), dtype=np.float64)
    terms = (x, y, x * x, y * y, x * y)
    return np.stack([n, *(term.sum(axis=-1) for term in terms)], axis=-1)


def _pearson(sums: Floats) -> Floats:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    spread = np.maximum(xx - x * x / n, 0.0) * np.maximum(yy - y * y / n, 0.0)
    flat = spread <= (_ROUNDING**4) * n**2
    return np.asarray(np.where(flat, np.nan, (xy - x * y / n) / np.sqrt(spread)))


def _shuffled(series: Sequence[Floats], n_lags: int) -> Floats:
    """Coefficients after shuffling within trials, (shuffles, lags)."""
    rng = np.random.default_rng(0)
    batch = max(1, _LARGEST_BATCH // sum(len(s) for s in series))
    found = []
    for done in range(0, _SHUFFLES, batch):
        rows = min(batch, _SHUFFLES - done)
        sums = np.zeros((n_lags, rows, 6))
        for s in series:
            mixed = rng.permuted(np.tile(s, (rows, 1)), axis=1)
            for k in range(min(n_lags, len(s) - 1)):
                sums[k] += _pair_sums(mixed, k + 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(_pearson(sums).T)
    return np.concatenate(found)
