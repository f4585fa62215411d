"""The study `spectrum`: power of stationary channel noise over frequency, beside theory.

The noise of independent channels is a sum of Lorentzians (Colquhoun & Hawkes 1977,
Proc R Soc B 199:231). Measured power is compared, octave by octave, with what
theory expects of the same estimate: of a current sampled without a filter, cut into
segments under a Hann window.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.estimates import mean_estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.spectra import (
    TrialSpectra,
    band_ratios,
    expected_spectrum,
    octave_bands,
    sampled_autocovariance,
    trial_spectra,
)
from stochhh.errors import InputError
from stochhh.membrane import Population
from stochhh.plot.spectrum import SpectrumCurves, spectrum_figure
from stochhh.studies.signals import Sweeps, driving_force_mV, population_of, sample_times
from stochhh.studies.study import Findings, Numbers, Occasion, Row, Study, named
from stochhh.theory import lorentzians, power_spectrum

Floats = NDArray[np.float64]

_LEAST_SHARE = 1e-3  # of the variance, below which a component is not listed
CLAMP_CURRENT = "clamp current"


class SignalSpectrum(NamedTuple):
    """A signal's spectra and what theory expects.

    Attributes
    ----------
    name : of its population, or the clamp current's.
    measured : spectrum of each trial.
    expected : (F,) of its estimate, folding and window included.
    variance : of the signal.
    continuous : (F,) of the current itself.
    """

    name: str
    measured: TrialSpectra
    expected: Floats
    continuous: Floats
    variance: float


def compute(occasion: Occasion) -> Findings:
    """Spectrum of each signal asked for, its components and its ratio to theory."""
    settings = occasion.settings
    start, end = float(settings.start_ms), float(settings.end_ms)
    lowest, highest = 1e3 * settings.lowest_per_ms, 1e3 * settings.highest_per_ms
    signals: Numbers = {}
    spectra = []
    for name in settings.populations or (CLAMP_CURRENT,):
        found = signal_spectrum(occasion, name)
        signals[name] = _numbers(occasion, found, octave_bands(lowest, highest))
        spectra.append(found)
    numbers = {
        "quantity": settings.quantity,
        "start_ms": start,
        "end_ms": end,
        "voltage_mV": occasion.setup.held_mV(start, end),
        "lowest_hz": float(lowest),
        "highest_hz": float(highest),
        "segment_ms": float(settings.segment_ms),
        "signals": signals,
    }
    return Findings(numbers, spectra)


def signal_spectrum(occasion: Occasion, name: str) -> SignalSpectrum:
    """Measured and expected spectrum of one population's signal, or of the clamp current."""
    settings, setup = occasion.settings, occasion.setup
    _, kept = sample_times(occasion, float(settings.start_ms), float(settings.end_ms))
    one = None if name == CLAMP_CURRENT else population_of(occasion, name)
    signal = Sweeps(occasion, one, settings.quantity, kept)
    if not any(np.ptp(row) for row in signal):
        raise InputError(f"'{name}' did not change in any trial; it has no spectrum")
    interval, segment = setup.interval_ms, float(settings.segment_ms)
    measured = trial_spectra(signal, interval, segment)
    n_lags = round(segment / interval)
    covariance = np.zeros(n_lags)
    continuous = np.zeros(len(measured.frequency_hz))
    for population, unitary in _sources(occasion, one):
        law = _law_arguments(occasion, population)
        covariance += sampled_autocovariance(*law, interval, n_lags, unitary)
        continuous += power_spectrum(*law, measured.frequency_hz, unitary)
    expected = expected_spectrum(covariance, interval)
    return SignalSpectrum(name, measured, expected, continuous, float(covariance[0]))


