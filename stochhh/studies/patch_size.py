"""The study `patch_size`: spontaneous firing against the area of a patch.

The rate falls exponentially with the area (Chow & White 1996,
doi:10.1016/S0006-3495(96)79494-8), and firing is most regular at some small area
(Schmid, Goychuk & Hänggi 2001, doi:10.1209/epl/i2001-00482-6).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.applicable.patch_size import size_um2
from stochhh.analysis.axes import Curve, curves_along
from stochhh.analysis.files import write_csv
from stochhh.analysis.patch_sizes import SizeCurve, SizePoint, size_point
from stochhh.plot.patch_size import patch_size_figure
from stochhh.stimulus import is_steady
from stochhh.studies.signals import begun_curves, finished_trains, n_noisy_channels
from stochhh.studies.study import Findings, Numbers, Row, Study, Survey, named

_REFUSED = 0.01  # p-value below which an exponential is said not to fit
_CHANCE = 0.05  # of the least CV at an end, below which there is a minimum


class SizeCurves(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    curves : one for each place on the other axes.
    label : of the area, with its unit.
    """

    curves: tuple[SizeCurve, ...]
    label: str


def compute(survey: Survey) -> Findings:
    """Rate and regularity of firing along each curve, with what is fitted to them."""
    settings = survey.settings
    axis = curves_along(survey.setups, settings.axis)
    curves = tuple(_measured(survey, curve) for curve in begun_curves(survey.result, axis.curves))
    numbers: Numbers = {
        "axis": axis.key,
        "start_ms": float(settings.start_ms),
        "end_ms": float(settings.end_ms),
        "curves": [_curve_numbers(curve) for curve in curves],
    }
    by_area = axis.key.endswith("area")
    label = "area (µm²)" if by_area else "area × count factor (µm²)"
    return Findings(numbers, SizeCurves(curves, survey.setups[0].scenario.figure.axis or label))


