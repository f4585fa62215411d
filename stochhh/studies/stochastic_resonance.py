"""The study `stochastic_resonance`: how far a weak sine stands out of the noise of a membrane.

Channel noise of some strength carries it best, so the signal-to-noise ratio has a
maximum at some area of a patch (Schmid, Goychuk & Hänggi 2001,
doi:10.1209/epl/i2001-00482-6).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.applicable.stochastic_resonance import drive_hz
from stochhh.analysis.axes import Curve, curves_along, value_label
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.resonance import SignalToNoise, signal_to_noise, train_signal_to_noise
from stochhh.analysis.signal_peak import RatioCurve, RatioPoint, left_out_ratios, ratio_parts
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.errors import InputError
from stochhh.plot.stochastic_resonance import resonance_figure
from stochhh.studies.signals import (
    begun_curves,
    finished_trains,
    finished_trials,
    n_noisy_channels,
)
from stochhh.studies.study import Findings, Numbers, Row, Study, Survey, named

_CHANCE = 0.05  # of the largest ratio at an end, below which there is a maximum
UNITS = {"spikes": ("Hz²", "Hz²/Hz"), "voltage": ("mV²", "mV²/Hz")}


class RatioCurves(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    curves : one for each place on the other axes.
    label : of the axis, with its unit.
    quantity : whose power it is, ``spikes`` or ``voltage``.
    """

    curves: tuple[RatioCurve, ...]
    label: str
    quantity: str


def compute(survey: Survey) -> Findings:
    """Signal-to-noise ratio along each curve, and where it is largest."""
    settings = survey.settings
    axis = curves_along(survey.setups, settings.axis)
    begun = begun_curves(survey.result, axis.curves)
    curves = tuple(_measured(survey, curve) for curve in begun)
    alone = [_spikes_alone(survey, curve) for curve in begun]
    if not any(point.found for curve in curves for point in curve.points):
        raise InputError("no spikes in any trial, so there is no response; run longer")
    numbers: Numbers = {
        "axis": axis.key,
        "unit": axis.unit,
        "quantity": settings.quantity,
        "start_ms": float(settings.start_ms),
        "end_ms": float(settings.end_ms),
        "curves": [_curve_numbers(*pair) for pair in zip(curves, alone, strict=True)],
    }
    label = survey.setups[0].scenario.figure.axis or axis.label
    return Findings(numbers, RatioCurves(curves, label, settings.quantity))


