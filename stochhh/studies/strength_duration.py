"""The study `strength_duration`: the threshold of a pulse against its duration.

Rheobase and chronaxie by Lapicque's or Weiss's law (Lapicque 1907, translated 2007,
doi:10.1007/s00422-007-0189-6; Geddes 2004, doi:10.1109/TBME.2003.820340), and the
relative spread of the threshold (Rubinstein 1995, doi:10.1016/S0006-3495(95)80252-3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.applicable.sweeps import stimulus_at
from stochhh.analysis.axes import value_label
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.excitability import StrengthDuration, fit_strength_duration
from stochhh.analysis.files import write_csv
from stochhh.analysis.grids import Family, families
from stochhh.analysis.power_law import PowerLaw, fit_power_law
from stochhh.analysis.pulse_thresholds import PulseThreshold, law_of_durations, relative_error
from stochhh.errors import InputError
from stochhh.plot.strength_duration import ThresholdCurve, strength_duration_figure
from stochhh.studies.pulse_limit import firing_at, narrowed
from stochhh.studies.pulses import (
    amplitude_label,
    amplitudes,
    pulse_responses,
)
from stochhh.studies.signals import n_noisy_channels
from stochhh.studies.study import Findings, Numbers, Row, Study, Survey, named, rows_of_known

_NAMES = {"lapicque": "Lapicque's", "weiss": "Weiss's"}


@dataclass(frozen=True)
class Measured:
    """One membrane under pulses of several durations.

    Attributes
    ----------
    label, place, n_channels : what tells it from others.
    thresholds : by duration.
    law, limit : fitted to them, and to those of the deterministic membrane; None without.
    problem : why there is no law.
    spread : power law of the relative spread by duration, None without.
    """

    label: str
    place: dict[str, Any]
    n_channels: int
    thresholds: tuple[PulseThreshold, ...]
    law: StrengthDuration | None
    limit: StrengthDuration | None
    problem: str
    spread: PowerLaw | None


def compute(survey: Survey) -> Findings:
    """Thresholds at each duration, their law, and the same of the deterministic membrane."""
    settings, setups = survey.settings, survey.setups
    index = int(settings.axis.split(".")[1])
    duration = [float(stimulus_at(setup, index).duration_ms) for setup in setups]
    amplitude, unit = amplitudes(setups, index)
    keys = (settings.axis, f"stimulus.{index}.amplitude")
    grid = families([setup.place for setup in setups], duration, amplitude, keys)
    curves = [_measured(survey, family, index, unit) for family in grid]
    if not any(one.threshold.value for curve in curves for one in curve.thresholds):
        raise InputError(
            f"no duration has a threshold: {curves[0].thresholds[0].curve.problem}; "
            "sweep other amplitudes"
        )
    numbers = {
        "axis": settings.axis,
        "unit": unit,
        "law": settings.law,
        "within_ms": float(settings.within_ms),
        "curves": [_curve_numbers(curve) for curve in curves],
    }
    return Findings(numbers, (curves, amplitude_label(setups, index), unit))


def draw(findings: Findings, title: str) -> Figure:
    """Draw threshold, threshold charge and relative spread against duration."""
    curves, label, unit = findings.data
    shown = [ThresholdCurve(one.label, one.thresholds, one.law, one.limit) for one in curves]
    return strength_duration_figure(shown, label, unit, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    lines: list[Row] = []
    several, unit = len(numbers["curves"]) > 1, value_label(numbers["unit"])
    for index, curve in enumerate(numbers["curves"]):
        place = f"curves.{index}"
        given = f"{curve['trials']:,d} trials, {_NAMES[numbers['law']]} law"
        if several:
            lines.append(Row(f"{curve['label']}: {given}"))
        about = "" if several else f", {given}"
        lines.append(Row(f"rheobase ({unit}){about}", f"{place}.rheobase"))
        lines.append(Row("chronaxie (ms)", f"{place}.chronaxie_ms"))
        if "spread_exponent" in curve:
            lines.append(Row("exponent of relative spread by duration", f"{place}.spread_exponent"))
        for heading, name in (
            (f"threshold ({unit}) of pulses of", "threshold"),
            ("relative spread of pulses of", "relative_spread"),
        ):
            lines += rows_of_known(
                heading,
                curve["points"],
                name,
                lambda one: f"{one['duration_ms']:g} ms",
                f"{place}.points",
            )
    return lines


def says(numbers: Numbers) -> str:
    """Say rheobase, chronaxie and what becomes of the relative spread."""
    several, unit = len(numbers["curves"]) > 1, value_label(numbers["unit"])
    texts = []
    for curve in numbers["curves"]:
        begin = f"{curve['label']}: " if several else ""
        if curve["rheobase"] is None:
            texts.append(f"{begin}no law, for {curve['problem']}.")
            continue
        law = _NAMES[numbers["law"]]
        text = (
            f"{begin}by {law} law the rheobase is {curve['rheobase']:.3g} {unit} and "
            f"the chronaxie {curve['chronaxie_ms']:.3g} ms; thresholds are "
            f"{100 * curve['residual']:.2g} % off it."
        )
        texts.append(text if several else text[0].upper() + text[1:])
        spreads = [p["relative_spread"] for p in curve["points"] if p["relative_spread"]]
        if len(spreads) > 1:
            texts.append(
                f"The relative spread is {100 * min(spreads):.2g} to {100 * max(spreads):.2g} %"
                + _trend(curve)
            )
    return " ".join(texts)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write thresholds at each duration, and the counts behind them, as CSV."""
    curves, _, _ = findings.data
    keys = list(curves[0].place)
    names = (
        *keys, "channels", "duration_ms", "threshold", "threshold_low", "threshold_high",
        "relative_spread", "relative_spread_low", "relative_spread_high", "deterministic",
    )  # fmt: skip
    thresholds, counts = [], []
    for curve in curves:
        for one in curve.thresholds:
            about = [*curve.place.values(), curve.n_channels, one.at]
            cells = [*_cells(one.threshold), *_cells(one.relative_spread), one.deterministic]
            thresholds.append([*about, *("" if cell is None else cell for cell in cells)])
            of = one.curve
            counts += [
                [*about, *row] for row in zip(of.amplitude, of.trials, of.fired, strict=True)
            ]
    several = (*keys, "channels", "duration_ms", "amplitude", "trials", "fired")
    return [
        write_csv(path.with_name(f"{path.name}.csv"), names, thresholds),
        write_csv(path.with_name(f"{path.name}_counts.csv"), several, counts),
    ]


