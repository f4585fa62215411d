"""The study `reliability`: whether trials of one stimulus repeat their spikes, how precisely.

Mainen & Sejnowski 1995, doi:10.1126/science.7770778; Schneidman, Freedman & Segev 1998,
doi:10.1162/089976698300017089.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.axes import Curve, curves_if_any, value_label
from stochhh.analysis.files import write_csv
from stochhh.analysis.reliability import reliability
from stochhh.analysis.reliability_curves import ReliabilityCurve, ReliabilityPoint, by_chance
from stochhh.analysis.spike_jitter import spike_jitter
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.analysis.trains import cut_trains
from stochhh.errors import InputError
from stochhh.plot.reliability import ReliabilityDrawn, reliability_figure
from stochhh.studies.signals import begun_points, finished_trains, n_noisy_channels
from stochhh.studies.study import Findings, Numbers, Row, Study, Survey, named

Floats = NDArray[np.float64]

CHANNELS = "number of channels"
_JITTERED = "jitter of spike k"

#: What is measured of a point: its name, how a table says it, and that of perfect repetition.
MEASURES: dict[str, tuple[str, float]] = {
    "reliability": ("reliability: share of spikes in events", 1.0),
    "precision_ms": ("precision: scatter about events (ms)", 0.0),
    "participation": ("share of trials in an event", 1.0),
    "schreiber": ("correlation of trials (Schreiber)", 1.0),
    "spike_synchronization": ("SPIKE synchronization", 1.0),
    "spike_distance": ("SPIKE distance", 0.0),
    "isi_distance": ("ISI distance", 0.0),
    "victor_purpura_per_spike": ("Victor-Purpura distance, a spike", 0.0),
    "van_rossum_per_spike": ("van Rossum distance², a spike", 0.0),
}


def compute(survey: Survey) -> Findings:
    """Reliability, precision and distances at each point, and the jitter of the k-th spike."""
    settings = survey.settings
    axis = curves_if_any(survey.setups, settings.axis)
    on_channels = axis.key.endswith(".count_factor")
    curves = [_measured(survey, curve, on_channels) for curve in axis.curves]
    curves = [curve for curve in curves if curve.points]
    start, end = float(settings.start_ms), float(settings.end_ms)
    if not any(point.found.n_spikes for curve in curves for point in curve.points):
        raise InputError(f"no spike from {start:g} to {end:g} ms in any trial")
    label = CHANNELS if on_channels else survey.setups[0].scenario.figure.axis or axis.label
    numbers: Numbers = {
        "axis": axis.key,
        "x": label,
        "unit": "channels" if on_channels else axis.unit,
        "start_ms": start,
        "end_ms": end,
        "sigma_ms": float(settings.sigma_ms),
        "cost_per_ms": float(settings.cost_per_ms),
        "tau_ms": float(settings.tau_ms),
        "curves": [_curve_numbers(curve) for curve in curves],
    }
    return Findings(numbers, ReliabilityDrawn(curves, label, numbers["unit"], start, end - start))


def draw(findings: Findings, title: str) -> Figure:
    """Draw the trials of a few points, measures along the axis, jitter of the k-th spike."""
    return reliability_figure(findings.data, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table: every measure of a single point, the main ones of several."""
    curves = numbers["curves"]
    several = sum(len(curve["points"]) for curve in curves) > 1
    trials = curves[0]["points"][0]["trials"]
    lines = [Row(f"{trials} trials; theory: no noise")]
    for index, curve in enumerate(curves):
        if curve["label"]:
            lines.append(Row(curve["label"]))
        for k, point in enumerate(curve["points"]):
            place, at = f"curves.{index}.points.{k}.", _at(point, numbers)
            if several:
                lines.append(Row(f"reliability{at}", f"{place}reliability"))
                lines.append(Row(f"precision (ms){at}", f"{place}precision_ms"))
            else:
                lines += [Row(text, f"{place}{name}") for name, (text, _) in MEASURES.items()]
        jitters: list[Row] = []
        for k in sorted({0, len(curve["points"]) - 1}):
            jitters += _jitter_rows(curve["points"][k], f"curves.{index}.points.{k}.", numbers)
        if jitters:
            lines += [Row(", ".join(filter(None, (curve["label"], _JITTERED)))), *jitters]
    return lines


