"""The study `phase_locking`: how firmly spikes keep to a phase of a pulse train or a sine.

Vector strength (Goldberg & Brown 1969, doi:10.1152/jn.1969.32.4.613) with its interval
and Rayleigh's test, spikes a period, and the period histogram.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.applicable.phase_locking import Drive, drive_of
from stochhh.analysis.axes import curves_if_any, value_label
from stochhh.analysis.efficiency_curves import EfficiencyCurve
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.locked_periods import FEWEST, LockedPoint, locked_point
from stochhh.errors import InputError
from stochhh.plot.phase_locking import LockedCurve, phase_locking_figure
from stochhh.studies.signals import finished_trains, n_noisy_channels
from stochhh.studies.study import Findings, Numbers, Row, Study, Survey, named

_MOST_ROWS = 12  # points that are printed, of all curves
_QUANTITIES = {"spikes_per_period": "spikes a period", "vector_strength": "vector strength"}
LOCKED = 1e-3  # Rayleigh's p-value below which spikes are said to keep to a phase


def compute(survey: Survey) -> Findings:
    """Vector strength, spikes a period and period histogram of each point."""
    settings, setups = survey.settings, survey.setups
    axis = curves_if_any(setups, settings.axis)
    drives = [drive_of(settings, setup) for setup in setups]
    points = [_point(survey, k, drive) for k, drive in enumerate(drives)]
    if not any(point.locking.n_spikes for point in points):
        raise InputError("no trial made a spike; raise the stimulus's amplitude")
    curves = [
        LockedCurve(
            _label(curve.place, n_noisy_channels(setups[curve.points[0]])),
            curve.place,
            curve.x,
            tuple(points[k] for k in curve.points),
        )
        for curve in axis.curves
    ]
    numbers = {
        "axis": axis.key or None,
        "unit": axis.unit,
        "curves": [
            {
                "label": curve.label,
                "place": dict(curve.place),
                "n_channels": n_noisy_channels(setups[one.points[0]]),
                "points": [
                    _point_numbers(x, p) for x, p in zip(curve.x, curve.points, strict=True)
                ],
            }
            for curve, one in zip(curves, axis.curves, strict=True)
        ],
    }
    scenario = survey.result.scenario
    first = next(iter(scenario.sweep), None) == settings.axis  # the one that figure.axis is of
    label = (first and scenario.figure.axis) or axis.label
    return Findings(numbers, (curves, label, axis.unit))


def draw(findings: Findings, title: str) -> Figure:
    """Draw spikes a period and vector strength along the axis, and period histograms."""
    curves, label, unit = findings.data
    return phase_locking_figure(curves, label, unit, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    lines: list[Row] = []
    unit = value_label(numbers["unit"])
    most = max(2, -(-_MOST_ROWS // len(numbers["curves"])))
    for index, curve in enumerate(numbers["curves"]):
        points = curve["points"]
        fired = [k for k, point in enumerate(points) if point["spikes"]]
        fired = [k for k in fired if points[k]["spikes"] >= FEWEST] or fired
        places = np.linspace(0, len(fired) - 1, min(len(fired), most)).round()
        if curve["label"] and fired:
            lines.append(Row(curve["label"]))
        for name, what in _QUANTITIES.items():
            for k in (fired[int(place)] for place in np.unique(places)):
                at = "" if points[k]["x"] is None else f" at {points[k]['x']:g} {unit}"
                lines.append(Row(f"{what}{at}", f"curves.{index}.points.{k}.{name}"))
    return lines


def says(numbers: Numbers) -> str:
    """Say how firmly spikes are locked, and what noise adds to the deterministic membrane."""
    points = [point for curve in numbers["curves"] for point in curve["points"]]
    if len(points) == 1:
        return _point_says(points[0])
    told = [point for point in points if point["spikes"] >= FEWEST]
    if not told:
        return f"No point has {FEWEST} spikes, so none tells whether they keep to a phase."
    firm = max(told, key=lambda point: point["vector_strength"])
    loose = min(told, key=lambda point: point["vector_strength"])
    texts = [f"Vector strength is {_strength(firm)} and {_strength(loose)}."]
    free = [point for point in told if point["rayleigh_p"] > LOCKED]
    if free:
        texts.append(
            f"At {len(free)} of {len(points)} points spikes keep to no phase, at up to "
            f"{max(point['rate_hz'] for point in free):.3g} spikes a second."
        )
    woken = [point for point in points if point["spikes_per_period_theory"] == 0.0]
    woken = [point for point in woken if point["spikes"]]
    if woken:
        texts.append(
            f"At {len(woken)} points noise makes spikes where the deterministic membrane is silent."
        )
    return " ".join(texts)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write what was found at every point as CSV, and the period histograms."""
    curves, _, _ = findings.data
    keys = list(curves[0].place)
    names = (
        *keys, "x", "period_ms", "trials", "periods", "spikes", "spikes_per_period",
        "spikes_per_period_low", "spikes_per_period_high", "vector_strength",
        "vector_strength_low", "vector_strength_high", "phase_cycles", "rayleigh_p",
        "deterministic_spikes_per_period", "deterministic_vector_strength",
    )  # fmt: skip
    found: list[list[Any]] = []
    histograms: list[list[Any]] = []
    for curve in curves:
        for x, point in zip(curve.x, curve.points, strict=True):
            about = [*curve.place.values(), "" if np.isnan(x) else x]
            locking = point.locking
            row = [
                *about, point.period_ms, point.n_trials, point.n_periods, locking.n_spikes,
                *_cells(point.spikes_per_period), *_cells(locking.vector_strength),
                locking.phase_cycles, locking.p_value, point.limit_spikes, point.limit_strength,
            ]  # fmt: skip
            found.append(["" if cell is None else cell for cell in row])
            phases = (np.arange(len(point.histogram)) + 0.5) / len(point.histogram)
            histograms += [[*about, phase, count] for phase, count in
                           zip(phases, point.histogram, strict=True)]  # fmt: skip
    several = (*keys, "x", "phase_cycles", "spikes")
    return [
        write_csv(path.with_name(f"{path.name}.csv"), names, found),
        write_csv(path.with_name(f"{path.name}_histograms.csv"), several, histograms),
    ]