def _measured(survey: Survey, family: Family, index: int, unit: str) -> Measured:
    settings, setups = survey.settings, survey.setups
    within = float(settings.within_ms)
    n_channels = n_noisy_channels(setups[family.points[0][0]])
    key = f"stimulus.{index}.amplitude"
    thresholds = []
    for at, amplitude, points in zip(family.outer, family.inner, family.points, strict=True):
        starts = [float(stimulus_at(setups[k], index).start_ms) for k in points]
        windows = [(start, within) for start in starts]
        curve = pulse_responses(survey.result, points, amplitude, windows, family.place, n_channels)
        bracket, window = curve.bracket, (starts[0], starts[0] + within)
        fires_at = firing_at(setups[points[0]], key, unit, *window)
        if bracket is not None and fires_at is not None:
            bracket = narrowed(bracket, fires_at)
        thresholds.append(PulseThreshold(float(at), curve, bracket))
    law, problem = None, ""
    try:
        law = law_of_durations(thresholds, settings.law)
    except InputError as error:
        problem = str(error).partition(": ")[2]
    return Measured(
        thresholds[0].curve.label,
        family.place,
        n_channels,
        tuple(thresholds),
        law,
        _limit(thresholds, settings.law),
        problem,
        _spread(thresholds),
    )


def _limit(thresholds: Sequence[PulseThreshold], law: Any) -> StrengthDuration | None:
    """Law of the deterministic thresholds at the durations that random ones are known of."""
    both = [one for one in thresholds if one.deterministic and one.threshold.value]
    try:
        return fit_strength_duration(
            [one.at for one in both], [one.deterministic or 0.0 for one in both], None, law
        )
    except InputError:
        return None


def _spread(thresholds: Sequence[PulseThreshold]) -> PowerLaw | None:
    known = [(one.at, one.relative_spread.value, relative_error(one.relative_spread))
             for one in thresholds]  # fmt: skip
    usable = [(at, value, error) for at, value, error in known if value and error]
    if len(usable) < 3:
        return None
    return fit_power_law(*np.array(usable, dtype=np.float64).T)


def _curve_numbers(curve: Measured) -> Numbers:
    law, limit = curve.law, curve.limit
    numbers: Numbers = {
        "label": curve.label,
        "place": curve.place,
        "n_channels": curve.n_channels,
        "trials": int(sum(one.curve.trials.sum() for one in curve.thresholds)),
        **named(
            "rheobase",
            Estimate(None) if law is None else law.rheobase,
            None if limit is None else limit.rheobase.value,
        ),
        **named(
            "chronaxie_ms",
            Estimate(None) if law is None else law.chronaxie_ms,
            None if limit is None else limit.chronaxie_ms.value,
        ),
        "residual": None if law is None else law.residual,
        "points": [_point_numbers(one) for one in curve.thresholds],
    }
    if law is None:
        numbers["problem"] = curve.problem
    if curve.spread is not None:
        numbers |= named("spread_exponent", curve.spread.exponent)
    return numbers


def _point_numbers(one: PulseThreshold) -> Numbers:
    numbers: Numbers = {
        "duration_ms": one.at,
        "trials": int(one.curve.trials.sum()),
        **named("threshold", one.threshold, one.deterministic),
        **named("relative_spread", one.relative_spread),
    }
    if one.bracket is not None:
        numbers["deterministic_silent_at"] = one.bracket.silent_at
        numbers["deterministic_fires_at"] = one.bracket.fires_at
    if one.curve.fit is None:
        numbers["problem"] = one.curve.problem
    return numbers


def _trend(curve: Numbers) -> str:
    if "spread_exponent" not in curve:
        return "."
    low, high = curve["spread_exponent_ci"]
    exponent = f"{curve['spread_exponent']:.2f} ({low:.2f} to {high:.2f})"
    if low <= 0.0 <= high:
        return f", the same at all durations (exponent {exponent})."
    return f" and {'grows' if low > 0.0 else 'falls'} with duration to the power {exponent}."


def _cells(estimate: Estimate) -> list[float | None]:
    return [estimate.value, *(estimate.interval or (None, None))]


STUDY = Study("Strength and duration", compute, draw, rows, write, says)