def draw(findings: Findings, title: str) -> Figure:
    """Draw the ratio, and the signal and the noise that it is made of."""
    data: RatioCurves = findings.data
    return resonance_figure(data.curves, data.label, UNITS[data.quantity], title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table: the ratio at each value, and its maximum."""
    unit = value_label(numbers["unit"])
    lines = []
    for index, curve in enumerate(numbers["curves"]):
        place = f"curves.{index}."
        lines.append(Row(_heading(curve)))
        lines += [
            Row(
                f"signal / noise at {point['x']:g} {unit}".rstrip() + " (Hz)",
                f"{place}points.{k}.ratio_hz",
            )
            for k, point in enumerate(curve["points"])
        ]
        if "peak" in curve:
            lines.append(Row("largest"))
            lines.append(Row(f"at ({unit})" if unit else "at", f"{place}peak.at"))
            lines.append(Row("signal / noise there (Hz)", f"{place}peak.ratio_hz"))
    return lines


def says(numbers: Numbers) -> str:
    """Say where the ratio is largest."""
    unit = value_label(numbers["unit"])
    return " ".join(_peak_says(curve, unit) for curve in numbers["curves"] if "peak" in curve)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write every point of every curve as CSV, a row each."""
    data: RatioCurves = findings.data
    squared = "hz2" if data.quantity == "spikes" else "mV2"
    names = (
        *data.curves[0].place, "frequency_hz", "x", "channels", "rate_hz", "signal_to_noise_hz",
        "signal_to_noise_low_hz", "signal_to_noise_high_hz", f"signal_{squared}",
        f"noise_{squared}_per_hz", "p_value",
    )  # fmt: skip
    lines: list[list[Any]] = []
    for curve in data.curves:
        for x, point in zip(curve.x, curve.points, strict=True):
            line = [*curve.place.values(), curve.frequency_hz, x, point.n_channels]
            line.append(point.rate_hz.value)
            if point.found is not None:
                ratio = point.found.ratio_hz
                line += [ratio.value, *(ratio.interval or ("", ""))]
                line += [point.found.signal, point.found.noise_per_hz, point.found.p_value]
            lines.append(line + [""] * (len(names) - len(line)))
    return [write_csv(path.with_name(f"{path.name}.csv"), names, lines)]


def _measured(survey: Survey, curve: Curve) -> RatioCurve:
    frequency = drive_hz(survey.settings, survey.setups[curve.points[0]])
    made = tuple(_point(survey, point, frequency) for point in curve.points)
    return RatioCurve(curve.place, curve.x, frequency, made)


def _spikes_alone(survey: Survey, curve: Curve) -> int | None:
    """Most spikes of the deterministic membrane at any point; None if it was not run."""
    if not survey.result.has_deterministic:
        return None
    start, end = float(survey.settings.start_ms), float(survey.settings.end_ms)
    trains = [survey.result.spike_trains(k, deterministic=True)[0] for k in curve.points]
    return max(int(np.sum((train >= start) & (train < end))) for train in trains)


def _point(survey: Survey, point: int, frequency: float) -> RatioPoint:
    settings = survey.settings
    start, end = float(settings.start_ms), float(settings.end_ms)
    trains = finished_trains(survey.result, point, start, end)
    trials: Any = trains
    measure: Callable[[Any], SignalToNoise] = _of_trains(frequency, start, end, settings.neighbours)
    if settings.quantity == "voltage":
        trials = _voltages(survey, point, start, end)
        measure = _of_voltages(frequency, survey.setups[point].interval_ms, settings.neighbours)
    found, signal, noise = None, Estimate(None), Estimate(None)
    with suppress(InputError):  # silent
        found = measure(trials)
        signal, noise = ratio_parts(found, len(trials), settings.neighbours)
    return RatioPoint(
        n_channels=n_noisy_channels(survey.setups[point]),
        rate_hz=firing_rate_hz(trains, end - start),
        found=found,
        signal=signal,
        noise_per_hz=noise,
        left_out_hz=left_out_ratios(trials, measure),
    )


def _of_trains(
    frequency: float, start: float, end: float, neighbours: int
) -> Callable[[Any], SignalToNoise]:
    return lambda trains: train_signal_to_noise(trains, frequency, start, end, neighbours)


def _of_voltages(
    frequency: float, interval: float, neighbours: int
) -> Callable[[Any], SignalToNoise]:
    return lambda rows: signal_to_noise(rows, interval, frequency, neighbours)


def _voltages(survey: Survey, point: int, start: float, end: float) -> list[Any]:
    """Voltage (mV) of each finished trial in the stretch, (T,) each."""
    data = survey.result.point(point)
    time = np.asarray(data["time"].values, dtype=np.float64)
    first, last = np.searchsorted(time, [start * (1 - 1e-12), end * (1 - 1e-12)])
    rows = data["voltage"].isel(time=slice(int(first), int(last)))
    return [
        np.asarray(rows.isel(trial=int(k)).values, dtype=np.float64)
        for k in finished_trials(survey.result, point)
    ]


def _curve_numbers(curve: RatioCurve, alone: int | None) -> Numbers:
    numbers: Numbers = {
        "label": curve.label,
        "place": dict(curve.place),
        "frequency_hz": curve.frequency_hz,
        "points": [
            _point_numbers(float(x), point) for x, point in zip(curve.x, curve.points, strict=True)
        ],
    }
    if alone is not None:
        numbers["deterministic_spikes"] = alone
    peak = curve.peak
    if peak is not None:
        numbers["peak"] = {
            **named("at", peak.at),
            **named("ratio_hz", peak.ratio_hz),
            "chance_at_end": peak.chance_at_end,
        }
    return numbers


def _point_numbers(x: float, point: RatioPoint) -> Numbers:
    found = point.found
    numbers: Numbers = {"x": x, "n_channels": point.n_channels, **named("rate_hz", point.rate_hz)}
    if found is None:
        return numbers | {"ratio_hz": None, "ratio_hz_ci": None, "ratio_hz_theory": None}
    return numbers | {
        **named("ratio_hz", found.ratio_hz),
        **named("signal", point.signal),
        **named("noise_per_hz", point.noise_per_hz),
        "p_value": found.p_value,
    }


def _heading(curve: Numbers) -> str:
    drive = f"sine of {curve['frequency_hz']:.4g} Hz"
    return f"{curve['label']}, {drive}" if curve["label"] else drive


def _peak_says(curve: Numbers, unit: str) -> str:
    peak, points = curve["peak"], curve["points"]
    low, high = peak["at_ci"] or (peak["at"], peak["at"])
    at = f"{peak['at']:g} {unit}".rstrip()
    text = f"The {_heading(curve)} stands out most at {at}"
    text += "" if low == high else f" ({low:g} to {high:g})"
    ends = [points[0], points[-1]]
    others = " and ".join(f"{end['ratio_hz'] or 0.0:.3g} at {end['x']:g}" for end in ends)
    text += f": signal over noise is {peak['ratio_hz']:.3g} Hz there, {others}"
    if peak["chance_at_end"] is None:
        text += ". More trials would tell how sure that is."
    elif peak["at"] in (ends[0]["x"], ends[1]["x"]) or peak["chance_at_end"] >= _CHANCE:
        text += ". The largest may as well be at an end."
    else:
        chance = peak["chance_at_end"]
        sure = f"= {chance:.2g}" if chance else "< 0.001"
        text += f". It is a maximum in between (p {sure} for one at an end)."
    if curve.get("deterministic_spikes") == 0:
        text += " Without noise there is no spike."
    return text


STUDY = Study("Stochastic resonance", compute, draw, rows, write, says)