def _point(survey: Survey, k: int, drive: Drive) -> LockedPoint:
    result = survey.result
    alone = result.spike_trains(k, True) if result.has_deterministic else None
    window = (drive.start_ms, drive.stop_ms)
    return locked_point(
        finished_trains(result, k), drive.period_ms, window, survey.settings.bins, alone
    )


def _label(place: Any, n_channels: int) -> str:
    nothing = np.zeros(0)
    return EfficiencyCurve(place, n_channels, nothing, ()).label


def _point_numbers(x: float, point: LockedPoint) -> Numbers:
    locking = point.locking
    return {
        "x": None if np.isnan(x) else float(x),
        "period_ms": point.period_ms,
        "trials": point.n_trials,
        "periods": point.n_periods,
        "spikes": locking.n_spikes,
        **named("spikes_per_period", point.spikes_per_period, point.limit_spikes),
        "rate_hz": 1e3 * (point.spikes_per_period.value or 0.0) / point.period_ms,
        **named("vector_strength", locking.vector_strength, point.limit_strength),
        "phase_cycles": locking.phase_cycles,
        "rayleigh_p": locking.p_value,
        "histogram": [int(count) for count in point.histogram],
    }


def _strength(point: Numbers) -> str:
    return f"{point['vector_strength']:.3g} at a period of {point['period_ms']:.3g} ms"


def _point_says(point: Numbers) -> str:
    strength, p = point["vector_strength"], point["rayleigh_p"]
    firmly = "keep to a phase" if p < LOCKED else "keep to no phase that can be told from chance"
    return (
        f"{point['spikes_per_period']:.3g} spikes a period of {point['period_ms']:.3g} ms; they "
        f"{firmly} (vector strength {strength:.3g}, Rayleigh's p {p:.1g})."
    )


def _cells(estimate: Estimate) -> list[float | None]:
    return [estimate.value, *(estimate.interval or (None, None))]


STUDY = Study("Phase locking", compute, draw, rows, write, says)
