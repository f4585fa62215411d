"""The study `voltage_spectrum`: how much a resting voltage fluctuates, how fast, and whose it is.

Steinmetz, Manwani, Koch, London & Segev 2000, doi:10.1023/A:1008967807741.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.axes import Axis, curves_if_any
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.membrane_noise import RecordedNoise, expected_noise, recorded_noise
from stochhh.analysis.steady_state import steady_current_pA
from stochhh.errors import InputError
from stochhh.plot.voltage_spectrum import NoiseCurve, NoisePoint, voltage_spectrum_figure
from stochhh.studies.signals import begun_points, finished_trains, finished_trials, sample_times
from stochhh.studies.study import Findings, Numbers, Occasion, Study, Survey, named
from stochhh.studies.voltage_noise_words import rows, says

Floats = NDArray[np.float64]

_GUARD_MS = 30.0  # a spike so soon before the stretch still bends the voltage in it


class Noise(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    axis : that curves run along; its key is empty where nothing of the kind is swept.
    label : of the axis; empty without one.
    curves : with their points.
    populations : names of all, in the order of the parts.
    ions : of the populations.
    quantity, unit : of the signal.
    """

    axis: Axis
    label: str
    curves: tuple[NoiseCurve, ...]
    populations: tuple[str, ...]
    ions: tuple[str, ...]
    quantity: str
    unit: str


def compute(survey: Survey) -> Findings:
    """Mean, SD, variance, spectrum and peak at every point, beside linear theory."""
    settings = survey.settings
    axis = curves_if_any(survey.setups, settings.axis)
    curves = [
        NoiseCurve(
            curve.place,
            curve.label,
            tuple(
                _point(survey, point, float(x))
                for point, x in zip(*begun_points(survey.result, curve), strict=True)
            ),
        )
        for curve in axis.curves
    ]
    curves = [curve for curve in curves if curve.points]
    if not any(point.found for curve in curves for point in curve.points):
        raise InputError("every trial has spikes; make the membrane larger, or the current smaller")
    populations = survey.setups[0].membrane.populations
    conductance = settings.quantity == "conductance"
    quantity = f"conductance of {settings.population}" if conductance else "voltage"
    unit = "nS" if conductance else "mV"
    noise = Noise(
        axis,
        survey.setups[0].scenario.figure.axis or axis.label if axis.key else "",
        tuple(curves),
        tuple(p.name for p in populations),
        tuple(p.scheme.ion for p in populations),
        quantity,
        unit,
    )
    numbers: Numbers = {
        "quantity": quantity,
        "unit": unit,
        "axis": axis.key,
        "axis_unit": axis.unit,
        "start_ms": float(settings.start_ms),
        "end_ms": float(settings.end_ms),
        "segment_ms": float(settings.segment_ms),
        "trials": max(point.trials for curve in curves for point in curve.points),
        "curves": [_curve_numbers(curve, noise) for curve in curves],
    }
    return Findings(numbers, noise)


def draw(findings: Findings, title: str) -> Figure:
    """Draw spectra over theory, and SD along the axis or variance by curve."""
    data: Noise = findings.data
    return voltage_spectrum_figure(
        data.curves,
        data.label,
        list(zip(data.populations, data.ions, strict=True)),
        (data.quantity, data.unit),
        title,
    )


def write(findings: Findings, path: Path) -> list[Path]:
    """Write the points and the spectra as two CSV files."""
    data: Noise = findings.data
    keys, unit = list(data.curves[0].place), data.unit
    spot = [data.axis.key] if data.axis.key else []
    ends = ("", "_low", "_high", "_theory")
    names = [*keys, *spot, "trials", "trials_with_spikes"]
    names += [f"{what}{end}" for what in ("mean", "variance", "peak_hz") for end in ends]
    names += [f"variance_of_{name}_theory" for name in data.populations]
    power = ["frequency_hz", *(f"density_{unit}2_per_hz{end}" for end in ends[:3])]
    power += ["density_theory", *(f"density_of_{name}_theory" for name in data.populations)]
    lines: list[list[Any]] = []
    spectra: list[list[Any]] = []
    for curve in data.curves:
        for point in curve.points:
            start = [*curve.place.values(), *([point.x] if spot else [])]
            lines.append([*start, point.trials, point.trials - point.quiet, *_cells(point)])
            spectra += [[*start, *row] for row in _spectrum_cells(point, len(data.populations))]
    return [
        write_csv(path.with_name(f"{path.name}.csv"), names, lines),
        write_csv(path.with_name(f"{path.name}_density.csv"), [*keys, *spot, *power], spectra),
    ]


