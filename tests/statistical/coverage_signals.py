"""Spectra, coherence, signal over noise, noise of channels, and optima among values."""

from __future__ import annotations

import numpy as np
from covered import Drawn, Experiment, Rng, entry
from scipy.signal import lfilter

from stochhh.analysis.coherence_information import coherence_information_rate
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.jackknife import pooled_sd
from stochhh.analysis.membrane_noise import recorded_noise
from stochhh.analysis.noise import count_channels
from stochhh.analysis.resonance import coherence_resonance, signal_to_noise
from stochhh.analysis.signal_peak import largest_ratio, left_out_ratios, ratio_parts
from stochhh.analysis.spectra import band_ratios, trial_spectra
from stochhh.analysis.tuning_curves import straightness
from stochhh.analysis.voltage_spectra import coherence, signal_spectrum

WRITTEN = {
    "mean of a noise": ("voltage_spectrum.mean",),
    "variance of a noise": ("voltage_spectrum.variance", "spectrum.variance"),
    "SD of a noise": ("voltage_spectrum.sd",),
    "frequency of a resonance": ("voltage_spectrum.peak_hz",),
    "power in a band": ("spectrum.ratio",),
    "density at a frequency": ("SignalSpectrum.low",),
    "coherence at a frequency": ("Coherence.low",),
    "bound on information": (
        "coherence.bits_per_s", "coherence.bits_per_spike", "information.bound_bits_per_s",
    ),
    "signal over noise": ("stochastic_resonance.ratio_hz",),
    "signal": ("stochastic_resonance.signal",),
    "noise": ("stochastic_resonance.noise_per_hz",),
    "place of the largest ratio": ("stochastic_resonance.at",),
    "place of the least CV": ("patch_size.area_um2",),
    "least CV": ("patch_size.least_cv",),
    "current of a channel": ("noise.unitary_current_pA",),
    "number of channels": ("noise.n_channels",),
    "largest open probability": ("noise.open_probability", "dwell_times.open_probability"),
    "background variance": ("noise.offset_pA2",),
    "straightness": ("tuning.straightness",),
    "SD of records": ("summary.sd_mV",),
}  # fmt: skip


def _noise(rng: Rng, trials: int) -> Drawn:
    """An autoregression of second order with a peak at 50 Hz, 2000 samples every 1 ms."""
    radius, turn = 0.93, 2.0 * np.pi * 50.0 / 1e3
    a1, a2 = 2.0 * radius * np.cos(turn), -(radius**2)
    white = rng.standard_normal((trials, 2500))
    rows = lfilter([1.0], [1.0, -a1, -a2], white)[:, 500:]
    variance = (1.0 - a2) / ((1.0 + a2) * ((1.0 - a2) ** 2 - a1**2))
    found = recorded_noise(rows + 3.0, 1.0, 250.0, 400.0)
    low, high = found.variance.interval or (np.nan, np.nan)
    sd = entry(np.sqrt(found.variance.value or 0.0), np.sqrt(low), np.sqrt(high))
    peak = np.arccos(np.cos(turn) * (1.0 + radius**2) / (2.0 * radius)) / 2.0 / np.pi * 1e3
    spectrum = signal_spectrum(rows, 1.0, 250.0)
    k = 25
    response = 1.0 / np.abs(1.0 - a1 * _turn(100.0) - a2 * _turn(100.0) ** 2) ** 2
    assert spectrum.frequency_hz[k - 1] == 100.0
    each = trial_spectra(rng.standard_normal((trials, 2000)), 1.0, 250.0)
    band = band_ratios(each, np.full(len(each.frequency_hz), 2e-3), [(50.0, 100.0)])[0]
    return [
        ("mean of a noise", 3.0, found.mean),
        ("variance of a noise", float(variance), found.variance),
        ("SD of a noise", float(variance) ** 0.5, sd),
        ("frequency of a resonance", float(peak), found.peak_hz),
        (
            "density at a frequency",
            2e-3 * response,
            entry(spectrum.density[k - 1], spectrum.low[k - 1], spectrum.high[k - 1]),
        ),
        ("power in a band", 1.0, band.ratio),
    ]


def _turn(frequency_hz: float) -> complex:
    return complex(np.exp(-2j * np.pi * frequency_hz / 1e3))


def _coherent(rng: Rng, trials: int) -> Drawn:
    """A filtered signal in white noise, whose bound is 300 bits/s."""
    driving = lfilter([1.0], [1.0, -0.8], rng.standard_normal((trials, 4200)))[:, 200:]
    response = lfilter([1.0], [1.0, -0.6], driving) + rng.normal(0.0, 3.0, driving.shape)
    fine = np.linspace(0.0, 500.0, 20_001)
    turn = np.exp(-2j * np.pi * fine / 1e3)
    power = 1.0 / np.abs((1.0 - 0.8 * turn) * (1.0 - 0.6 * turn)) ** 2 / 9.0
    found = coherence(driving, response, 1.0, 250.0)
    at = 24
    truth = np.interp(found.frequency_hz[at], fine, power / (1.0 + power))
    return [
        (
            "bound on information",
            float(np.trapezoid(np.log2(1.0 + power), fine)),
            coherence_information_rate(found),
        ),
        (
            "coherence at a frequency",
            float(truth),
            entry(found.corrected[at], found.low[at], found.high[at]),
        ),
    ]


