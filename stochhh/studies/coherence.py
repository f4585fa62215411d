"""The study `coherence`: how much of a response a noisy input explains, and what that can tell.

Coherence bounds the information rate about a Gaussian input from below (Bialek et al.
1991, doi:10.1126/science.2063199; Borst & Theunissen 1999, doi:10.1038/14731).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.axes import Axis
from stochhh.analysis.coherence_information import band_widths_hz, coherence_information_rate
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.noisy_input import is_repeated, linear_response
from stochhh.analysis.voltage_spectra import Coherence
from stochhh.errors import InputError
from stochhh.plot.coherence import CoherenceCurve, CoherencePoint, coherence_figure
from stochhh.studies.inputs import along_axis, answer_to_input
from stochhh.studies.study import Findings, Numbers, Occasion, Row, Study, Survey, named

Floats = NDArray[np.float64]


class Coherences(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    axis : that curves run along; its key is empty where nothing of the kind is swept.
    label : of the axis; empty without one.
    curves : with their points.
    response : "voltage" or "spikes".
    highest_hz : up to which information is counted.
    """

    axis: Axis
    label: str
    curves: tuple[CoherenceCurve, ...]
    response: str
    highest_hz: float


def compute(survey: Survey) -> Findings:
    """Coherence, its bound on information and its level of significance at every point."""
    settings, setups = survey.settings, survey.setups
    axis, label, made = along_axis(survey, _point)
    curves = [CoherenceCurve(dict(one.place), one.label, points) for one, points in made]
    if not any(point.found for curve in curves for point in curve.points):
        raise InputError("no response varies in any trial; make the input stronger")
    highest = 1e3 * float(settings.highest_per_ms)
    data = Coherences(axis, label, tuple(curves), settings.response, highest)
    numbers: Numbers = {
        "response": settings.response,
        "repeated_input": is_repeated(setups[0]),
        "axis": axis.key,
        "axis_unit": axis.unit,
        "start_ms": float(settings.start_ms),
        "end_ms": float(settings.end_ms),
        "segment_ms": float(settings.segment_ms),
        "highest_hz": highest,
        "curves": [
            {
                "label": curve.label,
                "place": dict(curve.place),
                "points": [_point_numbers(point, data) for point in curve.points],
            }
            for curve in curves
        ],
    }
    return Findings(numbers, data)


