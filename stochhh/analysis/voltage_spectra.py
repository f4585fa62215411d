"""Spectra of voltages and conductances with intervals, and their coherence with an input.

Any sampled signal will do. Times in ms, frequencies in Hz; spectra are one-sided, in
the square of the signal's unit per Hz. `stochhh.theory.linear` has what they should be
at rest (`stochhh.analysis.linear_membrane` makes its equations).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE
from stochhh.analysis.spectra import stationary_spectrum
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
    corrected : (F,) without most of that bias; may fall below 0
    low, high : (F,) 95 % interval
    gain : (F,) complex, output over input: the transfer function's estimate
    significant : raw coherence that two unrelated signals exceed at 5 % of frequencies
    averages : number of independent segments that these are worth
    inputs : number of those of the input, where they are fewer because it is repeated
    """

    frequency_hz: Floats
    raw: Floats
    corrected: Floats
    low: Floats
    high: Floats
    gain: NDArray[np.complex128]
    significant: float
    averages: float
    inputs: float | None = None


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
        A signal that does not vary or is not finite, or a segment of fewer than 8
        samples or longer than a trial.
    """
    from scipy.special import chdtri

    rows = _rows(signal, "signal")
    frequency, density, error = stationary_spectrum(rows, interval_ms, segment_ms)
    degrees = _degrees(density, error)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = degrees / chdtri(degrees, [tail, 1.0 - tail])  # chdtri counts from above
    return SignalSpectrum(frequency, density, density * low, density * high, degrees)


def coherence(
    driving: ArrayLike,
    response: ArrayLike,
    interval_ms: float,
    segment_ms: float | None = None,
    averages: float | None = None,
) -> Coherence:
    """Coherence of a response with its input, with its bias, level of significance and interval.

    Segments and windows as for `signal_spectrum`. With n independent segments
    unrelated signals have a raw coherence of 1/n on average and exceed
    ``1 - 0.05^(1/(n-1))`` at 5 % of frequencies; the bias is ``(1 - γ²)²/n`` to first
    order and is taken off (Carter, Knapp & Nuttall 1973,
    doi:10.1109/TAU.1973.1162496). The interval is that of the inverse hyperbolic
    tangent of |γ|, which is too large by 1/(2(n-1)) and has that same number for its
    variance (Enochson & Goodman 1965; Bokil et al. 2007,
    doi:10.1016/j.jneumeth.2006.07.011); it begins at 0 where unrelated signals exceed
    the raw coherence at more than 2.5 % of frequencies. Segments that overlap count
    for as many as their spectra are worth. A frozen input leaves the level of
    significance as it is, but intervals then speak of this one input;
    `repeated_input.coherence_of_repeats` knows better.

    Parameters
    ----------
    driving : (trials, T), or (T,) the same in all trials
    response : (trials, T) or (T,)
    interval_ms : between samples
    segment_ms : length of a segment, by default an eighth of a trial; longer than
        the memory of the system, or the coherence comes out too small
    averages : number of independent segments that these are worth, where it is known
        to be another

    Raises
    ------
    InputError
        Signals that do not match, do not vary or are not finite, or fewer than two
        segments.
    """
    from scipy.signal import csd
    from scipy.special import ndtri

    outputs = _rows(response, "response")
    inputs = _rows(driving, "driving")
    if len(inputs) == 1 and inputs.shape[1] == outputs.shape[1]:
        inputs = np.broadcast_to(inputs, outputs.shape)
    if inputs.shape != outputs.shape:
        raise InputError(
            f"driving, response: shapes {inputs.shape} and {outputs.shape}; "
            "need trials of the same length"
        )
    frequency, of_input, error = stationary_spectrum(inputs, interval_ms, segment_ms)
    of_output = stationary_spectrum(outputs, interval_ms, segment_ms).density_pA2_per_hz
    averages = averages or _degrees(of_input, error) / 2.0
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
    variance = 0.5 / (averages - 1.0)
    centre = np.arctanh(np.minimum(np.sqrt(raw), 1.0 - 1e-15)) - variance
    reach = float(ndtri(0.5 + CONFIDENCE / 2)) * np.sqrt(variance)
    related = raw > _level((1.0 - CONFIDENCE) / 2, averages)
    return Coherence(
        frequency_hz=frequency,
        raw=raw,
        corrected=raw - (1.0 - raw) ** 2 / averages,
        low=np.where(related, np.tanh(np.maximum(centre - reach, 0.0)) ** 2, 0.0),
        high=np.tanh(centre + reach) ** 2,
        gain=cross / of_input,
        significant=_level(_SIGNIFICANCE, averages),
        averages=averages,
    )


def _level(share: float, averages: float) -> float:
    """Raw coherence that two unrelated signals exceed at this share of frequencies."""
    return float(1.0 - share ** (1.0 / (averages - 1.0)))


def _degrees(density: Floats, error: Floats) -> float:
    """Degrees of freedom of a density with this standard error."""
    k = int(np.argmax(density))
    return float(2.0 * (density[k] / error[k]) ** 2)


def _rows(signal: ArrayLike, name: str) -> Floats:
    rows = np.atleast_2d(np.asarray(signal, dtype=np.float64))
    if rows.ndim != 2 or rows.size == 0 or not np.isfinite(rows).all():
        raise InputError(f"{name}: shape {rows.shape}; need finite numbers, (trials, times)")
    if not np.ptp(rows, axis=1).any():
        raise InputError(f"{name}: it does not vary within trials; need one with power")
    return rows
