"""The study `refractoriness`: when, and how easily, a membrane fires a second time.

Probability of a second spike by the interval between two pulses; where amplitudes are
swept too, the threshold of the second pulse and its relative spread. Absolute and
relative refractory period by the law of Miller, Abbas & Robinson 2001
(doi:10.1007/s101620010083).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.applicable.refractoriness import second_start
from stochhh.analysis.axes import value_label
from stochhh.analysis.efficiency_curves import Bracket
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.grids import families
from stochhh.analysis.pulse_thresholds import PulseThreshold
from stochhh.analysis.refractory_recovery import Recovery, ratio_to
from stochhh.errors import InputError
from stochhh.plot.refractoriness import refractoriness_figure
from stochhh.studies.pulses import amplitude_label, amplitudes
from stochhh.studies.second_pulses import measured
from stochhh.studies.study import Findings, Numbers, Row, Study, Survey, named, rows_of_known

_MOST_ROWS = 4  # amplitudes whose half recovery is printed
_MISFIT = 1e-3  # p-value below which the law is said not to fit


def compute(survey: Survey) -> Findings:
    """Second spikes by interval and amplitude, thresholds by interval, and the law of recovery."""
    settings, setups = survey.settings, survey.setups
    index = int(settings.axis.split(".")[1])
    first = float(settings.first_ms)
    interval = [second_start(setup.scenario.stimulus[index]) - first for setup in setups]
    amplitude, unit = amplitudes(setups, index)
    keys = (settings.axis, f"stimulus.{index}.amplitude")
    grid = families([setup.place for setup in setups], np.round(interval, 9), amplitude, keys)
    curves = [measured(survey, family, index, unit) for family in grid]
    if not any(one.curve.trials.any() for curve in curves for one in curve.thresholds):
        raise InputError(f"no trial has a spike after the first pulse at {first:g} ms")
    numbers = {
        "axis": settings.axis,
        "unit": unit,
        "first_ms": first,
        "within_ms": float(settings.within_ms),
        "longest_ms": float(settings.longest_ms),
        "curves": [_curve_numbers(curve) for curve in curves],
    }
    return Findings(numbers, (curves, amplitude_label(setups, index), unit))


def draw(findings: Findings, title: str) -> Figure:
    """Draw the probability of a second spike, and threshold and spread by interval."""
    curves, label, unit = findings.data
    return refractoriness_figure(curves, label, unit, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    lines: list[Row] = []
    several, unit = len(numbers["curves"]) > 1, value_label(numbers["unit"])
    for index, curve in enumerate(numbers["curves"]):
        place = f"curves.{index}"
        if several:
            lines.append(Row(f"{curve['label']}, {curve['trials']:,d} trials"))
        if curve["absolute_ms"] is not None:
            lines.append(Row("absolute refractory period (ms)", f"{place}.absolute_ms"))
            lines.append(Row("time constant of recovery (ms)", f"{place}.relative_ms"))
        lines += _half_rows(curve, place, unit)
        for heading, name in (
            ("threshold over that of a single pulse after", "ratio"),
            ("relative spread after", "relative_spread"),
        ):
            lines += rows_of_known(
                heading,
                curve["intervals"],
                name,
                lambda one: f"{one['interval_ms']:g} ms",
                f"{place}.intervals",
            )
    return lines


def says(numbers: Numbers) -> str:
    """Say when half of the trials fire again, the refractory periods, and any supernormality."""
    several, unit = len(numbers["curves"]) > 1, value_label(numbers["unit"])
    texts = []
    for curve in numbers["curves"]:
        begin = f"{curve['label']}: " if several else ""
        known = [one for one in curve["amplitudes"] if one["half_ms"] is not None]
        if known:
            half = known[len(known) // 2]
            low, high = half["half_ms_ci"]
            late = "later" if high is None else f"{high:.3g}"
            texts.append(
                f"{begin}at {half['amplitude']:g} {unit} half of the trials fire again "
                f"{half['half_ms']:.3g} ms after the first pulse ({low:.3g} to {late} ms)"
                + _limit_says(half["half_ms_theory"])
            )
        if curve["absolute_ms"] is not None:
            texts.append(f"{begin}{_law_says(curve)}")
        texts += [f"{begin}{text}" for text in _thresholds_say(curve)]
    return " ".join(text[0].upper() + text[1:] for text in texts)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write counts by interval and amplitude as CSV, and the thresholds of intervals."""
    curves, _, _ = findings.data
    keys = list(curves[0].place)
    names = (*keys, "channels", "interval_ms", "amplitude", "trials", "fired_again", "share",
             "share_low", "share_high", "deterministic")  # fmt: skip
    counts: list[list[Any]] = []
    thresholds: list[list[Any]] = []
    for curve in curves:
        about = [*curve.place.values(), curve.n_channels]
        for amplitude in curve.amplitudes:
            points = curve.at_amplitude(amplitude)
            for k, share in enumerate(points.shares):
                alone = "" if points.deterministic is None else int(points.deterministic[k])
                counts.append([*about, points.interval_ms[k], amplitude, points.trials[k],
                               points.fired[k], *_cells(share), alone])  # fmt: skip
        for one in curve.thresholds:
            limit = "" if one.deterministic is None else one.deterministic
            row = [*_cells(one.threshold), *_cells(one.relative_spread), limit]
            thresholds.append([*about, one.at, *row])
    written = [write_csv(path.with_name(f"{path.name}.csv"), names, counts)]
    if any(len(curve.amplitudes) > 1 for curve in curves):
        names = (*keys, "channels", "interval_ms", "threshold", "threshold_low", "threshold_high",
                 "relative_spread", "relative_spread_low", "relative_spread_high",
                 "deterministic")  # fmt: skip
        table = path.with_name(f"{path.name}_thresholds.csv")
        written.append(write_csv(table, names, thresholds))
    return written