def draw(findings: Findings, title: str) -> Figure:
    """Draw coherence against frequency, and the bound along the axis or the gain."""
    data: Coherences = findings.data
    return coherence_figure(data.curves, data.label, data.response, data.highest_hz, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    curves = numbers["curves"]
    if sum(len(curve["points"]) for curve in curves) == 1:
        return _rows_of_one(numbers, "curves.0.points.0.")
    lines = []
    for c, curve in enumerate(curves):
        place = f"{curve['label']}: " if curve["label"] else ""
        lines.append(Row(f"{place}bound on information (bits/s)"))
        for p, point in enumerate(curve["points"]):
            label = _at(point, numbers).removeprefix(" at ") or curve["label"]
            lines.append(Row(label, f"curves.{c}.points.{p}.bits_per_s"))
        last = len(curve["points"]) - 1
        if curve["points"][last]["limit_bits_per_s"] is not None:
            where = f"curves.{c}.points.{last}.limit_bits_per_s"
            lines.append(Row("deterministic membrane", where))
        if numbers["response"] != "spikes":
            continue
        lines.append(Row(f"{place}… per spike (bits)"))
        for p, point in enumerate(curve["points"]):
            label = _at(point, numbers).removeprefix(" at ") or curve["label"]
            lines.append(Row(label, f"curves.{c}.points.{p}.bits_per_spike"))
    return lines


def says(numbers: Numbers) -> str:
    """Say what the response tells about the input at least, and how that changes."""
    texts = []
    what = "Spikes tell" if numbers["response"] == "spikes" else "The voltage tells"
    for curve in numbers["curves"]:
        points = [point for point in curve["points"] if point["bits_per_s"] is not None]
        if not points:
            continue
        first, last = points[0], points[-1]
        place = f" ({curve['label']})" if curve["label"] else ""
        text = f"{what} at least {first['bits_per_s']:.3g} bits/s about the injected current"
        text += f"{_at(first, numbers)}"
        if last is not first:
            text += f", and {last['bits_per_s']:.3g} bits/s{_at(last, numbers)}"
        if last["limit_bits_per_s"] is not None:
            text += f"; those of the deterministic membrane {last['limit_bits_per_s']:.3g}"
        texts.append(f"{text}{place}.")
    theory = [
        point
        for curve in numbers["curves"]
        for point in curve["points"]
        if point["bits_per_s_theory"] is not None
    ]
    if theory:
        worst = max(abs(point["bits_per_s"] / point["bits_per_s_theory"] - 1) for point in theory)
        texts.append(
            f"Without spikes the membrane is nearly linear: theory gives "
            f"{theory[0]['bits_per_s_theory']:.3g} bits/s{_at(theory[0], numbers)}, "
            f"{100 * worst:.2g} % off at most."
        )
    return " ".join(texts)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write the points and the coherences as two CSV files."""
    data: Coherences = findings.data
    keys = list(data.curves[0].place)
    spot = [data.axis.unit or data.axis.key] if data.axis.key else []
    names = [*keys, *spot, "n_channels", "trials", "spikes", "bits_per_s", "bits_per_s_low"]
    names += ["bits_per_s_high", "bits_per_s_theory", "limit_bits_per_s", "significant", "averages"]
    columns = ["frequency_hz", "coherence", "low", "high", "theory", "gain", "limit"]
    lines: list[list[Any]] = []
    spectra: list[list[Any]] = []
    for curve in data.curves:
        for point in curve.points:
            start = [*curve.place.values(), *([point.x] if spot else [])]
            numbers = _point_numbers(point, data)
            low, high = numbers["bits_per_s_ci"] or (None, None)
            cells = [numbers["bits_per_s"], low, high]
            cells += [numbers["bits_per_s_theory"], numbers["limit_bits_per_s"]]
            found = point.found
            cells += [None, None] if found is None else [found.significant, found.averages]
            line = [*start, point.n_channels, point.trials, point.spikes, *cells]
            lines.append(["" if cell is None else cell for cell in line])
            spectra += [[*start, *row] for row in _spectrum_cells(point)]
    return [
        write_csv(path.with_name(f"{path.name}.csv"), names, lines),
        write_csv(path.with_name(f"{path.name}_spectrum.csv"), [*keys, *spot, *columns], spectra),
    ]


def _rows_of_one(numbers: Numbers, place: str) -> Sequence[Row]:
    lines = [Row("bound on information (bits/s)", f"{place}bits_per_s")]
    if numbers["response"] == "spikes":
        lines.append(Row("… per spike (bits)", f"{place}bits_per_spike"))
    if numbers["curves"][0]["points"][0]["limit_bits_per_s"] is not None:
        lines.append(Row("… of the deterministic membrane (bits/s)", f"{place}limit_bits_per_s"))
    return [
        *lines,
        Row("largest coherence", f"{place}largest"),
        Row(f"mean coherence up to {numbers['highest_hz']:.4g} Hz", f"{place}mean"),
        Row("level of significance, 5 %", f"{place}significant"),
    ]


def _point(survey: Survey, index: int, x: float) -> CoherencePoint:
    settings, setup = survey.settings, survey.setups[index]
    highest = 1e3 * float(settings.highest_per_ms)
    occasion = Occasion(survey.result, index, setup, settings)
    answer = answer_to_input(occasion, settings.response, float(settings.segment_ms), highest)
    theory = None
    if settings.response == "voltage" and answer.found is not None and not answer.spikes:
        start = float(settings.start_ms)
        theory = linear_response(setup, answer.found.frequency_hz, start)
    seconds = answer.trials * (float(settings.end_ms) - float(settings.start_ms)) / 1e3
    return CoherencePoint(
        x=x,
        n_channels=setup.membrane.n_channels,
        trials=answer.trials,
        spikes=answer.spikes,
        rate_hz=answer.spikes / seconds,
        found=answer.found,
        limit=answer.limit,
        theory=theory,
        bound=Estimate(None) if answer.found is None else _bound(answer.found, highest),
        limit_bound=None if answer.limit is None else _bound(answer.limit, highest).value,
        expected_bound=_expected_bound(answer.found, theory, highest),
    )


def _expected_bound(
    found: Coherence | None, theory: tuple[Floats, Floats] | None, highest_hz: float
) -> float | None:
    if found is None or theory is None:
        return None
    return -float(np.log2(1.0 - theory[0]) @ band_widths_hz(found.frequency_hz, 0.0, highest_hz))


def _point_numbers(point: CoherencePoint, data: Coherences) -> Numbers:
    largest = mean = significant = expected_largest = expected_mean = None
    if point.found is not None:
        inside = point.found.frequency_hz <= data.highest_hz * (1 + 1e-9)
        largest = float(point.found.corrected[inside].max())
        mean = float(point.found.corrected[inside].mean())
        significant = point.found.significant
        if point.theory is not None:
            expected = point.theory[0][inside]
            expected_largest, expected_mean = float(expected.max()), float(expected.mean())
    per_spike = Estimate(None)
    if data.response == "spikes" and point.bound.value is not None:
        assert point.bound.interval is not None
        low, high = (end / point.rate_hz for end in point.bound.interval)
        per_spike = Estimate(point.bound.value / point.rate_hz, (low, high))
    return {
        "x": point.x,
        "n_channels": point.n_channels,
        "trials": point.trials,
        "rate_hz": point.rate_hz,
        **named("bits_per_s", point.bound, point.expected_bound),
        **named("bits_per_spike", per_spike),
        "limit_bits_per_s": point.limit_bound,
        "largest": largest,
        "largest_theory": expected_largest,
        "mean": mean,
        "mean_theory": expected_mean,
        "significant": significant,
    }


def _bound(found: Coherence, highest_hz: float) -> Estimate:
    return coherence_information_rate(found, 0.0, highest_hz)


def _at(point: Numbers, numbers: Numbers) -> str:
    if not numbers["axis"]:
        return ""
    value = f"{point['x']:,.12g}".replace(",", " ").replace("-", "−")
    return f" at {value} {numbers['axis_unit']}".rstrip()


def _spectrum_cells(point: CoherencePoint) -> list[list[Any]]:
    found = point.found
    if found is None:
        return []
    n = len(found.frequency_hz)
    theory = [""] * n if point.theory is None else point.theory[0].tolist()
    limit = [""] * n if point.limit is None else point.limit.corrected.tolist()
    columns = (found.frequency_hz, found.corrected, found.low, found.high)
    measured = [column.tolist() for column in columns]
    return [
        list(row) for row in zip(*measured, theory, np.abs(found.gain).tolist(), limit, strict=True)
    ]


STUDY = Study("Coherence with the input", compute, draw, rows, write, says)
