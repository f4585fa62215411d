"""The study `tuning`: firing rate, intervals and first-spike latency against current.

Channel noise makes a membrane fire below its deterministic threshold, and straightens
the curve of its rate (Skaugen & Walløe 1979, doi:10.1111/j.1748-1716.1979.tb06486.x).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.axes import Curve, curves_along, value_label
from stochhh.analysis.efficiency_curves import first_firing
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.tuning_curves import (
    CurrentPoint,
    DeterministicPoint,
    Stretch,
    TuningCurve,
    current_point,
    deterministic_point,
    straight_share,
)
from stochhh.plot.tuning import tuning_figure
from stochhh.studies.signals import begun_curves, finished_trains, n_noisy_channels
from stochhh.studies.study import Findings, Numbers, Row, Study, Survey, named

_STRAIGHT = "rise of the rate on a line, R²"
_SHOWN_ALONE = 7  # currents that have lines of their own in the table of a single curve


class TuningCurves(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    curves : one for each place on the other axes.
    label : of the current, with its unit.
    """

    curves: tuple[TuningCurve, ...]
    label: str


def compute(survey: Survey) -> Findings:
    """Rate, intervals and latency along each curve, beside those of the deterministic membrane."""
    settings = survey.settings
    stretch = Stretch(float(settings.start_ms), float(settings.end_ms), float(settings.settle_ms))
    axis = curves_along(survey.setups, settings.axis)
    curves = tuple(
        _measured(survey, curve, stretch) for curve in begun_curves(survey.result, axis.curves)
    )
    numbers: Numbers = {
        "axis": axis.key,
        "unit": axis.unit,
        **stretch._asdict(),
        "curves": [_curve_numbers(curve) for curve in curves],
    }
    label = survey.setups[0].scenario.figure.axis or axis.label
    return Findings(numbers, TuningCurves(curves, label))


