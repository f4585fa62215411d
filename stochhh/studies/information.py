"""The study `information`: what spike trains tell about a stimulus, by the direct method.

Strong, Koberle, de Ruyter van Steveninck & Bialek 1998, doi:10.1103/PhysRevLett.80.197.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.applicable.inputs import highest_of_input_per_ms
from stochhh.analysis.axes import Axis
from stochhh.analysis.coherence_information import coherence_information_rate
from stochhh.analysis.entropy import binned
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.information import information_rate
from stochhh.analysis.trains import cut_trains
from stochhh.errors import InputError
from stochhh.plot.information import InformationCurve, InformationPoint, information_figure
from stochhh.studies.inputs import along_axis, answer_to_input
from stochhh.studies.signals import finished_trains
from stochhh.studies.study import Findings, Numbers, Occasion, Row, Study, Survey, named

_SEGMENT_MS = 250.0  # of the coherence, at most
_TOO_LONG = 0.1  # share of the noise entropy of words that trials do not show


class Information(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    axis : that curves run along; its key is empty where nothing of the kind is swept.
    label : of the axis; empty without one.
    curves : with their points.
    bin_ms : length of a letter.
    """

    axis: Axis
    label: str
    curves: tuple[InformationCurve, ...]
    bin_ms: float


def compute(survey: Survey) -> Findings:
    """Entropy and information rates at every point, and the bound by coherence."""
    settings = survey.settings
    axis, label, made = along_axis(survey, _point)
    curves = [InformationCurve(dict(one.place), one.label, points) for one, points in made]
    if not any(point.found for curve in curves for point in curve.points):
        raise InputError("no trial has a spike; make the stimulus stronger")
    data = Information(axis, label, tuple(curves), float(settings.bin_ms))
    numbers: Numbers = {
        "axis": axis.key,
        "axis_unit": axis.unit,
        "start_ms": float(settings.start_ms),
        "end_ms": float(settings.end_ms),
        "bin_ms": data.bin_ms,
        "correction": settings.correction,
        "curves": [
            {
                "label": curve.label,
                "place": dict(curve.place),
                "points": [_point_numbers(point, data.bin_ms) for point in curve.points],
            }
            for curve in curves
        ],
    }
    return Findings(numbers, data)


