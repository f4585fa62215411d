"""Gaussian noise as an input: which experiments have it, its mean and its spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.linear_membrane import linearised
from stochhh.analysis.setup import Setup
from stochhh.analysis.steady_state import steady_current_pA, steady_voltage_mV
from stochhh.scenario.stimuli import FrozenNoise, Noise
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

    An Ornstein-Uhlenbeck process has a Lorentzian; that it is held between its samples
    shows only near their frequency.
    """
    turning = 2.0 * np.pi * np.asarray(frequencies_hz, dtype=np.float64) / 1e3
    total = np.zeros(np.shape(turning))
    for one in noises_of(setup):
        sd, tau = one.sd.absolute(setup.membrane.area_um2), float(one.correlation_time_ms)
        total = total + 4e-3 * sd**2 * tau / (1.0 + (turning * tau) ** 2)
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