def _point(survey: Survey, point: int, x: float) -> NoisePoint:
    settings, setup = survey.settings, survey.setups[point]
    start, end = float(settings.start_ms), float(settings.end_ms)
    trains = finished_trains(survey.result, point, start - _GUARD_MS, end)
    quiet = finished_trials(survey.result, point)[[len(train) == 0 for train in trains]]
    interval, segment = setup.interval_ms, float(settings.segment_ms)
    highest = 1e3 * float(settings.highest_per_ms)
    found: RecordedNoise | None = None
    if len(quiet):
        occasion = Occasion(survey.result, point, setup, settings)
        _, kept = sample_times(occasion, start, end)
        found = recorded_noise(_signal(occasion, quiet, kept), interval, segment, highest)
    theory = expected_noise(
        setup.membrane,
        steady_current_pA(setup, start),
        settings.population,
        interval,
        1e3 / segment,
        highest,
    )
    return NoisePoint(x, len(trains), len(quiet), setup.membrane.n_channels, found, theory)


def _signal(occasion: Occasion, trials: NDArray[np.int64], kept: slice) -> Floats:
    """Voltage (mV), or conductance of the population (nS), of some trials, (trials, T)."""
    data = occasion.result.point(occasion.point).isel(trial=trials, time=kept)
    name = occasion.settings.population
    if name is None:
        return np.asarray(data["voltage"].values, dtype=np.float64)
    populations = [str(one) for one in data["population"].values]
    index = populations.index(name)
    one = occasion.setup.membrane.populations[index]
    if "current" not in data:
        return np.asarray(one.conductance_nS * data["open"].isel(population=index).values)
    driving = data["voltage"].values - one.reversal_mV
    return np.asarray(data["current"].isel(population=index).values / driving)


def _curve_numbers(curve: NoiseCurve, noise: Noise) -> Numbers:
    points = [_point_numbers(point, noise) for point in curve.points]
    return {"label": curve.label, "place": dict(curve.place), "points": points}


def _point_numbers(point: NoisePoint, noise: Noise) -> Numbers:
    found = point.found or RecordedNoise(Estimate(None), Estimate(None), None, Estimate(None))
    theory = point.theory
    total = None if theory is None else float(theory.variance.sum())
    parts = []
    if theory is not None:
        for name, part in zip(noise.populations, theory.variance, strict=True):
            share = float(part) / total if total else None
            parts.append(
                {"population": name, "variance_theory": float(part), "share_theory": share}
            )
    return {
        "x": point.x,
        "n_channels": point.n_channels,
        "trials": point.trials,
        "trials_with_spikes": point.trials - point.quiet,
        **named("mean", found.mean, None if theory is None else theory.mean),
        **named("sd", point.sd, point.expected_sd),
        **named("variance", found.variance, total),
        **named("peak_hz", found.peak_hz, None if theory is None else theory.peak_hz),
        "parts": parts,
    }


def _cells(point: NoisePoint) -> list[Any]:
    found, theory = point.found, point.theory
    expected: Sequence[Any] = ("", "", "")
    if theory is not None:
        expected = (theory.mean, theory.variance.sum(), theory.peak_hz)
    estimates = (
        (Estimate(None),) * 3 if found is None else (found.mean, found.variance, found.peak_hz)
    )
    cells: list[Any] = []
    for estimate, wanted in zip(estimates, expected, strict=True):
        low, high = estimate.interval or ("", "")
        cells += [estimate.value, low, high, wanted]
    cells = ["" if cell is None else cell for cell in cells]
    return cells if theory is None else [*cells, *theory.variance]


def _spectrum_cells(point: NoisePoint, n_populations: int) -> list[list[Any]]:
    """Rows of a spectrum; theory interpolated between its own frequencies, in logarithms."""
    if point.found is None or point.found.spectrum is None:
        return []
    spectrum = point.found.spectrum
    rows = np.column_stack(spectrum[:4]).tolist()
    if point.theory is None:
        return [[*row, *[""] * (1 + n_populations)] for row in rows]
    at = np.log(spectrum.frequency_hz)
    parts = [np.interp(at, np.log(point.theory.frequency_hz), one) for one in point.theory.density]
    columns = [np.sum(parts, axis=0), *parts]
    return [[*row, *(float(c[k]) for c in columns)] for k, row in enumerate(rows)]


STUDY = Study("Voltage noise", compute, draw, rows, write, says)
