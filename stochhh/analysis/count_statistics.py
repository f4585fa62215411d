"""Statistics of spike counts: rate in time, and variability against the window of counting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, count_estimate
from stochhh.analysis.jackknife import from_sums, jackknife, units
from stochhh.analysis.neo_trains import neo_trains
from stochhh.analysis.trains import checked_positive, checked_trains
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_STEPS_IN_KERNEL = 10  # samples of a kernel rate in one standard deviation
_FEWEST_WINDOWS = 10  # whose counts have a variance worth telling


@dataclass(frozen=True)
class RateCourse:
    """Firing rate in time, mean over trials, at T times.

    Attributes
    ----------
    time_ms : (T,) middle of each bin.
    rate_hz : (T,) rate.
    low_hz, high_hz : (T,) 95 % interval; NaN where the trials are too few for one.
    """

    time_ms: Floats
    rate_hz: Floats
    low_hz: Floats
    high_hz: Floats


@dataclass(frozen=True)
class FanoCurve:
    """Variance over mean of spike counts, for W lengths of the window counted in.

    Attributes
    ----------
    window_ms : (W,) lengths.
    fano : (W,) variance over mean; NaN without spikes or with a single window.
    low, high : (W,) 95 % interval; NaN where the windows are too few for one.
    """

    window_ms: Floats
    fano: Floats
    low: Floats
    high: Floats


def psth(trains: Sequence[ArrayLike], duration_ms: float, bin_ms: float = 5.0) -> RateCourse:
    """Peristimulus time histogram.

    The interval of each bin is that of counts (`estimates.count_estimate`). What is left
    of the trial after the last whole bin is not shown.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    bin_ms : width of the bins

    Raises
    ------
    InputError
        A bin wider than the trial.
    """
    arrays = checked_trains(trains, duration_ms)
    counts = _counts(arrays, duration_ms, _window("bin_ms", bin_ms, duration_ms))
    times = (np.arange(counts.shape[1], dtype=np.float64) + 0.5) * bin_ms
    if not arrays:
        nothing = np.full(times.shape, np.nan)
        return RateCourse(times, nothing, nothing, nothing)
    ends = np.array([count_estimate(column).interval for column in counts.T])
    hz = 1e3 / bin_ms
    return RateCourse(times, counts.mean(axis=0) * hz, ends[:, 0] * hz, ends[:, 1] * hz)


def kernel_rate(
    trains: Sequence[ArrayLike],
    duration_ms: float,
    sigma_ms: float = 3.0,
    step_ms: float | None = None,
) -> RateCourse:
    """Firing rate by a Gaussian about each spike, corrected at both ends, by Elephant.

    The interval is Student's over trials, and holds for the smoothed rate.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    sigma_ms : standard deviation of the Gaussian
    step_ms : between samples; by default a tenth of `sigma_ms`. Changed a little to
        divide the trial.
    """
    times, rates = trial_rates(trains, duration_ms, sigma_ms, step_ms)
    if len(rates) == 0:
        nothing = np.full(times.shape, np.nan)
        return RateCourse(times, nothing, nothing, nothing)
    return RateCourse(times, *_student(rates))


def trial_rates(
    trains: Sequence[ArrayLike],
    duration_ms: float,
    sigma_ms: float = 3.0,
    step_ms: float | None = None,
) -> tuple[Floats, Floats]:
    """Smoothed rate of each trial; arguments as of `kernel_rate`.

    Returns
    -------
    time_ms : (T,) middles of steps
    rate_hz : (trials, T)
    """
    import quantities as pq
    from elephant.kernels import GaussianKernel
    from elephant.statistics import instantaneous_rate

    checked_positive("sigma_ms", sigma_ms, 3)
    if step_ms is None:
        step_ms = sigma_ms / _STEPS_IN_KERNEL
    checked_positive("step_ms", step_ms, 0.3)
    arrays = checked_trains(trains, duration_ms)
    n = max(1, round(duration_ms / step_ms))
    step = duration_ms / n
    times = np.asarray(step * (np.arange(n) + 0.5), dtype=np.float64)
    if not arrays:
        return times, np.zeros((0, n))
    # a shade longer, lest Elephant's division of the trial by the step lose the last one
    found = instantaneous_rate(
        neo_trains(arrays, duration_ms * (1.0 + 1e-9)),
        sampling_period=step * pq.ms,
        kernel=GaussianKernel(sigma=sigma_ms * pq.ms),
        border_correction=True,
    )
    return times, np.asarray(found.rescale("Hz").magnitude, dtype=np.float64).T


def fano_curve(
    trains: Sequence[ArrayLike],
    duration_ms: float,
    windows_ms: ArrayLike | None = None,
    *,
    locked: bool = False,
) -> FanoCurve:
    """Fano factor of spike counts against the length of the window.

    Windows lie end to end from the start of each trial. The variance is the unbiased one;
    Elephant's `fanofactor` is smaller by the factor (windows - 1) / windows.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    windows_ms : lengths; by default 13 between a thousandth of the trial and the longest
        of which there are 10
    locked : take the variance over trials within each window and then the mean over windows,
        of trials with one stimulus; by default over all windows of all trials at once,
        of firing that is the same at all times

    Raises
    ------
    InputError
        A window longer than the trial.
    """
    arrays = checked_trains(trains, duration_ms)
    if windows_ms is None:
        longest = duration_ms / max(1, -(-_FEWEST_WINDOWS // max(1, len(arrays))))
        windows_ms = np.geomspace(duration_ms / 1000.0, longest, 13)
    windows = np.atleast_1d(np.asarray(windows_ms, dtype=np.float64))
    fano, low, high = (np.full(windows.shape, np.nan) for _ in range(3))
    for k, window in enumerate(windows):
        counts = _counts(arrays, duration_ms, _window("windows_ms", window, duration_ms))
        whole, left_out = (_locked if locked else _pooled)(counts)
        fano[k] = whole
        low[k], high[k] = jackknife(whole, left_out, logarithmic=True)
    return FanoCurve(windows, fano, low, high)


def _window(name: str, window_ms: float, duration_ms: float) -> float:
    checked_positive(name, window_ms, 5)
    if window_ms > duration_ms * (1.0 + 1e-9):
        raise InputError(f"{name}: {window_ms:g}; need at most the duration, {duration_ms:g} ms")
    return window_ms


def _counts(arrays: Sequence[Floats], duration_ms: float, window_ms: float) -> Floats:
    """Spikes in each whole window of each trial, (trials, windows)."""
    n = int(duration_ms / window_ms * (1.0 + 1e-9))
    edges = window_ms * np.arange(n + 1)
    if n * window_ms > duration_ms * (1.0 - 1e-9):
        edges[-1] = np.inf  # a spike at the very end counts
    reached = np.array([np.searchsorted(a, edges) for a in arrays]).reshape(len(arrays), n + 1)
    return np.diff(reached, axis=1).astype(np.float64)


def _student(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean over trials (the first axis) of what is never negative, and its interval."""
    from scipy.special import stdtrit

    n, mean = len(values), values.mean(axis=0)
    if n == 1:
        return mean, np.full(mean.shape, np.nan), np.full(mean.shape, np.nan)
    error = values.std(axis=0, ddof=1) / np.sqrt(n)
    reach = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * error
    return mean, np.maximum(mean - reach, 0.0), mean + reach


def _pooled(counts: Floats) -> tuple[Floats, Floats]:
    parts = units([counts.shape[1]] * len(counts))
    blocks = [counts[k, part] for k, part in parts] or [np.zeros(0)]
    sums = np.array([(len(b), b.sum(), (b**2).sum()) for b in blocks])

    def fano(sums: Floats) -> Floats:
        n, first, second = np.moveaxis(sums, -1, 0)
        variance = (second - first**2 / n) / np.where(n > 1, n - 1, np.nan)
        return np.asarray(variance / (first / n))

    return from_sums(sums, fano)


def _locked(counts: Floats) -> tuple[Floats, Floats]:
    n = len(counts)
    if n < 2:
        return np.asarray(np.nan), np.zeros((0,))

    def fano(first: Floats, second: Floats, trials: int) -> Floats:
        variance = (second - first**2 / trials) / (trials - 1 if trials > 1 else np.nan)
        return np.asarray(variance.sum(axis=-1) / (first.sum(axis=-1) / trials))

    first, second = counts.sum(axis=0), (counts**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return fano(first, second, n), fano(first - counts, second - counts**2, n - 1)