def _curve_numbers(curve: Recovery) -> Numbers:
    law, single = curve.law, curve.single
    settled = [Estimate(None)] * 2 if law is None else [law.absolute_ms, law.relative_ms]
    numbers: Numbers = {
        "label": curve.label,
        "place": dict(curve.place),
        "n_channels": curve.n_channels,
        "trials": int(sum(one.curve.trials.sum() for one in curve.thresholds)),
        **named("absolute_ms", settled[0]),
        **named("relative_ms", settled[1]),
        "law_p": curve.law_p,
        "single_threshold": single.threshold,
        "single_relative_spread": single.relative_spread,
        "single_deterministic": curve.single_limit,
    }
    if law is None:
        numbers["problem"] = curve.problem
    numbers["intervals"] = [_interval_numbers(curve, one) for one in curve.thresholds]
    numbers["amplitudes"], numbers["points"] = [], []
    for amplitude in curve.amplitudes:
        points = curve.at_amplitude(amplitude)
        bracket = points.bracket if curve.limit is None else curve.limit
        entry: Numbers = {"amplitude": float(amplitude)}
        entry |= named("half_ms", points.half_ms, _middle(curve.limit))
        if bracket is not None:
            entry["deterministic_silent_at_ms"] = bracket.silent_at
            entry["deterministic_fires_at_ms"] = bracket.fires_at
        numbers["amplitudes"].append(entry)
        for k, share in enumerate(points.shares):
            alone = None if points.deterministic is None else float(points.deterministic[k])
            numbers["points"].append({
                "interval_ms": float(points.interval_ms[k]),
                "amplitude": float(amplitude),
                "trials": int(points.trials[k]),
                "fired_again": int(points.fired[k]),
                **named("share", share, alone),
            })  # fmt: skip
    return numbers


def _interval_numbers(curve: Recovery, one: PulseThreshold) -> Numbers:
    numbers: Numbers = {
        "interval_ms": one.at,
        "trials": int(one.curve.trials.sum()),
        **named("threshold", one.threshold, one.deterministic),
        **named("relative_spread", one.relative_spread),
    }
    single, limit = curve.single.threshold, curve.single_limit
    ratio = Estimate(None) if single is None else ratio_to(one.threshold, single)
    theory = one.deterministic / limit if one.deterministic and limit else None
    numbers |= named("ratio", ratio, theory)
    return numbers


def _middle(bracket: Bracket | None) -> float | None:
    if bracket is None or bracket.silent_at is None or bracket.fires_at is None:
        return None
    return 0.5 * (bracket.silent_at + bracket.fires_at)


def _half_rows(curve: Numbers, place: str, unit: str) -> list[Row]:
    """When half of the trials fire again, at a few of the amplitudes at which they do."""
    known = [k for k, one in enumerate(curve["amplitudes"]) if one["half_ms"] is not None]
    if not known:
        return []
    if len(curve["amplitudes"]) == 1:
        at = f"{curve['amplitudes'][0]['amplitude']:g} {unit}"
        return [Row(f"half fire again at {at} after (ms)", f"{place}.amplitudes.0.half_ms")]
    places = np.unique(np.linspace(0, len(known) - 1, min(len(known), _MOST_ROWS)).round())
    chosen = [known[int(k)] for k in places]
    return [Row("half fire again after (ms) at")] + [
        Row(f"  {curve['amplitudes'][k]['amplitude']:g} {unit}", f"{place}.amplitudes.{k}.half_ms")
        for k in chosen
    ]


def _limit_says(half_ms: float | None) -> str:
    return "." if half_ms is None else f", the deterministic membrane after {half_ms:.4g} ms."


def _law_says(curve: Numbers) -> str:
    period, constant = f"{curve['absolute_ms']:.3g} ms", f"{curve['relative_ms']:.2g} ms"
    if curve["law_p"] < _MISFIT:
        return (
            f"a threshold that comes back as an exponential does not fit (p {_p(curve['law_p'])}); "
            f"the nearest has an absolute refractory period of {period}."
        )
    return (
        f"nothing fires for {period}, then the threshold comes back with a time constant of "
        f"{constant}."
    )


def _p(value: float) -> str:
    return "< 1e-6" if value < 1e-6 else f"{value:.1g}"


def _thresholds_say(curve: Numbers) -> list[str]:
    """What is remarkable about thresholds and spreads by interval."""
    known = [one for one in curve["intervals"] if one["ratio"] is not None]
    texts = []
    if len(known) > 1:
        highest = known[0]
        texts.append(
            f"the threshold is {highest['ratio']:.3g} times that of a single pulse after "
            f"{highest['interval_ms']:g} ms."
        )
        low = min(known, key=lambda one: one["ratio"])
        if (
            low["ratio_ci"] is not None
            and low["ratio_ci"][1] is not None
            and low["ratio_ci"][1] < 1
        ):
            texts.append(
                f"after {low['interval_ms']:g} ms the membrane is supernormal, its threshold "
                f"{low['ratio']:.2f} times that of a single pulse."
            )
    return texts


def _cells(estimate: Estimate) -> list[Any]:
    cells = [estimate.value, *(estimate.interval or (None, None))]
    return ["" if cell is None else cell for cell in cells]


STUDY = Study("Refractoriness", compute, draw, rows, write, says)
