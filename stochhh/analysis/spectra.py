"""Power spectra of stationary currents, and what theory expects of their estimates.

Currents in pA (or open counts), times in ms, frequencies in Hz; a spectrum is
one-sided, its integral over frequency the variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate, mean_estimate
from stochhh.errors import InputError
from stochhh.theory import stationary_law

Floats = NDArray[np.float64]

_FEWEST_TRIALS = 5  # whose scatter gives an interval; with fewer that of a Gaussian noise is taken


class Spectrum(NamedTuple):
    """One-sided power spectral density of a stationary current, (F,).

    Attributes
    ----------
    frequency_hz, density_pA2_per_hz, standard_error_pA2_per_hz : (F,)
    """

    frequency_hz: Floats
    density_pA2_per_hz: Floats
    standard_error_pA2_per_hz: Floats


class TrialSpectra(NamedTuple):
    """Power spectral density of each trial.

    Attributes
    ----------
    frequency_hz : (F,)
    density : (trials, F), square of the signal's unit per Hz
    variance : (trials,) mean square of each trial about the mean of all
    seconds : length of each trial
    """

    frequency_hz: Floats
    density: Floats
    variance: Floats
    seconds: float


class Band(NamedTuple):
    """Measured over expected power in a band of frequencies, Hz."""

    low_hz: float
    high_hz: float
    ratio: Estimate


def stationary_spectrum(
    current_pA: ArrayLike, interval_ms: float, segment_ms: float | None = None
) -> Spectrum:
    """Power spectral density of a stationary current, by Welch's method.

    Averaged over trials and over segments that overlap by half under a Hann window
    (Welch 1967, doi:10.1109/TAU.1967.1161901). The mean over everything is taken
    off first, not that of each segment, so the lowest frequencies are not
    suppressed; zero frequency itself and half the sampling frequency are left out,
    as they have but half the power of a one-sided density. The standard error is
    that of a Gaussian noise. A simulated current sampled without a filter folds what
    lies above half the sampling frequency back below it; `expected_spectrum` knows
    that.

    Parameters
    ----------
    current_pA : (trials, T) or (T,)
    interval_ms : between samples
    segment_ms : length of a segment, whose inverse is the resolution in frequency;
        by default an eighth of a trial

    Raises
    ------
    InputError
        A segment of fewer than 8 samples or longer than a trial.
    """
    current = np.atleast_2d(np.asarray(current_pA, dtype=np.float64))
    n_trials, n_samples = current.shape
    found = trial_spectra(current, interval_ms, segment_ms)
    length = _segment(n_samples, interval_ms, segment_ms)
    n_segments = (n_samples - length) // (length - length // 2) + 1
    shared = 1.0 / 6.0  # correlation of half-overlapping Hann windows
    spread = (1.0 + 2.0 * shared**2 * (1.0 - 1.0 / n_segments)) / (n_segments * n_trials)
    density = found.density.mean(axis=0)
    return Spectrum(found.frequency_hz, density, density * np.sqrt(spread))


def trial_spectra(
    signal: Sequence[Floats] | Floats, interval_ms: float, segment_ms: float | None = None
) -> TrialSpectra:
    """Spectrum of each trial by itself, as `stationary_spectrum` averages them.

    Parameters
    ----------
    signal : (trials, T), or trials of shape (T,) that are read one by one
    interval_ms, segment_ms : as for `stationary_spectrum`
    """
    from scipy.signal import welch

    n_samples = len(signal[0])
    length = _segment(n_samples, interval_ms, segment_ms)
    mean, sampling_hz = float(np.mean([row.mean() for row in signal])), 1e3 / interval_ms
    inner = slice(1, length // 2 + 1 - (length % 2 == 0))
    density, variance = np.empty((len(signal), inner.stop - 1)), np.empty(len(signal))
    for trial, row in enumerate(signal):
        variance[trial] = np.square(row - mean).mean()
        density[trial] = welch(row - mean, fs=sampling_hz, nperseg=length, detrend=False)[1][inner]
    frequency = np.arange(1, inner.stop) * sampling_hz / length
    return TrialSpectra(frequency, density, variance, n_samples * interval_ms / 1e3)


def sampled_autocovariance(
    generator: ArrayLike,
    relative_conductance: ArrayLike,
    n_channels: int,
    interval_ms: float,
    n_lags: int,
    unitary_current_pA: float = 1.0,
) -> Floats:
    """Autocovariance of the stationary current at lags 0, 1, … samples, (n_lags,), pA².

    As `theory.autocovariance`, but by powers of one propagator, so that a hundred
    thousand lags take no time. Exact, and needs no eigenvalues.

    Parameters
    ----------
    generator : (S, S), 1/ms
    relative_conductance : (S,) share of the full conductance, or a mask
    n_channels : N
    interval_ms : between samples
    n_lags : how many
    unitary_current_pA : through a fully open channel
    """
    from scipy.linalg import expm

    matrix = np.asarray(generator, dtype=np.float64)
    law, share = stationary_law(matrix), np.asarray(relative_conductance, dtype=np.float64)
    share = share - law @ share
    rows, power = (law * share)[None, :], expm(matrix * interval_ms)
    while len(rows) < n_lags:
        rows = np.concatenate([rows, rows @ power])
        power = power @ power
    return np.asarray(n_channels * unitary_current_pA**2 * (rows[:n_lags] @ share))


def expected_spectrum(autocovariance: ArrayLike, interval_ms: float) -> Floats:
    """Expected density of `trial_spectra` with segments of n samples, at its frequencies, (F,).

    What a Hann window and sampling without a filter make of a spectrum: the cosine
    transform of the autocovariance times that of the window (Percival & Walden
    1993, doi:10.1017/CBO9780511622762, section 6.3). Power above half the sampling
    frequency is folded back here just as it is in the data.

    Parameters
    ----------
    autocovariance : (n,) at lags of 0 to n - 1 samples
    interval_ms : between samples
    """
    from scipy.signal import get_window

    lagged = np.asarray(autocovariance, dtype=np.float64)
    n = len(lagged)
    window = get_window("hann", n)
    overlap = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * n)) ** 2, 2 * n)[:n]
    weighted = lagged * overlap
    weighted[1:] += weighted[:0:-1].copy()  # lag -k is lag n - k of the transform
    density = 2e-3 * interval_ms * np.fft.rfft(weighted).real / overlap[0]
    return np.asarray(density[1 : n // 2 + 1 - (n % 2 == 0)])


def octave_bands(lowest_hz: float, highest_hz: float) -> list[tuple[float, float]]:
    """Octaves from a lowest frequency on; the last one ends at the highest, and may be cut."""
    edges = [lowest_hz]
    while edges[-1] * 2.0 < highest_hz * (1.0 - 1e-9):
        edges.append(edges[-1] * 2.0)
    edges.append(highest_hz)
    return list(pairwise(edges))


def band_ratios(
    measured: TrialSpectra, expected: ArrayLike, bands: Sequence[tuple[float, float]]
) -> list[Band]:
    """Mean ratio of measured to expected power in each band, with 95 % intervals.

    Intervals are Student's over trials, or with fewer than 5 of them those of a
    Gaussian noise, whose power in a band of width B over a time T is known as well
    as a variance from 2BT values (Blackman & Tukey 1958). A band without a frequency
    of its own is left out.

    Parameters
    ----------
    measured : spectra of trials
    expected : (F,) at the same frequencies
    bands : lower and upper end of each, Hz; a frequency at the upper end counts to
        the next band, at the end of the last to that
    """
    ratio = measured.density / np.asarray(expected, dtype=np.float64)
    frequency = measured.frequency_hz * (1.0 + 1e-12)
    found = []
    for low, high in bands:
        inside = (frequency >= low) & (frequency < high)
        if (low, high) == bands[-1]:
            inside |= (frequency >= low) & np.isclose(frequency, high, rtol=1e-9, atol=0.0)
        if not inside.any():
            continue
        values = ratio[:, inside].mean(axis=1)
        if len(values) >= _FEWEST_TRIALS:
            found.append(Band(low, high, mean_estimate(values, lowest=0.0)))
            continue
        width = inside.sum() * (measured.frequency_hz[1] - measured.frequency_hz[0])
        degrees = 2.0 * width * measured.seconds * len(values)
        found.append(Band(low, high, _power_estimate(float(values.mean()), degrees)))
    return found


def _power_estimate(power: float, degrees: float) -> Estimate:
    """Interval of a power that is known as well as a variance from so many values."""
    from scipy import stats

    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = degrees / stats.chi2.ppf([1.0 - tail, tail], degrees)
    return Estimate(power, (float(power * low), float(power * high)))


def _segment(n_samples: int, interval_ms: float, segment_ms: float | None) -> int:
    length = n_samples // 8 if segment_ms is None else round(segment_ms / interval_ms)
    if not 8 <= length <= n_samples:
        raise InputError(
            f"segment_ms: {length} samples in a segment and {n_samples} in a trial; "
            "need 8 or more in a segment, and no more than in a trial"
        )
    return length