def _sine(rng: Rng, trials: int, amplitude: float) -> Drawn:
    """A sine of 50 Hz in white noise of 1 /Hz, 1 s every 1 ms."""
    time = np.arange(1000) * 1e-3
    rows = amplitude * np.sin(2.0 * np.pi * 50.0 * time)
    rows = rows + rng.normal(0.0, np.sqrt(0.5e3), (trials, 1000))
    found = signal_to_noise(rows, 1.0, 50.0)
    signal, noise = ratio_parts(found, trials, 10)
    power = amplitude**2 / 2.0
    return [
        ("signal over noise", power, found.ratio_hz),
        ("signal", power, signal),
        ("noise", 1.0, noise),
    ]


def _largest(rng: Rng, trials: int) -> Drawn:
    """Sines of five amplitudes, the largest at 3."""
    time = np.arange(500) * 1e-3
    ratios, left_out = [], []
    for amplitude in (2.0, 3.0, 3.6, 3.0, 2.0):
        rows = amplitude * np.sin(2.0 * np.pi * 50.0 * time)
        rows = rows + rng.normal(0.0, np.sqrt(0.5e3), (trials, 500))
        ratios.append(signal_to_noise(rows, 1.0, 50.0).ratio_hz)
        left_out.append(left_out_ratios(list(rows), lambda kept: signal_to_noise(kept, 1.0, 50.0)))
    peak = largest_ratio([1.0, 2.0, 3.0, 4.0, 5.0], ratios, left_out)
    return [("place of the largest ratio", 3.0, peak.at)]


def _least(rng: Rng, error: float) -> Drawn:
    """CVs of five areas known with an error, the least 0.4 of the third."""
    true = np.array([0.6, 0.45, 0.4, 0.45, 0.6])
    value = true + rng.normal(0.0, error, 5)
    known = [Estimate(v, (v - 1.96 * error, v + 1.96 * error)) for v in value]
    found = coherence_resonance([1.0, 2.0, 3.0, 4.0, 5.0], known)
    return [("place of the least CV", 3.0, found.area_um2), ("least CV", 0.4, found.least_cv)]


def _channels(rng: Rng, trials: int) -> Drawn:
    """60 channels of 0.5 pA that open to 0.6 and shut, every channel anew at each time."""
    chance = 0.6 * np.exp(-np.linspace(0.0, 4.0, 80))
    sweeps = 0.5 * rng.binomial(60, chance, (trials, 80))
    found = count_channels(sweeps)
    noisy = count_channels(sweeps + rng.normal(0.0, 1.0, sweeps.shape), offset=True)
    return [
        ("current of a channel", 0.5, found.unitary_current_pA),
        ("number of channels", 60.0, found.n_channels),
        ("largest open probability", 0.6, found.open_probability),
        ("background variance", 1.0, noisy.offset_pA2),
    ]


def _straight(rng: Rng, trials: int) -> Drawn:
    """Rates of five currents that rise as a root, of Poisson counts in a second."""
    current = np.arange(5.0)
    rate = 40.0 * np.sqrt(current)
    away, centred = current - 2.0, rate - rate.mean()
    truth = float((away @ centred) ** 2 / (away @ away) / (centred @ centred))
    counts = rng.poisson(rate[:, None], (5, trials))
    return [("straightness", truth, straightness(current, list(counts)))]


def _records(rng: Rng, trials: int) -> Drawn:
    """Records of a voltage of SD 1 that forgets within a twentieth of a trial."""
    kept = float(np.exp(-1.0 / 20.0))
    noise = np.sqrt(1.0 - kept**2) * rng.normal(size=(trials, 400))
    noise[:, 0] = rng.normal(size=trials)
    records = lfilter([1.0], [1.0, -kept], noise)
    return [("SD of records", 1.0, pooled_sd(records.mean(axis=1), records.std(axis=1)))]


EXPERIMENTS = [
    *(Experiment(f"{n} trials of 2 s", lambda g, n=n: _noise(g, n), slow=True) for n in (2, 6, 30)),
    *(Experiment(f"{n} trials of 4 s", lambda g, n=n: _coherent(g, n), slow=True) for n in (2, 10)),
    *(
        Experiment(f"{n} trials, {a:g} amplitude", lambda g, n=n, a=a: _sine(g, n, a), slow=True)
        for n, a in ((2, 2.0), (20, 2.0), (20, 0.5))
    ),
    *(Experiment(f"{n} trials", lambda g, n=n: _largest(g, n), slow=True) for n in (6, 30)),
    *(Experiment(f"errors of {e:g}", lambda g, e=e: _least(g, e)) for e in (0.05, 0.01)),
    *(Experiment(f"{n} sweeps", lambda g, n=n: _channels(g, n), slow=True) for n in (6, 40)),
    *(Experiment(f"{n} trials", lambda g, n=n: _straight(g, n), slow=True) for n in (3, 20)),
    *(
        Experiment(f"{n} trials of 20 correlation times", lambda g, n=n: _records(g, n))
        for n in (5, 20)
    ),
]
