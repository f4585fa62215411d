"""Spike-train statistics with confidence intervals. Times in ms, rates in Hz."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

CONFIDENCE = 0.95
_RESAMPLES = 2000
_LARGEST_BATCH = 1_000_000  # numbers drawn in one go
_FEWEST_INTERVALS = 10  # for an interval of the CV that means anything


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % confidence interval; None where the data cannot give it."""

    value: float | None
    interval: Interval | None = None


def firing_rate_hz(trains: Sequence[Floats], duration_ms: float) -> Estimate:
    """Mean firing rate over trials.

    The interval is Student's over the trials' rates. One trial alone, or trials
    whose counts are all zero, get the exact interval of a Poisson count (Garwood
    1936, doi:10.1093/biomet/28.3-4.437).

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    from scipy.special import gammaincinv  # half a chi-squared quantile; scipy.stats loads slowly

    if not trains:
        return Estimate(None)
    rates = np.array([len(train) for train in trains]) / duration_ms * 1e3
    mean, total = float(rates.mean()), sum(len(train) for train in trains)
    if len(trains) == 1 or total == 0:
        tail = (1 - CONFIDENCE) / 2
        low = gammaincinv(total, tail) if total else 0.0
        high = gammaincinv(total + 1, 1 - tail)
        seconds = len(trains) * duration_ms / 1e3
        return Estimate(mean, (float(low / seconds), float(high / seconds)))
    found = mean_estimate(rates)
    assert found.interval is not None
    return Estimate(mean, (max(found.interval[0], 0.0), found.interval[1]))


def mean_estimate(values: Floats) -> Estimate:
    """Mean with Student's interval; values that are not finite are left out."""
    from scipy.special import stdtrit

    values = np.asarray(values)[np.isfinite(values)]
    if len(values) == 0:
        return Estimate(None)
    mean = float(values.mean())
    if len(values) == 1:
        return Estimate(mean)
    error = values.std(ddof=1) / np.sqrt(len(values))
    reach = float(stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2) * error)
    return Estimate(mean, (mean - reach, mean + reach))


def interspike_intervals_ms(trains: Sequence[Floats]) -> Floats:
    """All intervals between successive spikes, trial after trial, shape (n,)."""
    return np.concatenate([np.diff(train) for train in trains] or [np.zeros(0)])


def isi_mean_ms(intervals_ms: Floats) -> Estimate:
    """Mean interspike interval, with a bootstrap interval."""
    return _bootstrapped(intervals_ms, lambda x, axis: np.mean(x, axis=axis))


def isi_cv(intervals_ms: Floats) -> Estimate:
    """Coefficient of variation of interspike intervals, SD over mean, with a bootstrap interval."""
    return _bootstrapped(
        intervals_ms,
        lambda x, axis: np.std(x, axis=axis, ddof=1) / np.mean(x, axis=axis),
        fewest=2,
    )


def first_spike_ms(trains: Sequence[Floats]) -> Floats:
    """First spike time of each trial, NaN where there is none, shape (trials,)."""
    return np.array([train[0] if len(train) else np.nan for train in trains])


def _bootstrapped(sample: Floats, statistic: Callable[..., Any], fewest: int = 1) -> Estimate:
    """Statistic of a sample of independent values with its percentile bootstrap interval.

    Resamples come from a fixed seed, so a result always reports the same interval. As
    `scipy.stats.bootstrap`, whose import would take longer than a small scenario.
    """
    if len(sample) < fewest:
        return Estimate(None)
    value = float(statistic(sample, axis=-1))
    if len(sample) < _FEWEST_INTERVALS or np.ptp(sample) == 0:
        return Estimate(value)
    rng = np.random.default_rng(0)
    batch = max(1, _LARGEST_BATCH // len(sample))
    drawn = [
        statistic(rng.choice(sample, (min(batch, _RESAMPLES - done), len(sample))), axis=-1)
        for done in range(0, _RESAMPLES, batch)
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail])
    return Estimate(value, (float(low), float(high)))