def says(numbers: Numbers) -> str:
    """Say how reliability changes along each curve, and whether jitter grows with k."""
    said = [_curve_says(curve, numbers) for curve in numbers["curves"]]
    points = [
        (point, curve["label"])
        for curve in numbers["curves"]
        for point in curve["points"]
        if point["reliability"] is not None and point["jitter_ratio_ci"] is not None
    ]
    if points:
        point, label = min(points, key=lambda entry: entry[0]["reliability"])
        said.append(_jitter_says(point, label, numbers, len(points) > 1))
    return " ".join(text for text in said if text)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write every point of every curve as CSV, and the jitter of the k-th spike at each."""
    data: ReliabilityDrawn = findings.data
    keys, curves = list(data.curves[0].place), findings.numbers["curves"]
    axis = [findings.numbers["axis"] or "point"]
    names = [*keys, *axis, "channels", "trials", "spikes", "rate_hz"]
    for name in MEASURES:
        names += [name, f"{name}_low", f"{name}_high"]
    names += ["reliability_by_chance", "jitter_growth_ms2", "growth_low_ms2", "growth_high_ms2"]
    lines, jitters = [], []
    for curve in curves:
        place = list(curve["place"].values())
        for point in curve["points"]:
            line: list[Any] = [*place, point["x"], point["n_channels"], point["trials"]]
            line += [point["spikes"], point["rate_hz"]]
            for name in MEASURES:
                line += [point[name], *(point[f"{name}_ci"] or (None, None))]
            line.append(point["reliability_by_chance"])
            line += [point["jitter_growth_ms2"], *(point["jitter_growth_ms2_ci"] or (None, None))]
            lines.append(_cells(line))
            series = point["jitter"]
            rows = zip(*(series[name] for name in _JITTER), strict=True)
            jitters += [_cells([*place, point["x"], *row]) for row in rows]
    return [
        write_csv(path.with_name(f"{path.name}.csv"), names, lines),
        write_csv(path.with_name(f"{path.name}_jitter.csv"), [*keys, *axis, *_JITTER], jitters),
    ]


_JITTER = ("k", "mean_ms", "sd_ms", "low_ms", "high_ms")


def _measured(survey: Survey, curve: Curve, on_channels: bool) -> ReliabilityCurve:
    points, x = begun_points(survey.result, curve)
    measured = [_point(survey, point) for point in points]
    if on_channels:
        x = np.array([point.n_channels for point in measured], dtype=np.float64)
    return ReliabilityCurve(curve.place, x, measured)


def _point(survey: Survey, point: int) -> ReliabilityPoint:
    settings, result = survey.settings, survey.result
    start, end = float(settings.start_ms), float(settings.end_ms)
    length = end - start
    trains = cut_trains(finished_trains(result, point), start, end)
    alone = None
    if result.has_deterministic:
        alone = cut_trains(result.spike_trains(point, deterministic=True), start, end)[0]
    smoothing = settings.event_sigma_ms
    found = reliability(
        trains,
        length,
        event_sigma_ms=None if smoothing is None else float(smoothing),
        sigma_ms=float(settings.sigma_ms),
        cost_per_ms=float(settings.cost_per_ms),
        tau_ms=float(settings.tau_ms),
    )
    return ReliabilityPoint(
        n_channels=n_noisy_channels(survey.setups[point]),
        trains=trains,
        alone=alone,
        found=found,
        jitter=spike_jitter(trains, length),
        rate_hz=firing_rate_hz(trains, length),
        by_chance=by_chance(trains, length, found.events.sigma_ms),
    )


def _curve_numbers(curve: ReliabilityCurve) -> Numbers:
    return {
        "label": curve.label,
        "place": dict(curve.place),
        "points": [
            _point_numbers(float(x), point) for x, point in zip(curve.x, curve.points, strict=True)
        ],
    }


def _point_numbers(x: float, point: ReliabilityPoint) -> Numbers:
    found, jitter, repeats = point.found, point.jitter, point.fires_alone
    numbers: Numbers = {
        "x": x,
        "n_channels": point.n_channels,
        "trials": found.n_trials,
        "spikes": found.n_spikes,
        **named("rate_hz", point.rate_hz),
        "events": len(found.events.start_ms),
        "event_sigma_ms": found.events.sigma_ms,
        "reliability_by_chance": point.by_chance,
    }
    for name, (_, perfect) in MEASURES.items():
        holder = found.events if hasattr(found.events, name) else found
        numbers |= named(name, getattr(holder, name), perfect if repeats else None)
    none = 0.0 if repeats else None
    return numbers | {
        "shared_spikes": len(jitter.k),
        **named("first_jitter_ms", point.jitter_at(0), none),
        **named("last_jitter_ms", point.jitter_at(-1), none),
        **named("jitter_growth_ms2", jitter.growth_ms2, none),
        **named("jitter_ratio", jitter.ratio),
        "jitter": {name: getattr(jitter, name).tolist() for name in _JITTER},
    }


def _jitter_rows(point: Numbers, place: str, numbers: Numbers) -> list[Row]:
    shared, at = point["shared_spikes"], _at(point, numbers)
    lines = []
    if shared:
        lines.append(Row(f"k = 1 (ms){at}", f"{place}first_jitter_ms"))
    if shared > 1:
        lines.append(Row(f"k = {shared} (ms){at}", f"{place}last_jitter_ms"))
    return lines


def _at(point: Numbers, numbers: Numbers) -> str:
    """Where a point lies on the axis, as in `` at 15,600 channels``; empty without one."""
    if point["x"] is None or np.isnan(point["x"]):
        return ""
    value = f"{point['x']:,.0f}" if numbers["unit"] == "channels" else f"{point['x']:g}"
    unit = value_label(numbers["unit"])
    name = "" if unit else f"{numbers['x']} "
    return f" at {name}{value} {unit}".rstrip()


def _curve_says(curve: Numbers, numbers: Numbers) -> str:
    told = [point for point in curve["points"] if point["reliability"] is not None]
    if not told:
        return ""
    first, last = told[0], told[-1]
    begins = f"{curve['label']}: reliability" if curve["label"] else "Reliability"
    if first is last:
        return f"{begins} is {_pair(first)}{_at(first, numbers)}."
    return (
        f"{begins} goes from {_pair(first)}{_at(first, numbers)} to {_pair(last)}"
        f"{_at(last, numbers)}."
    )


def _pair(point: Numbers) -> str:
    precision = point["precision_ms"]
    scatter = "" if precision is None else f" (precision {precision:.2g} ms)"
    if precision is None and point["events"]:
        scatter = " (events stand out too little for a precision)"
    return f"{point['reliability']:.2g}{scatter}"


def _jitter_says(point: Numbers, label: str, numbers: Numbers, several: bool) -> str:
    low = point["jitter_ratio_ci"][0]
    first, last, k = point["first_jitter_ms"], point["last_jitter_ms"], point["shared_spikes"]
    where = ", ".join(text for text in (label, _at(point, numbers)[4:]) if text)
    where = f"At {where} " if several and where else ""
    grows = "grows" if low is not None and low > 1.0 else "does not clearly grow"
    text = f"{where}the scatter of the k-th spike {grows} with k: {first:.2g} ms for k = 1"
    text += f", {last:.2g} ms for k = {k}."
    return text[0].upper() + text[1:]


def _cells(line: Sequence[Any]) -> list[Any]:
    return [
        "" if cell is None or (isinstance(cell, float) and np.isnan(cell)) else cell
        for cell in line
    ]


STUDY = Study("Reliability", compute, draw, rows, write, says)
