"""Gaussian noise as an input: which experiments have it, its mean and its spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.linear_membrane import linearised
from stochhh.analysis.setup import Setup
from stochhh.analysis.steady_state import steady_current_pA, steady_voltage_mV
from stochhh.scenario.stimuli import FrozenNoise, Noise
from stochhh.theory.held_noise import held_spectrum
from stochhh.theory.linear import impedance_GOhm
from stochhh.theory.linear_records import record_spectrum, voltage_weights

Floats = NDArray[np.float64]

_FOLDS = 10  # multiples of the sampling frequency, on either side


def noises_of(setup: Setup) -> list[Noise]:
    """Stimuli that are noise, frozen or not."""
    return [one for one in setup.scenario.stimulus if isinstance(one, Noise)]


def is_repeated(setup: Setup) -> bool:
    """Whether the injected current is the same in all trials."""
    return all(isinstance(one, FrozenNoise) for one in noises_of(setup))


def mean_input_pA(setup: Setup, time_ms: float) -> float:
    """Mean of the injected current after a time."""
    means = [one.mean.absolute(setup.membrane.area_um2) for one in noises_of(setup)]
    return steady_current_pA(setup, time_ms) + sum(means)


def input_spectrum(setup: Setup, frequencies_hz: ArrayLike) -> Floats:
    """One-sided power spectral density of the injected noise, shape (F,), pA²/Hz.

    That of Ornstein-Uhlenbeck processes held at their means over pieces, as they are
    injected: a Lorentzian up to near one over the resolution.
    """
    total = np.zeros(np.shape(frequencies_hz))
    for one in noises_of(setup):
        sd, tau = one.sd.absolute(setup.membrane.area_um2), float(one.correlation_time_ms)
        total = total + sd**2 * held_spectrum(frequencies_hz, float(one.resolution_ms), tau)
    return total


def linear_response(
    setup: Setup, frequencies_hz: ArrayLike, time_ms: float
) -> tuple[Floats, Floats] | None:
    """Coherence of recorded voltage and weak input, and gain (mV/pA), by linear theory.

    What records of a changing input fold back from above half the sampling frequency
    lowers the coherence a little, and is counted. An input that is held between
    records has nothing to fold.

    Parameters
    ----------
    setup : with noise as its input
    frequencies_hz : (F,)
    time_ms : at which all other stimuli are steady

    Returns
    -------
    coherence, gain : (F,) each
        None where there is no stable steady voltage.
    """
    voltage = steady_voltage_mV(setup.membrane, mean_input_pA(setup, time_ms))
    if voltage is None:
        return None
    linear = linearised(setup.membrane, voltage)
    interval = setup.interval_ms
    frequency = np.asarray(frequencies_hz, dtype=np.float64)
    held = all(float(one.resolution_ms) >= interval * (1 - 1e-9) for one in noises_of(setup))
    folds = np.arange(1) if held else np.arange(-_FOLDS, _FOLDS + 1)
    everywhere = frequency[:, None] + folds * 1e3 / interval
    try:
        impedance = impedance_GOhm(linear, np.abs(everywhere).ravel()).reshape(everywhere.shape)
        noise = record_spectrum(linear, frequency, interval, voltage_weights(linear)).sum(axis=0)
    except ValueError:  # not stable
        return None
    transfer = np.where(everywhere < 0.0, impedance.conj(), impedance)
    power = input_spectrum(setup, everywhere)
    cross = np.abs((transfer * power).sum(axis=1)) ** 2
    driven = (np.abs(transfer) ** 2 * power).sum(axis=1)
    found = cross / (power.sum(axis=1) * (driven + noise))
    gain = np.abs(transfer[:, np.flatnonzero(folds == 0)[0]])
    return np.asarray(found, dtype=np.float64), np.asarray(gain, dtype=np.float64)
