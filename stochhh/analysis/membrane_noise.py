"""Noise of a voltage, or of a conductance, about a steady state: as recorded, and by linear theory.

The theory is that of `stochhh.theory.linear`, of the noise that many channels make about
a steady voltage (Steinmetz et al. 2000, doi:10.1023/A:1008967807741). It knows no spikes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.estimates import Estimate, mean_estimate
from stochhh.analysis.linear_membrane import linearised
from stochhh.analysis.spectra import trial_spectra
from stochhh.analysis.spectral_peak import peak_frequency_hz
from stochhh.analysis.steady_state import steady_voltage_mV
from stochhh.analysis.voltage_spectra import SignalSpectrum, signal_spectrum
from stochhh.membrane import Membrane
from stochhh.theory.linear_records import record_spectrum, record_variance, voltage_weights

Floats = NDArray[np.float64]

_CURVE_POINTS = 400  # of a spectrum of theory
_SPREAD = 1e-12  # relative, below which a signal is said not to vary


class RecordedNoise(NamedTuple):
    """What records tell of a stationary signal.

    Attributes
    ----------
    mean, variance : of the signal.
    spectrum : up to the highest frequency asked for; None of a signal that does not vary.
    peak_hz : frequency of the peak of its power.
    """

    mean: Estimate
    variance: Estimate
    spectrum: SignalSpectrum | None
    peak_hz: Estimate


class ExpectedNoise(NamedTuple):
    """What linear theory says of a signal, by the population whose noise it is. P of them.

    Attributes
    ----------
    mean : of the signal.
    variance : (P,)
    frequency_hz : (G,) of a curve.
    density : (P, G) power spectral density of a sampled record.
    peak_hz : frequency of its peak; None where power only falls or rises.
    """

    mean: float
    variance: Floats
    frequency_hz: Floats
    density: Floats
    peak_hz: float | None


def recorded_noise(
    rows: Floats, interval_ms: float, segment_ms: float, highest_hz: float
) -> RecordedNoise:
    """Mean, variance, spectrum and peak of a stationary signal, with 95 % intervals.

    Intervals of the mean and of the logarithm of the variance are Student's over trials, those
    of the spectrum of a Gaussian noise, that of the peak is a jackknife's over trials.

    Parameters
    ----------
    rows : (trials, T)
    interval_ms : between samples
    segment_ms : length of a segment of Welch's method
    highest_hz : frequencies above are left out
    """
    mean = float(rows.mean())
    variance = mean_estimate(np.square(rows - mean).mean(axis=1), lowest=0.0)
    if np.ptp(rows) <= _SPREAD * max(abs(mean), 1.0):
        return RecordedNoise(mean_estimate(rows.mean(axis=1)), Estimate(0.0), None, Estimate(None))
    spectrum = signal_spectrum(rows, interval_ms, segment_ms)
    kept = spectrum.frequency_hz <= highest_hz * (1 + 1e-9)
    shown = SignalSpectrum(
        spectrum.frequency_hz[kept],
        spectrum.density[kept],
        spectrum.low[kept],
        spectrum.high[kept],
        spectrum.degrees,
    )
    each = trial_spectra(rows, interval_ms, segment_ms).density[:, kept]
    peak = peak_frequency_hz(shown.frequency_hz, each)
    return RecordedNoise(mean_estimate(rows.mean(axis=1)), variance, shown, peak)


def expected_noise(
    membrane: Membrane,
    current_pA: float,
    population: str | None,
    interval_ms: float,
    lowest_hz: float,
    highest_hz: float,
) -> ExpectedNoise | None:
    """Linear theory of the voltage, or of a population's conductance, under a steady current.

    Parameters
    ----------
    membrane : any
    current_pA : injected
    population : whose conductance is meant (nS); None for the voltage (mV)
    interval_ms : between samples of a record
    lowest_hz, highest_hz : of the curve

    Returns
    -------
    ExpectedNoise or None
        None where there is no steady voltage, or it is not stable.
    """
    voltage = steady_voltage_mV(membrane, current_pA)
    if voltage is None:
        return None
    linear = linearised(membrane, voltage)
    names = [one.name for one in membrane.populations]
    mean, weights = voltage, voltage_weights(linear)
    if population is not None:
        index = names.index(population)
        law = membrane.stationary_laws(voltage)[index]
        one = membrane.populations[index]
        mean = one.maximal_conductance_nS * one.open_fraction(law)
        weights = linear.conductance_nS[index]
    frequency = np.geomspace(lowest_hz, highest_hz, _CURVE_POINTS)
    try:
        variance = record_variance(linear, weights)
        density = record_spectrum(linear, frequency, interval_ms, weights)
    except ValueError:  # the steady state is not stable
        return None
    return ExpectedNoise(mean, variance, frequency, density, _peak(frequency, density.sum(axis=0)))


def _peak(frequency: Floats, density: Floats) -> float | None:
    """Frequency of the largest of values on a logarithmic grid, from a parabola through three."""
    top = int(np.argmax(density))
    if top in (0, len(density) - 1):
        return None
    left, middle, right = np.log(density[top - 1 : top + 2])
    step = np.log(frequency[top + 1] / frequency[top])
    return float(frequency[top] * np.exp(step * (left - right) / (2 * (left - 2 * middle + right))))
