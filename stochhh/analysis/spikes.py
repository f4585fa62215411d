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
    from scipy import stats

    if not trains:
        return Estimate(None)
    rates = np.array([len(train) for train in trains]) / duration_ms * 1e3
    mean, total = float(rates.mean()), sum(len(train) for train in trains)
    if len(trains) == 1 or total == 0:
        tail = (1 - CONFIDENCE) / 2
        low = stats.chi2.ppf(tail, 2 * total) / 2 if total else 0.0
        high = stats.chi2.ppf(1 - tail, 2 * total + 2) / 2
        seconds = len(trains) * duration_ms / 1e3
        return Estimate(mean, (float(low / seconds), float(high / seconds)))
    found = mean_estimate(rates)
    assert found.interval is not None
    return Estimate(mean, (max(found.interval[0], 0.0), found.interval[1]))


def mean_estimate(values: Floats) -> Estimate:
    """Mean with Student's interval; values that are not finite are left out."""
    from scipy import stats

    values = np.asarray(values)[np.isfinite(values)]
    if len(values) == 0:
        return Estimate(None)
    mean = float(values.mean())
    if len(values) == 1:
        return Estimate(mean)
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1) * stats.sem(values))
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

    Resamples come from a fixed seed, so a result always reports the same interval.
    """
    from scipy import stats

    if len(sample) < fewest:
        return Estimate(None)
    value = float(statistic(sample, axis=-1))
    if len(sample) < _FEWEST_INTERVALS or np.ptp(sample) == 0:
        return Estimate(value)
    found = stats.bootstrap(
        (sample,),
        statistic,
        confidence_level=CONFIDENCE,
        n_resamples=_RESAMPLES,
        method="percentile",
        batch=max(1, 1_000_000 // len(sample)),
        rng=np.random.default_rng(0),
    )
    return Estimate(
        value, (float(found.confidence_interval.low), float(found.confidence_interval.high))
    )
