"""Spectra of voltages and conductances with intervals, and their coherence with an input.

Any sampled signal will do. Times in ms, frequencies in Hz; spectra are one-sided, in
the square of the signal's unit per Hz. `stochhh.theory.linear` has what they should be
at rest (`stochhh.analysis.linear_membrane` makes its equations).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.spectra import stationary_spectrum
from stochhh.analysis.spikes import CONFIDENCE
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_SIGNIFICANCE = 0.05


class SignalSpectrum(NamedTuple):
    """Power spectral density of a stationary signal with its 95 % interval.

    Attributes
    ----------
    frequency_hz, density, low, high : (F,)
    degrees : of freedom of each density
    """

    frequency_hz: Floats
    density: Floats
    low: Floats
    high: Floats
    degrees: float


class Coherence(NamedTuple):
    """Magnitude-squared coherence of two signals.

    Attributes
    ----------
    frequency_hz : (F,)
    raw : (F,) as estimated, biased upwards
    corrected : (F,) without that bias; may fall below 0
    low, high : (F,) 95 % interval
    gain : (F,) complex, output over input: the transfer function's estimate
    significant : raw coherence that two unrelated signals exceed at 5 % of frequencies
    averages : number of independent segments that these are worth
    """

    frequency_hz: Floats
    raw: Floats
    corrected: Floats
    low: Floats
    high: Floats
    gain: NDArray[np.complex128]
    significant: float
    averages: float


def signal_spectrum(
    signal: ArrayLike, interval_ms: float, segment_ms: float | None = None
) -> SignalSpectrum:
    """Power spectral density by Welch's method with chi-squared intervals.

    `stochhh.analysis.spectra.stationary_spectrum` with the interval of a Gaussian
    noise, whose density has as many degrees of freedom as its standard error tells
    (Percival & Walden 1993, doi:10.1017/CBO9780511622762, section 6.17).

    Parameters
    ----------
    signal : (trials, T) or (T,)
    interval_ms : between samples
    segment_ms : length of a segment; by default an eighth of a trial

    Raises
    ------
    InputError
        A segment of fewer than 8 samples or longer than a trial.
    """
    from scipy.special import chdtri

    rows = _rows(signal, "signal")
    frequency, density, error = stationary_spectrum(rows, interval_ms, segment_ms)
    degrees = _degrees(density, error)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = degrees / chdtri(degrees, [tail, 1.0 - tail])  # chdtri counts from above
    return SignalSpectrum(frequency, density, density * low, density * high, degrees)


def coherence(
    driving: ArrayLike, response: ArrayLike, interval_ms: float, segment_ms: float | None = None
) -> Coherence:
    """Coherence of a response with its input, with its bias, level of significance and interval.

    Segments and windows as for `signal_spectrum`. With n independent segments
    unrelated signals have a raw coherence of 1/n on average and exceed
    ``1 - 0.05^(1/(n-1))`` at 5 % of frequencies; the bias ``(1 - γ²)²/n`` is taken
    off (Carter, Knapp & Nuttall 1973, doi:10.1109/TAU.1973.1162496). The interval is
    that of the inverse hyperbolic tangent of |γ|, whose variance is 1/(2n) (Halliday
    et al. 1995, doi:10.1016/0079-6107(96)00009-0), and holds where coherence is
    significant. Segments that overlap count for as many as their spectra are worth. A
    frozen input leaves the level of significance as it is, but intervals then speak
    of this one input.

    Parameters
    ----------
    driving : (trials, T), or (T,) the same in all trials
    response : (trials, T) or (T,)
    interval_ms : between samples
    segment_ms : length of a segment, by default an eighth of a trial; longer than
        the memory of the system, or the coherence comes out too small

    Raises
    ------
    InputError
        Signals that do not match or do not vary, or fewer than two segments.
    """
    from scipy.signal import csd
    from scipy.special import ndtri

    outputs = _rows(response, "response")
    inputs = _rows(driving, "driving")
    if len(inputs) == 1:
        inputs = np.broadcast_to(inputs, outputs.shape)
    if inputs.shape != outputs.shape:
        raise InputError(
            f"driving, response: shapes {inputs.shape} and {outputs.shape}; "
            "need trials of the same length"
        )
    frequency, of_input, error = stationary_spectrum(inputs, interval_ms, segment_ms)
    of_output = stationary_spectrum(outputs, interval_ms, segment_ms).density_pA2_per_hz
    if not ((of_input > 0.0).all() and (of_output > 0.0).all()):
        raise InputError("driving, response: one of them does not vary; need signals with power")
    averages = _degrees(of_input, error) / 2.0
    if averages < 1.5:
        raise InputError("segment_ms: one segment in all; need two or more, so make it shorter")
    resolution = frequency[0]
    length = round(1e3 / interval_ms / resolution)
    cross = csd(
        inputs - inputs.mean(),
        outputs - outputs.mean(),
        fs=1e3 / interval_ms,
        nperseg=length,
        detrend=False,
    )[1].mean(axis=0)[1 : len(frequency) + 1]
    raw = np.minimum(np.abs(cross) ** 2 / (of_input * of_output), 1.0)
    centre = np.arctanh(np.minimum(np.sqrt(raw), 1.0 - 1e-15))
    reach = float(ndtri(0.5 + CONFIDENCE / 2)) / np.sqrt(2.0 * averages)
    return Coherence(
        frequency_hz=frequency,
        raw=raw,
        corrected=raw - (1.0 - raw) ** 2 / averages,
        low=np.tanh(np.maximum(centre - reach, 0.0)) ** 2,
        high=np.tanh(centre + reach) ** 2,
        gain=cross / of_input,
        significant=1.0 - _SIGNIFICANCE ** (1.0 / (averages - 1.0)),
        averages=averages,
    )


def _degrees(density: Floats, error: Floats) -> float:
    """Degrees of freedom of a density with this standard error."""
    k = int(np.argmax(density))
    if density[k] == 0.0:
        raise InputError("signal: it does not vary; need one with power")
    return float(2.0 * (density[k] / error[k]) ** 2)


def _rows(signal: ArrayLike, name: str) -> Floats:
    rows = np.atleast_2d(np.asarray(signal, dtype=np.float64))
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(f"{name}: shape {rows.shape}; need finite numbers, (trials, times)")
    return rows