def draw(findings: Findings, title: str) -> Figure:
    """Draw rates with their exponential, and regularity, against area."""
    data: SizeCurves = findings.data
    return patch_size_figure(data.curves, data.label, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table: rate and CV at each area, then what was fitted."""
    curves = numbers["curves"]
    lines = []
    for index, curve in enumerate(curves):
        points, place = curve["points"], f"curves.{index}."
        lines.append(Row(_heading(curve)))
        for k, point in enumerate(points):
            lines.append(
                Row(f"rate at {point['area_um2']:g} µm² (Hz)", f"{place}points.{k}.rate_hz")
            )
        for k, point in enumerate(points):
            if point["isi_cv"] is not None:
                what = f"CV of {point['intervals']:,d} intervals at {point['area_um2']:g} µm²"
                lines.append(Row(what, f"{place}points.{k}.isi_cv"))
        if "fall" in curve:
            lines.append(Row(f"from {curve['fall']['from_um2']:g} µm² up, exp(-k A)"))
            lines.append(Row("k (1/µm²)", f"{place}fall.decay_per_um2"))
            lines.append(Row("rate at no area (Hz)", f"{place}fall.rate_at_zero_hz"))
        if "coherence" in curve and curve["coherence"]["inside"]:
            lines.append(Row("least CV"))
            lines.append(Row("at (µm²)", f"{place}coherence.area_um2"))
            lines.append(Row("CV there", f"{place}coherence.least_cv"))
    return lines


def says(numbers: Numbers) -> str:
    """Say how fast the rate falls with area, and where firing is most regular."""
    said = []
    for curve in numbers["curves"]:
        of = f"{curve['label']}: " if curve["label"] else ""
        texts = [_fall_says(curve), _coherence_says(curve)]
        said += [of + text for text in texts if text]
    return " ".join(said)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write every area of every curve as CSV, a row each."""
    data: SizeCurves = findings.data
    names = (
        *data.curves[0].place, "area_um2", "channels", "spikes", "seconds", "rate_hz",
        "rate_low_hz", "rate_high_hz", "fitted_rate_hz", "intervals", "isi_mean_ms",
        "isi_mean_low_ms", "isi_mean_high_ms", "isi_cv", "isi_cv_low", "isi_cv_high",
    )  # fmt: skip
    lines: list[list[Any]] = []
    for curve in data.curves:
        fitted: list[Any] = [""] * len(curve.points)
        if curve.fall is not None:
            first = curve.fall.first
            fitted[first:] = curve.fall.fit.at(curve.area_um2[first:]).tolist()
        for area, point, fit in zip(curve.area_um2, curve.points, fitted, strict=True):
            line = [*curve.place.values(), area, point.n_channels, point.spikes, point.seconds]
            line += [point.rate_hz.value, *(point.rate_hz.interval or ("", "")), fit]
            line.append(point.intervals)
            for one in (point.isi_mean_ms, point.isi_cv):
                line += [one.value, *(one.interval or ("", ""))]
            lines.append(line)
    return [write_csv(path.with_name(f"{path.name}.csv"), names, lines)]


def _measured(survey: Survey, curve: Curve) -> SizeCurve:
    settings = survey.settings
    start, end = float(settings.start_ms), float(settings.end_ms)
    areas = [size_um2(survey.setups[point]) for point in curve.points]
    made = tuple(
        size_point(
            finished_trains(survey.result, point, start, end),
            end - start,
            n_noisy_channels(survey.setups[point]),
            is_steady(survey.setups[point].scenario.stimulus, start, end),
        )
        for point in curve.points
    )
    smallest = settings.fit_from_um2
    return SizeCurve(
        curve.place, np.array(areas), made, None if smallest is None else float(smallest)
    )


def _curve_numbers(curve: SizeCurve) -> Numbers:
    points = zip(curve.area_um2, curve.points, strict=True)
    numbers: Numbers = {
        "label": curve.label,
        "place": dict(curve.place),
        "points": [_point_numbers(float(area), point) for area, point in points],
    }
    if curve.fall is None:
        numbers["no_fall"] = curve.no_fall
    else:
        fit = curve.fall.fit
        numbers["fall"] = {
            "from_um2": float(curve.area_um2[curve.fall.first]),
            "given": curve.fit_from_um2 is not None,
            "areas": len(curve.points) - curve.fall.first,
            **named("decay_per_um2", fit.decay_per_um2),
            **named("rate_at_zero_hz", fit.rate_at_zero_hz),
            "dispersion": fit.dispersion,
            "p_value": curve.fall.p_value,
        }
    found = curve.coherence
    if found is None:
        numbers["no_coherence"] = curve.no_coherence
    else:
        numbers["coherence"] = {
            **named("area_um2", found.area_um2),
            **named("least_cv", found.least_cv),
            "inside": curve.minimum is not None,
            "chance_at_end": found.chance_at_end,
        }
    return numbers


def _point_numbers(area_um2: float, point: SizePoint) -> Numbers:
    return {
        "area_um2": area_um2,
        "n_channels": point.n_channels,
        "spikes": point.spikes,
        "seconds": point.seconds,
        "intervals": point.intervals,
        **named("rate_hz", point.rate_hz),
        **named("isi_mean_ms", point.isi_mean_ms),
        **named("isi_cv", point.isi_cv),
    }


def _fall_says(curve: Numbers) -> str:
    if "fall" not in curve:
        return f"No exponential was fitted to the rates: {curve['no_fall']}."
    fall = curve["fall"]
    low, high = fall["decay_per_um2_ci"]
    text = (
        f"From {fall['from_um2']:g} µm² up the rate falls as exp(-k A) with "
        f"k = {fall['decay_per_um2']:.4g} per µm² ({low:.4g} to {high:.4g})"
    )
    if fall["p_value"] is not None and fall["p_value"] < _REFUSED:
        return f"{text}, though it is no exponential (p = {fall['p_value']:.1g})."
    return f"{text}."


def _coherence_says(curve: Numbers) -> str:
    if "coherence" not in curve:
        return ""
    found = curve["coherence"]
    cv = f"a CV of {found['least_cv']:.3g}"
    if not found["inside"]:
        which = "smallest" if found["area_um2"] == curve["points"][0]["area_um2"] else "largest"
        return f"The {which} of these patches fires most regularly, with {cv}."
    low, high = found["area_um2_ci"]
    text = f"Firing is most regular at {found['area_um2']:g} µm²"
    text += "" if low == high else f" ({low:g} to {high:g})"
    if found["chance_at_end"] < _CHANCE:
        return f"{text}, with {cv}; less so in smaller patches and in larger ones."
    return f"{text}, with {cv}, but an end of these areas may be as regular."


def _heading(curve: Numbers) -> str:
    counts = [point["n_channels"] for point in curve["points"]]
    channels = f"{min(counts):,d} to {max(counts):,d} channels"
    return f"{curve['label']}, {channels}" if curve["label"] else channels


STUDY = Study("Firing and patch size", compute, draw, rows, write, says)