def draw(findings: Findings, title: str) -> Figure:
    """Draw each spectrum over its theory, and the ratio of both."""
    quantity, signals = findings.numbers["quantity"], findings.numbers["signals"]
    curves = [_curves(found, signals[found.name], quantity) for found in findings.data]
    return spectrum_figure(curves, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table: variance, corners and ratios of each signal."""
    lines = []
    what = "current (pA²)" if numbers["quantity"] == "current" else "open count"
    for name, signal in numbers["signals"].items():
        path = f"signals.{name}"
        lines += [Row(name), Row(f"variance of the {what}", f"{path}.variance")]
        for k, one in enumerate(signal["components"]):
            label = f"… {100 * one['share_theory']:.3g} % of it with a corner at (Hz)"
            lines.append(Row(label, f"{path}.components.{k}.corner_hz"))
        for k, band in enumerate(signal["bands"]):
            label = f"power over theory, {_hz(band['low_hz'])} to {_hz(band['high_hz'])} Hz"
            lines.append(Row(label, f"{path}.bands.{k}.ratio"))
    return lines


def write(findings: Findings, path: Path) -> list[Path]:
    """Write each spectrum as CSV, with that of theory, of the signal and of its estimate."""
    unit = "pA2_per_hz" if findings.numbers["quantity"] == "current" else "per_hz"
    names = [f"{what}_{unit}" for what in ("measured", "theory", "theory_sampled")]
    rows = (
        (found.name, *row)
        for found in findings.data
        for row in zip(
            found.measured.frequency_hz,
            found.measured.density.mean(axis=0),
            found.continuous,
            found.expected,
            strict=True,
        )
    )
    table = path.with_name(f"{path.name}.csv")
    return [write_csv(table, ["signal", "frequency_hz", *names], rows)]


def _sources(occasion: Occasion, one: Population | None) -> list[tuple[Population, float]]:
    """Populations that make a signal, with the size of one open channel in it."""
    if occasion.settings.quantity == "open":
        assert one is not None
        return [(one, 1.0)]
    members = [one] if one is not None else list(occasion.setup.membrane.populations)
    sizes = [(p, p.conductance_nS * driving_force_mV(occasion, p)) for p in members if p.noise]
    return [(p, size) for p, size in sizes if size != 0.0]


def _law_arguments(occasion: Occasion, population: Population) -> tuple[Floats, Floats, int]:
    """Generator, share of each state in the signal, and number of channels."""
    scheme = population.scheme
    voltage = driving_force_mV(occasion, population) + population.reversal_mV
    share = np.array(scheme.relative_conductance)
    if occasion.settings.quantity == "open":
        share = (share > 0.0).astype(np.float64)
    return scheme.generator(voltage), share, population.count


def _numbers(
    occasion: Occasion, found: SignalSpectrum, bands: list[tuple[float, float]]
) -> Numbers:
    one = None if found.name == CLAMP_CURRENT else population_of(occasion, found.name)
    components = []
    total = 0.0
    for population, unitary in _sources(occasion, one):
        law = _law_arguments(occasion, population)
        try:
            parts = lorentzians(*law, unitary)
        except ValueError:  # relaxations that fall together
            continue
        for size, corner in zip(parts.variance_pA2, parts.corner_hz, strict=True):
            components.append((population.name, float(np.real(size)), float(corner)))
            total += float(np.real(size))
    components = [entry for entry in components if abs(entry[1]) >= _LEAST_SHARE * total]
    ratios = band_ratios(found.measured, found.expected, bands)
    return {
        **named("variance", mean_estimate(found.measured.variance, lowest=0.0), found.variance),
        "components": [
            {
                "population": owner,
                "corner_hz_theory": corner,
                "share_theory": size / total,
            }
            for owner, size, corner in sorted(components, key=lambda entry: -entry[1])
        ],
        "bands": [
            {"low_hz": band.low_hz, "high_hz": band.high_hz, **named("ratio", band.ratio, 1.0)}
            for band in ratios
        ],
    }


def _curves(found: SignalSpectrum, numbers: Numbers, quantity: str) -> SpectrumCurves:
    return SpectrumCurves(
        found.name,
        "power of the current" if quantity == "current" else "power of the open count",
        "pA²/Hz" if quantity == "current" else "1/Hz",
        found.measured.frequency_hz,
        found.measured.density.mean(axis=0),
        found.continuous,
        found.expected,
        [component["corner_hz_theory"] for component in numbers["components"]],
        [
            (band["low_hz"], band["high_hz"], band["ratio"], band["ratio_ci"])
            for band in numbers["bands"]
        ],
    )


def _hz(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


STUDY = Study("Power spectrum", compute, draw, rows, write)