def draw(findings: Findings, title: str) -> Figure:
    """Draw entropies by length of words, rates, and information a spike."""
    data: Information = findings.data
    return information_figure(data.curves, data.label, data.bin_ms, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    lines = []
    for c, curve in enumerate(numbers["curves"]):
        for p, point in enumerate(curve["points"]):
            heading = ", ".join(one for one in (curve["label"], _at(point, numbers)) if one)
            if heading:
                lines.append(Row(heading))
            place = f"curves.{c}.points.{p}."
            lines += [
                Row(f"information, {point['trials']} trials (bits/s)", f"{place}bits_per_s"),
                Row("… a spike (bits)", f"{place}bits_per_spike"),
            ]
            if point["bound_bits_per_s"] is not None:
                lines.append(Row("bound by coherence (bits/s)", f"{place}bound_bits_per_s"))
            lines += [
                Row("total entropy (bits/s)", f"{place}total_bits_per_s"),
                Row("noise entropy (bits/s)", f"{place}noise_bits_per_s"),
            ]
    last = len(numbers["curves"][0]["points"]) - 1
    if numbers["curves"][0]["points"][last]["limit_bits_per_s"] is not None:
        where = f"curves.0.points.{last}.limit_bits_per_s"
        lines += [Row("deterministic membrane"), Row("total entropy (bits/s)", where)]
    return lines


def says(numbers: Numbers) -> str:
    """Say the information rate and how it changes, and what of the entropy it is."""
    texts = []
    for curve in numbers["curves"]:
        points = [point for point in curve["points"] if point["bits_per_s"] is not None]
        if not points:
            continue
        first, last = points[0], points[-1]
        place = f" ({curve['label']})" if curve["label"] else ""
        text = f"Spikes in bins of {numbers['bin_ms']:g} ms tell {_told(first, numbers)}"
        if last is not first:
            text += f" and {_told(last, numbers)}"
            text += f": {100 * first['share']:.0f} and {100 * last['share']:.0f} % of their entropy"
        else:
            text += f", {100 * first['share']:.0f} % of their entropy"
        if last["limit_bits_per_s"] is not None:
            text += (
                f"; the deterministic membrane, whose spikes have no noise, tells "
                f"{last['limit_bits_per_s']:.3g} bits/s"
            )
        texts.append(f"{text}{place}.")
    return " ".join([*texts, *_too_long(numbers)])


def _too_long(numbers: Numbers) -> list[str]:
    """Say it where words are too long for the trials."""
    points = [point for curve in numbers["curves"] for point in curve["points"]]
    most = [(point["words"][-1]["unsampled"] or 0.0, point) for point in points if point["words"]]
    share, point = max(most, key=lambda one: one[0])
    if share <= _TOO_LONG:
        return []
    bins = point["words"][-1]["bins"]
    return [
        f"Words of {bins} bins are long for {point['trials']} trials, which show "
        f"{100 * (1 - share):.0f} % of their noise entropy; the rest is estimated."
    ]


def write(findings: Findings, path: Path) -> list[Path]:
    """Write the points, and the entropies of words, as two CSV files."""
    data: Information = findings.data
    keys = list(data.curves[0].place)
    spot = [data.axis.unit or data.axis.key] if data.axis.key else []
    rates = ["bits_per_s", "bits_per_s_low", "bits_per_s_high", "bits_per_spike"]
    rates += ["total_bits_per_s", "noise_bits_per_s", "bound_bits_per_s", "limit_bits_per_s"]
    names = [*keys, *spot, "n_channels", "trials", "rate_hz", *rates]
    lines: list[list[Any]] = []
    words: list[list[Any]] = []
    for curve in data.curves:
        for point in curve.points:
            start = [*curve.place.values(), *([point.x] if spot else [])]
            numbers = _point_numbers(point, data.bin_ms)
            low, high = numbers["bits_per_s_ci"] or (None, None)
            cells = [numbers["bits_per_s"], low, high, numbers["bits_per_spike"]]
            cells += [numbers[name] for name in rates[4:]]
            line = [*start, point.n_channels, point.trials, point.rate_hz, *cells]
            lines.append(["" if cell is None else cell for cell in line])
            words += [
                [*start, *("" if x is None else x for x in word.values())]
                for word in numbers["words"]
            ]
    columns = ["bins", "length_ms", "total_bits", "noise_bits", "unsampled"]
    return [
        write_csv(path.with_name(f"{path.name}.csv"), names, lines),
        write_csv(path.with_name(f"{path.name}_words.csv"), [*keys, *spot, *columns], words),
    ]


def _point(survey: Survey, index: int, x: float) -> InformationPoint:
    settings, setup, result = survey.settings, survey.setups[index], survey.result
    start, end = float(settings.start_ms), float(settings.end_ms)
    trains = cut_trains(finished_trains(result, index, start, end), start, end)
    how: Any = (float(settings.bin_ms), settings.words, settings.correction)
    letters = binned(trains, end - start, how[0])
    spikes = sum(len(train) for train in trains)
    found = information_rate(letters, *how) if spikes and len(letters) > 1 else None
    bound, limit = Estimate(None), None
    if settings.bound:
        segment = round(min((end - start) / 8.0, _SEGMENT_MS) / setup.interval_ms)
        highest = 1e3 * highest_of_input_per_ms([setup])
        occasion = Occasion(result, index, setup, settings)
        answer = answer_to_input(occasion, "spikes", segment * setup.interval_ms, highest)
        if answer.found is not None:
            bound = coherence_information_rate(answer.found, 0.0, highest)
    if result.has_deterministic:
        alone = cut_trains(result.spike_trains(index, deterministic=True), start, end)
        single = binned(alone, end - start, how[0])
        if single.any():  # repeats without noise, whose total entropy is that of one train
            same = np.tile(single, (len(letters), 1))
            plain: Any = "digamma" if how[2] == "shuffle" else how[2]
            limit = information_rate(same, how[0], how[1], plain, single).total_bits_per_s
    rate = spikes / (len(trains) * (end - start) / 1e3)
    return InformationPoint(x, setup.membrane.n_channels, len(trains), rate, found, bound, limit)


def _point_numbers(point: InformationPoint, bin_ms: float) -> Numbers:
    found, bits, share = point.found, point.bits_per_s.value, None
    if found is not None and bits is not None and found.total_bits_per_s > 0.0:
        share = bits / found.total_bits_per_s
    return {
        "x": point.x,
        "n_channels": point.n_channels,
        "trials": point.trials,
        "rate_hz": point.rate_hz,
        **named("bits_per_s", point.bits_per_s),
        **named("bits_per_spike", point.bits_per_spike),
        "total_bits_per_s": None if found is None else found.total_bits_per_s,
        "noise_bits_per_s": None if found is None else found.noise_bits_per_s,
        "share": share,
        **named("bound_bits_per_s", point.bound),
        "limit_bits_per_s": point.limit_bits_per_s,
        "words": []
        if found is None
        else [
            {
                "bins": word.word_bins,
                "length_ms": word.word_bins * bin_ms,
                "total_bits": word.total_bits,
                "noise_bits": word.noise_bits,
                "unsampled": word.unsampled,
            }
            for word in found.words
        ],
    }


def _told(point: Numbers, numbers: Numbers) -> str:
    at = _at(point, numbers)
    text = f"{point['bits_per_s']:.3g} bits/s, {point['bits_per_spike']:.2g} a spike"
    return f"{text}, with {at}" if at.endswith("channels") else f"{text}{at and f', at {at}'}"


def _at(point: Numbers, numbers: Numbers) -> str:
    if not numbers["axis"]:
        return ""
    value = f"{point['x']:,.12g}".replace(",", " ").replace("-", "−")
    return f"{value} {numbers['axis_unit']}".rstrip()


STUDY = Study("Information in spikes", compute, draw, rows, write, says)