def draw(findings: Findings, title: str) -> Figure:
    """Draw rate, intervals, latency and jitter against current."""
    data: TuningCurves = findings.data
    return tuning_figure(data.curves, data.label, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table: a few currents of each curve, then the deterministic membrane."""
    curves, unit = numbers["curves"], numbers["unit"]
    limits = _different_limits(curves)
    lines = []
    for index, curve in enumerate(curves):
        lines.append(Row(_heading(curve)))
        lines += _point_rows(curve, unit, f"curves.{index}.", len(curves) == 1)
        lines.append(Row(_STRAIGHT, f"curves.{index}.straightness"))
    for index, curve in limits:
        limit, place = curve["deterministic"], f"curves.{index}.deterministic."
        lines.append(Row("deterministic" + (f", {curve['label']}" if len(limits) > 1 else "")))
        if limit["silent_at"] is not None:
            lines.append(Row(f"no steady firing at ({value_label(unit)})", f"{place}silent_at"))
        if limit["fires_at"] is not None:
            lines.append(Row(f"steady firing at ({value_label(unit)})", f"{place}fires_at"))
            lines.append(Row("rate there (Hz)", f"{place}rate_hz"))
        if limit["straightness"] is not None:
            lines.append(Row(_STRAIGHT, f"{place}straightness"))
    return lines


def says(numbers: Numbers) -> str:
    """Say where the deterministic membrane begins to fire, and what the noisy ones do."""
    unit, curves = value_label(numbers["unit"]), numbers["curves"]
    limits = _different_limits(curves)
    said = [_limit_says(limits[0][1]["deterministic"], unit)] if len(limits) == 1 else []
    for curve in curves:
        told = [curve["points"][k] for k in _told(curve)]
        text = ", ".join(f"{point['rate_hz']:.3g} Hz at {point['current']:g}" for point in told)
        text = f"{text} {unit}".rstrip()
        if curve["straightness"] is not None:
            text += f" ({100 * curve['straightness']:.3g} % straight)"
        said.append(f"{_heading(curve)}: {text}.")
        if len(curves) == 1:
            said.append(_regularity_says(told, unit))
    return " ".join(text for text in said if text)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write every point of every curve as CSV, a row each."""
    data: TuningCurves = findings.data
    names = (
        *data.curves[0].place, "channels", "current", "trials", "rate_hz", "rate_low_hz",
        "rate_high_hz", "intervals", "isi_mean_ms", "isi_mean_low_ms", "isi_mean_high_ms",
        "isi_cv", "isi_cv_low", "isi_cv_high", "responding", "latency_ms", "latency_low_ms",
        "latency_high_ms", "jitter_ms", "jitter_low_ms", "jitter_high_ms", "deterministic_rate_hz",
        "deterministic_isi_mean_ms", "deterministic_latency_ms",
    )  # fmt: skip
    lines = [
        [*curve.place.values(), curve.n_channels, current, *_cells(point, limit)]
        for curve in data.curves
        for current, point, limit in zip(
            curve.current,
            curve.points,
            curve.deterministic or [None] * len(curve.points),
            strict=True,
        )
    ]
    return [write_csv(path.with_name(f"{path.name}.csv"), names, lines)]


def _measured(survey: Survey, curve: Curve, stretch: Stretch) -> TuningCurve:
    result = survey.result
    limit = None
    if result.has_deterministic:
        limit = tuple(
            deterministic_point(result.spike_trains(point, deterministic=True)[0], stretch)
            for point in curve.points
        )
    return TuningCurve(
        place=curve.place,
        n_channels=n_noisy_channels(survey.setups[curve.points[0]]),
        current=curve.x,
        points=tuple(
            current_point(finished_trains(result, point), stretch) for point in curve.points
        ),
        deterministic=limit,
    )


def _curve_numbers(curve: TuningCurve) -> Numbers:
    limits = curve.deterministic or [None] * len(curve.points)
    points = [
        _point_numbers(float(current), point, limit)
        for current, point, limit in zip(curve.current, curve.points, limits, strict=True)
    ]
    numbers: Numbers = {
        "label": curve.label,
        "place": dict(curve.place),
        "n_channels": curve.n_channels,
        "points": points,
        **named("straightness", curve.straightness),
    }
    rates = curve.deterministic_rates_hz
    if rates is not None and len(rates):
        silent, fires = first_firing(curve.current, rates > 0.0)
        straight = straight_share(curve.current, rates)
        numbers["deterministic"] = {
            "silent_at": silent,
            "fires_at": fires,
            "rate_hz": None if fires is None else float(rates[rates > 0.0][0]),
            "straightness": float(straight) if np.isfinite(straight) else None,
        }
    return numbers


def _point_numbers(
    current: float, point: CurrentPoint, limit: DeterministicPoint | None
) -> Numbers:
    return {
        "current": current,
        "trials": len(point.trial_rates_hz),
        "intervals": point.intervals,
        **named("rate_hz", point.rate_hz),
        **named("isi_mean_ms", point.isi_mean_ms),
        **named("isi_cv", point.isi_cv),
        **named("responding", point.latency.responding),
        **named("latency_ms", point.latency.mean_ms),
        **named("jitter_ms", point.latency.jitter_ms),
        **({} if limit is None else {f"deterministic_{k}": v for k, v in limit._asdict().items()}),
    }


def _cells(point: CurrentPoint, limit: DeterministicPoint | None) -> list[Any]:
    latency = point.latency
    cells: list[Any] = [len(point.trial_rates_hz), *_with_ends(point.rate_hz), point.intervals]
    cells += [*_with_ends(point.isi_mean_ms), *_with_ends(point.isi_cv)]
    cells += [latency.responding.value, *_with_ends(latency.mean_ms)]
    cells += _with_ends(latency.jitter_ms)
    alone = ("", "", "") if limit is None else (limit.rate_hz, limit.isi_mean_ms, limit.latency_ms)
    return [*cells, *alone]


def _with_ends(estimate: Estimate) -> list[Any]:
    return [estimate.value, *(estimate.interval or ("", ""))]


def _heading(curve: Numbers) -> str:
    channels = f"{curve['n_channels']:,d} channels"
    return f"{curve['label']}, {channels}" if curve["label"] else channels


def _point_rows(curve: Numbers, unit: str, place: str, alone: bool) -> list[Row]:
    """Rates and intervals at some currents, the first spike at the last."""
    points, last = curve["points"], len(curve["points"]) - 1
    shown = _spread(len(points), _SHOWN_ALONE) if alone else _told(curve)
    what = [("rate", "rate_hz", " (Hz)"), ("CV of intervals", "isi_cv", "")]
    if alone:
        what.insert(1, ("mean interval", "isi_mean_ms", " (ms)"))
    lines = [
        Row(f"{text} at {_at(points[k], unit)}{in_unit}", f"{place}points.{k}.{name}")
        for text, name, in_unit in what
        for k in (shown if name == "rate_hz" or alone else shown[-1:])
        if points[k][name] is not None
    ]
    for text, name in (("first spike", "latency_ms"), ("its jitter", "jitter_ms")):
        if points[last][name] is not None:
            lines.append(
                Row(f"{text} at {_at(points[last], unit)} (ms)", f"{place}points.{last}.{name}")
            )
    return lines


def _at(point: Numbers, unit: str) -> str:
    return f"{point['current']:g} {value_label(unit)}".rstrip()


def _told(curve: Numbers) -> list[int]:
    """Places of the first current, the last, and the one below the deterministic threshold."""
    currents = [point["current"] for point in curve["points"]]
    silent = curve.get("deterministic", {}).get("silent_at")
    between = [len(currents) // 2] if silent is None else [currents.index(silent)]
    return sorted({0, *between, len(currents) - 1})


def _spread(n: int, most: int) -> list[int]:
    """Places of the first, the last and some in between."""
    return sorted(set(np.linspace(0, n - 1, min(n, most)).round().astype(int).tolist()))


def _different_limits(curves: Sequence[Numbers]) -> list[tuple[int, Numbers]]:
    """Curves, and their places, whose deterministic membranes differ; the first of equal ones."""
    seen: list[Numbers] = []
    found = []
    for index, curve in enumerate(curves):
        limit = curve.get("deterministic")
        if limit is not None and not any(_alike(limit, other) for other in seen):
            seen.append(limit)
            found.append((index, curve))
    return found


def _alike(one: Numbers, other: Numbers) -> bool:
    """Whether two limits are the same but for errors of the solver."""
    pairs = [(one[key], other[key]) for key in one]
    if any((a is None) != (b is None) for a, b in pairs):
        return False
    return all(a is None or bool(np.isclose(a, b, rtol=1e-3)) for a, b in pairs)


def _regularity_says(told: Sequence[Numbers], unit: str) -> str:
    known = [point for point in told if point["isi_cv"] is not None]
    if len(known) < 2:
        return ""
    text = ", ".join(f"{point['isi_cv']:.3g} at {point['current']:g}" for point in known)
    return f"The CV of its intervals is {text} {unit}".rstrip() + "."


def _limit_says(limit: Numbers, unit: str) -> str:
    silent, fires = limit["silent_at"], limit["fires_at"]
    if fires is None:
        return "Without noise the membrane does not keep firing at any of these currents."
    text = f"{limit['rate_hz']:.3g} Hz at {fires:g} {unit}".rstrip()
    if silent is not None:
        text = f"no steady firing at {silent:g}, {text}"
    if limit["straightness"] is not None:
        text += f" ({100 * limit['straightness']:.3g} % of the rise of the rate is a straight line)"
    return f"Without noise: {text}."


STUDY = Study("Firing against current", compute, draw, rows, write, says)
