"""Resonances of noise: where firing is most regular, and where a weak sine comes through best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.analysis.fits import positive
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_DRAWS = 4000
_NOISELESS = 1e-18  # of a line's power is noise no more than rounding errors
_LARGEST_RATIO = 1e4  # up to which scipy inverts the noncentral F law; linear from there


@dataclass(frozen=True)
class CoherenceResonance:
    """Regularity of firing against the strength of noise.

    Attributes
    ----------
    cv : coefficient of variation of the interspike intervals at each area.
    area_um2 : area at which it is least, and the areas where that may lie.
    least_cv : the coefficient there; its interval is approximate, as it is of the least.
    chance_at_end : how often, given the errors, an end of the range has the least CV;
        small where the minimum is one.
    """

    cv: tuple[Estimate, ...]
    area_um2: Estimate
    least_cv: Estimate
    chance_at_end: float


def coherence_resonance(area_um2: ArrayLike, cv: Sequence[Estimate]) -> CoherenceResonance:
    """Minimum of the CV of interspike intervals over the area of a patch.

    Noise of some strength makes firing most regular (Pikovsky & Kurths 1997,
    doi:10.1103/PhysRevLett.78.775); channel noise does so at a small patch (Schmid,
    Goychuk & Hänggi 2001, doi:10.1209/epl/i2001-00482-6). Where the minimum may lie
    comes from CVs drawn again with their errors, with a fixed seed, and is one of the
    areas given.

    Parameters
    ----------
    area_um2 : (K,) rising, 3 or more
    cv : K coefficients of variation, with their intervals

    Raises
    ------
    InputError
        Too few areas, a CV without an interval, or areas that do not rise.
    """
    from scipy.special import ndtri

    area = positive(area_um2, "area_um2")
    if len(area) < 3 or len(area) != len(cv) or not (np.diff(area) > 0.0).all():
        raise InputError(
            f"area_um2: {len(area)} areas and {len(cv)} coefficients of variation; "
            "need 3 or more rising areas with one each"
        )
    ends = np.array([one.interval or (np.nan, np.nan) for one in cv])
    if np.isnan(ends).any():
        k = int(np.argmax(np.isnan(ends[:, 0])))
        raise InputError(
            f"cv: no interval of confidence at {area[k]:g} um^2; need 10 or more interspike "
            "intervals that vary, so run longer"
        )
    values = np.array([one.value for one in cv], dtype=np.float64)
    tail = (1.0 - CONFIDENCE) / 2.0
    errors = (ends[:, 1] - ends[:, 0]) / (-2.0 * float(ndtri(tail)))
    noise = np.random.default_rng(0).standard_normal((_DRAWS, len(cv)))
    drawn = (values + errors * noise).argmin(axis=1)
    low, high = np.quantile(area[drawn], [tail, 1.0 - tail], method="nearest").tolist()
    best = int(values.argmin())
    return CoherenceResonance(
        cv=tuple(cv),
        area_um2=Estimate(float(area[best]), (low, high)),
        least_cv=cv[best],
        chance_at_end=float(np.mean((drawn == 0) | (drawn == len(cv) - 1))),
    )


@dataclass(frozen=True)
class SignalToNoise:
    """Power of a periodic response over the noise it stands in.

    Attributes
    ----------
    ratio_hz : power of the line at the drive's frequency (that of a sine of amplitude
        a is a²/2) over the density of the noise beside it, Hz; zero where the line is
        below the noise, none where there is no noise.
    signal : the line's power; of a spike train in Hz², else the signal's unit squared.
    noise_per_hz : the density of the noise, one-sided.
    p_value : of so strong a line without any drive.
    """

    ratio_hz: Estimate
    signal: float
    noise_per_hz: float
    p_value: float


def train_signal_to_noise(
    trains: Sequence[Floats],
    frequency_hz: float,
    start_ms: float,
    stop_ms: float,
    neighbours: int = 10,
) -> SignalToNoise:
    """Signal-to-noise ratio of spike trains under a weak sine.

    The power of the train of delta functions in whole cycles of the drive, at its
    frequency and at the Fourier frequencies next to it (Gammaitoni, Hänggi, Jung &
    Marchesoni 1998, doi:10.1103/RevModPhys.70.223, section II.B). Its interval
    inverts the noncentral F law that powers of trials follow when the noise is flat
    across those frequencies and the response the same in all trials.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    frequency_hz : of the drive
    start_ms, stop_ms : spikes in [start, stop) count, cut down to whole cycles
    neighbours : frequencies on either side that measure the noise

    Raises
    ------
    InputError
        No spikes, or not more cycles than neighbours.
    """
    cycles, seconds = _whole_cycles(frequency_hz, (stop_ms - start_ms) / 1e3, neighbours)
    frequencies = _turns(cycles, neighbours) / seconds
    powers = np.zeros((len(trains), len(frequencies)))
    for power, train in zip(powers, trains, strict=True):
        times = (np.asarray(train, dtype=np.float64) - start_ms) / 1e3
        times = times[(times >= 0.0) & (times < seconds)]
        amplitude = np.exp(-2j * np.pi * frequencies[:, None] * times).sum(axis=1)
        power[:] = 2.0 / seconds * np.abs(amplitude) ** 2
    if not powers.any():
        raise InputError("trains: no spikes; need some, so run longer")
    return _line(powers, seconds)


def signal_to_noise(
    signal: ArrayLike, interval_ms: float, frequency_hz: float, neighbours: int = 10
) -> SignalToNoise:
    """Signal-to-noise ratio of a sampled signal, such as a voltage, under a weak sine.

    As `train_signal_to_noise`.

    Parameters
    ----------
    signal : (trials, T) or (T,)
    interval_ms : between samples
    frequency_hz, neighbours : as for `train_signal_to_noise`

    Raises
    ------
    InputError
        A signal of another shape or that does not vary, a drive too fast for the
        sampling, or not more cycles than neighbours.
    """
    rows = np.atleast_2d(np.asarray(signal, dtype=np.float64))
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(f"signal: shape {rows.shape}; need finite numbers, (trials, times)")
    if not interval_ms > 0.0:
        raise InputError(f"interval_ms: {interval_ms:g}; need a time above zero, as in 0.1")
    step = interval_ms / 1e3
    if not frequency_hz < 0.25 / step:
        raise InputError(
            f"frequency_hz: {frequency_hz:g} is too fast for samples every {interval_ms:g} ms; "
            f"need less than {0.25 / step:g}"
        )
    cycles, seconds = _whole_cycles(frequency_hz, rows.shape[1] * step, neighbours)
    rows = rows[:, : round(seconds / step)]
    away = rows - rows.mean(axis=1, keepdims=True)
    turn = -2j * np.pi * step / seconds * np.arange(rows.shape[1])
    amplitudes = [away @ np.exp(turn * turns) for turns in _turns(cycles, neighbours)]
    powers = 2.0 * step**2 / seconds * np.abs(np.stack(amplitudes, axis=1)) ** 2
    if not powers.any():
        raise InputError("signal: it does not vary; need one with noise")
    return _line(powers, seconds)


def _whole_cycles(frequency_hz: float, seconds: float, neighbours: int) -> tuple[int, float]:
    """How many cycles fit, and how long they take, s."""
    if not frequency_hz > 0.0:
        raise InputError(f"frequency_hz: {frequency_hz:g}; need one above zero, as in 50")
    if neighbours < 1:
        raise InputError(f"neighbours: {neighbours}; need 1 or more")
    if not np.isfinite(frequency_hz * seconds):
        raise InputError(f"frequency_hz, stop_ms: {frequency_hz:g} Hz for {seconds:g} s; need ends")
    cycles = int(np.floor(frequency_hz * seconds * (1.0 + 1e-9)))
    if cycles <= neighbours:
        raise InputError(
            f"frequency_hz: {cycles} cycles of {frequency_hz:g} Hz in {seconds * 1e3:g} ms; "
            f"need more than the {neighbours} neighbours on either side"
        )
    return cycles, cycles / frequency_hz


def _turns(cycles: int, neighbours: int) -> Floats:
    """Turns in the whole time: the drive's first, then its neighbours' on both sides."""
    away = np.arange(1, neighbours + 1)
    return np.concatenate([[cycles], cycles - away, cycles + away]).astype(np.float64)


def _line(powers: Floats, seconds: float) -> SignalToNoise:
    """From densities (trials, 1 + 2 neighbours), the line's first."""
    from scipy.optimize import brentq
    from scipy.special import fdtrc, ncfdtr

    peak, noise = float(powers[:, 0].mean()), float(powers[:, 1:].mean())
    signal = max(0.0, peak - noise) / seconds
    if noise <= _NOISELESS * peak:
        return SignalToNoise(Estimate(None), signal, noise, 0.0)
    top, bottom = 2.0 * len(powers), 2.0 * powers[:, 1:].size
    ratio = peak / noise
    invertible = min(ratio, _LARGEST_RATIO)

    def lies_at(level: float) -> float:
        """Noncentrality under which so large a ratio or less has this probability."""

        def excess(noncentrality: float) -> float:
            return float(ncfdtr(top, bottom, noncentrality, invertible)) - level

        if excess(0.0) <= 0.0:
            return 0.0
        high = top * invertible
        while excess(high) > 0.0:
            high *= 2.0
        return float(brentq(excess, 0.0, high, rtol=1e-9))

    tail = (1.0 - CONFIDENCE) / 2.0
    to_hz = ratio / invertible / (top * seconds)
    ends = (to_hz * lies_at(1.0 - tail), to_hz * lies_at(tail))
    return SignalToNoise(
        ratio_hz=Estimate(max(0.0, ratio - 1.0) / seconds, ends),
        signal=signal,
        noise_per_hz=noise,
        p_value=float(fdtrc(top, bottom, ratio)),
    )
